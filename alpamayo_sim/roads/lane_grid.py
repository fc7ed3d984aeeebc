"""A uniform grid over lane segments and the numba kernels that search it.

A segment joins two neighbouring samples of one lane. Each cell lists the segments whose lane surface may reach into it,
in runs, so that a point finds the surfaces it stands on in its own cell, and the nearest centre line by visiting rings of cells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

CELL_M = 4.0
MAX_CELLS = 4_000_000
HEADING_WEIGHT_M = 2.0


class GridArrays(NamedTuple):
    """The arrays that the kernels read; a NamedTuple passes through numba unchanged."""

    origin: Floats
    """[4] x and y of the grid's corner, cell size, length of the longest segment; metres."""
    shape: Ints
    """[2] number of cells along x and y."""
    cell_start: Ints
    """[cells + 1] first entry of each cell in `run_first` and `run_last`."""
    run_first: Ints
    """First sample of the first segment of a run: segments of one lane that follow one another within a cell."""
    run_last: Ints
    """First sample of the last segment of the run."""
    xyz: Floats
    tangent: Floats
    half_width: Floats
    sample_type: Ints
    sample_lane: Ints


class Stations(NamedTuple):
    """Distances along the lanes by sample, for `lane_hits`."""

    along_m: Floats
    s: Floats


class LaneGrid(NamedTuple):
    """The search structure of a `LaneTable`."""

    arrays: GridArrays


def build_lane_grid(
    xyz: Floats, tangent: Floats, width: Floats, lane_index: Ints, lane_type: Ints, start: Ints, stop: Ints
) -> LaneGrid:
    """Return the grid over all segments of the lanes `start[i]:stop[i]`."""
    half_width = 0.5 * width
    is_segment = np.ones(len(xyz), dtype=np.bool_)
    is_segment[stop - 1] = False
    first = np.nonzero(is_segment)[0].astype(np.int32)
    reach = np.maximum(half_width[first], half_width[first + 1]) + 0.1
    low = np.minimum(xyz[first, :2], xyz[first + 1, :2]) - reach[:, None]
    high = np.maximum(xyz[first, :2], xyz[first + 1, :2]) + reach[:, None]
    corner, size = low.min(axis=0), high.max(axis=0) - low.min(axis=0)
    longest = float(np.linalg.norm(xyz[first + 1, :2] - xyz[first, :2], axis=1).max())
    cell = max(CELL_M, float(np.sqrt(max(size[0], 1.0) * max(size[1], 1.0) / MAX_CELLS)))
    shape = np.maximum(np.ceil(size / cell), 1).astype(np.int32)
    box_low = np.clip(((low - corner) / cell).astype(np.int32), 0, shape - 1)
    box_high = np.clip(((high - corner) / cell).astype(np.int32), 0, shape - 1)
    cell_start, run_first, run_last = _fill_cells(first, box_low, box_high, int(shape[0]), int(shape[1]))
    arrays = GridArrays(
        np.array([corner[0], corner[1], cell, longest]),
        shape,
        cell_start,
        run_first,
        run_last,
        np.ascontiguousarray(xyz),
        np.ascontiguousarray(tangent),
        np.ascontiguousarray(half_width),
        np.ascontiguousarray(lane_type[lane_index]),
        np.ascontiguousarray(lane_index),
    )
    return LaneGrid(arrays)


@njit(cache=True)
def _fill_cells(first: Ints, low: Ints, high: Ints, nx: int, ny: int) -> tuple[Ints, Ints, Ints]:
    """Return cell starts, first and last segments of runs; segment k begins at sample `first[k]` (rising)."""
    previous = np.full(nx * ny, -2, dtype=np.int32)
    counts = np.zeros(nx * ny + 1, dtype=np.int32)
    for k in range(len(first)):
        for j in range(low[k, 1], high[k, 1] + 1):
            for i in range(low[k, 0], high[k, 0] + 1):
                c = j * nx + i
                if previous[c] != first[k] - 1:
                    counts[c + 1] += 1
                previous[c] = first[k]
    cell_start = np.cumsum(counts).astype(np.int32)
    fill = cell_start[:-1].copy()
    run_first = np.empty(cell_start[-1], dtype=np.int32)
    run_last = np.empty(cell_start[-1], dtype=np.int32)
    for k in range(len(first)):
        for j in range(low[k, 1], high[k, 1] + 1):
            for i in range(low[k, 0], high[k, 0] + 1):
                c = j * nx + i
                if fill[c] > cell_start[c] and run_last[fill[c] - 1] == first[k] - 1:
                    run_last[fill[c] - 1] = first[k]
                else:
                    run_first[fill[c]] = first[k]
                    run_last[fill[c]] = first[k]
                    fill[c] += 1
    return cell_start, run_first, run_last


