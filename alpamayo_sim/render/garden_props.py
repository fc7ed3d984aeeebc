"""Props of gardens and playgrounds: plants, furniture, toys. Boxes as in `prop_shapes`."""

from __future__ import annotations

import numpy as np

from alpamayo_sim.render.mesh import BLACK, STEEL, WHITE, Material, MeshBuilder
from alpamayo_sim.render.prop_colors import BARK, CHROME, GREY, LEAF, LEAVES, MATT, WOOD


def plant_pot(b: MeshBuilder) -> None:
    """A planter with a bush."""
    b.box((0, 0, 0.45), (0.85, 0.85, 0.45), MATT, (0.55, 0.50, 0.44), taper=1.17)
    for x, r in ((-0.55, 0.45), (0.0, 0.6), (0.55, 0.45)):
        b.ball((x, 0, 1.3), (r, 0.85, 0.7), LEAVES, LEAF, sides=7, rings=4)


def broad_tree(b: MeshBuilder) -> None:
    """A broad tree."""
    b.tube((0, 0, 0), (0, 0, 1.1), (0.05, 0.03), MATT, BARK, sides=6, caps=False)
    for x, y, z, r in ((0, 0, 1.5, 0.6), (0.45, 0.3, 1.3, 0.5), (-0.5, 0.2, 1.35, 0.48), (0.05, -0.55, 1.3, 0.45)):
        b.ball((x, y, z), (r, r, r * 0.75), LEAVES, LEAF, sides=8, rings=5)


def palm(b: MeshBuilder) -> None:
    """A palm."""
    b.tube((0, 0, 0), (0.05, 0, 1.75), (0.05, 0.03), MATT, (0.45, 0.38, 0.3), sides=6, caps=False)
    for angle in np.arange(9) * 2.0 * np.pi / 9:
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        tip, middle = along * 0.95, along * 0.5
        for k in (1.0, -1.0):
            leaf = [(0.05, 0, 1.78), (*(middle + across * 0.16), 1.92), (*tip, 1.55), (*(middle - across * 0.16), 1.92)]
            b.new_part().polygon(leaf[:: int(k)], LEAVES, LEAF)


def cypress(b: MeshBuilder) -> None:
    """A slim conifer."""
    b.tube((0, 0, 0), (0, 0, 0.3), (0.12, 0.1), MATT, BARK, sides=6, caps=False)
    b.ball((0, 0, 1.05), (0.9, 0.9, 0.95), LEAVES, (0.18, 0.32, 0.19), sides=9, rings=7)


def chair(b: MeshBuilder) -> None:
    """A garden chair."""
    b.box((0, 0, 0.85), (0.85, 0.85, 0.06), MATT, WHITE)
    b.box((-0.85, 0, 1.45), (0.08, 0.85, 0.5), MATT, WHITE)
    for x in (-0.75, 0.75):
        for y in (-0.75, 0.75):
            b.box((x, y, 0.42), (0.08, 0.08, 0.42), MATT, WHITE)


def table(b: MeshBuilder) -> None:
    """A table."""
    b.box((0, 0, 1.9), (1.0, 1.0, 0.08), MATT, WOOD)
    for x in (-0.85, 0.85):
        for y in (-0.85, 0.85):
            b.box((x, y, 0.9), (0.06, 0.06, 0.9), MATT, (0.35, 0.25, 0.16))


def hay_bale(b: MeshBuilder) -> None:
    """A round bale of hay."""
    b.tube((-1, 0, 1), (1, 0, 1), (0.99, 0.99), MATT, (0.68, 0.56, 0.28), sides=14)
    for x in (-0.4, 0.4):
        b.tube((x - 0.03, 0, 1), (x + 0.03, 0, 1), (1.0, 1.0), MATT, (0.5, 0.4, 0.2), sides=14, caps=False)


def frame(b: MeshBuilder) -> None:
    """A frame of posts and beams: pergola, swing, clothes line."""
    for x in (-0.93, 0.93):
        for y in (-0.9, 0.9):
            b.box((x, y, 0.95), (0.035, 0.05, 0.95), MATT, WOOD)
        b.box((x, 0, 1.9), (0.035, 1.0, 0.06), MATT, WOOD)
    for y in np.linspace(-0.9, 0.9, 5):
        b.box((0, y, 1.97), (1.0, 0.04, 0.03), MATT, WOOD)
    for x in (-0.4, 0.4):
        b.box((x, 0, 0.55), (0.22, 0.3, 0.03), MATT, (0.7, 0.2, 0.15))
        for k in (-0.18, 0.18):
            b.box((x + k, 0, 1.2), (0.008, 0.02, 0.7), MATT, GREY)


