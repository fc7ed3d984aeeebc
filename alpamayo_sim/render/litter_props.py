"""Props that people carried and left: boxes, bags, cases, rubbish. Boxes as in `prop_shapes`."""

from __future__ import annotations

import numpy as np

from alpamayo_sim.render.mesh import BLACK, GLASS, STEEL, WHITE, Material, MeshBuilder
from alpamayo_sim.render.prop_colors import CARTON, CHROME, GREY, MATT, PAINT


def box(b: MeshBuilder) -> None:
    """A plain box in the instance's colour."""
    b.box((0, 0, 1), (1, 1, 1), PAINT, WHITE)


def carton(b: MeshBuilder) -> None:
    """A cardboard box with tape."""
    b.box((0, 0, 1), (1, 1, 1), MATT, CARTON)
    b.box((0, 0, 1), (1.005, 0.12, 1.003), MATT, (0.78, 0.68, 0.50))


def creased_carton(b: MeshBuilder) -> None:
    """A cardboard box, squashed flat."""
    b.polygon(
        [(-1, -0.9, 0.3), (0.1, -1.0, 1.9), (0.0, 0.9, 1.6), (-0.9, 1.0, 0.2)], MATT, CARTON, away_from=(0, 0, -1)
    )
    b.polygon(
        [(0.1, -1.0, 1.9), (1.0, -0.7, 0.2), (0.9, 0.8, 0.3), (0.0, 0.9, 1.6)],
        MATT,
        (0.58, 0.43, 0.28),
        away_from=(0, 0, -1),
    )
    b.new_part().polygon(
        [(-1, -0.9, 0.3), (0.1, -1.0, 1.9), (1.0, -0.7, 0.2)], MATT, (0.5, 0.36, 0.23), away_from=(0, 5, 0)
    )
    b.new_part().polygon(
        [(-0.9, 1.0, 0.2), (0.0, 0.9, 1.6), (0.9, 0.8, 0.3)], MATT, (0.5, 0.36, 0.23), away_from=(0, -5, 0)
    )


def debris(b: MeshBuilder) -> None:
    """A heap of earth and stones."""
    rng = np.random.Generator(np.random.PCG64(7))
    b.tube((0, 0, 0), (0, 0, 1.2), (0.9, 0.25), MATT, (0.34, 0.27, 0.19), sides=9)
    for _ in range(14):
        angle, r, size = rng.uniform(0, 6.28), rng.uniform(0.2, 0.95), rng.uniform(0.08, 0.22)
        grey = rng.uniform(0.28, 0.5)
        place = (0.9 * r * np.cos(angle), 0.9 * r * np.sin(angle), 1.2 * (1 - r) + 0.3)
        b.ball(place, (size, size, size * 3), MATT, (grey, grey * 0.93, grey * 0.84), sides=5, rings=3)


def litter(b: MeshBuilder) -> None:
    """Rubbish that lies flat: papers and cups."""
    b.polygon(
        [(-0.9, -0.8, 0.4), (0.4, -1.0, 0.2), (0.9, 0.7, 0.5), (-0.6, 0.9, 0.3)],
        MATT,
        (0.8, 0.78, 0.72),
        away_from=(0, 0, -5),
    )
    b.tube((-0.3, 0, 0.8), (0.6, 0.3, 0.8), (0.35, 0.3), MATT, (0.75, 0.25, 0.2), sides=6)


def rubbish_heap(b: MeshBuilder) -> None:
    """Bags and boxes on a low platform."""
    b.box((0, 0, 0.1), (1, 1, 0.1), MATT, (0.35, 0.3, 0.25))
    for x, y, r, color in (
        (-0.6, 0.1, 0.35, (0.1, 0.1, 0.11)),
        (0.0, -0.3, 0.4, (0.12, 0.12, 0.13)),
        (0.55, 0.3, 0.36, (0.2, 0.22, 0.3)),
    ):
        b.ball((x, y, 0.8), (r, r * 1.3, 1.0), MATT, color, sides=7, rings=4)
    b.box((0.35, -0.55, 0.7), (0.25, 0.3, 0.6), MATT, CARTON)


