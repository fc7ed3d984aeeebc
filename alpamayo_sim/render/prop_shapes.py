"""Props: everything of CARLA's `static.prop.*`, each filling the box from (-1, -1, 0) to (1, 1, 2), its long side along x.

Instances stretch them to the blueprint's box, so that a bench is as long as its collision box says.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alpamayo_sim.render.mesh import BLACK, GLASS, STEEL, Color, Material, Mesh, MeshBuilder
from alpamayo_sim.render.sign_atlas import Cell

WHITE: Color = (0.9, 0.9, 0.9)
ORANGE: Color = (0.95, 0.35, 0.05)
WOOD: Color = (0.52, 0.36, 0.22)
CARTON: Color = (0.66, 0.50, 0.33)
GREY: Color = (0.45, 0.46, 0.47)
GREEN: Color = (0.16, 0.36, 0.22)
LEAF: Color = (0.30, 0.44, 0.20)
BARK: Color = (0.36, 0.28, 0.2)
MATT, CHROME, SIGN, PAINT, LEAVES = Material.MATT, Material.CHROME, Material.SIGN_FACE, Material.PAINT, Material.FOLIAGE


def _panel(b: MeshBuilder, cell: Cell, x: tuple[float, float], y: float, z: tuple[float, float]) -> None:
    """Put a poster on the plane at y, to be read from the side that y's sign names."""
    left, right = (x[0], x[1]) if y >= 0 else (x[1], x[0])
    corners = [(left, y, z[1]), (right, y, z[1]), (right, y, z[0]), (left, y, z[0])]
    b.poster(corners, [(0, 0), (1, 0), (1, 1), (0, 1)], cell, away_from=(0.0, 0.0 if abs(y) > 1e-6 else -1.0, 1.0))


def box(b: MeshBuilder) -> None:
    """A plain box in the instance's colour."""
    b.box((0, 0, 1), (1, 1, 1), PAINT, WHITE)


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
        _panel(b, Cell.STRIPES, (-1.0, 1.0), y, (1.1, 1.9))
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


def bin_with_lid(b: MeshBuilder) -> None:
    """A bin of plastic with a lid."""
    b.box((0, 0, 0.85), (0.92, 0.9, 0.85), MATT, GREEN, taper=1.08)
    b.box((0, 0, 1.82), (1.0, 1.0, 0.12), MATT, (0.10, 0.24, 0.15), taper=0.86)
    b.box((0, 0, 1.65), (1.0, 1.0, 0.06), MATT, (0.10, 0.24, 0.15))


def litter_bin(b: MeshBuilder) -> None:
    """A round street bin of steel."""
    b.tube((0, 0, 0), (0, 0, 1.7), (0.8, 0.95), CHROME, (0.36, 0.38, 0.4), sides=12)
    b.tube((0, 0, 1.7), (0, 0, 2.0), (0.98, 0.55), MATT, (0.2, 0.22, 0.23), sides=12)
    b.tube((0, 0, 1.0), (0, 0, 1.12), (0.92, 0.93), MATT, (0.2, 0.22, 0.23), sides=12, caps=False)


def bench(b: MeshBuilder) -> None:
    """A bench with a back."""
    for z, y in ((0.85, -0.1), (0.85, 0.25), (0.85, 0.6)):
        b.box((0, y, z), (0.98, 0.15, 0.06), MATT, WOOD)
    for z in (1.25, 1.6, 1.9):
        b.box((0, -0.6 - 0.15 * (z - 1.2), z), (0.98, 0.06, 0.12), MATT, WOOD)
    for x in (-0.8, 0.8):
        b.box((x, 0.2, 0.4), (0.05, 0.65, 0.4), MATT, (0.2, 0.2, 0.2))
        b.box((x, -0.62, 1.0), (0.05, 0.08, 1.0), MATT, (0.2, 0.2, 0.2))


def low_bench(b: MeshBuilder) -> None:
    """A bench without a back."""
    b.box((0, 0, 1.8), (1.0, 1.0, 0.2), MATT, WOOD)
    for x in (-0.75, 0.75):
        b.box((x, 0, 0.8), (0.1, 0.8, 0.8), MATT, (0.55, 0.54, 0.52))


