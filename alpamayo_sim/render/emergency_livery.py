"""What marks police cars and ambulances: beacons, stripes and lettering.

Mesh frame: x forward, y right, z up, origin on the ground under the middle of the box.
"""

from __future__ import annotations

from alpamayo_sim.render.car_loft import wall
from alpamayo_sim.render.car_shapes import CarShape
from alpamayo_sim.render.mesh import BLACK, Material, MeshBuilder
from alpamayo_sim.render.posters import side_poster
from alpamayo_sim.render.sign_atlas import Cell


def add_light_bar(builder: MeshBuilder, shape: CarShape) -> None:
    """Add the beacons: at the corners of an ambulance's box, in a bar on another car's roof."""
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


def add_livery(builder: MeshBuilder, shape: CarShape, side: float) -> None:
    """Add the stripe and the lettering on one side (1 right, -1 left) of an ambulance or a police car; nothing on other cars."""
    if shape.livery == "ambulance":
        box = shape.stations[-2]
        y = side * (box.half_width + 0.012)
        builder.box(
            (0.4 * box.x, y, 0.62 * box.shoulder + 0.35),
            (0.55 * abs(box.x), 0.008, 0.13),
            Material.SIGN_FACE,
            (0.85, 0.12, 0.1),
        )
        _lettering(builder, Cell.AMBULANCE, 0.35 * box.x, y * 0.985, 1.75, (1.0, 0.20))
        _lettering(builder, Cell.STAR_OF_LIFE, 0.80 * box.x, y * 0.985, 1.75, (0.26, 0.26))
    elif shape.livery == "police":
        _lettering(builder, Cell.POLICE, 0.12, side * (wall(shape, 0.1) + 0.02), 0.62, (0.46, 0.12))


def _lettering(builder: MeshBuilder, cell: Cell, x: float, y: float, z: float, half: tuple[float, float]) -> None:
    side_poster(builder, cell, (x - half[0], x + half[0]), y, (z - half[1], z + half[1]))
