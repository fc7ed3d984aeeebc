"""Houses: walls with coordinates for procedural windows, parapets and roofs, awnings, from the building boxes of a map.

Styles are those of `shaders/facade.frag`: blocks of flats, brick, offices, houses with pitched roofs, works; SHOP is added
where the ground floor is a shop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import rotation_matrices
from alpamayo_sim.render.instances import Instances, make_instances
from alpamayo_sim.render.library import MeshLibrary
from alpamayo_sim.roads.statics import CITY_OBJECT_LABEL, StaticBoxes, StaticKind

Floats = NDArray[np.floating]
VERTEX = np.dtype([("position", "3f4"), ("normal", "4u1"), ("wall", "2f4"), ("color", "4u1")])
PALETTE = np.array(
    [
        (188, 158, 122), (170, 92, 70), (201, 190, 170), (150, 150, 152), (122, 128, 138), (206, 172, 118),
        (142, 104, 84), (176, 184, 176), (214, 206, 190), (130, 82, 66), (158, 142, 120), (96, 104, 116),
    ]
)  # fmt: skip
FLATS, BRICK, OFFICE, HOUSE, WORKS = range(5)
SHOP = 8
TILES = 3
"""Style of a pitched roof's faces."""
BRICKS = np.array([(150, 78, 58), (128, 66, 52), (168, 104, 76), (108, 62, 54), (176, 128, 98)])
OFFICES = np.array([(96, 104, 116), (150, 156, 160), (74, 82, 92), (188, 190, 188)])
HOUSES = np.array(
    [(222, 212, 190), (206, 186, 150), (190, 196, 198), (226, 204, 178), (184, 150, 128), (232, 230, 222)]
)
SHEETS = np.array([(150, 158, 164), (120, 138, 150), (176, 168, 150), (110, 124, 116)])
ROOF_TILES = np.array([(118, 62, 48), (92, 58, 50), (84, 86, 92), (134, 84, 62)])
LOW_HOUSE_M = 9.0
"""Buildings up to this height are houses with pitched roofs, or works where they are broad."""
ROOF_PITCH = 0.62
BURIED_M = 2.5
"""How far walls reach below the ground at the middle of a house."""
PARAPET_M = 0.35
BUILDING_LABEL = CITY_OBJECT_LABEL[StaticKind.BUILDING]
ROOF_BELOW_M = 0.5


@dataclass(frozen=True)
class BuildingLooks:
    """How N buildings look: `style` [N], `color` [N, 3] of the walls, `seed` [N] and `dice` [N, 6] in 0..1."""

    style: NDArray[np.integer]
    color: Floats
    seed: Floats
    dice: Floats


def building_looks(center: Floats, extent: Floats) -> BuildingLooks:
    """Return the looks of buildings at [N, 3] of half sizes [N, 3]; each goes by its place alone."""
    place = np.rint(center[:, :1] * 10.0) * 12.9898 + np.rint(center[:, 1:2] * 10.0) * 78.233
    dice = np.modf(np.abs(np.sin(place + np.arange(6) * 37.719) * 43758.5453))[0]
    kind, height = dice[:, 4], 2.0 * extent[:, 2]
    low = height < LOW_HOUSE_M
    style = np.where(kind < 0.42, FLATS, np.where(kind < 0.74, BRICK, OFFICE))
    broad = extent[:, 0] * extent[:, 1] > 85.0
    style = np.where(low, np.where(broad & (kind < 0.5), WORKS, HOUSE), style)
    style = np.where(~low & (height > 22.0) & (kind > 0.25), OFFICE, style)
    color = np.zeros((len(extent), 3))
    for number, palette in ((FLATS, PALETTE), (BRICK, BRICKS), (OFFICE, OFFICES), (HOUSE, HOUSES), (WORKS, SHEETS)):
        picked = palette[(dice[:, 0] * len(palette)).astype(np.intp)]
        color = np.where((style == number)[:, None], picked, color)
    shop = ((style == FLATS) | (style == BRICK)) & (dice[:, 5] < 0.55)
    return BuildingLooks(style + SHOP * shop, color * (0.9 + 0.2 * dice[:, 1:2]), dice[:, 2], dice)


class _Houses:
    """Quads of N houses at once; x and y in each house's own frame."""

    def __init__(
        self, center: Floats, extent: Floats, yaw_deg: Floats, seed: Floats, style: NDArray[np.integer]
    ) -> None:
        self.center = center
        self.yaw = np.radians(yaw_deg)
        self.seed = np.rint(seed * 255.0)
        self.style = style
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
        style: int | None = None,
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
        out["color"][..., 3] = (self.style if style is None else np.full(len(self.top), style))[:, None]
        if chosen is not None and not chosen.any():
            return
        shown = 0 if chosen is None else int(np.argmax(chosen))
        first = np.stack([px[shown], py[shown], pz[shown]], axis=1)
        if np.cross(first[1] - first[0], first[2] - first[0]) @ np.array(normal) < 0.0:
            out = out[:, ::-1]
        self.parts.append((out if chosen is None else out[chosen]).reshape(-1))


