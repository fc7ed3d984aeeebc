"""Cars, vans and pickups as lofted bodies at their usual size; instances stretch them to their blueprint's box.

Mesh frame: x forward, y right, z up, origin on the ground under the middle of the box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.mesh import BLACK, GLASS, RUBBER, STEEL, Color, Joint, Material, Mesh, MeshBuilder
from alpamayo_sim.render.sign_atlas import Cell

Floats = NDArray[np.floating]
WHITE: Color = (0.9, 0.9, 0.9)
TRIM: Color = (0.16, 0.16, 0.17)
SEAM: Color = (0.05, 0.05, 0.055)
CLOTH: Color = (0.17, 0.17, 0.18)
MIRRORS_SHARE = 0.955
"""Width of the body in its box, which the mirrors fill."""
OPEN_DEG = {0: 62.0, 1: -62.0, 2: 62.0, 3: -62.0}
LID_DEG = {4: -48.0, 5: 58.0}
"""How far doors turn about z and lids about y when they are open."""


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


def _ring(s: Station) -> Floats:
    """Return the right half of a cross section, from the sill's inside up to the top's middle, [8, 3]."""
    cabin = s.top - s.shoulder > 0.25
    edge = 0.055 if cabin else 0.02
    return np.array(
        [
            [s.x, 0.0, s.sill],
            [s.x, s.half_width * 0.90, s.sill],
            [s.x, s.half_width * 0.99, s.sill + 0.10],
            [s.x, s.half_width, 0.55 * s.shoulder + 0.45 * s.sill],
            [s.x, s.half_width * 0.965, s.shoulder],
            [s.x, s.half_top, s.top - edge],
            [s.x, s.half_top * 0.86, s.top],
            [s.x, 0.0, s.top + 0.012],
        ]
    )


def _finish(section: str, strip: int) -> tuple[Material, Color]:
    if strip <= 1:
        return Material.MATT, TRIM
    if (section == "windscreen" and strip in (4, 6)) or (section == "windows" and strip == 4):
        return Material.GLASS, GLASS
    if section == "pillar" and strip == 4:
        return Material.MATT, SEAM
    if section == "bed" and strip >= 5:
        return Material.MATT, BLACK
    return Material.PAINT, WHITE


def _joint(shape: CarShape, section: int, strip: int, side: float) -> int:
    """Return the joint of one face of the loft: the door that it belongs to, or none."""
    for door in shape.doors:
        if not door.first <= section <= door.last:
            continue
        if door.number < 4:
            on_side = (door.number % 2 == 1) == (side > 0)
            if on_side and (strip in (2, 3) or (strip == 4 and shape.between[section] == "windows")):
                return Joint.DOOR + door.number
        elif strip in (5, 6):
            return Joint.DOOR + door.number
    return Joint.NONE


def _faces(shape: CarShape) -> list[tuple[Floats, Material, Color, int, Floats]]:
    """Return the loft's faces: corners [4, 3], material, colour, joint and a point inside."""
    rings = [_ring(s) for s in shape.stations]
    faces: list[tuple[Floats, Material, Color, int, Floats]] = []
    for number, section in enumerate(shape.between):
        front, back = rings[number], rings[number + 1]
        inner = np.array([0.5 * (front[0, 0] + back[0, 0]), 0.0, 0.35 * (front[7, 2] + back[7, 2])])
        for strip in range(7):
            material, color = _finish(section, strip)
            quad = np.stack([front[strip], front[strip + 1], back[strip + 1], back[strip]])
            for side, points in ((1.0, quad), (-1.0, quad * np.array([1.0, -1.0, 1.0]))):
                joint = _joint(shape, number, strip, side)
                if shape.livery == "police" and material is Material.PAINT and joint in range(9, 13):
                    material_here = Material.LACQUER
                else:
                    material_here = material
                faces.append((points, material_here, color, joint, inner))
    return faces


