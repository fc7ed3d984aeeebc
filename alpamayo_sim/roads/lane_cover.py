"""What the lanes of a map cover on the ground, exactly (boxes against lanes) and as a raster (frontages, terrain).

A lane is a chain of cross sections: at each sample the segment between its two edges. Planar tests in the CARLA world frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap

HASH_CELL_M = 8.0
"""Cell size of the hash of cross sections on maps of usual size."""
MOST_CELLS = 4_000_000
SAMPLE_REACH_M = 0.55
"""Half the largest distance between two samples of a lane: how far a cross section stands for its lane along it."""


@njit(cache=True)
def _hash_sections(
    xy: NDArray[Any], cell: float, x0: float, y0: float, nx: int, ny: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    starts = np.zeros(nx * ny + 1, np.int64)
    cells = np.empty(len(xy), np.int64)
    for i in range(len(xy)):
        c = int((xy[i, 1] - y0) / cell) * nx + int((xy[i, 0] - x0) / cell)
        cells[i] = c
        starts[c + 1] += 1
    for c in range(nx * ny):
        starts[c + 1] += starts[c]
    order = np.empty(len(xy), np.int64)
    fill = starts[:-1].copy()
    for i in range(len(xy)):
        order[fill[cells[i]]] = i
        fill[cells[i]] += 1
    return starts, order


@njit(cache=True)
def _rectangles_touch(
    dx: float, dy: float, tx: float, ty: float, along: float, across: float, c: float, s: float, hx: float, hy: float
) -> bool:
    """Separating axes of a rectangle (axis t; half sizes along, across) and a box (axis (c, s); hx, hy) at (dx, dy) from it."""
    u, v = abs(c * tx + s * ty), abs(-s * tx + c * ty)
    if abs(dx * tx + dy * ty) > along + hx * u + hy * v:
        return False
    if abs(-dx * ty + dy * tx) > across + hx * v + hy * u:
        return False
    if abs(dx * c + dy * s) > hx + along * u + across * v:
        return False
    return abs(-dx * s + dy * c) <= hy + along * v + across * u


@njit(cache=True)
def _boxes_touch(
    center: NDArray[Any],
    extent: NDArray[Any],
    yaw_rad: NDArray[Any],
    xy: NDArray[Any],
    z: NDArray[Any],
    tangent: NDArray[Any],
    half: NDArray[Any],
    reach: float,
    margin: float,
    storey: float,
    starts: NDArray[Any],
    order: NDArray[Any],
    cell: float,
    x0: float,
    y0: float,
    nx: int,
    ny: int,
    widest: float,
) -> NDArray[np.bool_]:
    touched = np.zeros(len(center), np.bool_)
    for b in range(len(center)):
        cx, cy = center[b, 0], center[b, 1]
        c, s = np.cos(yaw_rad[b]), np.sin(yaw_rad[b])
        radius = np.hypot(extent[b, 0], extent[b, 1]) + widest + margin + reach
        i0, i1 = max(0, int((cx - radius - x0) / cell)), min(nx - 1, int((cx + radius - x0) / cell))
        j0, j1 = max(0, int((cy - radius - y0) / cell)), min(ny - 1, int((cy + radius - y0) / cell))
        hit = False
        for j in range(j0, j1 + 1):
            for i in range(i0, i1 + 1):
                for k in range(starts[j * nx + i], starts[j * nx + i + 1]):
                    q = order[k]
                    if abs(z[q] - center[b, 2]) > storey:
                        continue
                    dx, dy = cx - xy[q, 0], cy - xy[q, 1]
                    along, across = reach + margin, float(half[q]) + margin
                    if _rectangles_touch(
                        dx, dy, tangent[q, 0], tangent[q, 1], along, across, c, s, extent[b, 0], extent[b, 1]
                    ):
                        hit = True
                        break
                if hit:
                    break
            if hit:
                break
        touched[b] = hit
    return touched


@njit(cache=True)
def stamp_sections(
    grid: NDArray[Any],
    xy: NDArray[Any],
    tangent: NDArray[Any],
    half_width: NDArray[Any],
    half_length: float,
    cell: float,
    x0: float,
    y0: float,
) -> None:
    """Set the cells of `grid` [ny, nx] whose middle lies in a rectangle of the given half sizes round each point."""
    ny, nx = grid.shape
    for k in range(len(xy)):
        tx, ty = tangent[k, 0], tangent[k, 1]
        rx = abs(tx) * half_length + abs(ty) * half_width[k]
        ry = abs(ty) * half_length + abs(tx) * half_width[k]
        i0, i1 = max(0, int((xy[k, 0] - rx - x0) / cell)), min(nx - 1, int((xy[k, 0] + rx - x0) / cell))
        j0, j1 = max(0, int((xy[k, 1] - ry - y0) / cell)), min(ny - 1, int((xy[k, 1] + ry - y0) / cell))
        for j in range(j0, j1 + 1):
            for i in range(i0, i1 + 1):
                dx, dy = x0 + (i + 0.5) * cell - xy[k, 0], y0 + (j + 0.5) * cell - xy[k, 1]
                if abs(dx * tx + dy * ty) <= half_length and abs(dy * tx - dx * ty) <= half_width[k]:
                    grid[j, i] = 1


@njit(cache=True)
def stamp_polygon(grid: NDArray[Any], polygon: NDArray[Any], cell: float, x0: float, y0: float) -> None:
    """Set the cells of `grid` [ny, nx] whose middle lies inside the closed polygon [K, 2] (even-odd rule)."""
    ny, nx = grid.shape
    n = len(polygon)
    j0 = max(0, int((polygon[:, 1].min() - y0) / cell))
    j1 = min(ny - 1, int((polygon[:, 1].max() - y0) / cell))
    i0 = max(0, int((polygon[:, 0].min() - x0) / cell))
    i1 = min(nx - 1, int((polygon[:, 0].max() - x0) / cell))
    for j in range(j0, j1 + 1):
        y = y0 + (j + 0.5) * cell
        for i in range(i0, i1 + 1):
            x = x0 + (i + 0.5) * cell
            inside = False
            for a in range(n):
                b = (a + 1) % n
                ya, yb = polygon[a, 1], polygon[b, 1]
                if (ya > y) != (yb > y) and x < (polygon[b, 0] - polygon[a, 0]) * (y - ya) / (yb - ya) + polygon[a, 0]:
                    inside = not inside
            if inside:
                grid[j, i] = 1


@dataclass(frozen=True)
class LaneCover:
    """The cross sections of the chosen lanes, hashed for exact planar tests of boxes against them."""

    xy: NDArray[np.floating]
    z: NDArray[np.floating]
    tangent: NDArray[np.floating]
    half_width: NDArray[np.floating]
    cell_m: float
    origin: tuple[float, float]
    shape: tuple[int, int]
    starts: NDArray[np.integer]
    order: NDArray[np.integer]

    @classmethod
    def from_lanes(cls, road_map: RoadMap, sample_mask: NDArray[np.bool_]) -> LaneCover:
        """Return the cover of the lane samples chosen by `sample_mask` [N]."""
        lanes = road_map.lanes
        xy = np.ascontiguousarray(lanes.xyz[sample_mask, :2], dtype=np.float64)
        z = np.ascontiguousarray(lanes.xyz[sample_mask, 2], dtype=np.float64)
        tangent = np.ascontiguousarray(lanes.tangent[sample_mask], dtype=np.float64)
        half = np.ascontiguousarray(lanes.width[sample_mask] * 0.5, dtype=np.float64)
        low = xy.min(axis=0) if len(xy) else np.zeros(2)
        high = xy.max(axis=0) if len(xy) else np.zeros(2)
        cell = float(max(HASH_CELL_M, np.sqrt(np.prod(high - low + 1.0) / MOST_CELLS), (high - low).max() / MOST_CELLS))
        nx, ny = (int(v) for v in (high - low) / cell + 1)
        starts, order = _hash_sections(xy, cell, low[0], low[1], nx, ny)
        return cls(xy, z, tangent, half, cell, (float(low[0]), float(low[1])), (nx, ny), starts, order)

    def touched_by(
        self,
        center: NDArray[np.floating],
        extent: NDArray[np.floating],
        yaw_deg: NDArray[np.floating],
        margin_m: float,
        *,
        storey_m: float = np.inf,
    ) -> NDArray[np.bool_]:
        """Return for each upright box (center [M, 3], half sizes [M, 3], yaw [M]) whether it comes within the margin of a lane.

        Heights do not count, save that lanes farther than `storey_m` above or below a box's middle are left out.
        """
        if not len(self.xy) or not len(center):
            return np.zeros(len(center), dtype=np.bool_)
        return _boxes_touch(
            np.ascontiguousarray(center, dtype=np.float64),
            np.ascontiguousarray(extent, dtype=np.float64),
            np.radians(np.asarray(yaw_deg, dtype=np.float64)),
            self.xy,
            self.z,
            self.tangent,
            self.half_width,
            SAMPLE_REACH_M,
            margin_m,
            storey_m,
            self.starts,
            self.order,
            self.cell_m,
            self.origin[0],
            self.origin[1],
            self.shape[0],
            self.shape[1],
            float(self.half_width.max()),
        )
