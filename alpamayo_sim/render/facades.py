"""Houses: walls with coordinates for procedural windows, parapets and flat roofs, from the building boxes of a map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.statics import StaticBoxes, StaticKind

Floats = NDArray[np.floating]
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


class _Houses:
    """Quads of N houses at once; x and y in each house's own frame."""

    def __init__(self, center: Floats, extent: Floats, yaw_deg: Floats, seed: Floats) -> None:
        self.center = center
        self.yaw = np.radians(yaw_deg)
        self.seed = np.rint(seed * 255.0)
        self.foot = center[:, 2] - extent[:, 2]
        self.top = center[:, 2] + extent[:, 2]
        self.parts: list[NDArray[np.void]] = []

    def quad(
        self,
        x: Sequence[Floats],
        y: Sequence[Floats],
        z: Sequence[Floats],
        normal: tuple[float, float, float],
        color: Floats,
        wall: Floats | None = None,
        chosen: NDArray[np.bool_] | None = None,
    ) -> None:
        """Add one quad per chosen house, its four corners in order; `wall` [N, 4, 2] are the coordinates for windows."""
        px, py, pz = (np.stack([np.broadcast_to(v, self.top.shape) for v in axis], axis=1) for axis in (x, y, z))
        c, s = np.cos(self.yaw)[:, None], np.sin(self.yaw)[:, None]
        out = np.zeros(px.shape, dtype=VERTEX)
        out["position"][..., 0] = c * px - s * py + self.center[:, :1]
        out["position"][..., 1] = s * px + c * py + self.center[:, 1:2]
        out["position"][..., 2] = pz
        facing = np.stack([c * normal[0] - s * normal[1], s * normal[0] + c * normal[1], c * 0.0 + normal[2]], axis=-1)
        out["normal"][..., :3] = np.rint(facing * 127.5 + 127.5)
        out["normal"][..., 3] = self.seed[:, None]
        out["wall"] = -1.0 if wall is None else wall
        out["color"][..., :3] = np.clip(color, 0.0, 255.0)[:, None]
        first = np.stack([px[0], py[0], pz[0]], axis=1)
        if np.cross(first[1] - first[0], first[2] - first[0]) @ np.array(normal) < 0.0:
            out = out[:, ::-1]
        self.parts.append((out if chosen is None else out[chosen]).reshape(-1))


def building_triangles(statics: StaticBoxes) -> tuple[NDArray[np.void], NDArray[np.integer], Floats]:
    """Return vertices, triangles [T, 3] and a point [T, 2] of the quad that each triangle belongs to."""
    chosen = statics.kind == int(StaticKind.BUILDING)
    if not chosen.any():
        return np.zeros(0, dtype=VERTEX), np.zeros((0, 3), np.uint32), np.zeros((0, 2))
    center, extent = statics.center[chosen], statics.extent[chosen]
    rng = np.random.Generator(np.random.PCG64(len(center)))
    dice = rng.uniform(size=(len(center), 4))
    color = PALETTE[(dice[:, 0] * len(PALETTE)).astype(np.intp)] * (0.9 + 0.2 * dice[:, 1:2])
    houses = _Houses(center, extent, statics.yaw_deg[chosen], dice[:, 2])
    _add_walls(houses, extent, color)
    _add_roofs(houses, extent, dice)
    quads = np.concatenate(houses.parts)
    first = np.arange(0, len(quads), 4, dtype=np.uint32)[:, None]
    triangles = np.concatenate([first + np.array([[0, 1, 2]]), first + np.array([[0, 2, 3]])], axis=1).reshape(-1, 3)
    return quads, triangles, quads["position"][triangles[:, 0], :2].astype(np.float64)


def _sides(
    half_x: Floats, half_y: Floats
) -> Iterator[tuple[tuple[float, float, float], Floats, Floats, Floats, Floats]]:
    """Yield the outward normal and the ends (x0, y0, x1, y1) of the four sides of rectangles."""
    for nx, ny in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)):
        yield (nx, ny, 0.0), (nx + ny) * half_x, (ny - nx) * half_y, (nx - ny) * half_x, (nx + ny) * half_y


def _add_walls(houses: _Houses, extent: Floats, color: Floats) -> None:
    half_x, half_y = extent[:, 0], extent[:, 1]
    foot, top = houses.foot, houses.top
    inner = list(_sides(half_x - PARAPET_M, half_y - PARAPET_M))
    for (normal, x0, y0, x1, y1), (_, u0, v0, u1, v1) in zip(_sides(half_x, half_y), inner, strict=True):
        length, height, none = np.hypot(x1 - x0, y1 - y0), top - foot, np.zeros(len(top))
        wall = np.stack(
            [np.stack([none, length, length, none], axis=1), np.stack([none, none, height, height], axis=1)], axis=2
        )
        houses.quad((x0, x1, x1, x0), (y0, y1, y1, y0), (foot, foot, top, top), normal, color, wall)
        low = foot - BURIED_M
        houses.quad((x0, x1, x1, x0), (y0, y1, y1, y0), (low, low, foot, foot), normal, color * 0.6)
        houses.quad((x0, x1, u1, u0), (y0, y1, v1, v0), (top, top, top, top), (0.0, 0.0, 1.0), color * 0.85)
        roof = top - ROOF_BELOW_M
        inward = (-normal[0], -normal[1], 0.0)
        houses.quad((u0, u1, u1, u0), (v0, v1, v1, v0), (roof, roof, top, top), inward, color * 0.8)


def _add_roofs(houses: _Houses, extent: Floats, dice: Floats) -> None:
    half_x, half_y = extent[:, 0], extent[:, 1]
    roof = houses.top - ROOF_BELOW_M
    grey = np.repeat(92.0 + 50.0 * dice[:, 3:4], 3, axis=1)
    up = (0.0, 0.0, 1.0)
    houses.quad((-half_x, half_x, half_x, -half_x), (-half_y, -half_y, half_y, half_y), (roof,) * 4, up, grey)
    # A stair head or a plant room on two houses of three.
    has_box = dice[:, 1] > 0.35
    box_x, box_y = 0.22 * half_x, 0.25 * half_y
    shift, high = (dice[:, 3] - 0.5) * half_x, houses.top + 1.2 + 1.6 * dice[:, 2]
    for normal, x0, y0, x1, y1 in _sides(box_x, box_y):
        x = (x0 + shift, x1 + shift, x1 + shift, x0 + shift)
        houses.quad(x, (y0, y1, y1, y0), (roof, roof, high, high), normal, grey * 0.9, chosen=has_box)
    x = (shift - box_x, shift + box_x, shift + box_x, shift - box_x)
    houses.quad(x, (-box_y, -box_y, box_y, box_y), (high,) * 4, up, grey * 0.8, chosen=has_box)