def vending_machine(b: MeshBuilder) -> None:
    """A drinks machine, its front lit."""
    b.box((0, 0, 1), (0.97, 0.97, 1), MATT, (0.60, 0.07, 0.10))
    corners = [(0.99, 0.96, 1.97), (0.99, -0.96, 1.97), (0.99, -0.96, 0.04), (0.99, 0.96, 0.04)]
    b.poster(corners, [(0, 0), (1, 0), (1, 1), (0, 1)], Cell.VENDING, away_from=(0, 0, 1))


def cash_machine(b: MeshBuilder) -> None:
    """A cash machine."""
    b.box((0, 0, 1), (0.95, 0.97, 1), MATT, (0.15, 0.30, 0.52))
    b.poster(
        [(0.97, 0.9, 1.95), (0.97, -0.9, 1.95), (0.97, -0.9, 1.55), (0.97, 0.9, 1.55)],
        [(0, 0), (1, 0), (1, 1), (0, 1)],
        Cell.ATM,
        away_from=(0, 0, 1),
    )
    b.box((0.95, 0, 1.2), (0.03, 0.5, 0.22), Material.LAMP, (0.35, 0.6, 0.85))
    b.box((0.98, 0, 0.9), (0.1, 0.5, 0.05), CHROME, STEEL)


def skip(b: MeshBuilder) -> None:
    """A waste container on wheels."""
    b.box((0, 0, 0.95), (0.9, 0.88, 0.75), MATT, (0.20, 0.34, 0.24), taper=1.1)
    b.box((0, 0, 1.82), (1.0, 1.0, 0.16), MATT, (0.16, 0.17, 0.18), taper=0.85)
    for x in (-0.75, 0.75):
        for y in (-0.7, 0.7):
            b.box((x, y, 0.1), (0.08, 0.1, 0.1), MATT, BLACK)


def recycling(b: MeshBuilder) -> None:
    """A recycling container with round openings."""
    b.box((0, 0, 0.8), (1.0, 1.0, 0.8), MATT, GREEN, taper=0.96)
    b.ball((0, 0, 1.5), (0.94, 0.94, 0.5), MATT, GREEN, sides=10, rings=5)
    for y in (-1.01, 1.01):
        _panel(b, Cell.RECYCLING, (-0.7, 0.7), y, (0.5, 1.2))
    for x in (-0.45, 0.45):
        b.disc((x, 0.98, 1.4), (0, 1, 0), 0.2, MATT, BLACK, sides=8)


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


def bus_shelter(b: MeshBuilder) -> None:
    """A glazed shelter with a bench and a sign."""
    b.box((0, 0, 1.93), (1.0, 1.0, 0.05), MATT, (0.22, 0.25, 0.28))
    for x in (-0.94, 0.94):
        for y in (-0.9, 0.8):
            b.box((x, y, 0.95), (0.025, 0.05, 0.95), MATT, (0.22, 0.25, 0.28))
    for x in np.linspace(-0.72, 0.72, 4):
        b.box((x, -0.9, 1.0), (0.21, 0.02, 0.8), Material.GLASS, (0.32, 0.38, 0.4))
    for x in (-0.95, 0.95):
        b.box((x, -0.1, 1.0), (0.015, 0.62, 0.8), Material.GLASS, (0.32, 0.38, 0.4))
    b.box((0.05, -0.55, 0.34), (0.6, 0.22, 0.03), MATT, WOOD)
    for x in (-0.45, 0.5):
        b.box((x, -0.55, 0.16), (0.03, 0.15, 0.16), MATT, (0.2, 0.2, 0.2))
    b.box((0, 0.97, 1.84), (0.6, 0.03, 0.09), MATT, (0.05, 0.2, 0.45))
    for x, sign in ((0.972, 1.0), (-0.972, -1.0)):
        corners = [(x, 0.4 * sign, 1.6), (x, -0.4 * sign, 1.6), (x, -0.4 * sign, 0.4), (x, 0.4 * sign, 0.4)]
        b.poster(
            corners, [(0, 0), (1, 0), (1, 1), (0, 1)], Cell.ADVERT if sign > 0 else Cell.ADVERT_2, away_from=(0, 0, 1)
        )


