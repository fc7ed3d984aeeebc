"""The land as triangles: those of the terrain that wheels meet, few where it is flat, and the plain out to the horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.ground_parts import GroundParts, Surface

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap

Floats = NDArray[np.floating]
BLOCK_CELLS = 6
"""Side of a block of land, in cells of the terrain."""
FLAT_M = 0.04
"""A block with less relief than this is two triangles."""
HORIZON_M = 2_500.0


def add_land(parts: GroundParts, road_map: RoadMap) -> None:
    """Add the land in blocks: the cells of the terrain where it is uneven, two triangles where it is flat."""
    terrain = road_map.ground.arrays().terrain
    x0, y0, cell = (float(v) for v in terrain.origin)
    n = BLOCK_CELLS
    rows, columns = (int(np.ceil((k - 1) / n)) * n + 1 for k in terrain.z.shape)
    # Blocks may reach past the last nodes, whose heights go on there.
    row, column = (np.minimum(np.arange(k), have - 1) for k, have in zip((rows, columns), terrain.z.shape, strict=True))
    z = terrain.z[np.ix_(row, column)]
    gx, gy = np.meshgrid(x0 + np.arange(columns) * cell, y0 + np.arange(rows) * cell)
    vertices = np.stack([gx, gy, z], axis=2).reshape(-1, 3)
    index = np.arange(len(vertices)).reshape(rows, columns)
    windows = np.lib.stride_tricks.sliding_window_view(z, (n + 1, n + 1))[::n, ::n]
    rough = np.ptp(windows, axis=(2, 3)) > FLAT_M
    fine = np.repeat(np.repeat(rough, n, axis=0), n, axis=1)
    quads = [
        (index[:-1, :-1][fine], index[:-1, 1:][fine], index[1:, :-1][fine], index[1:, 1:][fine]),
        tuple(
            index[a : rows - n + a : n, b : columns - n + b : n][~rough] for a, b in ((0, 0), (0, n), (n, 0), (n, n))
        ),
    ]
    triangles = np.concatenate([np.stack(t, axis=1) for a, b, c, d in quads for t in ((a, b, c), (b, d, c))])
    used, compact = np.unique(triangles, return_inverse=True)
    parts.add(vertices[used], _grid_normals(gx, gy, z)[used], Surface.GRASS, compact.reshape(-1, 3))
    _add_horizon(parts, gx, gy, z)


def _grid_normals(gx: Floats, gy: Floats, z: Floats) -> Floats:
    slope_y, slope_x = np.gradient(z, gy[:, 0], gx[0])
    normals = np.stack([-slope_x, -slope_y, np.ones_like(z)], axis=2).reshape(-1, 3)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def _add_horizon(parts: GroundParts, gx: Floats, gy: Floats, z: Floats) -> None:
    """Add the flat ring from the land's border to the horizon."""
    inner = np.array([[gx[0, 0], gy[0, 0]], [gx[0, -1], gy[0, 0]], [gx[0, -1], gy[-1, 0]], [gx[0, 0], gy[-1, 0]]])
    outer = inner + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * HORIZON_M
    border = np.concatenate([z[0], z[-1], z[:, 0], z[:, -1]])
    corners = np.concatenate(
        [
            np.column_stack([inner, np.full(4, border.min() - 0.1)]),
            np.column_stack([outer, np.full(4, border.min() - 0.1)]),
        ]
    )
    quads = [[k, k + 4, (k + 1) % 4] for k in range(4)] + [[(k + 1) % 4, k + 4, (k + 1) % 4 + 4] for k in range(4)]
    triangles = np.array(quads, dtype=np.int32)
    parts.add(corners, np.array([0.0, 0.0, 1.0]), Surface.GRASS, triangles)
