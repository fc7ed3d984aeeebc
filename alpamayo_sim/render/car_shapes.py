"""The outlines of cars, vans and pickups at their usual size; instances stretch them to their blueprint's box.

Mesh frame: x forward, y right, z up, origin on the ground under the middle of the box.
"""

from __future__ import annotations

from dataclasses import dataclass

MIRRORS_SHARE = 0.955
"""Width of the body in its box, which the mirrors fill."""


@dataclass(frozen=True)
class Station:
    """A cross section: x in metres; heights of sill, shoulder and top; half widths at the shoulder and the top."""

    x: float
    sill: float
    shoulder: float
    top: float
    half_width: float
    half_top: float


@dataclass(frozen=True)
class Door:
    """A part that opens: its number as in `carla.VehicleDoor`, the sections that it spans and its strips of the cross section."""

    number: int
    first: int
    last: int


@dataclass(frozen=True)
class CarShape:
    """A body: stations from the nose to the tail, what lies between each two, and where wheels and lamps are."""

    half_size: tuple[float, float, float]
    stations: tuple[Station, ...]
    between: tuple[str, ...]
    """"paint", "windscreen" (glass on top and sides), "windows" (glass on the sides), "pillar" or "bed" (open top)."""
    wheel_x: tuple[float, ...]
    wheel_radius: float
    headlight_z: float
    taillight_z: float
    taillight_half: tuple[float, float] = (0.2, 0.06)
    doors: tuple[Door, ...] = ()
    livery: str = ""
    """"police", "ambulance" or "taxi"."""


Profile = list[tuple[float, float, float, float, float, str]]


def _shape(
    half: tuple[float, float, float],
    profile: Profile,
    wheel_x: tuple[float, ...],
    wheel_radius: float,
    lamps: tuple[float, float],
    taillight_half: tuple[float, float] = (0.2, 0.06),
    doors: tuple[Door, ...] = (),
    livery: str = "",
) -> CarShape:
    """Return a shape of rows (shares of half length, shoulder, top, width and top width; section after)."""
    height, half_y = 2.0 * half[2], half[1] * MIRRORS_SHARE
    stations = tuple(
        Station(half[0] * x, height * (0.13 if abs(x) < 0.93 else 0.2), height * s, height * t, half_y * w, half_y * u)
        for x, s, t, w, u, _ in profile
    )
    between = tuple(row[5] for row in profile[:-1])
    wheels = tuple(half[0] * x for x in wheel_x)
    return CarShape(
        half, stations, between, wheels, wheel_radius, height * lamps[0], height * lamps[1], taillight_half, doors, livery
    )  # fmt: skip


def _four(
    front: tuple[int, int], rear: tuple[int, int], bonnet: tuple[int, int], boot: tuple[int, int]
) -> tuple[Door, ...]:
    return (Door(0, *front), Door(1, *front), Door(2, *rear), Door(3, *rear), Door(4, *bonnet), Door(5, *boot))