def advert(b: MeshBuilder) -> None:
    """A poster in a frame, on a foot."""
    b.box((0, 0, 1.12), (1.0, 0.8, 0.88), MATT, (0.2, 0.22, 0.24))
    b.box((0, 0, 0.12), (0.5, 0.6, 0.12), MATT, (0.2, 0.22, 0.24))
    _panel(b, Cell.ADVERT, (-0.92, 0.92), 0.82, (0.32, 1.92))
    _panel(b, Cell.ADVERT_2, (-0.92, 0.92), -0.82, (0.32, 1.92))


def kiosk(b: MeshBuilder) -> None:
    """A stall with a counter and an awning."""
    b.box((0, 0, 0.45), (0.85, 0.85, 0.45), MATT, (0.55, 0.18, 0.16))
    b.box((0, 0, 1.2), (0.8, 0.8, 0.4), Material.GLASS, (0.25, 0.28, 0.3))
    for x in (-0.8, 0.8):
        for y in (-0.8, 0.8):
            b.box((x, y, 1.2), (0.06, 0.06, 0.45), MATT, WHITE)
    b.box((0, 0, 1.7), (1.0, 1.0, 0.08), MATT, WHITE)
    b.box((0, 0, 1.88), (0.9, 0.9, 0.12), MATT, (0.7, 0.15, 0.12), taper=0.5)
    b.box((0, 0, 0.93), (0.95, 0.95, 0.04), MATT, WOOD)


def mailbox(b: MeshBuilder) -> None:
    """A letter box."""
    b.box((0, 0, 0.3), (0.3, 0.3, 0.3), MATT, (0.1, 0.15, 0.35))
    b.box((0, 0, 1.15), (0.95, 0.95, 0.6), MATT, (0.10, 0.20, 0.50))
    b.ball((0, 0, 1.7), (0.95, 0.95, 0.3), MATT, (0.10, 0.20, 0.50), sides=8, rings=4)
    b.box((0.9, 0, 1.5), (0.08, 0.6, 0.06), MATT, BLACK)


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


def fountain(b: MeshBuilder) -> None:
    """A round fountain in two tiers."""
    stone: Color = (0.62, 0.60, 0.56)
    b.tube((0, 0, 0), (0, 0, 0.35), (0.98, 0.98), MATT, stone, sides=16)
    b.disc((0, 0, 0.36), (0, 0, 1), 0.88, Material.GLASS, (0.2, 0.3, 0.35), sides=16)
    b.tube((0, 0, 0.3), (0, 0, 1.2), (0.14, 0.1), MATT, stone, sides=8)
    b.tube((0, 0, 1.05), (0, 0, 1.25), (0.15, 0.45), MATT, stone, sides=12)
    b.tube((0, 0, 1.2), (0, 0, 2.0), (0.06, 0.02), MATT, (0.75, 0.82, 0.86), sides=6)


def drinking_fountain(b: MeshBuilder) -> None:
    """A drinking fountain."""
    b.box((0, 0, 0.8), (0.6, 0.35, 0.8), MATT, (0.2, 0.28, 0.24))
    b.box((0, 0, 1.7), (0.95, 0.95, 0.15), CHROME, STEEL)


def hay_bale(b: MeshBuilder) -> None:
    """A round bale of hay."""
    b.tube((-1, 0, 1), (1, 0, 1), (0.99, 0.99), MATT, (0.68, 0.56, 0.28), sides=14)
    for x in (-0.4, 0.4):
        b.tube((x - 0.03, 0, 1), (x + 0.03, 0, 1), (1.0, 1.0), MATT, (0.5, 0.4, 0.2), sides=14, caps=False)


def street_sign(b: MeshBuilder) -> None:
    """A sign board on two posts."""
    for x in (-0.8, 0.8):
        b.box((x, 0, 1.0), (0.04, 0.3, 1.0), MATT, GREY)
    b.box((0, 0, 1.5), (1.0, 0.4, 0.48), MATT, (0.08, 0.35, 0.22))
    for y in (-0.45, 0.45):
        _panel(b, Cell.STREET_NAME, (-0.95, 0.95), y, (1.06, 1.94))


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


def plank(b: MeshBuilder) -> None:
    """A flat plate of metal."""
    b.box((0, 0, 1), (1, 1, 1), CHROME, (0.42, 0.42, 0.44))


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


