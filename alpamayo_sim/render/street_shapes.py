"""Trees, lamps, traffic lights, signs and guard rails. Mesh frame: x forward, y right, z up, origin at the foot."""

from __future__ import annotations

import numpy as np

from alpamayo_sim.render.mesh import BLACK, PAINT_FLAG, STEEL, Color, Material, Mesh, MeshBuilder
from alpamayo_sim.render.sign_atlas import Cell, speed_cell

BARK: Color = (0.32, 0.24, 0.18)
LEAF: Color = (0.30, 0.44, 0.20)
LIGHT_LEAF: Color = (0.40, 0.50, 0.20)
HEDGE: Color = (0.21, 0.35, 0.17)
NEEDLE: Color = (0.20, 0.34, 0.20)
WHITE: Color = (0.93, 0.93, 0.93)
HEAD_HEIGHT_M = 1.05
"""Height of a traffic light's housing; its face looks along +x."""


def broad_tree_mesh(*, far: bool = False) -> Mesh:
    """Return a leafy tree about 7 m tall."""
    b = MeshBuilder(crease_deg=80.0)
    b.tube((0, 0, -0.6), (0.05, 0, 3.2), (0.2, 0.12), Material.MATT, BARK, sides=4 if far else 6, caps=False)
    if far:
        b.ball((0, 0, 4.7), (2.2, 2.2, 2.2), Material.FOLIAGE, LEAF, sides=6, rings=3)
        return b.build()
    for x, y, z, r in ((0, 0, 5.0, 2.0), (0.9, 0.7, 4.2, 1.45), (-1.0, 0.4, 4.4, 1.4), (0.1, -1.1, 4.3, 1.5)):
        b.ball((x, y, z), (r, r, r * 0.9), Material.FOLIAGE, LEAF, sides=7, rings=4)
    return b.build()


def conifer_mesh(*, far: bool = False) -> Mesh:
    """Return a conifer about 8 m tall."""
    b = MeshBuilder(crease_deg=80.0)
    sides = 5 if far else 8
    b.tube((0, 0, -0.6), (0, 0, 2.0), (0.18, 0.13), Material.MATT, BARK, sides=4, caps=False)
    tiers = ((1.1, 8.2, 1.7),) if far else ((1.1, 4.2, 1.9), (2.9, 6.2, 1.45), (4.9, 8.2, 1.0))
    for low, high, radius in tiers:
        b.tube((0, 0, low), (0, 0, high), (radius, 0.03), Material.FOLIAGE, NEEDLE, sides=sides, caps=not far)
    return b.build()


def lamp_mesh(*, far: bool = False) -> Mesh:
    """Return a street lamp 7.2 m tall whose arm reaches 2.2 m along +x."""
    b = MeshBuilder()
    sides = 4 if far else 7
    grey: Color = (0.34, 0.36, 0.38)
    b.tube((0, 0, -0.4), (0, 0, 7.1), (0.1, 0.06), Material.MATT, grey, sides=sides, caps=False)
    b.tube((0, 0, 7.0), (1.9, 0, 7.3), (0.05, 0.045), Material.MATT, grey, sides=4, caps=False)
    b.box((2.1, 0, 7.3), (0.38, 0.13, 0.06), Material.MATT, grey)
    b.box((2.1, 0, 7.23), (0.32, 0.1, 0.02), Material.LAMP, (0.8, 0.8, 0.74))
    return b.build()


def light_pole_mesh() -> Mesh:
    """Return a pole of height 1, to be stretched."""
    return MeshBuilder().tube((0, 0, 0), (0, 0, 1), (0.085, 0.07), Material.MATT, (0.22, 0.23, 0.24), sides=8).build()


def light_arm_mesh() -> Mesh:
    """Return a horizontal arm of length 1 along +x, to be stretched."""
    return MeshBuilder().tube((0, 0, 0), (1, 0, 0), (0.07, 0.05), Material.MATT, (0.22, 0.23, 0.24), sides=6).build()


def light_head_mesh(*, far: bool = False) -> Mesh:
    """Return a traffic light's head, origin at its middle, lenses facing +x: red on top, yellow, green."""
    b = MeshBuilder()
    housing: Color = (0.12, 0.12, 0.12)
    b.box((0, 0, 0), (0.11, 0.19, HEAD_HEIGHT_M / 2), Material.MATT, housing)
    b.box((-0.06, 0, 0), (0.012, 0.30, HEAD_HEIGHT_M / 2 + 0.11), Material.MATT, (0.07, 0.07, 0.07))
    for z, material in ((0.33, Material.LENS_RED), (0.0, Material.LENS_YELLOW), (-0.33, Material.LENS_GREEN)):
        b.disc((0.118, 0, z), (1, 0, 0), 0.15, material, (0.3, 0.3, 0.3), sides=6 if far else 14)
        if not far:
            for angle in np.radians((20.0, 60.0, 100.0, 140.0)):
                nxt = angle + np.radians(40.0)
                arc = [(0.0, 0.15 * np.cos(a), z + 0.15 * np.sin(a)) for a in (angle, nxt)]
                near = [(0.11, y, h) for _, y, h in arc]
                tip = [(0.30, y, h) for _, y, h in arc]
                b.polygon([near[0], near[1], tip[1], tip[0]], Material.MATT, housing, away_from=(0.2, 0, z))
                b.polygon([near[0], near[1], tip[1], tip[0]], Material.MATT, BLACK, away_from=(0.2, 0, z + 1.0))
    return b.build()


