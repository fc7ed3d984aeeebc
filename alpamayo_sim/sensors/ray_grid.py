"""Sorts the ground's triangles and the bodies that stand still into the cells that rays walk through."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from alpamayo_sim.roads.surface import GroundMesh, Surface
from alpamayo_sim.roads.surface_tags import TAG_OF_SURFACE
from alpamayo_sim.sensors.ray_kernel import Bodies, TriangleGrid

Floats = NDArray[np.float64]

CELL_M = 2.0
MAX_CELLS = 2_000_000
MARGIN_M = 200.0
"""The grid reaches this far beyond the lanes; nothing is hit farther out."""


@njit(cache=True)
def _triangle_meets_cell(p: Any, x: float, y: float, half: float) -> bool:
    """Whether a triangle seen from above, corners `p` [3, 2+], meets the square about (x, y); edges that touch count."""
    for k in range(3):
        ax, ay = p[k, 0], p[k, 1]
        nx, ny = -(p[(k + 1) % 3, 1] - ay), p[(k + 1) % 3, 0] - ax
        other = (p[(k + 2) % 3, 0] - ax) * nx + (p[(k + 2) % 3, 1] - ay) * ny
        low, high = min(0.0, other), max(0.0, other)
        middle, reach = (x - ax) * nx + (y - ay) * ny, half * (abs(nx) + abs(ny)) + 1e-9
        if middle + reach < low or middle - reach > high:
            return False
    return True


@njit(cache=True)
def _fill(corners: Any, origin: Any, shape: Any) -> Any:
    """Return (start [cells + 1], triangle numbers) of triangles [T, 3, 3] by cell."""
    cell, nx, ny = origin[2], shape[0], shape[1]
    start = np.zeros(nx * ny + 1, np.int32)
    items = np.zeros(0, np.int32)
    place = np.zeros(0, np.int32)
    for again in range(2):
        if again:
            for c in range(nx * ny):
                start[c + 1] += start[c]
            place = start[:-1].copy()
            items = np.zeros(start[nx * ny], np.int32)
        for t in range(len(corners)):
            p = corners[t]
            i0 = max(int(np.floor((p[:, 0].min() - origin[0]) / cell - 1e-6)), 0)
            i1 = min(int(np.floor((p[:, 0].max() - origin[0]) / cell + 1e-6)), nx - 1)
            j0 = max(int(np.floor((p[:, 1].min() - origin[1]) / cell - 1e-6)), 0)
            j1 = min(int(np.floor((p[:, 1].max() - origin[1]) / cell + 1e-6)), ny - 1)
            for j in range(j0, j1 + 1):
                for i in range(i0, i1 + 1):
                    x, y = origin[0] + (i + 0.5) * cell, origin[1] + (j + 0.5) * cell
                    if not _triangle_meets_cell(p, x, y, 0.5 * cell + 1e-3):
                        continue
                    c = j * nx + i
                    if again:
                        items[place[c]] = t
                        place[c] += 1
                    else:
                        start[c + 1] += 1
    return start, items


def _z_range(start: NDArray[np.int32], items: NDArray[np.int32], low: Floats, high: Floats) -> Floats:
    """Return the lowest and highest of the items in each cell [cells, 2]; an empty cell has its bottom over its top."""
    z = np.tile([1.0e30, -1.0e30], (len(start) - 1, 1))
    filled = np.flatnonzero(np.diff(start) > 0)
    if len(filled):
        z[filled, 0] = np.minimum.reduceat(low[items], start[filled])
        z[filled, 1] = np.maximum.reduceat(high[items], start[filled])
    return z


def _foot_rectangles(bodies: Bodies) -> Floats:
    """Return the triangles [2 N, 3, 3] of the rectangles under upright bodies."""
    pose = bodies.pose
    x, y = pose[:, [13, 16, 16, 13]], pose[:, [14, 14, 17, 17]]
    z = np.broadcast_to(pose[:, 2:3], x.shape)
    turned = np.stack([
        pose[:, 0:1] + pose[:, 3:4] * x + pose[:, 4:5] * y,
        pose[:, 1:2] + pose[:, 6:7] * x + pose[:, 7:8] * y,
        z,
    ], axis=2)  # fmt: skip
    return np.concatenate([turned[:, [0, 1, 2]], turned[:, [0, 2, 3]]])


def build_grid(mesh: GroundMesh, lanes_xy: Floats, bodies: Bodies) -> TriangleGrid:
    """Return the grid of a map's ground and of upright `bodies`; `lanes_xy` [N, 2] says where the map is."""
    low, high = lanes_xy.min(axis=0) - MARGIN_M, lanes_xy.max(axis=0) + MARGIN_M
    size = high - low
    cell = max(CELL_M, float(np.sqrt(size[0] * size[1] / MAX_CELLS)))
    origin, shape = np.array([low[0], low[1], cell]), np.maximum(np.ceil(size / cell), 1).astype(np.int32)
    corners = np.ascontiguousarray(mesh.vertices[mesh.triangles], np.float64)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    normal = np.cross(first, second)
    area = np.linalg.norm(normal, axis=1)
    keep = area > 1.0e-9
    corners, first, second = corners[keep], first[keep], second[keep]
    normal = normal[keep] / area[keep, None]
    tag_of = np.array([TAG_OF_SURFACE[surface] for surface in Surface], np.uint8)
    tag = tag_of[mesh.surface[mesh.triangles[keep, 0]]]
    start, items = _fill(corners, origin, shape)
    rows = np.concatenate([corners[:, 0], first, second, normal], axis=1).astype(np.float32)
    z = _z_range(start, items, corners[:, :, 2].min(axis=1), corners[:, :, 2].max(axis=1))
    body_start, body_items = _body_cells(bodies, origin, shape)
    body_z = _z_range(
        body_start, body_items, bodies.pose[:, 2] + bodies.pose[:, 15], bodies.pose[:, 2] + bodies.pose[:, 18]
    )
    return TriangleGrid(origin, shape, rows, tag, start, items, z, body_start, body_items, body_z)


def _body_cells(
    bodies: Bodies, origin: Floats, shape: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return (start [cells + 1], body numbers), each body once a cell."""
    count = len(bodies.pose)
    start, items = _fill(_foot_rectangles(bodies), origin, shape)
    cells = np.repeat(np.arange(len(start) - 1), np.diff(start))
    pairs = np.unique(np.stack([cells, items % max(count, 1)], axis=1), axis=0)
    counts = np.bincount(pairs[:, 0], minlength=len(start) - 1)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32), pairs[:, 1].astype(np.int32)
