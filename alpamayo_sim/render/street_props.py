"""Props that stand on sidewalks: bins, benches, machines, shelters and stalls. Boxes as in `prop_shapes`."""

from __future__ import annotations

import numpy as np

from alpamayo_sim.render.mesh import BLACK, STEEL, WHITE, Color, Material, MeshBuilder
from alpamayo_sim.render.posters import side_poster
from alpamayo_sim.render.prop_colors import CHROME, GREEN, MATT, WOOD
from alpamayo_sim.render.sign_atlas import Cell


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
        side_poster(b, Cell.RECYCLING, (-0.7, 0.7), y, (0.5, 1.2))
    for x in (-0.45, 0.45):
        b.disc((x, 0.98, 1.4), (0, 1, 0), 0.2, MATT, BLACK, sides=8)


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
    side_poster(b, Cell.ADVERT, (-0.92, 0.92), 0.82, (0.32, 1.92))
    side_poster(b, Cell.ADVERT_2, (-0.92, 0.92), -0.82, (0.32, 1.92))


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


def drinking_fountain(b: MeshBuilder) -> None:
    """A drinking fountain."""
    b.box((0, 0, 0.8), (0.6, 0.35, 0.8), MATT, (0.2, 0.28, 0.24))
    b.box((0, 0, 1.7), (0.95, 0.95, 0.15), CHROME, STEEL)


def fountain(b: MeshBuilder) -> None:
    """A round fountain in two tiers."""
    stone: Color = (0.62, 0.60, 0.56)
    b.tube((0, 0, 0), (0, 0, 0.35), (0.98, 0.98), MATT, stone, sides=16)
    b.disc((0, 0, 0.36), (0, 0, 1), 0.88, Material.GLASS, (0.2, 0.3, 0.35), sides=16)
    b.tube((0, 0, 0.3), (0, 0, 1.2), (0.14, 0.1), MATT, stone, sides=8)
    b.tube((0, 0, 1.05), (0, 0, 1.25), (0.15, 0.45), MATT, stone, sides=12)
    b.tube((0, 0, 1.2), (0, 0, 2.0), (0.06, 0.02), MATT, (0.75, 0.82, 0.86), sides=6)
