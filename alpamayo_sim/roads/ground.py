"""Height of the ground: road surfaces, raised sidewalks, bridges, and the terrain between the roads.

A point is on a road surface when a lane's strip holds it; sidewalks lie a kerb above the road. Elsewhere the terrain counts,
a smooth field that follows the lowest road nearby. `z_hint` tells storeys apart: the highest surface at or below
`z_hint + STEP_UP_M` is taken, and the lowest one where all are higher.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from alpamayo_sim.roads.lane_grid import GridArrays, project_on_segment
from alpamayo_sim.roads.lanes import LaneTable, LaneType
from alpamayo_sim.roads.terrain import TerrainArrays, build_terrain, terrain_height

Floats = NDArray[np.float64]

STEP_UP_M = 1.0
VERGE_M = 5.0
"""Width of the strip beside a road in which the ground passes from the road's height to the terrain's."""
STOREY_M = 0.5
"""Surfaces within this height of the top one are one storey and are blended."""
EMBANKMENT_M = 1.5
"""A road that lies farther than this above the terrain is a bridge: the terrain does not rise to its edge."""
NORMAL_STEP_M = 0.25


class GroundArrays(NamedTuple):
    """What `ground_height` reads; passes through numba unchanged."""

    grid: GridArrays
    terrain: TerrainArrays
    raise_m: Floats
    """[N] height of the lane's surface above the road at each sample."""
    is_carriageway: NDArray[np.bool_]
    """[N] whether the sample's lane is driven on (prevails over a sidewalk at the same place)."""


@njit(cache=True)
def surface_height(arrays: GroundArrays, x: float, y: float, z_hint: float) -> tuple[float, bool]:
    """Return (height, True) of the road surface at a point, or (0, False) where no lane's strip holds it."""
    grid = arrays.grid
    cell = grid.origin[2]
    i, j = int(np.floor((x - grid.origin[0]) / cell)), int(np.floor((y - grid.origin[1]) / cell))
    if i < 0 or j < 0 or i >= grid.shape[0] or j >= grid.shape[1]:
        return 0.0, False
    first, last = grid.cell_start[j * grid.shape[0] + i], grid.cell_start[j * grid.shape[0] + i + 1]
    ceiling = z_hint + STEP_UP_M
    top, lowest, found = -np.inf, np.inf, False
    for n in range(first, last):
        a = grid.cell_items[n]
        f, d2, height = project_on_segment(grid.xyz, a, x, y)
        half = grid.half_width[a] + f * (grid.half_width[a + 1] - grid.half_width[a])
        if d2 <= half * half:
            found = True
            if height <= ceiling:
                top = max(top, height)
            lowest = min(lowest, height)
    if not found:
        return 0.0, False
    if top == -np.inf:
        top = lowest
    weights, heights = 0.0, 0.0
    kerb_weights, kerb_heights = 0.0, 0.0
    for n in range(first, last):
        a = grid.cell_items[n]
        f, d2, height = project_on_segment(grid.xyz, a, x, y)
        half = grid.half_width[a] + f * (grid.half_width[a + 1] - grid.half_width[a])
        if d2 <= half * half and top - STOREY_M <= height <= top:
            weight = half - np.sqrt(d2) + 0.01
            if arrays.is_carriageway[a]:
                weights += weight
                heights += weight * (height + arrays.raise_m[a])
            else:
                kerb_weights += weight
                kerb_heights += weight * (height + arrays.raise_m[a])
    if weights > 0.0:
        return heights / weights, True
    return kerb_heights / kerb_weights, True