def barbecue(b: MeshBuilder) -> None:
    """A kettle grill on legs."""
    b.ball((0, 0, 1.45), (0.9, 0.95, 0.5), Material.LACQUER, (0.08, 0.08, 0.09), sides=10, rings=6)
    for x, y in ((-0.6, -0.6), (0.6, -0.6), (0, 0.7)):
        b.tube((0.4 * x, 0.4 * y, 1.2), (x, y, 0), (0.06, 0.06), CHROME, STEEL, sides=4)


PROPS: dict[str, Callable[[MeshBuilder], None]] = {
    part.__name__: part
    for part in (
        box, cone, barrel, barrier, chain, post, works_sign, accident_sign, arrow_trailer, bin_with_lid, litter_bin, bench,
        low_bench, vending_machine, cash_machine, skip, recycling, carton, creased_carton, debris, litter, rubbish_heap, bag,
        suitcase, shopping_bag, bus_shelter, advert, kiosk, mailbox, plant_pot, broad_tree, palm, cypress, chair, table, fountain,
        drinking_fountain, hay_bale, street_sign, helmet, cart, frame, slide, trampoline, garden_lamp, gnome, hut, plank, tile,
        can, barbecue,
    )
}  # fmt: skip
"""The props by name."""

SHAPES: tuple[tuple[str, str], ...] = (
    ("cone", "cone"), ("barrel", "barrel"), ("streetbarrier", "barrier"), ("chainbarrierend", "post"),
    ("chainbarrier", "chain"), ("warningconstruction", "works_sign"), ("warningaccident", "accident_sign"),
    ("trafficwarning", "arrow_trailer"), ("trashcan02", "litter_bin"), ("trashcan", "bin_with_lid"),
    ("trashbag", "bag"), ("plasticbag", "bag"), ("shoppingbag", "shopping_bag"), ("bench01", "bench"),
    ("bench", "low_bench"), ("vending", "vending_machine"), ("atm", "cash_machine"), ("clothcontainer", "skip"),
    ("glasscontainer", "recycling"), ("container", "skip"), ("creasedbox", "creased_carton"), ("mailbox", "mailbox"),
    ("box0", "carton"), ("dirtdebris", "debris"), ("platformgarbage", "rubbish_heap"), ("garbage", "litter"),
    ("briefcase", "suitcase"), ("travelcase", "suitcase"), ("guitarcase", "suitcase"), ("purse", "suitcase"),
    ("busstop", "bus_shelter"), ("advertisement", "advert"), ("maptable", "advert"), ("kiosk", "kiosk"),
    ("foodcart", "kiosk"), ("plantpot", "plant_pot"), ("aporosatree", "broad_tree"), ("coconutpalm", "palm"),
    ("cypress", "cypress"), ("chair", "chair"), ("table", "table"), ("streetfountain", "drinking_fountain"),
    ("fountain", "fountain"), ("haybale", "hay_bale"), ("streetsign", "street_sign"), ("helmet", "helmet"),
    ("shoppingcart", "cart"), ("shoppingtrolley", "suitcase"), ("pergola", "frame"), ("swing", "frame"),
    ("clothesline", "frame"), ("slide", "slide"), ("trampoline", "trampoline"), ("gardenlamp", "garden_lamp"),
    ("gnome", "gnome"), ("doghouse", "hut"), ("ironplank", "plank"), ("calibrator", "plank"), ("mobile", "plank"),
    ("brokentile", "tile"), ("colacan", "can"), ("wateringcan", "can"), ("barbeque", "barbecue"),
    ("bin", "bin_with_lid"), ("barrier", "barrier"),
)  # fmt: skip
"""(part of a blueprint's id, prop), the first that fits counts."""


def prop_of(type_id: str) -> str:
    """Return the name of the prop that a blueprint of `static.prop.*` looks like; a plain box where there is none."""
    name = type_id.lower().removeprefix("static.prop.")
    return next((prop for part, prop in SHAPES if part in name), "box")


def prop_mesh(name: str) -> Mesh:
    """Return the mesh of a prop."""
    builder = MeshBuilder()
    PROPS[name](builder)
    return builder.build()