def car_mesh(shape: CarShape, *, beacon: bool = False) -> Mesh:
    """Return the body of a car without wheels; `beacon` adds an emergency light bar."""
    builder = MeshBuilder()
    builder.new_part()
    for points, material, color, joint, inner in _faces(shape):
        builder.joint(joint).polygon(points, material, color, away_from=inner)
    builder.joint(Joint.NONE)
    rings = [_ring(s) for s in shape.stations]
    for ring, inward in ((rings[0], -1.0), (rings[-1], 1.0)):
        outline = np.concatenate([ring[1:], (ring[1:-1] * np.array([1.0, -1.0, 1.0]))[::-1]])
        builder.polygon(outline, Material.PAINT, WHITE, away_from=ring.mean(axis=0) + np.array([inward, 0.0, 0.0]))
    _lamps(builder, shape)
    _details(builder, shape)
    _seams(builder, shape)
    if beacon:
        _light_bar(builder, shape)
    return builder.build()


def _light_bar(builder: MeshBuilder, shape: CarShape) -> None:
    if shape.livery == "ambulance":
        front = next(s for s in shape.stations if s.top > 0.95 * 2.0 * shape.half_size[2])
        for side, color in ((1.0, (0.06, 0.15, 0.95)), (-1.0, (0.95, 0.06, 0.06))):
            for x in (front.x + 0.03, shape.stations[-1].x - 0.01):
                builder.box((x, side * 0.72, front.top - 0.16), (0.05, 0.24, 0.10), Material.BEACON, color)
            for x in (front.x - 0.3, shape.stations[-1].x + 0.3):
                builder.box((x, side * front.half_top, front.top - 0.16), (0.16, 0.03, 0.08), Material.BEACON, color)
        return
    top = max(s.top for s in shape.stations)
    x = shape.half_size[0] * -0.12
    builder.box((x, 0.0, top + 0.04), (0.14, 0.58, 0.05), Material.MATT, BLACK)
    builder.box((x, 0.31, top + 0.065), (0.15, 0.27, 0.065), Material.BEACON, (0.06, 0.15, 0.95))
    builder.box((x, -0.31, top + 0.065), (0.15, 0.27, 0.065), Material.BEACON, (0.95, 0.06, 0.06))


def _lamps(builder: MeshBuilder, shape: CarShape) -> None:
    nose, tail = shape.stations[0], shape.stations[-1]
    wide_nose, wide_tail = shape.stations[1], shape.stations[-2]
    for side in (-1.0, 1.0):
        blinker = Material.BLINKER_RIGHT if side > 0 else Material.BLINKER_LEFT
        y = nose.half_width * 0.80 * side
        builder.box(
            (wide_nose.x + 0.4 * (nose.x - wide_nose.x), y, shape.headlight_z),
            (0.085, 0.165, 0.055),
            Material.HEADLIGHT,
            (0.82, 0.84, 0.86),
        )
        builder.box(
            (wide_nose.x - 0.02, wide_nose.half_width * 0.95 * side, shape.headlight_z),
            (0.09, 0.05, 0.05),
            blinker,
            (0.75, 0.4, 0.1),
        )
        half_y, half_z = shape.taillight_half
        y = (wide_tail.half_width * 0.985 - half_y) * side
        x = 0.5 * (tail.x + wide_tail.x)
        depth = 0.5 * (wide_tail.x - tail.x) + 0.015
        builder.box((x, y, shape.taillight_z), (depth, half_y, half_z), Material.TAILLIGHT, (0.55, 0.03, 0.03))
        below = shape.taillight_z - half_z - 0.045
        builder.box((x - 0.004, y, below), (depth, half_y * 0.7, 0.042), blinker, (0.7, 0.35, 0.08))
        builder.box(
            (x - 0.004, y - side * (half_y + 0.05), shape.taillight_z - half_z + 0.03),
            (depth, 0.045, 0.03),
            Material.REVERSE_LIGHT,
            (0.85, 0.85, 0.85),
        )
    for x, z, direction in ((tail.x - 0.016, shape.taillight_z - 0.17, -1.0), (nose.x + 0.012, nose.sill + 0.12, 1.0)):
        corners = [(x, -0.26, z + 0.055), (x, 0.26, z + 0.055), (x, 0.26, z - 0.055), (x, -0.26, z - 0.055)]
        places = [(1, 0), (0, 0), (0, 1), (1, 1)] if direction > 0 else [(0, 0), (1, 0), (1, 1), (0, 1)]
        builder.poster(corners, places, Cell.PLATE, away_from=(0.0, 0.0, z))
    builder.box(
        (nose.x - 0.008, 0.0, shape.headlight_z - 0.03), (0.015, nose.half_width * 0.5, 0.06), Material.MATT, BLACK
    )
    for end, sign in ((nose, -1.0), (tail, 1.0)):
        builder.box(
            (end.x + sign * 0.02, 0.0, end.sill + 0.02), (0.03, end.half_width * 0.96, 0.06), Material.MATT, TRIM
        )
    rear_glass = next((k for k in range(len(shape.between) - 1, 0, -1) if shape.between[k] == "windscreen"), None)
    if rear_glass is not None and rear_glass > len(shape.between) // 2:
        brow = shape.stations[rear_glass]
        builder.box((brow.x - 0.03, 0.0, brow.top - 0.01), (0.03, 0.2, 0.02), Material.BRAKE_LIGHT, (0.5, 0.03, 0.03))