@njit(cache=True)
def _verge(arrays: GroundArrays, x: float, y: float, z_hint: float, terrain: float) -> float:
    """Return the height off the roads: the terrain's, drawn to the edge of a road within `VERGE_M`."""
    grid = arrays.grid
    cell = grid.origin[2]
    reach = int(np.ceil(VERGE_M / cell))
    ci, cj = int(np.floor((x - grid.origin[0]) / cell)), int(np.floor((y - grid.origin[1]) / cell))
    nearest, edge_height = VERGE_M, terrain
    for j in range(max(0, cj - reach), min(grid.shape[1] - 1, cj + reach) + 1):
        for i in range(max(0, ci - reach), min(grid.shape[0] - 1, ci + reach) + 1):
            c = j * grid.shape[0] + i
            for n in range(grid.cell_start[c], grid.cell_start[c + 1]):
                a = grid.cell_items[n]
                f, d2, height = project_on_segment(grid.xyz, a, x, y)
                half = grid.half_width[a] + f * (grid.half_width[a + 1] - grid.half_width[a])
                gap = np.sqrt(d2) - half
                if gap < nearest and height <= z_hint + STEP_UP_M and abs(height - terrain) <= EMBANKMENT_M:
                    nearest, edge_height = gap, height + arrays.raise_m[a]
    t = min(1.0, max(0.0, nearest / VERGE_M))
    blend = t * t * (3.0 - 2.0 * t)
    return edge_height + blend * (terrain - edge_height)


@njit(cache=True)
def ground_z(arrays: GroundArrays, x: float, y: float, z_hint: float) -> float:
    """Return the height of the ground at a point, metres."""
    height, on_road = surface_height(arrays, x, y, z_hint)
    terrain = terrain_height(arrays.terrain, x, y)
    if on_road and (height <= z_hint + STEP_UP_M or terrain > z_hint + STEP_UP_M or terrain > height - STOREY_M):
        return height
    return _verge(arrays, x, y, z_hint, terrain)


@njit(cache=True)
def ground_height(arrays: GroundArrays, x: float, y: float, z_hint: float) -> tuple[float, float, float, float]:
    """Return (z, nx, ny, nz): height and upward unit normal of the ground below `z_hint` (+ 1 m)."""
    z = ground_z(arrays, x, y, z_hint)
    slope_x = (ground_z(arrays, x + NORMAL_STEP_M, y, z) - ground_z(arrays, x - NORMAL_STEP_M, y, z)) * 0.5
    slope_y = (ground_z(arrays, x, y + NORMAL_STEP_M, z) - ground_z(arrays, x, y - NORMAL_STEP_M, z)) * 0.5
    slope_x, slope_y = slope_x / NORMAL_STEP_M, slope_y / NORMAL_STEP_M
    norm = np.sqrt(slope_x * slope_x + slope_y * slope_y + 1.0)
    return z, -slope_x / norm, -slope_y / norm, 1.0 / norm


@njit(cache=True)
def _heights(arrays: GroundArrays, xy: Floats, z_hint: Floats) -> tuple[Floats, Floats]:
    z = np.empty(len(xy))
    normal = np.empty((len(xy), 3))
    for m in range(len(xy)):
        z[m], normal[m, 0], normal[m, 1], normal[m, 2] = ground_height(arrays, xy[m, 0], xy[m, 1], z_hint[m])
    return z, normal


@dataclass(frozen=True, eq=False)
class Ground:
    """The ground of a map. World kernels call `ground_height(ground.arrays(), x, y, z_hint)` from numba."""

    _arrays: GroundArrays

    def arrays(self) -> GroundArrays:
        """Return the arrays that the module's kernels take first."""
        return self._arrays

    def height(self, xy: Floats, z_hint: Floats | float = 0.0) -> tuple[Floats, Floats]:
        """Return heights [M] and upward unit normals [M, 3] at points [M, 2] of the CARLA world frame."""
        xy = np.ascontiguousarray(xy, dtype=np.float64).reshape(-1, 2)
        hint = np.ascontiguousarray(np.broadcast_to(np.asarray(z_hint, dtype=np.float64), (len(xy),)))
        return _heights(self._arrays, xy, hint)


def build_ground(lanes: LaneTable) -> Ground:
    """Return the ground under and between `lanes`."""
    lane = lanes.lane_index
    is_walkway = np.isin(lanes.lane_type, (LaneType.SIDEWALK, LaneType.MEDIAN))
    return Ground(
        GroundArrays(
            lanes.grid.arrays,
            build_terrain(lanes.xyz),
            np.ascontiguousarray(lanes.height_m[lane]),
            np.ascontiguousarray(~is_walkway[lane]),
        )
    )
