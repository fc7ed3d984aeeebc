"""Doors and lids that open, and what they show inside.

Mesh frame: x forward, y right, z up, origin on the ground under the middle of the box.
"""

from __future__ import annotations

import numpy as np

from alpamayo_sim.render.car_loft import SEAM, TRIM, faces
from alpamayo_sim.render.car_shapes import CarShape
from alpamayo_sim.render.mesh import GLASS, Color, Joint, Material, Mesh, MeshBuilder

CLOTH: Color = (0.17, 0.17, 0.18)
OPEN_DEG = {0: 62.0, 1: -62.0, 2: 62.0, 3: -62.0}
LID_DEG = {4: -48.0, 5: 58.0}
"""How far doors turn about z and lids about y when they are open."""


def door_mesh(shape: CarShape, number: int) -> tuple[Mesh, tuple[float, float, float]]:
    """Return a door on its own, its hinge at the origin, and the place of the hinge in the car."""
    parts = [face for face in faces(shape) if face[3] == Joint.DOOR + number]
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