def _details(builder: MeshBuilder, shape: CarShape) -> None:
    cowl = next(k for k, section in enumerate(shape.between) if section == "windscreen")
    at = shape.stations[cowl]
    for side in (-1.0, 1.0):
        reach = shape.half_size[1] - at.half_width
        builder.box(
            (at.x - 0.28, (at.half_width + 0.5 * reach) * side, at.shoulder + 0.1),
            (0.05, 0.03 + 0.5 * reach, 0.065),
            Material.PAINT,
            WHITE,
        )
        for x in shape.wheel_x:
            builder.disc(
                (x, side * (_wall(shape, x) + 0.004), shape.wheel_radius * 1.13),
                (0.0, side, 0.0),
                shape.wheel_radius * 1.16,
                Material.MATT,
                BLACK,
                sides=14,
            )
        if shape.livery == "ambulance":
            box = shape.stations[-2]
            y = side * (box.half_width + 0.012)
            builder.box(
                (0.4 * box.x, y, 0.62 * box.shoulder + 0.35),
                (0.55 * abs(box.x), 0.008, 0.13),
                Material.SIGN_FACE,
                (0.85, 0.12, 0.1),
            )
            _side_poster(builder, Cell.AMBULANCE, 0.35 * box.x, y * 0.985, 1.75, 1.0, 0.20)
            _side_poster(builder, Cell.STAR_OF_LIFE, 0.80 * box.x, y * 0.985, 1.75, 0.26, 0.26)
        elif shape.livery == "police":
            _side_poster(builder, Cell.POLICE, 0.12, side * (_wall(shape, 0.1) + 0.02), 0.62, 0.46, 0.12)


def _side_poster(builder: MeshBuilder, cell: Cell, x: float, y: float, z: float, half_x: float, half_z: float) -> None:
    """Put a poster on a side wall, to be read from outside."""
    left, right = (x - half_x, x + half_x) if y > 0 else (x + half_x, x - half_x)
    corners = [(left, y, z + half_z), (right, y, z + half_z), (right, y, z - half_z), (left, y, z - half_z)]
    builder.poster(corners, [(0, 0), (1, 0), (1, 1), (0, 1)], cell, away_from=(x, 0.0, z))


def _wall(shape: CarShape, x: float) -> float:
    stations = shape.stations[::-1]
    return float(np.interp(x, [s.x for s in stations], [s.half_width for s in stations]))


