"""Houses: walls with coordinates for procedural windows, parapets and flat roofs, from the building boxes of a map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.statics import StaticBoxes, StaticKind

Floats = NDArray[np.float64]
VERTEX = np.dtype([("position", "3f4"), ("normal", "4u1"), ("wall", "2f4"), ("color", "4u1")])
PALETTE = np.array(
    [
        (188, 158, 122), (170, 92, 70), (201, 190, 170), (150, 150, 152), (122, 128, 138), (206, 172, 118),
        (142, 104, 84), (176, 184, 176), (214, 206, 190), (130, 82, 66), (158, 142, 120), (96, 104, 116),
    ]
)  # fmt: skip
BURIED_M = 2.5
"""How far walls reach below the ground at the middle of a house."""
PARAPET_M = 0.35
ROOF_BELOW_M = 0.5


def building_triangles(statics: StaticBoxes) -> tuple[NDArray[np.void], NDArray[np.uint32], Floats]:
    """Return vertices, triangles [T, 3] and the middle [T, 2] of the house that each triangle belongs to."""
    chosen = np.nonzero(statics.kind == int(StaticKind.BUILDING))[0]
    vertices: list[NDArray[np.void]] = []
    for k in chosen:
        center, extent = statics.center[k], statics.extent[k]
        dice = np.random.Generator(
            np.random.PCG64(abs(int(center[0] * 10.0)) * 7919 + abs(int(center[1] * 10.0)))
        ).uniform(size=4)
        color = np.clip(PALETTE[int(dice[0] * len(PALETTE))] * (0.9 + 0.2 * dice[1]), 0, 255)
        vertices.extend(_house(center, extent, np.radians(statics.yaw_deg[k]), color, dice))
    if not vertices:
        return np.zeros(0, dtype=VERTEX), np.zeros((0, 3), np.uint32), np.zeros((0, 2))
    quads = np.concatenate(vertices)
    first = np.arange(0, len(quads), 4, dtype=np.uint32)[:, None]
    triangles = np.concatenate(
        [first + np.array([[0, 1, 2]], np.uint32), first + np.array([[0, 2, 3]], np.uint32)], axis=1
    )
    triangles = triangles.reshape(-1, 3)
    return quads, triangles, quads["position"][triangles[:, 0], :2].astype(np.float64)


def _house(center: Floats, extent: Floats, yaw: float, color: Floats, dice: Floats) -> list[NDArray[np.void]]:
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, -s], [s, c]])
    foot, top = center[2] - extent[2], center[2] + extent[2]
    hx, hy = float(extent[0]), float(extent[1])
    quads: list[NDArray[np.void]] = []

    def quad(
        corners: list[tuple[float, float, float]], normal: tuple[float, float, float], wall: Floats, rgb: Floats
    ) -> None:
        points = np.array(corners)
        out = np.zeros(4, dtype=VERTEX)
        out["position"][:, :2] = points[:, :2] @ turn.T + center[:2]
        out["position"][:, 2] = points[:, 2]
        direction = np.append(turn @ np.array(normal[:2]), normal[2])
        out["normal"][:, :3] = np.rint(direction * 127.5 + 127.5)
        out["normal"][:, 3] = int(dice[2] * 255)
        out["wall"] = wall
        out["color"][:, :3] = rgb
        facing = np.cross(points[1] - points[0], points[2] - points[0]) @ np.array(normal)
        quads.append(out if facing > 0 else out[::-1])

    roof = top - ROOF_BELOW_M
    for nx, ny, half, length in ((1, 0, hx, hy), (-1, 0, hx, hy), (0, 1, hy, hx), (0, -1, hy, hx)):
        tx, ty = -ny, nx
        a = (nx * half - tx * length, ny * half - ty * length)
        b = (nx * half + tx * length, ny * half + ty * length)
        low, high = foot - BURIED_M, top
        wall = np.array([[0.0, 0.0], [2 * length, 0.0], [2 * length, top - foot], [0.0, top - foot]])
        wall[:2, 1] = 0.0
        quad([(*a, foot), (*b, foot), (*b, high), (*a, high)], (nx, ny, 0), wall, color)
        plain = np.full((4, 2), -1.0)
        quad([(*a, low), (*b, low), (*b, foot), (*a, foot)], (nx, ny, 0), plain, color * 0.6)
        i = half - PARAPET_M
        ai, bi = (
            (nx * i - tx * (length - PARAPET_M), ny * i - ty * (length - PARAPET_M)),
            (nx * i + tx * (length - PARAPET_M), ny * i + ty * (length - PARAPET_M)),
        )
        quad([(*a, high), (*b, high), (*bi, high), (*ai, high)], (0, 0, 1), plain, color * 0.85)
        quad([(*ai, roof), (*bi, roof), (*bi, high), (*ai, high)], (-nx, -ny, 0), plain, color * 0.8)
    grey = np.full(3, 92.0 + 50.0 * dice[3])
    plain = np.full((4, 2), -1.0)
    quad([(-hx, -hy, roof), (hx, -hy, roof), (hx, hy, roof), (-hx, hy, roof)], (0, 0, 1), plain, grey)
    if dice[1] > 0.35:
        bx, by, bz = 0.22 * hx, 0.25 * hy, top + 1.2 + 1.6 * dice[2]
        ox = (dice[3] - 0.5) * hx
        for nx, ny, half, length in ((1, 0, bx, by), (-1, 0, bx, by), (0, 1, by, bx), (0, -1, by, bx)):
            tx, ty = -ny, nx
            a = (nx * half - tx * length + ox, ny * half - ty * length)
            b = (nx * half + tx * length + ox, ny * half + ty * length)
            quad([(*a, roof), (*b, roof), (*b, bz), (*a, bz)], (nx, ny, 0), plain, grey * 0.9)
        quad(
            [(ox - bx, -by, bz), (ox + bx, -by, bz), (ox + bx, by, bz), (ox - bx, by, bz)], (0, 0, 1), plain, grey * 0.8
        )
    return quads
