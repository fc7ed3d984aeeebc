"""Height of the ground: road surfaces, raised sidewalks, bridges, and the terrain between the roads.

A point is on a road surface when a lane's strip holds it; sidewalks lie a kerb above the road. Elsewhere the terrain
counts, a smooth field that follows the lowest road nearby. `z_hint` tells storeys apart: the highest surface at or
below `z_hint + STEP_UP_M` is taken, and the lowest one where all are higher.
"""

from __future__ import annotations

import math
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
GRADIENT_STEP_M = 0.25
PAST_END_M, PAST_JOINT_M = 0.02, 0.3
"""Sidewalks end square where their lane ends; carriageways are round there, to close gaps. How far a strip reaches past the
end of its lane, and past a segment in a bend."""
BURIED_M = 3.0
"""Ground that is higher than this above its feet holds nobody: what is put under the world falls, as in CARLA."""
NO_SURFACE: float = np.nan

OPEN_LAND = (LaneType.NONE, LaneType.SHOULDER, LaneType.BORDER, LaneType.MEDIAN, LaneType.RESTRICTED)
OTHER, SIDEWALK, CARRIAGEWAY = 0, 1, 2
"""Kinds of surface; of several at one place and storey the greatest counts."""


class GroundArrays(NamedTuple):
    """What `ground_height` reads; passes through numba unchanged."""

    grid: GridArrays
    terrain: TerrainArrays
    raise_m: Floats
    """[N] height of the lane's surface above the road at each sample."""
    kind: NDArray[np.uint8]
    """[N] OTHER, SIDEWALK or CARRIAGEWAY."""


@njit(cache=True)
def _beyond(grid: GridArrays, a: int, x: float, y: float) -> float:
    """Return by how many metres a point lies past the ends of the segment from sample `a` on, 0 beside it."""
    dx, dy = grid.xyz[a + 1, 0] - grid.xyz[a, 0], grid.xyz[a + 1, 1] - grid.xyz[a, 1]
    length = math.sqrt(dx * dx + dy * dy)
    along = ((x - grid.xyz[a, 0]) * dx + (y - grid.xyz[a, 1]) * dy) / max(length, 1e-9)
    return max(0.0, -along, along - length)


@njit(cache=True)
def _past_end(grid: GridArrays, a: int) -> float:
    """Return how far the strip of the segment from sample `a` on reaches past its ends."""
    lane = grid.sample_lane[a]
    inner = a > 0 and grid.sample_lane[a - 1] == lane
    inner = inner and a + 2 < len(grid.sample_lane) and grid.sample_lane[a + 2] == lane
    return PAST_JOINT_M if inner else PAST_END_M


@njit(cache=True)
def surface_height(arrays: GroundArrays, x: float, y: float, z_hint: float) -> tuple[float, float, float]:
    """Return (z, dz/dx, dz/dy) of the road surface at a point; z is NaN where no lane's strip holds it.

    The top storey at or below `z_hint + STEP_UP_M` is meant, else the lowest one. Strips that overlap are averaged,
    weighted by the distance to their edges, so that height changes smoothly across a junction.
    """
    grid = arrays.grid
    cell = grid.origin[2]
    i, j = math.floor((x - grid.origin[0]) / cell), math.floor((y - grid.origin[1]) / cell)
    if i < 0 or j < 0 or i >= grid.shape[0] or j >= grid.shape[1]:
        return NO_SURFACE, 0.0, 0.0
    c = j * grid.shape[0] + i
    ceiling = z_hint + STEP_UP_M
    top, kind, above = -np.inf, -1, True
    weights, heights, slope_x, slope_y = 0.0, 0.0, 0.0, 0.0
    for n in range(grid.cell_start[c], grid.cell_start[c + 1]):
        for a in range(grid.run_first[n], grid.run_last[n] + 1):
            half = max(grid.half_width[a], grid.half_width[a + 1])
            ox, oy = x - grid.xyz[a, 0], y - grid.xyz[a, 1]
            if ox * ox + oy * oy > (half + grid.origin[3]) * (half + grid.origin[3]):
                continue
            f, d2, height = project_on_segment(grid.xyz, a, x, y)
            half = grid.half_width[a] + f * (grid.half_width[a + 1] - grid.half_width[a])
            if d2 > half * half:
                continue
            a_kind = arrays.kind[a]
            if a_kind == SIDEWALK and _beyond(grid, a, x, y) > _past_end(grid, a):
                continue
            is_above = height > ceiling
            if is_above and not above:
                continue
            if above and not is_above:
                starts = True
            elif is_above:
                starts = height < top - STOREY_M
                if height > top + STOREY_M and kind >= 0:
                    continue
            else:
                starts = height > top + STOREY_M
                if height < top - STOREY_M:
                    continue
            if starts or kind < 0:
                top = height
            if starts or a_kind > kind:
                above, kind = is_above, a_kind
                weights, heights, slope_x, slope_y = 0.0, 0.0, 0.0, 0.0
            if a_kind < kind:
                continue
            top = max(top, height)
            weight = half - math.sqrt(d2) + 0.01
            dx, dy = grid.xyz[a + 1, 0] - grid.xyz[a, 0], grid.xyz[a + 1, 1] - grid.xyz[a, 1]
            rise = (grid.xyz[a + 1, 2] - grid.xyz[a, 2]) / max(dx * dx + dy * dy, 1e-9)
            weights += weight
            heights += weight * (height + arrays.raise_m[a])
            slope_x += weight * rise * dx
            slope_y += weight * rise * dy
    if kind < 0:
        return NO_SURFACE, 0.0, 0.0
    return float(heights / weights), float(slope_x / weights), float(slope_y / weights)