def rail_mesh(*, far: bool = False) -> Mesh:
    """Return a piece of guard rail from x = -1 to 1, to be stretched along x; its posts reach into the ground."""
    b = MeshBuilder()
    if far:
        for y in (-0.05, 0.05):
            band = [(-1.0, y, 0.46), (1.0, y, 0.46), (1.0, y, 0.72), (-1.0, y, 0.72)]
            b.new_part().polygon(band, Material.MATT, (0.60, 0.61, 0.62), away_from=(0.0, 0.0, 0.6))
        return b.build()
    for z in (0.52, 0.66):
        b.box((0, 0, z), (1.0, 0.05, 0.065), Material.MATT, (0.60, 0.61, 0.62))
    b.box((0, 0, 0.59), (1.0, 0.02, 0.06), Material.MATT, (0.45, 0.46, 0.47))
    b.box((0, 0, 0.2), (0.025, 0.05, 0.5), Material.MATT, STEEL)
    return b.build()


def _face(b: MeshBuilder, cell: int, half: float, z: float, outline: list[tuple[float, float]]) -> None:
    """Add a sign's face that looks along +x; `outline` are points of the cell (right and down, 0..1)."""
    corners = [(0.05, half * (1.0 - 2.0 * u), z + half * (1.0 - 2.0 * v)) for u, v in outline]
    b.poster(corners, outline, cell, away_from=(-1.0, 0.0, z))


def _circle(sides: int) -> list[tuple[float, float]]:
    angle = (np.arange(sides) + 0.5) * 2.0 * np.pi / sides
    # Corners lie a little outside, so that the polygon holds the whole round face.
    reach = 0.5 / np.cos(np.pi / sides)
    return [(0.5 + reach * float(np.cos(a)), 0.5 + reach * float(np.sin(a))) for a in angle]


def _sign_post(b: MeshBuilder) -> None:
    b.tube((0, 0, -0.4), (0, 0, 2.75), (0.035, 0.035), Material.MATT, (0.5, 0.5, 0.5), sides=6)


SIGN_Z = 2.3
BACK: Color = (0.45, 0.46, 0.47)


def sign_mesh(kind: str) -> Mesh:
    """Return a sign on its post, 2.75 m tall, its face looking along +x; kinds "stop", "yield", "plain", and a bare "post"."""
    b = MeshBuilder()
    _sign_post(b)
    z = SIGN_Z
    if kind == "stop":
        octagon = [(0.5 + 0.5 * np.cos(a), 0.5 + 0.5 * np.sin(a)) for a in (np.arange(8) + 0.5) * np.pi / 4]
        _face(b, Cell.STOP, 0.45, z, [(float(u), float(v)) for u, v in octagon])
        b.disc((0.045, 0, z), (-1, 0, 0), 0.445, Material.MATT, BACK, sides=8)
    elif kind == "yield":
        half = 0.50
        outline = [(0.0, 0.07), (1.0, 0.07), (0.5, 0.94)]
        _face(b, Cell.YIELD, half, z, outline)
        points = [(0.045, half * (1.0 - 2.0 * u), z + half * (1.0 - 2.0 * v)) for u, v in outline]
        b.new_part().polygon(points, Material.MATT, BACK, away_from=(1, 0, z))
    elif kind == "plain":
        _face(b, Cell.PARKING, 0.3, z, [(0, 0), (1, 0), (1, 1), (0, 1)])
        b.box((0.03, 0, z), (0.015, 0.3, 0.3), Material.MATT, BACK)
    return b.build()


def speed_sign_mesh(speed_limits: tuple[int, ...], value: int) -> Mesh:
    """Return the round sign of a speed limit on its post."""
    b = MeshBuilder()
    _sign_post(b)
    _face(b, speed_cell(speed_limits, value), 0.42, SIGN_Z, _circle(16))
    b.disc((0.045, 0, SIGN_Z), (-1, 0, 0), 0.42, Material.MATT, BACK, sides=16)
    return b.build()


def bus_stop_sign_mesh() -> Mesh:
    """Return the flag of a bus stop on its post, readable from both sides along x."""
    b = MeshBuilder()
    _sign_post(b)
    for sign in (1.0, -1.0):
        corners = [
            (0.03 * sign, 0.28 * sign, 2.7),
            (0.03 * sign, -0.28 * sign, 2.7),
            (0.03 * sign, -0.28 * sign, 2.14),
            (0.03 * sign, 0.28 * sign, 2.14),
        ]
        b.poster(corners, [(0, 0), (1, 0), (1, 1), (0, 1)], Cell.BUS_STOP, away_from=(0.0, 0.0, 2.4))
    return b.build()


