"""The bodies of cars, vans and pickups, without wheels: near with everything on them, far with few faces.

Mesh frame: x forward, y right, z up, origin on the ground under the middle of the box.
"""

from __future__ import annotations

import numpy as np

from alpamayo_sim.render.car_fittings import add_details, add_lamps, add_seams
from alpamayo_sim.render.car_loft import cross_section, faces, finish
from alpamayo_sim.render.car_shapes import CarShape
from alpamayo_sim.render.emergency_livery import add_light_bar
from alpamayo_sim.render.mesh import GLASS, RUBBER, WHITE, Joint, Material, Mesh, MeshBuilder


def car_mesh(shape: CarShape, *, beacon: bool = False) -> Mesh:
    """Return the body of a car without wheels; `beacon` adds an emergency light bar."""
    builder = MeshBuilder()
    builder.new_part()
    for points, material, color, joint, inner in faces(shape):
        builder.joint(joint).polygon(points, material, color, away_from=inner)
    builder.joint(Joint.NONE)
    rings = [cross_section(s) for s in shape.stations]
    for ring, inward in ((rings[0], -1.0), (rings[-1], 1.0)):
        outline = np.concatenate([ring[1:], (ring[1:-1] * np.array([1.0, -1.0, 1.0]))[::-1]])
        builder.polygon(outline, Material.PAINT, WHITE, away_from=ring.mean(axis=0) + np.array([inward, 0.0, 0.0]))
    add_lamps(builder, shape)
    add_details(builder, shape)
    add_seams(builder, shape)
    if beacon:
        add_light_bar(builder, shape)
    return builder.build()


def far_car_mesh(shape: CarShape, *, beacon: bool = False) -> Mesh:
    """Return the few faces of a car that is some dozens of pixels wide: four points a side, dark wheels, lamps."""
    builder = MeshBuilder()
    pick = (1, 4, 5, 7)
    rings = [cross_section(s)[list(pick)] for s in shape.stations]
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
            material, color = finish(section, full)
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
        add_light_bar(builder, shape)
    return builder.build()


def block_car_mesh(shape: CarShape) -> Mesh:
    """Return two blocks for a car that is a dozen pixels long: a body and a dark cabin."""
    half_x, half_y, half_z = shape.half_size
    shoulder = 1.16 * half_z
    builder = MeshBuilder()
    builder.box((0, 0, 0.5 * shoulder + 0.12), (half_x, half_y * 0.94, 0.5 * shoulder - 0.08), Material.PAINT, WHITE)
    rise = half_z - 0.5 * shoulder
    builder.box(
        (-0.1 * half_x, 0, shoulder + rise), (0.58 * half_x, 0.86 * half_y, rise), Material.GLASS, GLASS, taper=0.74
    )
    return builder.build()
