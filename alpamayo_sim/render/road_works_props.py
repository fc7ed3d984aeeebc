"""Props of road works and closures: cones, barriers, warning signs. Boxes as in `prop_shapes`."""

from __future__ import annotations

import numpy as np

from alpamayo_sim.render.mesh import BLACK, WHITE, MeshBuilder
from alpamayo_sim.render.posters import side_poster
from alpamayo_sim.render.prop_colors import CHROME, GREY, MATT, ORANGE, SIGN
from alpamayo_sim.render.sign_atlas import Cell


def cone(b: MeshBuilder) -> None:
    """A traffic cone with two white bands."""
    b.box((0, 0, 0.05), (1, 1, 0.05), MATT, BLACK)
    bands = ((0.1, 0.7, ORANGE), (0.7, 1.1, WHITE), (1.1, 1.45, ORANGE), (1.45, 1.7, WHITE), (1.7, 2.0, ORANGE))
    for low, high, color in bands:
        radii = tuple(0.72 * (1.0 - 0.42 * z) for z in (low, high))
        b.tube((0, 0, low), (0, 0, high), (radii[0], radii[1]), SIGN, color, sides=10, caps=high == 2.0)


def barrel(b: MeshBuilder) -> None:
    """A striped drum."""
    bands = ((0.0, 0.5, ORANGE), (0.5, 0.9, WHITE), (0.9, 1.3, ORANGE), (1.3, 1.7, WHITE), (1.7, 2.0, ORANGE))
    for low, high, color in bands:
        b.tube((0, 0, low), (0, 0, high), (0.95, 0.95), SIGN, color, sides=12, caps=high == 2.0)


def barrier(b: MeshBuilder) -> None:
    """A striped street barrier on two feet."""
    b.box((0, 0, 1.5), (1.0, 0.12, 0.42), MATT, WHITE)
    for y in (-0.14, 0.14):
        side_poster(b, Cell.STRIPES, (-1.0, 1.0), y, (1.1, 1.9))
    b.box((0, 0, 0.7), (0.9, 0.08, 0.1), SIGN, ORANGE)
    for x in (-0.8, 0.8):
        b.box((x, 0, 0.6), (0.05, 0.12, 0.6), MATT, (0.3, 0.3, 0.3))
        b.box((x, 0, 0.06), (0.08, 1.0, 0.06), MATT, (0.3, 0.3, 0.3))


def chain(b: MeshBuilder) -> None:
    """Two posts with a red and white chain."""
    for x in (-0.93, 0.93):
        b.tube((x, 0, 0.0), (x, 0, 2.0), (0.05, 0.05), MATT, (0.8, 0.1, 0.1), sides=6)
        b.box((x, 0, 0.05), (0.07, 0.9, 0.05), MATT, BLACK)
    links = np.linspace(-0.93, 0.93, 9)
    for k, (p, q) in enumerate(zip(links[:-1], links[1:], strict=True)):
        sag = [1.25 + 0.55 * x * x for x in (p, q)]
        b.box(
            (0.5 * (p + q), 0, 0.5 * sum(sag)), (0.5 * (q - p), 0.18, 0.06), MATT, WHITE if k % 2 else (0.8, 0.1, 0.1)
        )


def post(b: MeshBuilder) -> None:
    """A post on a foot."""
    b.tube((0, 0, 0.0), (0, 0, 2.0), (0.4, 0.35), MATT, (0.8, 0.1, 0.1), sides=8)
    b.tube((0, 0, 1.3), (0, 0, 1.6), (0.42, 0.42), SIGN, WHITE, sides=8, caps=False)
    b.box((0, 0, 0.05), (1.0, 1.0, 0.05), MATT, BLACK)


def _triangle(b: MeshBuilder, cell: Cell) -> None:
    for x, sign in ((0.10, 1.0), (-0.10, -1.0)):
        corners = [(x, -0.98 * sign, 1.98), (x, 0.98 * sign, 1.98), (x, 0.98 * sign, 0.35), (x, -0.98 * sign, 0.35)]
        places = [(1, 0), (0, 0), (0, 1), (1, 1)]
        b.poster(corners, places, cell, away_from=(0.0, 0.0, 1.0))
    for y in (-0.45, 0.45):
        b.tube((0.0, y * 0.6, 0.9), (0.85, y, 0.0), (0.03, 0.03), MATT, GREY, sides=4)
        b.tube((0.0, y * 0.6, 0.9), (-0.85, y, 0.0), (0.03, 0.03), MATT, GREY, sides=4)
    b.box((0, 0, 0.42), (0.05, 0.9, 0.05), MATT, GREY)


def works_sign(b: MeshBuilder) -> None:
    """A triangle that warns of road works, on legs."""
    _triangle(b, Cell.WORKS)


def accident_sign(b: MeshBuilder) -> None:
    """A triangle with an exclamation mark, on legs."""
    _triangle(b, Cell.ACCIDENT)


def arrow_trailer(b: MeshBuilder) -> None:
    """A trailer with an arrow of lamps."""
    for x, sign in ((0.06, 1.0), (-0.06, -1.0)):
        corners = [(x, -0.95 * sign, 1.98), (x, 0.95 * sign, 1.98), (x, 0.95 * sign, 0.85), (x, -0.95 * sign, 0.85)]
        b.poster(corners, [(1, 0), (0, 0), (0, 1), (1, 1)], Cell.ARROW_BOARD, away_from=(0.0, 0.0, 1.4))
    b.box((0, 0, 1.41), (0.05, 0.97, 0.58), MATT, (0.85, 0.55, 0.05))
    b.box((0, 0, 0.55), (0.1, 0.08, 0.35), MATT, GREY)
    b.box((0, 0, 0.3), (0.8, 0.6, 0.09), MATT, (0.85, 0.45, 0.05))
    for y in (-0.75, 0.75):
        b.tube((0, y - 0.08, 0.2), (0, y + 0.08, 0.2), (0.2, 0.2), MATT, BLACK, sides=10)


def street_sign(b: MeshBuilder) -> None:
    """A sign board on two posts."""
    for x in (-0.8, 0.8):
        b.box((x, 0, 1.0), (0.04, 0.3, 1.0), MATT, GREY)
    b.box((0, 0, 1.5), (1.0, 0.4, 0.48), MATT, (0.08, 0.35, 0.22))
    for y in (-0.45, 0.45):
        side_poster(b, Cell.STREET_NAME, (-0.95, 0.95), y, (1.06, 1.94))


def plank(b: MeshBuilder) -> None:
    """A flat plate of metal."""
    b.box((0, 0, 1), (1, 1, 1), CHROME, (0.42, 0.42, 0.44))