def slide(b: MeshBuilder) -> None:
    """A playground slide."""
    b.polygon(
        [(-0.3, -0.7, 1.6), (-0.3, 0.7, 1.6), (1.0, 0.7, 0.15), (1.0, -0.7, 0.15)],
        MATT,
        (0.85, 0.2, 0.15),
        away_from=(0, 0, -5),
    )
    b.new_part().polygon(
        [(-0.3, -0.7, 1.55), (-0.3, 0.7, 1.55), (1.0, 0.7, 0.1), (1.0, -0.7, 0.1)],
        MATT,
        (0.6, 0.15, 0.1),
        away_from=(0, 0, 5),
    )
    b.box((-0.5, 0, 1.58), (0.2, 0.75, 0.04), MATT, (0.2, 0.4, 0.7))
    for y in (-0.7, 0.7):
        b.box((-0.6, y, 1.0), (0.04, 0.08, 1.0), MATT, (0.2, 0.4, 0.7))
        b.tube((-0.95, y, 0), (-0.65, y, 1.6), (0.03, 0.03), MATT, (0.2, 0.4, 0.7), sides=5)
    for z in np.linspace(0.25, 1.4, 5):
        b.box((-0.95 + 0.19 * z, 0, z), (0.02, 0.7, 0.03), MATT, GREY)


def trampoline(b: MeshBuilder) -> None:
    """A trampoline with a net."""
    b.tube((0, 0, 0.55), (0, 0, 0.68), (0.97, 0.97), MATT, (0.12, 0.3, 0.55), sides=14)
    for angle in np.arange(7) * 2.0 * np.pi / 7:
        b.tube(
            (0.95 * np.cos(angle), 0.95 * np.sin(angle), 0),
            (0.95 * np.cos(angle), 0.95 * np.sin(angle), 2.0),
            (0.025, 0.025),
            MATT,
            GREY,
            sides=4,
        )
    b.tube((0, 0, 1.92), (0, 0, 2.0), (0.97, 0.97), MATT, GREY, sides=14, caps=False)


def garden_lamp(b: MeshBuilder) -> None:
    """A small lamp."""
    b.tube((0, 0, 0), (0, 0, 1.3), (0.3, 0.25), MATT, BLACK, sides=6)
    b.ball((0, 0, 1.6), (0.9, 0.9, 0.4), Material.LAMP, (0.85, 0.8, 0.6), sides=8, rings=5)


def gnome(b: MeshBuilder) -> None:
    """A garden gnome."""
    b.tube((0, 0, 0), (0, 0, 0.9), (0.8, 0.5), MATT, (0.15, 0.25, 0.5), sides=8)
    b.ball((0, 0, 1.1), (0.5, 0.5, 0.3), MATT, (0.8, 0.6, 0.5), sides=7, rings=4)
    b.tube((0, 0, 1.25), (0, 0, 2.0), (0.55, 0.05), MATT, (0.75, 0.1, 0.1), sides=8)
    b.ball((0.3, 0, 0.95), (0.35, 0.4, 0.25), MATT, WHITE, sides=6, rings=4)


def hut(b: MeshBuilder) -> None:
    """A dog house."""
    b.box((0, 0, 0.6), (0.9, 0.9, 0.6), MATT, (0.6, 0.3, 0.2))
    for side in (-1.0, 1.0):
        b.new_part().polygon(
            [(-1, 0, 2), (1, 0, 2), (1, side, 1.1), (-1, side, 1.1)], MATT, (0.3, 0.2, 0.16), away_from=(0, 0, 0)
        )
    for x in (-0.9, 0.9):
        b.new_part().polygon(
            [(x, -0.95, 1.15), (x, 0.95, 1.15), (x, 0, 1.98)], MATT, (0.6, 0.3, 0.2), away_from=(0, 0, 1)
        )
    b.box((0.9, 0, 0.5), (0.02, 0.4, 0.5), MATT, BLACK)


def barbecue(b: MeshBuilder) -> None:
    """A kettle grill on legs."""
    b.ball((0, 0, 1.45), (0.9, 0.95, 0.5), Material.LACQUER, (0.08, 0.08, 0.09), sides=10, rings=6)
    for x, y in ((-0.6, -0.6), (0.6, -0.6), (0, 0.7)):
        b.tube((0.4 * x, 0.4 * y, 1.2), (x, y, 0), (0.06, 0.06), CHROME, STEEL, sides=4)