def _seams(builder: MeshBuilder, shape: CarShape) -> None:
    """Draw the gaps round the doors and the handles."""
    for door in shape.doors:
        if door.number > 3:
            continue
        side = 1.0 if door.number % 2 else -1.0
        builder.joint(Joint.DOOR + door.number)
        for index in (door.first, door.last + 1):
            ring = _ring(shape.stations[index])[2:5]
            line = np.concatenate([ring + np.array([0.009, 0.006, 0.0]), (ring + np.array([-0.009, 0.006, 0.0]))[::-1]])
            line *= np.array([1.0, side, 1.0])
            for k in range(2):
                builder.new_part().polygon(
                    line[[k, k + 1, 4 - k, 5 - k]], Material.MATT, SEAM, away_from=(line[0, 0], 0, 0.5)
                )
        back = shape.stations[door.last + 1]
        builder.box(
            (back.x + 0.14, side * (back.half_width * 0.985), back.shoulder - 0.09),
            (0.09, 0.02, 0.018),
            Material.CHROME,
            (0.3, 0.3, 0.31),
        )
    builder.joint(Joint.NONE)


def door_mesh(shape: CarShape, number: int) -> tuple[Mesh, tuple[float, float, float]]:
    """Return a door on its own, its hinge at the origin, and the place of the hinge in the car."""
    parts = [face for face in _faces(shape) if face[3] == Joint.DOOR + number]
    points = np.concatenate([p for p, *_ in parts])
    if number < 4:
        front = points[points[:, 0] > points[:, 0].max() - 1e-6]
        hinge = (float(points[:, 0].max()), float(front[:, 1].mean()), 0.0)
    else:
        # The bonnet hangs on its rear edge, the boot's lid on its front edge.
        x = points[:, 0].min() if number == 4 else points[:, 0].max()
        edge = points[np.abs(points[:, 0] - x) < 1e-6]
        hinge = (float(x), 0.0, float(edge[:, 2].max()))
    builder = MeshBuilder()
    builder.new_part()
    inward = np.array([0.0, -0.05 * np.sign(points[:, 1].mean()), 0.0]) if number < 4 else np.array([0.0, 0.0, -0.03])
    for quad, material, color, _, inner in parts:
        builder.polygon(quad - hinge, material, color, away_from=inner - hinge)
        lining = (Material.GLASS, GLASS) if material is Material.GLASS else (Material.MATT, CLOTH)
        middle = quad.mean(axis=0)
        builder.polygon(quad - hinge + inward, *lining, away_from=2.0 * middle - inner - hinge)
    return builder.build(), hinge


def interior_mesh(shape: CarShape) -> Mesh:
    """Return what an open door shows: floor, walls, seats and dashboard, engine bay and boot."""
    builder = MeshBuilder()
    cabin = [k for k, section in enumerate(shape.between) if section in ("windows", "windscreen", "pillar")]
    front, back = shape.stations[cabin[0]], shape.stations[cabin[-1] + 1]
    middle_x, half_x = 0.5 * (front.x + back.x), 0.5 * (front.x - back.x)
    wall = 0.80 * shape.half_size[1]
    builder.box((middle_x, 0, front.sill + 0.05), (half_x, wall, 0.03), Material.MATT, SEAM)
    builder.box((middle_x, 0, front.sill + 0.25), (half_x, 0.08, 0.22), Material.MATT, SEAM)
    for x in (front.x - 0.12, back.x + 0.05):
        builder.box(
            (x, 0, 0.5 * (front.sill + front.shoulder)),
            (0.09, wall, 0.5 * (front.shoulder - front.sill)),
            Material.MATT,
            TRIM,
        )
    rows = (0.30, 0.72) if half_x > 1.1 else (0.5,)
    for share in rows:
        x = front.x - share * 2.0 * half_x
        for side in (-1.0, 1.0):
            builder.box(
                (x, side * 0.45 * shape.half_size[1], front.sill + 0.24), (0.26, 0.24, 0.08), Material.MATT, CLOTH
            )
            builder.box(
                (x - 0.26, side * 0.45 * shape.half_size[1], front.sill + 0.52),
                (0.07, 0.24, 0.30),
                Material.MATT,
                CLOTH,
            )
    for end in (shape.stations[2], shape.stations[-3]):
        builder.box((end.x, 0, end.shoulder - 0.06), (0.38, 0.72 * end.half_width, 0.02), Material.MATT, SEAM)
    return builder.build()


