"""Strips of triangles along lanes, with only the samples that their shape needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from alpamayo_sim.roads.lanes import LaneTable

Ints = NDArray[np.integer]
TOLERANCE_M = 0.02
"""How far a strip's edges may stray sideways from the samples that it leaves out."""
RISE_TOLERANCE_M = 0.005
"""The same for heights: less than paint lies above the road, so that it stays visible on slopes."""
LONGEST_M = 40.0
"""Longest piece of a strip, so that the map can be culled in tiles."""


@njit(cache=True)
def _needed(
    edges: NDArray[Any],
    along: NDArray[Any],
    start: NDArray[Any],
    stop: NDArray[Any],
    tolerance: float,
    rise_tolerance: float,
    longest: float,
) -> NDArray[np.bool_]:
    """Mark the samples that piecewise linear edges [N, 6] (left xyz, right xyz) need (greedy, per lane)."""
    keep = np.zeros(len(edges), np.bool_)
    for lane in range(len(start)):
        a = start[lane]
        keep[a] = True
        keep[stop[lane] - 1] = True
        c = a + 2
        while c < stop[lane]:
            fits = along[c] - along[a] <= longest
            b = a + 1
            while fits and b < c:
                f = (along[b] - along[a]) / max(along[c] - along[a], 1e-9)
                for k in range(6):
                    allowed = rise_tolerance if k % 3 == 2 else tolerance
                    if abs(edges[a, k] + f * (edges[c, k] - edges[a, k]) - edges[b, k]) > allowed:
                        fits = False
                        break
                b += 1
            if fits:
                c += 1
            else:
                a = c - 1
                keep[a] = True
                c = a + 2
    return keep


def kept_samples(lanes: LaneTable) -> NDArray[np.integer]:
    """Return the indices of the samples that strips are built on, the same stations for all lanes of a road section."""
    right = np.stack([-lanes.tangent[:, 1], lanes.tangent[:, 0]], axis=1) * (lanes.width[:, None] * 0.5)
    left_edge, right_edge = lanes.xyz.copy(), lanes.xyz.copy()
    left_edge[:, :2] -= right
    right_edge[:, :2] += right
    edges = np.ascontiguousarray(np.concatenate([left_edge, right_edge], axis=1))
    keep = _needed(edges, lanes.along_m, lanes.start, lanes.stop, TOLERANCE_M, RISE_TOLERANCE_M, LONGEST_M)
    lane = lanes.lane_index
    station = np.rint(lanes.s * 1e3).astype(np.int64)
    key = np.stack([lanes.road_id[lane], lanes.section[lane], station], axis=1)
    _, group = np.unique(key, axis=0, return_inverse=True)
    group = group.ravel()
    shared = np.zeros(int(group.max()) + 1 if len(group) else 0, dtype=np.bool_)
    np.logical_or.at(shared, group, keep)
    return np.nonzero(shared[group])[0]


def strip_triangles(run: NDArray[np.integer], allowed: NDArray[np.bool_] | None = None) -> Ints:
    """Return triangles [T, 3] of strips whose left vertices are 0..n-1 and right vertices n..2n-1.

    Vertices k and k + 1 are joined where they are of the same `run` [n] and both `allowed` [n]. The strips face up where
    left, right and the order of the vertices are those of a lane in its driving direction.
    """
    n = len(run)
    joined = run[1:] == run[:-1]
    if allowed is not None:
        joined &= allowed[1:] & allowed[:-1]
    k = np.nonzero(joined)[0].astype(np.int32)
    return np.concatenate([np.stack([k, k + 1, k + n], axis=1), np.stack([k + 1, k + 1 + n, k + n], axis=1)])