_SEDAN_PROFILE: Profile = [
    (1.00, 0.40, 0.44, 0.80, 0.70, "paint"),
    (0.93, 0.47, 0.52, 0.93, 0.80, "paint"),
    (0.70, 0.52, 0.60, 0.98, 0.84, "paint"),
    (0.40, 0.575, 0.655, 1.00, 0.84, "windscreen"),
    (0.05, 0.60, 0.96, 1.00, 0.70, "windows"),
    (-0.16, 0.605, 1.00, 1.00, 0.70, "pillar"),
    (-0.19, 0.605, 1.00, 1.00, 0.70, "windows"),
    (-0.44, 0.615, 0.96, 1.00, 0.68, "windscreen"),
    (-0.74, 0.62, 0.70, 0.98, 0.80, "paint"),
    (-0.96, 0.60, 0.69, 0.92, 0.80, "paint"),
    (-1.00, 0.50, 0.55, 0.86, 0.74, "paint"),
]
_SEDAN_DOORS = _four((3, 4), (6, 7), (1, 2), (8, 8))
SEDAN = _shape((2.42, 0.95, 0.74), _SEDAN_PROFILE, (0.60, -0.58), 0.335, (0.435, 0.56), doors=_SEDAN_DOORS)
POLICE = _shape(
    (2.55, 0.98, 0.79), _SEDAN_PROFILE, (0.60, -0.58), 0.345, (0.435, 0.56), doors=_SEDAN_DOORS, livery="police"
)
COUPE = _shape(
    (2.36, 0.95, 0.66),
    [
        (1.00, 0.42, 0.47, 0.78, 0.68, "paint"),
        (0.92, 0.52, 0.57, 0.93, 0.80, "paint"),
        (0.66, 0.58, 0.65, 1.00, 0.86, "paint"),
        (0.28, 0.63, 0.71, 1.00, 0.84, "windscreen"),
        (-0.04, 0.64, 0.97, 1.00, 0.68, "windows"),
        (-0.24, 0.64, 1.00, 1.00, 0.68, "pillar"),
        (-0.28, 0.65, 1.00, 1.00, 0.67, "windscreen"),
        (-0.78, 0.68, 0.75, 0.99, 0.76, "paint"),
        (-0.97, 0.64, 0.72, 0.92, 0.78, "paint"),
        (-1.00, 0.52, 0.58, 0.86, 0.72, "paint"),
    ],
    (0.60, -0.58),
    0.345,
    (0.49, 0.62),
    doors=(Door(0, 3, 5), Door(1, 3, 5), Door(4, 1, 2), Door(5, 7, 7)),
)
HATCHBACK = _shape(
    (2.0, 0.92, 0.76),
    [
        (1.00, 0.40, 0.45, 0.80, 0.72, "paint"),
        (0.92, 0.49, 0.55, 0.94, 0.82, "paint"),
        (0.68, 0.54, 0.62, 0.98, 0.85, "paint"),
        (0.44, 0.58, 0.66, 1.00, 0.85, "windscreen"),
        (0.06, 0.60, 0.97, 1.00, 0.74, "windows"),
        (-0.20, 0.60, 1.00, 1.00, 0.74, "pillar"),
        (-0.24, 0.60, 1.00, 1.00, 0.74, "windows"),
        (-0.70, 0.62, 0.97, 1.00, 0.72, "windscreen"),
        (-0.94, 0.63, 0.66, 0.95, 0.84, "paint"),
        (-1.00, 0.48, 0.52, 0.90, 0.80, "paint"),
    ],
    (0.62, -0.62),
    0.315,
    (0.45, 0.57),
    (0.13, 0.1),
    doors=_four((3, 4), (6, 6), (1, 2), (7, 7)),
)
MICROCAR = _shape(
    (1.15, 0.74, 0.70),
    [
        (1.00, 0.44, 0.56, 0.74, 0.66, "windscreen"),
        (0.70, 0.56, 0.90, 0.94, 0.74, "windows"),
        (0.24, 0.57, 1.00, 1.00, 0.76, "pillar"),
        (0.14, 0.57, 1.00, 1.00, 0.76, "windows"),
        (-0.42, 0.58, 0.96, 1.00, 0.74, "windscreen"),
        (-0.90, 0.58, 0.66, 0.90, 0.74, "paint"),
        (-1.00, 0.44, 0.50, 0.80, 0.68, "paint"),
    ],
    (0.56, -0.60),
    0.25,
    (0.46, 0.50),
    (0.07, 0.07),
    doors=(Door(0, 1, 1), Door(1, 1, 1)),
)
SUV = _shape(
    (2.4, 0.98, 0.9),
    [
        (1.00, 0.44, 0.49, 0.84, 0.76, "paint"),
        (0.94, 0.52, 0.58, 0.95, 0.84, "paint"),
        (0.72, 0.56, 0.635, 0.99, 0.86, "paint"),
        (0.46, 0.59, 0.66, 1.00, 0.86, "windscreen"),
        (0.18, 0.60, 0.95, 1.00, 0.78, "windows"),
        (-0.10, 0.60, 0.985, 1.00, 0.78, "pillar"),
        (-0.14, 0.60, 0.985, 1.00, 0.78, "windows"),
        (-0.52, 0.61, 1.00, 1.00, 0.77, "pillar"),
        (-0.57, 0.61, 1.00, 1.00, 0.77, "windows"),
        (-0.84, 0.62, 0.97, 1.00, 0.76, "windscreen"),
        (-0.97, 0.63, 0.66, 0.96, 0.86, "paint"),
        (-1.00, 0.46, 0.50, 0.92, 0.84, "paint"),
    ],
    (0.62, -0.60),
    0.385,
    (0.49, 0.56),
    (0.12, 0.13),
    doors=_four((3, 4), (6, 6), (1, 2), (9, 9)),
)
JEEP = _shape(
    (1.95, 0.95, 0.94),
    [
        (1.00, 0.52, 0.54, 0.80, 0.76, "paint"),
        (0.96, 0.55, 0.57, 0.84, 0.80, "paint"),
        (0.40, 0.57, 0.60, 0.92, 0.86, "windscreen"),
        (0.30, 0.58, 0.96, 0.94, 0.88, "windows"),
        (-0.10, 0.58, 1.00, 0.94, 0.88, "pillar"),
        (-0.15, 0.58, 1.00, 0.94, 0.88, "windows"),
        (-0.80, 0.58, 1.00, 0.94, 0.88, "pillar"),
        (-0.84, 0.58, 0.98, 0.94, 0.88, "windscreen"),
        (-0.93, 0.56, 0.60, 0.93, 0.88, "paint"),
        (-0.96, 0.50, 0.54, 0.90, 0.86, "paint"),
    ],
    (0.64, -0.58),
    0.41,
    (0.50, 0.48),
    (0.08, 0.09),
    doors=(Door(0, 2, 3), Door(1, 2, 3)),
)
VAN = _shape(
    (2.9, 1.0, 1.25),
    [
        (1.00, 0.30, 0.34, 0.86, 0.78, "paint"),
        (0.94, 0.37, 0.41, 0.96, 0.86, "paint"),
        (0.80, 0.42, 0.48, 1.00, 0.88, "windscreen"),
        (0.52, 0.47, 0.90, 1.00, 0.86, "windows"),
        (0.25, 0.47, 0.98, 1.00, 0.86, "paint"),
        (-0.90, 0.48, 1.00, 1.00, 0.87, "paint"),
        (-0.985, 0.48, 0.98, 0.99, 0.86, "paint"),
        (-1.00, 0.30, 0.34, 0.97, 0.85, "paint"),
    ],
    (0.64, -0.58),
    0.36,
    (0.31, 0.36),
    (0.07, 0.2),
    doors=(Door(0, 2, 3), Door(1, 2, 3)),
)
AMBULANCE = _shape(
    (3.1, 1.12, 1.25),
    [
        (1.00, 0.33, 0.37, 0.84, 0.76, "paint"),
        (0.95, 0.41, 0.44, 0.92, 0.82, "paint"),
        (0.66, 0.44, 0.48, 0.94, 0.84, "windscreen"),
        (0.44, 0.46, 0.80, 0.95, 0.80, "windows"),
        (0.20, 0.46, 0.82, 0.96, 0.82, "pillar"),
        (0.19, 0.52, 1.00, 1.02, 0.98, "paint"),
        (-0.97, 0.52, 1.00, 1.02, 0.98, "paint"),
        (-1.00, 0.48, 0.98, 1.00, 0.96, "paint"),
    ],
    (0.66, -0.56),
    0.38,
    (0.35, 0.30),
    (0.07, 0.14),
    doors=(Door(0, 2, 3), Door(1, 2, 3)),
    livery="ambulance",
)
MINIBUS = _shape(
    (2.23, 0.96, 1.0),
    [
        (1.00, 0.36, 0.44, 0.88, 0.80, "paint"),
        (0.965, 0.50, 0.55, 0.97, 0.88, "windscreen"),
        (0.80, 0.52, 0.92, 1.00, 0.82, "windows"),
        (0.42, 0.52, 0.99, 1.00, 0.82, "pillar"),
        (0.37, 0.52, 0.99, 1.00, 0.82, "windows"),
        (-0.18, 0.52, 1.00, 1.00, 0.82, "pillar"),
        (-0.23, 0.52, 1.00, 1.00, 0.82, "windows"),
        (-0.84, 0.52, 0.98, 1.00, 0.82, "windscreen"),
        (-0.97, 0.52, 0.56, 0.98, 0.86, "paint"),
        (-1.00, 0.36, 0.40, 0.92, 0.82, "paint"),
    ],
    (0.62, -0.60),
    0.34,
    (0.40, 0.44),
    (0.07, 0.12),
    doors=(Door(0, 2, 2), Door(1, 2, 2)),
)
PICKUP = _shape(
    (3.0, 1.05, 1.0),
    [
        (1.00, 0.44, 0.48, 0.86, 0.80, "paint"),
        (0.95, 0.51, 0.56, 0.97, 0.88, "paint"),
        (0.62, 0.55, 0.60, 1.00, 0.88, "paint"),
        (0.48, 0.56, 0.62, 1.00, 0.86, "windscreen"),
        (0.24, 0.58, 0.96, 1.00, 0.76, "windows"),
        (-0.04, 0.58, 1.00, 1.00, 0.76, "pillar"),
        (-0.07, 0.58, 1.00, 1.00, 0.76, "windows"),
        (-0.22, 0.58, 0.97, 1.00, 0.76, "windscreen"),
        (-0.28, 0.58, 0.60, 1.00, 0.90, "bed"),
        (-0.98, 0.58, 0.60, 1.00, 0.90, "paint"),
        (-1.00, 0.42, 0.44, 0.96, 0.90, "paint"),
    ],
    (0.64, -0.60),
    0.40,
    (0.49, 0.50),
    (0.09, 0.15),
    doors=(Door(0, 3, 4), Door(1, 3, 4), Door(2, 6, 6), Door(3, 6, 6)),
)
