"""Where land begins: the outer edges of roads, and a raster of what is taken, on which things are placed beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from alpamayo_sim.roads.lane_cover import stamp_polygon, stamp_sections
from alpamayo_sim.roads.lanes import LaneType

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap

Floats = NDArray[np.floating]
RASTER_CELL_M = 1.0
"""Cell size on maps of usual size."""
MOST_CELLS = 25_000_000
BORDER_M = 80.0
"""Land kept round the lanes."""
FAST_KMH = 75.0
"""From this speed limit on a road is lined by guard rails and trees, not by houses."""


@njit(cache=True)
def _place(
    grid: NDArray[Any],
    center: NDArray[Any],
    half: NDArray[Any],
    yaw_rad: NDArray[Any],
    wanted: NDArray[Any],
    gap: float,
    cell: float,
    x0: float,
    y0: float,
) -> NDArray[np.bool_]:
    ny, nx = grid.shape
    placed = np.zeros(len(center), np.bool_)
    for b in range(len(center)):
        if not wanted[b]:
            continue
        c, s = np.cos(yaw_rad[b]), np.sin(yaw_rad[b])
        for stamp in range(2):
            grow = gap + 0.71 * cell if stamp == 0 else 0.5 * cell
            hx, hy = half[b, 0] + grow, half[b, 1] + grow
            rx, ry = abs(c) * hx + abs(s) * hy, abs(s) * hx + abs(c) * hy
            i0, i1 = int((center[b, 0] - rx - x0) / cell), int((center[b, 0] + rx - x0) / cell)
            j0, j1 = int((center[b, 1] - ry - y0) / cell), int((center[b, 1] + ry - y0) / cell)
            if i0 < 0 or j0 < 0 or i1 >= nx or j1 >= ny:
                break
            free = True
            for j in range(j0, j1 + 1):
                for i in range(i0, i1 + 1):
                    dx, dy = x0 + (i + 0.5) * cell - center[b, 0], y0 + (j + 0.5) * cell - center[b, 1]
                    if abs(c * dx + s * dy) <= hx and abs(-s * dx + c * dy) <= hy:
                        if stamp == 1:
                            grid[j, i] = 1
                        elif grid[j, i] != 0:
                            free = False
                            break
                if not free:
                    break
            if not free:
                break
            if stamp == 1:
                placed[b] = True
    return placed


@dataclass(frozen=True)
class Raster:
    """One byte per cell: whether a lane, a crosswalk, the inside of a junction or a placed thing lies there."""

    taken: NDArray[np.uint8]
    origin: tuple[float, float]
    cell_m: float

    @classmethod
    def from_road_map(cls, road_map: RoadMap) -> Raster:
        """Return the raster of a map's lanes of every type, crosswalks and junction hulls."""
        lanes = road_map.lanes
        xy = np.ascontiguousarray(lanes.xyz[:, :2], dtype=np.float64)
        x0, y0 = (float(v) for v in xy.min(axis=0) - BORDER_M)
        size = xy.max(axis=0) + BORDER_M - (x0, y0)
        cell = float(max(RASTER_CELL_M, np.sqrt(size[0] * size[1] / MOST_CELLS)))
        nx, ny = (int(v) for v in size / cell + 1)
        taken = np.zeros((ny, nx), dtype=np.uint8)
        tangent = np.ascontiguousarray(lanes.tangent, dtype=np.float64)
        half_width = np.asarray(lanes.width, dtype=np.float64) * 0.5 + 0.3
        stamp_sections(taken, xy, tangent, half_width, 0.8, cell, x0, y0)
        for polygon in road_map.crosswalks:
            stamp_polygon(taken, np.ascontiguousarray(polygon[:, :2], dtype=np.float64), cell, x0, y0)
        for hull in junction_hulls(road_map):
            stamp_polygon(taken, hull, cell, x0, y0)
        return cls(taken, (x0, y0), cell)

    def cells(self, xy: Floats) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
        """Return the (row, column) of points [M, 2], clipped to the raster."""
        ij = ((xy - np.array(self.origin)) / self.cell_m).astype(np.intp)
        return np.clip(ij[:, 1], 0, self.taken.shape[0] - 1), np.clip(ij[:, 0], 0, self.taken.shape[1] - 1)

    def is_free(self, xy: Floats, radius_m: float) -> NDArray[np.bool_]:
        """Return whether the cells of points [M, 2], and of the four points at `radius_m` round each, are free."""
        free = np.ones(len(xy), dtype=np.bool_)
        for dx, dy in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
            free &= self.taken[self.cells(xy + np.array([dx, dy]) * radius_m)] == 0
        return free

    def stamp(self, center: Floats, extent: Floats, yaw_deg: Floats, *, margin_m: float) -> None:
        """Take the cells of the boxes, grown by the margin."""
        yaw = np.radians(yaw_deg)
        for half in np.unique(extent[:, :2], axis=0):
            chosen = (extent[:, :2] == half).all(axis=1)
            tangent = np.stack([np.cos(yaw[chosen]), np.sin(yaw[chosen])], axis=1)
            width = np.full(int(chosen.sum()), half[1] + margin_m)
            xy = np.ascontiguousarray(center[chosen, :2])
            stamp_sections(self.taken, xy, tangent, width, half[0] + margin_m, self.cell_m, *self.origin)

    def place(
        self, center: Floats, extent: Floats, yaw_deg: Floats, wanted: NDArray[np.bool_], *, gap_m: float
    ) -> NDArray[np.bool_]:
        """Take the cells of each wanted box in turn if all of them are free; return [M] which were placed."""
        half = np.ascontiguousarray(extent[:, :2])
        xy = np.ascontiguousarray(center[:, :2])
        return _place(self.taken, xy, half, np.radians(yaw_deg), wanted, gap_m, self.cell_m, *self.origin)

    def smooth_noise(self, xy: Floats, rng: np.random.Generator, scale_m: float = 120.0) -> Floats:
        """Return a value in [0, 1] for points [M, 2] that varies smoothly over `scale_m`."""
        shape = tuple(int(n * self.cell_m / scale_m) + 3 for n in self.taken.shape)
        knots = rng.uniform(size=shape)
        uv = (xy - np.array(self.origin)) / scale_m
        cell = np.clip(uv.astype(np.intp), 0, np.array([shape[1] - 2, shape[0] - 2]))
        f = np.clip(uv - cell, 0.0, 1.0)
        i, j = cell[:, 0], cell[:, 1]
        low = knots[j, i] * (1 - f[:, 0]) + knots[j, i + 1] * f[:, 0]
        high = knots[j + 1, i] * (1 - f[:, 0]) + knots[j + 1, i + 1] * f[:, 0]
        return low * (1 - f[:, 1]) + high * f[:, 1]