@njit(cache=True)
def _verge(arrays: GroundArrays, x: float, y: float, z_hint: float) -> float:
    """Return the height off the roads: the terrain's, drawn to the edge of a road within `VERGE_M`."""
    grid = arrays.grid
    terrain = terrain_height(arrays.terrain, x, y)
    cell = grid.origin[2]
    reach = math.ceil(VERGE_M / cell)
    ci, cj = math.floor((x - grid.origin[0]) / cell), math.floor((y - grid.origin[1]) / cell)
    nearest, edge_height = VERGE_M, terrain
    for j in range(max(0, cj - reach), min(grid.shape[1] - 1, cj + reach) + 1):
        for i in range(max(0, ci - reach), min(grid.shape[0] - 1, ci + reach) + 1):
            c = j * grid.shape[0] + i
            for n in range(grid.cell_start[c], grid.cell_start[c + 1]):
                for a in range(grid.run_first[n], grid.run_last[n] + 1):
                    half = max(grid.half_width[a], grid.half_width[a + 1])
                    ox, oy = x - grid.xyz[a, 0], y - grid.xyz[a, 1]
                    if ox * ox + oy * oy > (half + nearest + grid.origin[3]) * (half + nearest + grid.origin[3]):
                        continue
                    f, d2, height = project_on_segment(grid.xyz, a, x, y)
                    half = grid.half_width[a] + f * (grid.half_width[a + 1] - grid.half_width[a])
                    past = _beyond(grid, a, x, y)
                    gap = math.hypot(max(math.sqrt(max(d2 - past * past, 0.0)) - half, 0.0), past)
                    if gap < nearest and height <= z_hint + STEP_UP_M and abs(height - terrain) <= EMBANKMENT_M:
                        nearest, edge_height = gap, height + arrays.raise_m[a]
    t = min(1.0, max(0.0, nearest / VERGE_M))
    blend = t * t * (3.0 - 2.0 * t)
    return float(edge_height + blend * (terrain - edge_height))


@njit(cache=True)
def ground_height(arrays: GroundArrays, x: float, y: float, z_hint: float) -> tuple[float, float, float, float]:
    """Return (z, nx, ny, nz): height and upward unit normal of the ground at a point, seen from `z_hint`."""
    z, slope_x, slope_y = surface_height(arrays, x, y, z_hint)
    under_bridge = z > z_hint + STEP_UP_M and z > terrain_height(arrays.terrain, x, y) + EMBANKMENT_M
    if math.isnan(z) or under_bridge:
        z = _verge(arrays, x, y, z_hint)
        slope_x = (_verge(arrays, x + GRADIENT_STEP_M, y, z) - z) / GRADIENT_STEP_M
        slope_y = (_verge(arrays, x, y + GRADIENT_STEP_M, z) - z) / GRADIENT_STEP_M
    norm = math.sqrt(slope_x * slope_x + slope_y * slope_y + 1.0)
    return z, -slope_x / norm, -slope_y / norm, 1.0 / norm


@njit(cache=True)
def _heights(arrays: GroundArrays, xy: Floats, z_hint: Floats) -> tuple[Floats, Floats]:
    z = np.empty(len(xy))
    normal = np.empty((len(xy), 3))
    for m in range(len(xy)):
        z[m], normal[m, 0], normal[m, 1], normal[m, 2] = ground_height(arrays, xy[m, 0], xy[m, 1], z_hint[m])
    return z, normal


@njit(cache=True)
def _surfaces(arrays: GroundArrays, xy: Floats, z_hint: Floats) -> Floats:
    z = np.empty(len(xy))
    for m in range(len(xy)):
        z[m] = surface_height(arrays, xy[m, 0], xy[m, 1], z_hint[m])[0]
    return z


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

    def surface(self, xy: Floats, z_hint: Floats | float = 0.0) -> Floats:
        """Return heights [M] of the lanes' surfaces at points [M, 2], NaN where no lane lies; see `surface_height`."""
        xy = np.ascontiguousarray(xy, dtype=np.float64).reshape(-1, 2)
        hint = np.ascontiguousarray(np.broadcast_to(np.asarray(z_hint, dtype=np.float64), (len(xy),)))
        return _surfaces(self._arrays, xy, hint)


def _outlines(lanes: LaneTable) -> Floats:
    """Return the samples of all lanes and the points on their edges."""
    across = np.zeros_like(lanes.xyz)
    across[:, 0], across[:, 1] = -lanes.tangent[:, 1], lanes.tangent[:, 0]
    across *= 0.5 * lanes.width[:, None]
    return np.concatenate([lanes.xyz, lanes.xyz - across, lanes.xyz + across])


def build_ground(lanes: LaneTable) -> Ground:
    """Return the ground under and between `lanes`."""
    kind = np.full(len(lanes), CARRIAGEWAY, dtype=np.uint8)
    kind[np.isin(lanes.lane_type, OPEN_LAND)] = OTHER
    kind[lanes.lane_type == LaneType.SIDEWALK] = SIDEWALK
    return Ground(
        GroundArrays(
            lanes.grid.arrays,
            build_terrain(_outlines(lanes)),
            np.ascontiguousarray(lanes.height_m[lanes.lane_index]),
            np.ascontiguousarray(kind[lanes.lane_index]),
        )
    )
