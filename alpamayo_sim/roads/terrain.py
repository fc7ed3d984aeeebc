"""The land between the roads: a smooth height field below the lowest road surfaces, plane in each triangle of its grid."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

Floats = NDArray[np.float64]

CELL_M = 8.0
MARGIN_M = 200.0
MAX_CELLS = 500_000
SINK_M = 0.05
"""The terrain lies this much below the roads at least, so that the two surfaces do not flicker through one another."""


class TerrainArrays(NamedTuple):
    """What `terrain_height` reads: corner and cell size, and the heights of the grid's nodes."""

    origin: Floats
    """[3] x and y of node (0, 0), spacing in metres."""
    z: Floats
    """[rows along y, columns along x] metres."""


def build_terrain(points: Floats) -> TerrainArrays:
    """Return the field below `points` [N, 3], filled and smoothed between them.

    A node is as low as the lowest point in the cells around it, so no triangle of the field reaches up to a point.
    """
    low, high = points[:, :2].min(axis=0) - MARGIN_M, points[:, :2].max(axis=0) + MARGIN_M
    size = high - low
    cell = max(CELL_M, float(np.sqrt(size[0] * size[1] / MAX_CELLS)))
    columns, rows = int(np.ceil(size[0] / cell)) + 1, int(np.ceil(size[1] / cell)) + 1
    corner = np.floor((points[:, :2] - low) / cell).astype(np.int64)
    lowest = np.full((rows, columns), np.inf)
    for dj in (0, 1):
        for di in (0, 1):
            np.minimum.at(lowest, (corner[:, 1] + dj, corner[:, 0] + di), points[:, 2])
    known = np.isfinite(lowest)
    nearest = np.asarray(distance_transform_edt(~known, return_distances=False, return_indices=True))
    filled = lowest[nearest[0], nearest[1]]
    smooth = gaussian_filter(filled, sigma=4.0, mode="nearest")
    weight = gaussian_filter(known.astype(np.float64), sigma=1.0)
    blended = np.where(known, filled, smooth + np.clip(weight, 0.0, 1.0) * (filled - smooth))
    return TerrainArrays(np.array([low[0], low[1], cell]), np.ascontiguousarray(blended) - SINK_M)


@njit(cache=True)
def terrain_height(terrain: TerrainArrays, x: float, y: float) -> float:
    """Return the terrain's height at a point, metres; the outermost height beyond the field.

    Each cell is two triangles that meet in the diagonal between the node at +x and the node at +y.
    """
    rows, columns = terrain.z.shape
    u = min(columns - 1.000001, max(0.0, (x - terrain.origin[0]) / terrain.origin[2]))
    v = min(rows - 1.000001, max(0.0, (y - terrain.origin[1]) / terrain.origin[2]))
    i, j = int(u), int(v)
    f, g = u - i, v - j
    right, below = terrain.z[j, i + 1], terrain.z[j + 1, i]
    if f + g <= 1.0:
        here = terrain.z[j, i]
        return float(here + f * (right - here) + g * (below - here))
    there = terrain.z[j + 1, i + 1]
    return float(there + (1.0 - f) * (below - there) + (1.0 - g) * (right - there))
