"""What is mounted on a car's body: lamps, number plates, bumpers, mirrors, wheel arches, door seams and handles.

Mesh frame: x forward, y right, z up, origin on the ground under the middle of the box.
"""

from __future__ import annotations

import numpy as np

from alpamayo_sim.render.car_loft import SEAM, TRIM, cross_section, wall
from alpamayo_sim.render.car_shapes import CarShape
from alpamayo_sim.render.emergency_livery import add_livery
from alpamayo_sim.render.mesh import BLACK, WHITE, Joint, Material, MeshBuilder
from alpamayo_sim.render.sign_atlas import Cell


def add_lamps(builder: MeshBuilder, shape: CarShape) -> None:
    """Add lamps, number plates, grille and bumpers."""
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


def add_details(builder: MeshBuilder, shape: CarShape) -> None:
    """Add mirrors, wheel arches and the livery of emergency cars."""
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
                (x, side * (wall(shape, x) + 0.004), shape.wheel_radius * 1.13),
                (0.0, side, 0.0),
                shape.wheel_radius * 1.16,
                Material.MATT,
                BLACK,
                sides=14,
            )
        add_livery(builder, shape, side)


def add_seams(builder: MeshBuilder, shape: CarShape) -> None:
    """Draw the gaps round the doors and the handles."""
    for door in shape.doors:
        if door.number > 3:
            continue
        side = 1.0 if door.number % 2 else -1.0
        builder.joint(Joint.DOOR + door.number)
        for index in (door.first, door.last + 1):
            ring = cross_section(shape.stations[index])[2:5]
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
