"""Reading the pictures of an instance camera and a depth camera cell by cell, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

GROUP_COUNT, MOST_THINGS = 14, 64
LEAST_THING_PX = 6
"""Pixels of a vehicle or person from which on a cell counts as its."""
_METRES_A_STEP = 1000.0 / ((1 << 24) - 1)


@njit(cache=True)
def read_cells(
    seen: NDArray[np.uint8],
    depth: NDArray[np.uint8],
    group_of_tag: NDArray[np.uint8],
    thing_of_number: NDArray[np.uint8],
    least_pixels: NDArray[np.int32],
    cell_px: int,
    cells: NDArray[np.float32],
    things: NDArray[np.float32],
) -> None:
    """Fill `cells` [rows x columns, 6] and `things` [MOST_THINGS, 3] from pictures [height, width, 4] as CARLA sends them.

    A cell has its commonest group, the bits of what is present, its thing (0: none) and the pixel that stands for it (column,
    row, depth in metres): the one of its thing, else of its commonest group, that is nearest to the cell's middle. A thing has
    its visible pixels and their mean column and row.
    """
    height, width = seen.shape[0], seen.shape[1]
    counts = np.zeros(GROUP_COUNT, dtype=np.int32)
    mine = np.zeros(MOST_THINGS, dtype=np.int32)
    things[:] = 0.0
    columns = width // cell_px
    for row in range(height // cell_px):
        for column in range(columns):
            counts[:] = 0
            mine[:] = 0
            for v in range(row * cell_px, (row + 1) * cell_px):
                for u in range(column * cell_px, (column + 1) * cell_px):
                    counts[group_of_tag[seen[v, u, 2]]] += 1
                    thing = thing_of_number[seen[v, u, 1] + 256 * seen[v, u, 0]]
                    if thing:
                        mine[thing] += 1
                        things[thing, 0] += 1.0
                        things[thing, 1] += u
                        things[thing, 2] += v
            group, bits = 0, 0
            for k in range(GROUP_COUNT):
                if counts[k] > counts[group]:
                    group = k
                if counts[k] >= least_pixels[k]:
                    bits |= 1 << k
            thing = 0
            for k in range(1, MOST_THINGS):
                if mine[k] >= LEAST_THING_PX and mine[k] > mine[thing]:
                    thing = k
            best, at_u, at_v = 1e9, column * cell_px, row * cell_px
            for v in range(row * cell_px, (row + 1) * cell_px):
                for u in range(column * cell_px, (column + 1) * cell_px):
                    if thing:
                        ours = thing_of_number[seen[v, u, 1] + 256 * seen[v, u, 0]] == thing
                    else:
                        ours = group_of_tag[seen[v, u, 2]] == group
                    du = u + 0.5 - (column + 0.5) * cell_px
                    dv = v + 0.5 - (row + 0.5) * cell_px
                    if ours and du * du + dv * dv < best:
                        best, at_u, at_v = du * du + dv * dv, u, v
            steps = depth[at_v, at_u, 2] + 256.0 * depth[at_v, at_u, 1] + 65536.0 * depth[at_v, at_u, 0]
            index = row * columns + column
            cells[index, 0] = group
            cells[index, 1] = bits
            cells[index, 2] = thing
            cells[index, 3] = at_u + 0.5
            cells[index, 4] = at_v + 0.5
            cells[index, 5] = steps * _METRES_A_STEP
    for k in range(MOST_THINGS):
        if things[k, 0] > 0.0:
            things[k, 1] = things[k, 1] / things[k, 0] + 0.5
            things[k, 2] = things[k, 2] / things[k, 0] + 0.5


@njit(cache=True)
def beside_lines(
    points: NDArray[np.float64], line: NDArray[np.float64], along: NDArray[np.float64], left: NDArray[np.float64]
) -> None:
    """Fill in how far along a line [M, 2] points [N, 2] lie and how far to its left (in CARLA's world, as driven)."""
    for n in range(points.shape[0]):
        best, before = 1e18, 0.0
        for k in range(line.shape[0] - 1):
            dx, dy = line[k + 1, 0] - line[k, 0], line[k + 1, 1] - line[k, 1]
            length = max(np.sqrt(dx * dx + dy * dy), 1e-6)
            ox, oy = points[n, 0] - line[k, 0], points[n, 1] - line[k, 1]
            s = (ox * dx + oy * dy) / length
            off = (ox * dy - oy * dx) / length
            low = -1e9 if k == 0 else 0.0
            high = 1e9 if k == line.shape[0] - 2 else length
            outside = max(low - s, s - high, 0.0)
            distance = outside * outside + off * off
            if distance < best:
                best = distance
                along[n] = before + min(max(s, low), high)
                left[n] = off
            before += length
