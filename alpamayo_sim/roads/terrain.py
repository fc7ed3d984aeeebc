"""The land between the roads: a smooth height field through the lowest road surfaces."""

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
"""The terrain lies this much below the roads, so that the two surfaces do not flicker through one another."""


class TerrainArrays(NamedTuple):
    """What `terrain_height` reads: corner and cell size, and the heights of the grid's nodes."""

    origin: Floats
    """[3] x and y of node (0, 0), spacing in metres."""
    z: Floats
    """[rows along y, columns along x] metres."""


def build_terrain(points: Floats) -> TerrainArrays:
    """Return the field through the lowest of `points` [N, 3] in each cell, filled and smoothed between them."""
    low, high = points[:, :2].min(axis=0) - MARGIN_M, points[:, :2].max(axis=0) + MARGIN_M
    size = high - low
    cell = max(CELL_M, float(np.sqrt(size[0] * size[1] / MAX_CELLS)))
    columns, rows = int(np.ceil(size[0] / cell)) + 1, int(np.ceil(size[1] / cell)) + 1
    node = np.rint((points[:, :2] - low) / cell).astype(np.int64)
    lowest = np.full((rows, columns), np.inf)
    np.minimum.at(lowest, (node[:, 1], node[:, 0]), points[:, 2])
    known = np.isfinite(lowest)
    nearest = np.asarray(distance_transform_edt(~known, return_distances=False, return_indices=True))
    filled = lowest[nearest[0], nearest[1]]
    smooth = gaussian_filter(filled, sigma=4.0, mode="nearest")
    weight = gaussian_filter(known.astype(np.float64), sigma=1.0)
    blended = np.where(known, filled, smooth + np.clip(weight, 0.0, 1.0) * (filled - smooth))
    return TerrainArrays(np.array([low[0], low[1], cell]), np.ascontiguousarray(blended) - SINK_M)


@njit(cache=True)
def terrain_height(terrain: TerrainArrays, x: float, y: float) -> float:
    """Return the terrain's height at a point, metres; the outermost height beyond the field."""
    rows, columns = terrain.z.shape
    u = min(columns - 1.000001, max(0.0, (x - terrain.origin[0]) / terrain.origin[2]))
    v = min(rows - 1.000001, max(0.0, (y - terrain.origin[1]) / terrain.origin[2]))
    i, j = int(u), int(v)
    f, g = u - i, v - j
    below = terrain.z[j, i] * (1 - f) + terrain.z[j, i + 1] * f
    above = terrain.z[j + 1, i] * (1 - f) + terrain.z[j + 1, i + 1] * f
    return below * (1 - g) + above * g
