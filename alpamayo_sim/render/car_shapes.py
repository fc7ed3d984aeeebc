"""Cars, vans and pickups as lofted bodies at their usual size; instances stretch them to their blueprint's box.

Mesh frame: x forward, y right, z up, origin on the ground under the middle of the box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.mesh import BLACK, GLASS, RUBBER, STEEL, Color, Material, Mesh, MeshBuilder

Floats = NDArray[np.floating]
WHITE: Color = (0.9, 0.9, 0.9)
TRIM: Color = (0.16, 0.16, 0.17)


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


def _car(
    half_x: float, half_y: float, height: float, profile: list[tuple[float, float, float, float, float, str]]
) -> tuple[tuple[Station, ...], tuple[str, ...]]:
    """Return stations and sections of rows (shares of half length, shoulder, top, width and top width; section after)."""
    stations = tuple(
        Station(half_x * x, height * (0.13 if abs(x) < 0.93 else 0.2), height * s, height * t, half_y * w, half_y * u)
        for x, s, t, w, u, _ in profile
    )
    return stations, tuple(row[5] for row in profile[:-1])


def _shape(
    half: tuple[float, float, float],
    profile: list[tuple[float, float, float, float, float, str]],
    wheel_x: tuple[float, ...],
    wheel_radius: float,
    lamps: tuple[float, float],
    taillight_half: tuple[float, float] = (0.2, 0.06),
) -> CarShape:
    stations, between = _car(half[0], half[1], 2.0 * half[2], profile)
    height = 2.0 * half[2]
    wheels = tuple(half[0] * x for x in wheel_x)
    return CarShape(half, stations, between, wheels, wheel_radius, height * lamps[0], height * lamps[1], taillight_half)


SEDAN = _shape(
    (2.42, 0.95, 0.74),
    [
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
    ],
    (0.60, -0.58),
    0.335,
    (0.435, 0.56),
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
)


def _ring(s: Station) -> Floats:
    """Return the right half of a cross section, from the sill's inside up to the top's middle, [7, 3]."""
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
            [s.x, s.half_top * 0.72, s.top],
            [s.x, 0.0, s.top + 0.01],
        ]
    )


def _finish(section: str, strip: int) -> tuple[Material, Color]:
    if strip <= 1:
        return Material.MATT, TRIM
    glass = (section == "windscreen" and strip >= 4) or (section == "windows" and strip == 4)
    if glass:
        return Material.GLASS, GLASS
    if section == "bed" and strip >= 5:
        return Material.MATT, BLACK
    return Material.PAINT, WHITE


def car_mesh(shape: CarShape, *, beacon: bool = False) -> Mesh:
    """Return the body of a car without wheels; `beacon` adds an emergency light bar."""
    builder = MeshBuilder()
    rings = [_ring(s) for s in shape.stations]
    builder.new_part()
    for front, back, section in zip(rings[:-1], rings[1:], shape.between, strict=True):
        inner = np.array([0.5 * (front[0, 0] + back[0, 0]), 0.0, 0.35 * (front[7, 2] + back[7, 2])])
        for strip in range(7):
            material, color = _finish(section, strip)
            quad = np.stack([front[strip], front[strip + 1], back[strip + 1], back[strip]])
            for points in (quad, quad * np.array([1.0, -1.0, 1.0])):
                builder.polygon(points, material, color, away_from=inner)
    for ring, inward in ((rings[0], -1.0), (rings[-1], 1.0)):
        outline = np.concatenate([ring[1:], (ring[1:-1] * np.array([1.0, -1.0, 1.0]))[::-1]])
        builder.polygon(outline, Material.PAINT, WHITE, away_from=ring.mean(axis=0) + np.array([inward, 0.0, 0.0]))
    _lamps(builder, shape)
    _details(builder, shape)
    if beacon:
        top = max(s.top for s in shape.stations)
        x = shape.half_size[0] * (-0.08 if shape.half_size[2] < 1.0 else 0.4)
        builder.box((x, 0.0, top + 0.05), (0.14, 0.5, 0.06), Material.MATT, BLACK)
        builder.box((x, 0.28, top + 0.06), (0.15, 0.2, 0.055), Material.BEACON, (0.1, 0.2, 0.8))
        builder.box((x, -0.28, top + 0.06), (0.15, 0.2, 0.055), Material.BEACON, (0.75, 0.1, 0.1))
    return builder.build()


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
            (0.07, 0.045, 0.045),
            blinker,
            (0.75, 0.4, 0.1),
        )
        half_y, half_z = shape.taillight_half
        y = (wide_tail.half_width * 0.985 - half_y) * side
        x = 0.5 * (tail.x + wide_tail.x)
        depth = 0.5 * (wide_tail.x - tail.x) + 0.015
        builder.box((x, y, shape.taillight_z), (depth, half_y, half_z), Material.TAILLIGHT, (0.55, 0.03, 0.03))
        below = shape.taillight_z - half_z - 0.035
        builder.box((x - 0.004, y, below), (depth, half_y * 0.6, 0.03), blinker, (0.7, 0.35, 0.08))
        builder.box(
            (x - 0.004, y - side * (half_y + 0.05), shape.taillight_z - half_z + 0.03),
            (depth, 0.045, 0.03),
            Material.REVERSE_LIGHT,
            (0.85, 0.85, 0.85),
        )
    builder.box(
        (tail.x + 0.002, 0.0, shape.taillight_z - 0.16), (0.012, 0.25, 0.055), Material.MATT, (0.85, 0.86, 0.82)
    )
    builder.box((nose.x - 0.004, 0.0, nose.sill + 0.12), (0.012, 0.25, 0.05), Material.MATT, (0.85, 0.86, 0.82))
    builder.box(
        (nose.x - 0.008, 0.0, shape.headlight_z - 0.03), (0.015, nose.half_width * 0.5, 0.06), Material.MATT, BLACK
    )
    rear_glass = next((k for k in range(len(shape.between) - 1, 0, -1) if shape.between[k] == "windscreen"), None)
    if rear_glass is not None and rear_glass > len(shape.between) // 2:
        brow = shape.stations[rear_glass]
        builder.box((brow.x - 0.03, 0.0, brow.top - 0.01), (0.03, 0.2, 0.015), Material.TAILLIGHT, (0.5, 0.03, 0.03))


def _details(builder: MeshBuilder, shape: CarShape) -> None:
    cowl = next(k for k, section in enumerate(shape.between) if section == "windscreen")
    at = shape.stations[cowl]
    for side in (-1.0, 1.0):
        builder.box(
            (at.x - 0.28, (at.half_width + 0.07) * side, at.shoulder + 0.1), (0.05, 0.09, 0.06), Material.PAINT, WHITE
        )
        for x in shape.wheel_x:
            wall = float(
                np.interp(x, [s.x for s in shape.stations[::-1]], [s.half_width for s in shape.stations[::-1]])
            )
            builder.disc(
                (x, side * (wall + 0.006), shape.wheel_radius * 1.02),
                (0.0, side, 0.0),
                shape.wheel_radius * 1.17,
                Material.MATT,
                BLACK,
                sides=14,
            )


def wheel_mesh(*, spokes: bool = True) -> Mesh:
    """Return a wheel of radius 1 and width 1 about the y axis, its outer side at +y."""
    builder = MeshBuilder()
    sides = 14 if spokes else 8
    builder.tube((0, -0.5, 0), (0, 0.5, 0), (1.0, 1.0), Material.MATT, RUBBER, sides=sides)
    builder.disc((0, 0.51, 0), (0, 1, 0), 0.68, Material.CHROME, STEEL, sides=10 if spokes else 6)
    if spokes:
        builder.disc((0, 0.52, 0), (0, 1, 0), 0.52, Material.MATT, (0.25, 0.25, 0.26), sides=5)
        builder.disc((0, 0.53, 0), (0, 1, 0), 0.2, Material.CHROME, STEEL, sides=6)
    return builder.build()


def far_car_mesh(shape: CarShape) -> Mesh:
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
        for strip, full in ((0, 3), (1, 4), (2, 5)):
            material, color = _finish(section, full)
            quad = np.stack([front[strip], front[strip + 1], back[strip + 1], back[strip]])
            for points in (quad, quad * np.array([1.0, -1.0, 1.0])):
                builder.polygon(points, material, color, away_from=inner)
    for ring, inward in ((rings[0], -1.0), (rings[-1], 1.0)):
        outline = np.concatenate([ring, (ring[:-1] * np.array([1.0, -1.0, 1.0]))[::-1]])
        builder.polygon(outline, Material.PAINT, WHITE, away_from=ring.mean(axis=0) + np.array([inward, 0.0, 0.0]))
    for x in shape.wheel_x:
        builder.box(
            (x, 0.0, shape.wheel_radius),
            (shape.wheel_radius * 0.85, shape.half_size[1] * 0.97, shape.wheel_radius),
            Material.MATT,
            RUBBER,
        )
    tail, nose = shape.stations[-1], shape.stations[0]
    half_y, half_z = shape.taillight_half
    for side in (-1.0, 1.0):
        y = (shape.stations[-2].half_width * 0.985 - half_y) * side
        builder.box(
            (tail.x + 0.03, y, shape.taillight_z), (0.04, half_y, half_z), Material.TAILLIGHT, (0.55, 0.03, 0.03)
        )
        builder.box(
            (nose.x - 0.05, nose.half_width * 0.8 * side, shape.headlight_z),
            (0.06, 0.165, 0.055),
            Material.HEADLIGHT,
            (0.82, 0.84, 0.86),
        )
    return builder.build()