def junction_hulls(road_map: RoadMap) -> list[Floats]:
    """Return the convex hull [K, 2] of the lanes of each junction, ascending by junction id."""
    lanes = road_map.lanes
    junction = np.asarray(lanes.junction_id)[lanes.lane_index]
    inside = np.nonzero(np.asarray(lanes.is_junction)[lanes.lane_index])[0]
    inside = inside[np.argsort(junction[inside], kind="stable")]
    hulls: list[Floats] = []
    for members in np.split(inside, np.nonzero(np.diff(junction[inside]))[0] + 1):
        if len(members) < 3:
            continue
        points = np.ascontiguousarray(lanes.xyz[members, :2], dtype=np.float64)
        try:
            hulls.append(points[ConvexHull(points).vertices])
        except QhullError:
            continue
    return hulls


@dataclass(frozen=True)
class Edges:
    """Points on outer edges of roads, in runs: `xyz` [M, 3], `outward` [M, 2] unit, `yaw_deg` [M] along the road."""

    xyz: Floats
    outward: Floats
    yaw_deg: Floats
    run: NDArray[np.integer]
    arc_m: Floats
    """[M] metres from the run's start."""
    to_end_m: Floats
    """[M] metres to the run's end."""
    urban: NDArray[np.bool_]
    fast: NDArray[np.bool_]

    def _take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> Edges:
        return Edges(
            self.xyz[index],
            self.outward[index],
            self.yaw_deg[index],
            self.run[index],
            self.arc_m[index],
            self.to_end_m[index],
            self.urban[index],
            self.fast[index],
        )

    def every(self, spacing_m: float) -> Edges:
        """Return the edge points at about every `spacing_m` of each run."""
        slot = np.floor(self.arc_m / spacing_m).astype(np.intp)
        first = np.ones(len(slot), dtype=np.bool_)
        first[1:] = (slot[1:] != slot[:-1]) | (self.run[1:] != self.run[:-1])
        return self._take(first)

    def where_urban(self) -> Edges:
        """Return the points beside sidewalks or slow roads."""
        return self._take(self.urban)

    def where_rural(self) -> Edges:
        """Return the points that are not urban."""
        return self._take(~self.urban)

    def where_fast(self) -> Edges:
        """Return the points beside fast roads without a sidewalk."""
        return self._take(self.fast)


def outer_edges(road_map: RoadMap, raster: Raster) -> Edges:
    """Return the points of lane edges outside junctions beyond which no lane lies."""
    lanes = road_map.lanes
    sample = np.nonzero(~np.asarray(lanes.is_junction)[lanes.lane_index])[0]
    lane = np.asarray(lanes.lane_index)[sample]
    parts = []
    for side in (1.0, -1.0):
        outward = np.stack([-lanes.tangent[sample, 1], lanes.tangent[sample, 0]], axis=1) * side
        edge = lanes.xyz[sample, :2] + outward * (lanes.width[sample, None] * 0.5)
        free = raster.taken[raster.cells(edge + outward * 2.0)] == 0
        parts.append((sample[free], lane[free], edge[free], outward[free], np.full(int(free.sum()), side)))
    sample, lane, edge, outward, side = (np.concatenate([p[k] for p in parts]) for k in range(5))
    xyz = np.concatenate([edge, lanes.xyz[sample, 2:3]], axis=1)
    step = np.hypot(*np.diff(edge, axis=0, prepend=edge[:1]).T)
    new_run = (np.diff(lane, prepend=-1) != 0) | (np.diff(side, prepend=0.0) != 0) | (step > 3.0)
    run = np.cumsum(new_run) - 1
    total = np.cumsum(np.where(new_run, 0.0, step))
    arc = total - total[np.nonzero(new_run)[0]][run] if len(run) else total
    last = np.append(np.nonzero(new_run)[0][1:], len(run)) - 1
    to_end = arc[last][run] - arc if len(run) else arc
    tangent = lanes.tangent[sample]
    speed = np.asarray(lanes.speed_limit_kmh)[lane]
    beside_walk = np.asarray(lanes.lane_type)[lane] == int(LaneType.SIDEWALK)
    fast = (speed >= FAST_KMH) & ~beside_walk
    urban = beside_walk | (speed < FAST_KMH)
    yaw = np.degrees(np.arctan2(tangent[:, 1], tangent[:, 0]))
    return Edges(xyz, outward, yaw, run, arc, to_end, urban, fast)