def bag(b: MeshBuilder) -> None:
    """A tied rubbish bag."""
    b.ball((0, 0, 0.8), (0.97, 0.97, 0.8), MATT, (0.10, 0.10, 0.115), sides=9, rings=6)
    b.tube((0, 0, 1.45), (0, 0, 2.0), (0.2, 0.42), MATT, (0.10, 0.10, 0.115), sides=7)


def suitcase(b: MeshBuilder) -> None:
    """A case with a handle."""
    b.box((0, 0, 0.85), (1.0, 0.95, 0.85), MATT, (0.20, 0.16, 0.28))
    b.box((0, 0, 0.85), (1.01, 0.3, 0.86), MATT, (0.28, 0.22, 0.36))
    for x in (-0.35, 0.35):
        b.box((x, 0, 1.8), (0.05, 0.12, 0.16), MATT, GREY)
    b.box((0, 0, 1.95), (0.4, 0.15, 0.05), MATT, BLACK)


def shopping_bag(b: MeshBuilder) -> None:
    """A paper bag with handles."""
    b.box((0, 0, 0.7), (0.95, 0.9, 0.7), MATT, (0.72, 0.55, 0.36))
    b.box((0, 0, 0.8), (0.96, 0.91, 0.2), MATT, (0.25, 0.45, 0.6))
    for y in (-0.5, 0.5):
        for x in (-0.45, 0.45):
            b.box((x, y, 1.65), (0.05, 0.06, 0.3), MATT, (0.6, 0.45, 0.3))
        b.box((0, y, 1.95), (0.5, 0.06, 0.05), MATT, (0.6, 0.45, 0.3))


def helmet(b: MeshBuilder) -> None:
    """A helmet."""
    b.ball((0, 0, 0.95), (0.97, 0.97, 1.0), Material.LACQUER, (0.15, 0.2, 0.5), sides=9, rings=6)
    b.box((0.75, 0, 0.9), (0.2, 0.6, 0.25), Material.GLASS, GLASS)


def cart(b: MeshBuilder) -> None:
    """A shopping trolley of wire."""
    b.box((0, 0, 1.1), (0.85, 0.9, 0.04), CHROME, STEEL)
    for z in (1.3, 1.55, 1.8):
        for x in (-0.9, 0.9):
            b.box((x, 0, z), (0.03, 0.95, 0.03), CHROME, STEEL)
        for y in (-0.95, 0.95):
            b.box((0, y, z), (0.9, 0.03, 0.03), CHROME, STEEL)
    for x in np.linspace(-0.9, 0.9, 5):
        for y in (-0.95, 0.95):
            b.box((x, y, 1.45), (0.025, 0.02, 0.38), CHROME, STEEL)
    for x in (-0.8, 0.8):
        for y in (-0.8, 0.8):
            b.box((x, y, 0.55), (0.04, 0.03, 0.5), CHROME, STEEL)
            b.box((x, y, 0.08), (0.06, 0.06, 0.08), MATT, BLACK)
    b.box((-0.97, 0, 1.92), (0.05, 0.95, 0.06), MATT, (0.75, 0.1, 0.1))


def tile(b: MeshBuilder) -> None:
    """A broken tile."""
    b.polygon(
        [(-1, -0.6, 1.9), (0.2, -1, 1.9), (1, 0.1, 1.9), (-0.1, 1, 1.9), (-0.8, 0.5, 1.9)],
        MATT,
        (0.62, 0.35, 0.26),
        away_from=(0, 0, -3),
    )


def can(b: MeshBuilder) -> None:
    """A can or small vessel."""
    b.tube((0, 0, 0), (0, 0, 2), (0.9, 0.9), CHROME, (0.75, 0.12, 0.12), sides=8)