def wheel_mesh(*, spokes: bool = True) -> Mesh:
    """Return a wheel of radius 1 and width 1 about the y axis, its outer side at +y."""
    builder = MeshBuilder()
    sides = 14 if spokes else 8
    builder.tube((0, -0.5, 0), (0, 0.5, 0), (1.0, 1.0), Material.MATT, RUBBER, sides=sides)
    builder.disc((0, 0.51, 0), (0, 1, 0), 0.68, Material.CHROME, STEEL, sides=10 if spokes else 6)
    if spokes:
        for angle in np.arange(5) * 2.0 * np.pi / 5.0:
            # Dark gaps between five spokes, so that one sees the wheel turn.
            fan = [(0.22, angle - 0.30), (0.60, angle - 0.42), (0.60, angle + 0.42), (0.22, angle + 0.30)]
            builder.new_part().polygon(
                [(r * np.cos(a), 0.52, r * np.sin(a)) for r, a in fan],
                Material.MATT,
                (0.09, 0.09, 0.09),
                away_from=(0, 0, 0),
            )
    return builder.build()


def far_car_mesh(shape: CarShape, *, beacon: bool = False) -> Mesh:
    """Return the few faces of a car that is some dozens of pixels wide: four points a side, dark wheels, lamps."""
    builder = MeshBuilder()
    pick = (1, 4, 5, 7)
    rings = [_ring(s)[list(pick)] for s in shape.stations]
    chosen = [
        k
        for k in range(len(rings))
        if k in (0, len(rings) - 1) or shape.between[min(k, len(shape.between) - 1)] != "pillar"
    ]
    builder.new_part()
    for i, j in zip(chosen[:-1], chosen[1:], strict=True):
        front, back, section = rings[i], rings[j], shape.between[i]
        inner = np.array([0.5 * (front[0, 0] + back[0, 0]), 0.0, 0.35 * (front[3, 2] + back[3, 2])])
        for strip, full in ((0, 3), (1, 4), (2, 6)):
            material, color = _finish(section, full)
            if shape.livery == "police" and full == 3 and section in ("windscreen", "windows"):
                material = Material.LACQUER
            quad = np.stack([front[strip], front[strip + 1], back[strip + 1], back[strip]])
            for points in (quad, quad * np.array([1.0, -1.0, 1.0])):
                builder.polygon(points, material, color, away_from=inner)
    for ring, inward in ((rings[0], -1.0), (rings[-1], 1.0)):
        outline = np.concatenate([ring, (ring[:-1] * np.array([1.0, -1.0, 1.0]))[::-1]])
        builder.polygon(outline, Material.PAINT, WHITE, away_from=ring.mean(axis=0) + np.array([inward, 0.0, 0.0]))
    for x in shape.wheel_x:
        builder.box(
            (x, 0.0, shape.wheel_radius),
            (shape.wheel_radius * 0.85, shape.half_size[1] * 0.965, shape.wheel_radius),
            Material.MATT,
            RUBBER,
        )
    tail, nose = shape.stations[-1], shape.stations[0]
    half_y, half_z = shape.taillight_half
    for side in (-1.0, 1.0):
        blinker = Material.BLINKER_RIGHT if side > 0 else Material.BLINKER_LEFT
        y = (shape.stations[-2].half_width * 0.985 - half_y) * side
        builder.box(
            (tail.x + 0.03, y, shape.taillight_z), (0.04, half_y, half_z), Material.TAILLIGHT, (0.55, 0.03, 0.03)
        )
        builder.box(
            (tail.x + 0.03, y, shape.taillight_z - half_z - 0.05), (0.04, half_y, 0.05), blinker, (0.7, 0.35, 0.08)
        )
        builder.box(
            (nose.x - 0.05, nose.half_width * 0.8 * side, shape.headlight_z),
            (0.06, 0.165, 0.055),
            Material.HEADLIGHT,
            (0.82, 0.84, 0.86),
        )
        builder.box(
            (nose.x - 0.05, nose.half_width * 0.99 * side, shape.headlight_z),
            (0.07, 0.05, 0.05),
            blinker,
            (0.75, 0.4, 0.1),
        )
    if beacon:
        _light_bar(builder, shape)
    return builder.build()