def slim_tree_mesh(*, far: bool = False) -> Mesh:
    """Return a slim leafy tree about 9 m tall."""
    b = MeshBuilder(crease_deg=80.0)
    b.tube((0, 0, -0.6), (0.05, 0, 3.2), (0.17, 0.1), Material.MATT, BARK, sides=4 if far else 6, caps=False)
    if far:
        b.ball((0, 0, 5.6), (1.5, 1.5, 3.1), Material.FOLIAGE, LIGHT_LEAF, sides=6, rings=4)
        return b.build()
    for x, y, z, r, h in ((0, 0, 4.3, 1.5, 1.6), (0.35, 0.25, 5.7, 1.35, 1.6), (-0.25, -0.2, 7.2, 1.0, 1.5)):
        b.ball((x, y, z), (r, r, h), Material.FOLIAGE, LIGHT_LEAF, sides=7, rings=4)
    return b.build()


def hedge_mesh(*, far: bool = False) -> Mesh:
    """Return a piece of hedge from x = -1 to 1, y = -1 to 1, z = 0 to 2, to be stretched."""
    b = MeshBuilder(crease_deg=60.0)
    if far:
        b.box((0, 0, 0.9), (1, 0.9, 1.1), Material.FOLIAGE, HEDGE)
        return b.build()
    steps = np.linspace(-1.0, 1.0, 6)
    bulge = np.array([0.86, 1.0, 0.9, 1.0, 0.92, 0.84])
    rings = [
        [
            (x, -0.92 * k, -0.3),
            (x, -k, 1.3),
            (x, -0.62 * k, 1.85 + 0.15 * k),
            (x, 0.62 * k, 1.85 + 0.15 * k),
            (x, k, 1.3),
            (x, 0.92 * k, -0.3),
        ]
        for x, k in zip(steps, bulge, strict=True)
    ]
    b.new_part()
    for first, second in zip(rings[:-1], rings[1:], strict=True):
        for i in range(5):
            quad = [first[i], first[i + 1], second[i + 1], second[i]]
            b.polygon(quad, Material.FOLIAGE, HEDGE, away_from=(0.5 * (first[0][0] + second[0][0]), 0, 0.8))
    for ring in (rings[0], rings[-1]):
        b.new_part().polygon(ring, Material.FOLIAGE, HEDGE, away_from=(0, 0, 0.8))
    return b.build()


def awning_mesh() -> Mesh:
    """Return a striped awning from x = -1 to 1 (to be stretched) that hangs out to y = 1.3 from a wall at y = 0."""
    b = MeshBuilder()
    steps = np.linspace(-1.0, 1.0, 9)
    for k, (x, u) in enumerate(zip(steps[:-1], steps[1:], strict=True)):
        material, color = (Material.PAINT, WHITE) if k % 2 else (Material.MATT, (0.88, 0.86, 0.80))
        slope = [(x, 0.0, 3.0), (u, 0.0, 3.0), (u, 1.3, 2.55), (x, 1.3, 2.55)]
        edge = [(x, 1.3, 2.55), (u, 1.3, 2.55), (u, 1.3, 2.33), (x, 1.3, 2.33)]
        b.new_part().polygon(slope, material, color, away_from=(x, 0.5, 0.0))
        b.new_part().polygon(edge, material, color, away_from=(x, 0.0, 2.4))
    b.new_part().polygon(
        [(-1, 0, 2.97), (1, 0, 2.97), (1, 1.29, 2.53), (-1, 1.29, 2.53)],
        Material.MATT,
        (0.3, 0.3, 0.3),
        away_from=(0, 0.6, 9.0),
    )
    return b.build()


def bay_mesh() -> Mesh:
    """Return the paved ground of a parking bay from x and y = -1 to 1, to be stretched, with its white borders."""
    b = MeshBuilder()
    top = [(-1, -1, 0.03), (1, -1, 0.03), (1, 1, 0.03), (-1, 1, 0.03)]
    b.polygon(top, Material.MATT, (0.30, 0.30, 0.305), away_from=(0, 0, -1))
    b.joint(PAINT_FLAG)
    for side in (-1.0, 1.0):
        y0, y1 = side * 0.93, side * 1.0
        line = [(-1, y0, 0.045), (1, y0, 0.045), (1, y1, 0.045), (-1, y1, 0.045)]
        b.new_part().polygon(line, Material.MATT, (0.85, 0.85, 0.83), away_from=(0, 0, -1))
    b.joint(0)
    for x in (-1.0, 1.0):
        b.new_part().polygon(
            [(x, -1, -0.6), (x, 1, -0.6), (x, 1, 0.03), (x, -1, 0.03)],
            Material.MATT,
            (0.4, 0.4, 0.39),
            away_from=(0, 0, 0),
        )
    for y in (-1.0, 1.0):
        b.new_part().polygon(
            [(-1, y, -0.6), (1, y, -0.6), (1, y, 0.03), (-1, y, 0.03)],
            Material.MATT,
            (0.4, 0.4, 0.39),
            away_from=(0, 0, 0),
        )
    return b.build()
