"""The faces of a car's body: cross sections at its stations, joined from the nose to the tail.

Mesh frame: x forward, y right, z up, origin on the ground under the middle of the box.
"""

from __future__ import annotations

import numpy as np

from alpamayo_sim.render.car_shapes import CarShape, Station
from alpamayo_sim.render.mesh import BLACK, GLASS, WHITE, Color, Floats, Joint, Material

TRIM: Color = (0.16, 0.16, 0.17)
SEAM: Color = (0.05, 0.05, 0.055)


def cross_section(s: Station) -> Floats:
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


def finish(section: str, strip: int) -> tuple[Material, Color]:
    """Return the material and the colour of a strip of the cross section, 0 at the bottom to 6 on the roof."""
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


def faces(shape: CarShape) -> list[tuple[Floats, Material, Color, int, Floats]]:
    """Return the loft's faces: corners [4, 3], material, colour, joint and a point inside."""
    rings = [cross_section(s) for s in shape.stations]
    faces: list[tuple[Floats, Material, Color, int, Floats]] = []
    for number, section in enumerate(shape.between):
        front, back = rings[number], rings[number + 1]
        inner = np.array([0.5 * (front[0, 0] + back[0, 0]), 0.0, 0.35 * (front[7, 2] + back[7, 2])])
        for strip in range(7):
            material, color = finish(section, strip)
            quad = np.stack([front[strip], front[strip + 1], back[strip + 1], back[strip]])
            for side, points in ((1.0, quad), (-1.0, quad * np.array([1.0, -1.0, 1.0]))):
                joint = _joint(shape, number, strip, side)
                if shape.livery == "police" and material is Material.PAINT and joint in range(9, 13):
                    material_here = Material.LACQUER
                else:
                    material_here = material
                faces.append((points, material_here, color, joint, inner))
    return faces


def wall(shape: CarShape, x: float) -> float:
    """Return the half width of the body at x."""
    stations = shape.stations[::-1]
    return float(np.interp(x, [s.x for s in stations], [s.half_width for s in stations]))
