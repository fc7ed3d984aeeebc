"""Trees, lamps, traffic lights, signs and guard rails. Mesh frame: x forward, y right, z up, origin at the foot."""

from __future__ import annotations

import numpy as np

from alpamayo_sim.render.mesh import BLACK, STEEL, Color, Material, Mesh, MeshBuilder

BARK: Color = (0.32, 0.24, 0.18)
LEAF: Color = (0.30, 0.44, 0.20)
NEEDLE: Color = (0.20, 0.34, 0.20)
WHITE: Color = (0.93, 0.93, 0.93)
RED: Color = (0.80, 0.07, 0.08)
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


_SEGMENTS = {
    "0": "abcdef", "1": "bc", "2": "abged", "3": "abgcd", "4": "fgbc", "5": "afgcd", "6": "afgedc", "7": "abc",
    "8": "abcdefg", "9": "gfabcd", "S": "afgcd", "O": "abcdef", "P": "abgfe",
}  # fmt: skip
"""The seven strokes that make each character: a top, b and c right, d bottom, e and f left, g middle."""


def _strokes(b: MeshBuilder, text: str, center: tuple[float, float], height: float, x: float, color: Color) -> None:
    """Write on the face that looks along +x; `center` is (y to the reader's left, z)."""
    w, t = height * 0.5, height * 0.11
    pitch = w * 1.45
    for k, character in enumerate(text):
        # Seen from +x, the reader's right is -y.
        y = center[0] - (k - 0.5 * (len(text) - 1)) * pitch
        h = height / 2
        bars = {
            "a": (0.0, h - t, w / 2, t), "d": (0.0, -h + t, w / 2, t), "g": (0.0, 0.0, w / 2, t),
            "b": (-w / 2 + t, h / 2, t, h / 2), "c": (-w / 2 + t, -h / 2, t, h / 2),
            "f": (w / 2 - t, h / 2, t, h / 2), "e": (w / 2 - t, -h / 2, t, h / 2),
            "T": (0.0, -t, t, h - t),
        }  # fmt: skip
        for stroke in "aT" if character == "T" else _SEGMENTS[character]:
            dy, dz, hy, hz = bars[stroke]
            b.new_part()
            corners = [
                (x, y + dy + sy * hy, center[1] + dz + sz * hz) for sy, sz in ((-1, -1), (1, -1), (1, 1), (-1, 1))
            ]
            b.polygon(corners, Material.SIGN_FACE, color, away_from=(x - 1.0, y, center[1]))


def sign_mesh(kind: str, value: int = 0) -> Mesh:
    """Return a sign on its post, 2.7 m tall, its face looking along +x; kinds "stop", "yield", "speed_limit", "plain"."""
    b = MeshBuilder()
    z = 2.35
    b.tube((0, 0, -0.4), (0, 0, 2.6), (0.035, 0.035), Material.MATT, (0.5, 0.5, 0.5), sides=6)
    back: Color = (0.45, 0.46, 0.47)
    if kind == "stop":
        for r, color, x in ((0.42, WHITE, 0.05), (0.38, RED, 0.055)):
            b.disc((x, 0, z), (1, 0, 0), r, Material.SIGN_FACE, color, sides=8)
        b.disc((0.045, 0, z), (-1, 0, 0), 0.42, Material.MATT, back, sides=8)
        _strokes(b, "STOP", (0.0, z), 0.24, 0.06, WHITE)
    elif kind == "yield":
        for r, color, x in ((0.52, RED, 0.05), (0.30, WHITE, 0.055)):
            points = [(x, -r * 0.866, z + r * 0.5), (x, r * 0.866, z + r * 0.5), (x, 0, z - r)]
            b.new_part().polygon(points, Material.SIGN_FACE, color, away_from=(-1, 0, z))
        points = [(0.045, -0.45, z + 0.26), (0.045, 0.45, z + 0.26), (0.045, 0, z - 0.52)]
        b.new_part().polygon(points, Material.MATT, back, away_from=(1, 0, z))
    elif kind == "speed_limit":
        for r, color, x in ((0.40, RED, 0.05), (0.31, WHITE, 0.055)):
            b.disc((x, 0, z), (1, 0, 0), r, Material.SIGN_FACE, color, sides=20)
        b.disc((0.045, 0, z), (-1, 0, 0), 0.40, Material.MATT, back, sides=16)
        text = str(value)
        _strokes(b, text, (0.0, z), 0.30 if len(text) < 3 else 0.24, 0.06, (0.05, 0.05, 0.05))
    else:
        b.box((0.03, 0, z), (0.015, 0.3, 0.3), Material.SIGN_FACE, (0.15, 0.3, 0.65))
    return b.build()