@njit(cache=True)
def project_on_segment(xyz: Floats, a: int, x: float, y: float) -> tuple[float, float, float]:
    """Return (fraction, horizontal distance squared, height) of the point of segment `a` nearest to (x, y)."""
    ax, ay = xyz[a, 0], xyz[a, 1]
    dx, dy = xyz[a + 1, 0] - ax, xyz[a + 1, 1] - ay
    length2 = dx * dx + dy * dy
    f = 0.0
    if length2 > 1e-12:
        f = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / length2))
    ex, ey = x - ax - f * dx, y - ay - f * dy
    return f, ex * ex + ey * ey, xyz[a, 2] + f * (xyz[a + 1, 2] - xyz[a, 2])


@njit(cache=True)
def nearest_lane(
    grid: GridArrays, x: float, y: float, z: float, hx: float, hy: float, mask: int, on_surface: bool, limit: float
) -> tuple[int, float]:
    """Return (first sample of the nearest segment or -1, fraction). NaN `z` and a zero heading are ignored."""
    nx, ny = grid.shape[0], grid.shape[1]
    cell = grid.origin[2]
    px, py = (x - grid.origin[0]) / cell, (y - grid.origin[1]) / cell
    ci, cj = int(np.floor(px)), int(np.floor(py))
    use_z = not np.isnan(z)
    use_heading = hx != 0.0 or hy != 0.0
    best, best_f, best_score = -1, 0.0, limit
    longest = grid.origin[3]
    first_ring = max(0, -ci, ci - (nx - 1), -cj, cj - (ny - 1))
    last_ring = 0 if on_surface else max(max(ci, nx - 1 - ci), max(cj, ny - 1 - cj))
    to_edge = min(min(px - ci, ci + 1 - px), min(py - cj, cj + 1 - py)) * cell
    for ring in range(first_ring, last_ring + 1):
        if ring > first_ring and (ring - 1) * cell + to_edge > best_score:
            break
        for j in range(max(0, cj - ring), min(ny - 1, cj + ring) + 1):
            step = 1 if ring == 0 or j == cj - ring or j == cj + ring else 2 * ring
            for i in range(ci - ring, ci + ring + 1, step):
                if i < 0 or i >= nx:
                    continue
                c = j * nx + i
                for n in range(grid.cell_start[c], grid.cell_start[c + 1]):
                    if grid.sample_type[grid.run_first[n]] & mask == 0:
                        continue
                    for a in range(grid.run_first[n], grid.run_last[n] + 1):
                        ox, oy = x - grid.xyz[a, 0], y - grid.xyz[a, 1]
                        reach = best_score + longest
                        if ox * ox + oy * oy > reach * reach:
                            continue
                        f, d2, height = project_on_segment(grid.xyz, a, x, y)
                        if on_surface:
                            half = grid.half_width[a] + f * (grid.half_width[a + 1] - grid.half_width[a])
                            if d2 > half * half:
                                continue
                        if use_z:
                            d2 += (z - height) * (z - height)
                        score = np.sqrt(d2)
                        if use_heading:
                            score += HEADING_WEIGHT_M * (1.0 - hx * grid.tangent[a, 0] - hy * grid.tangent[a, 1])
                        if score < best_score or (score == best_score and a < best):
                            best, best_f, best_score = a, f, score
    return best, best_f


@njit(cache=True)
def lane_hits(
    grid: GridArrays,
    stations: Stations,
    xy: Floats,
    z: Floats,
    heading: Floats,
    mask: int,
    on_surface: bool,
    limit: float,
) -> tuple[Ints, Ints, Floats]:
    """Return lanes [M] and samples [M] (-1 without a lane) and [M, 10] values, columns in the order of `LaneHits`."""
    lanes = np.full(len(xy), -1, dtype=np.int32)
    samples = np.full(len(xy), -1, dtype=np.int32)
    values = np.zeros((len(xy), 10))
    for m in range(len(xy)):
        x, y = xy[m, 0], xy[m, 1]
        a, f = nearest_lane(grid, x, y, z[m], heading[m, 0], heading[m, 1], mask, on_surface, limit)
        if a < 0:
            values[m, 1] = np.inf
            values[m, 2] = np.inf
            continue
        lanes[m], samples[m] = grid.sample_lane[a], a
        g = 1.0 - f
        foot_x, foot_y = g * grid.xyz[a, 0] + f * grid.xyz[a + 1, 0], g * grid.xyz[a, 1] + f * grid.xyz[a + 1, 1]
        tx = g * grid.tangent[a, 0] + f * grid.tangent[a + 1, 0]
        ty = g * grid.tangent[a, 1] + f * grid.tangent[a + 1, 1]
        distance = np.hypot(x - foot_x, y - foot_y)
        values[m, 0] = f
        values[m, 1] = distance
        values[m, 2] = distance if tx * (y - foot_y) - ty * (x - foot_x) >= 0.0 else -distance
        values[m, 3] = g * stations.along_m[a] + f * stations.along_m[a + 1]
        values[m, 4] = g * stations.s[a] + f * stations.s[a + 1]
        values[m, 5] = foot_x
        values[m, 6] = foot_y
        values[m, 7] = g * grid.xyz[a, 2] + f * grid.xyz[a + 1, 2]
        values[m, 8] = np.degrees(np.arctan2(ty, tx))
        values[m, 9] = 2.0 * (g * grid.half_width[a] + f * grid.half_width[a + 1])
    return lanes, samples, values