def building_triangles(statics: StaticBoxes) -> tuple[NDArray[np.void], NDArray[np.integer], Floats]:
    """Return vertices, triangles [T, 3] and a point [T, 2] of the quad that each triangle belongs to."""
    chosen = statics.kind == int(StaticKind.BUILDING)
    if not chosen.any():
        return np.zeros(0, dtype=VERTEX), np.zeros((0, 3), np.uint32), np.zeros((0, 2))
    center, extent = statics.center[chosen], statics.extent[chosen]
    looks = building_looks(center, extent)
    houses = _Houses(center, extent, statics.yaw_deg[chosen], looks.seed, looks.style)
    _add_walls(houses, extent, looks.color)
    _add_roofs(houses, extent, looks)
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


def _add_roofs(houses: _Houses, extent: Floats, looks: BuildingLooks) -> None:
    half_x, half_y = extent[:, 0], extent[:, 1]
    dice = looks.dice
    pitched = (looks.style & 7) == HOUSE
    roof = houses.top - ROOF_BELOW_M
    grey = np.repeat(92.0 + 50.0 * dice[:, 3:4], 3, axis=1)
    up = (0.0, 0.0, 1.0)
    houses.quad((-half_x, half_x, half_x, -half_x), (-half_y, -half_y, half_y, half_y), (roof,) * 4, up, grey)
    # A stair head or a plant room on two flat roofs of three.
    has_box = (dice[:, 1] > 0.35) & ~pitched
    box_x, box_y = 0.22 * half_x, 0.25 * half_y
    shift, high = (dice[:, 3] - 0.5) * half_x, houses.top + 1.2 + 1.6 * dice[:, 2]
    for normal, x0, y0, x1, y1 in _sides(box_x, box_y):
        x = (x0 + shift, x1 + shift, x1 + shift, x0 + shift)
        houses.quad(x, (y0, y1, y1, y0), (roof, roof, high, high), normal, grey * 0.9, chosen=has_box)
    x = (shift - box_x, shift + box_x, shift + box_x, shift - box_x)
    houses.quad(x, (-box_y, -box_y, box_y, box_y), (high,) * 4, up, grey * 0.8, chosen=has_box)
    _add_pitched_roofs(houses, extent, looks, pitched)


def _add_pitched_roofs(houses: _Houses, extent: Floats, looks: BuildingLooks, pitched: NDArray[np.bool_]) -> None:
    """Add gable roofs, the ridge along x, with eaves that stand out a little."""
    eaves = 0.4
    half_x, half_y = extent[:, 0] + eaves, extent[:, 1] + eaves
    tiles = ROOF_TILES[(looks.dice[:, 3] * len(ROOF_TILES)).astype(np.intp)].astype(np.float64)
    low, ridge = houses.top - 0.15, houses.top + ROOF_PITCH * extent[:, 1]
    none, wall = np.zeros(len(extent)), houses.top - 0.3
    slope = (1.0 + ROOF_PITCH**2) ** 0.5
    for side in (1.0, -1.0):
        normal = (0.0, side * ROOF_PITCH / slope, 1.0 / slope)
        houses.quad(
            (-half_x, half_x, half_x, -half_x), (side * half_y, side * half_y, none, none), (low, low, ridge, ridge),
            normal, tiles, chosen=pitched, style=TILES,
        )  # fmt: skip
        # The gable: a wall that narrows to the ridge.
        x = side * extent[:, 0]
        houses.quad(
            (x, x, x, x), (-extent[:, 1], extent[:, 1], none, none), (wall, wall, ridge - 0.1, ridge - 0.1),
            (side, 0.0, 0.0), looks.color * 0.97, chosen=pitched,
        )  # fmt: skip


def awning_instances(library: MeshLibrary, statics: StaticBoxes) -> Instances:
    """Return awnings over some of the shops, on the longer walls."""
    chosen = np.flatnonzero(statics.kind == int(StaticKind.BUILDING))
    looks = building_looks(statics.center[chosen], statics.extent[chosen])
    parts: list[Floats] = []
    for k in np.flatnonzero((looks.style & SHOP) != 0):
        center, extent = statics.center[chosen[k]], statics.extent[chosen[k]]
        yaw = float(statics.yaw_deg[chosen[k]])
        for turn in (0.0, 180.0):
            c, s = np.cos(np.radians(yaw + turn)), np.sin(np.radians(yaw + turn))
            count = int(extent[0] // 4.0)
            for j in range(count):
                along = (j - 0.5 * (count - 1)) * 2.0 * extent[0] / max(count, 1)
                if np.modf(abs(along * 7.13 + looks.seed[k] * 31.0))[0] < 0.5:
                    continue
                place = center[:2] + np.array([c, s]) * along + np.array([-s, c]) * extent[1]
                parts.append(np.array([*place, center[2] - extent[2], yaw + turn, looks.seed[k], j]))
    rows = np.array(parts).reshape(-1, 6)
    count = len(rows)
    paint = np.ones((count, 4))
    paint[:, :3] = np.modf(rows[:, 4:5] * np.array([17.3, 29.1, 41.7]) + 0.1 * rows[:, 5:6])[0] * 0.6 + 0.1
    axes = rotation_matrices(np.column_stack([np.zeros(count), rows[:, 3].astype(np.float64), np.zeros(count)]))
    state = np.tile([0.0, 0.0, 0.0, 2.0], (count, 1))
    owner = np.tile([float(BUILDING_LABEL), 0.0], (count, 1))
    mesh = np.full(count, library.index("awning"), dtype=np.int32)
    return make_instances(library, mesh, axes, np.tile([1.9, 1.0, 1.0], (count, 1)), rows[:, :3], paint, state, owner)
