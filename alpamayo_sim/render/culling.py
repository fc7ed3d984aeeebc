"""Which tiles and instances a camera sees, and the indirect draw commands for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from alpamayo_sim.render.instances import ROW, Instances
from alpamayo_sim.render.library import MeshLibrary

Floats = NDArray[np.floating]
Commands = NDArray[np.integer]
"""[commands, 5]: index count, instances, first index, base vertex, base instance (`DrawElementsIndirectCommand`)."""


@njit(cache=True)
def _tiles(
    first: NDArray[Any], count: NDArray[Any], sphere: NDArray[Any], planes: NDArray[Any], out: NDArray[Any]
) -> int:
    n = 0
    for t in range(len(first)):
        seen = True
        for p in range(planes.shape[0]):
            gap = planes[p, 0] * sphere[t, 0] + planes[p, 1] * sphere[t, 1] + planes[p, 2] * sphere[t, 2] + planes[p, 3]
            if gap < -sphere[t, 3]:
                seen = False
                break
        if seen:
            if n > 0 and out[n - 1, 2] + out[n - 1, 0] == first[t]:
                out[n - 1, 0] += count[t]
            else:
                out[n, 0], out[n, 1], out[n, 2], out[n, 3], out[n, 4] = count[t], 1, first[t], 0, 0
                n += 1
    return n


@njit(cache=True)
def _instances(
    rows: NDArray[Any],
    mesh: NDArray[Any],
    radius: NDArray[Any],
    planes: NDArray[Any],
    eye: NDArray[Any],
    focal: float,
    switch_px: NDArray[Any],
    least_px: NDArray[Any],
    level: float,
    keys: NDArray[Any],
    counts: NDArray[Any],
    out: NDArray[Any],
    start: int,
) -> int:
    """Copy the visible rows to `out[start:]`, grouped by mesh and level; `counts` [2 S] receives the group sizes."""
    for i in range(len(mesh)):
        keys[i] = -1
        x, y, z, r = rows[i, 3], rows[i, 7], rows[i, 11], radius[i]
        seen = True
        for p in range(planes.shape[0]):
            if planes[p, 0] * x + planes[p, 1] * y + planes[p, 2] * z + planes[p, 3] < -r:
                seen = False
                break
        if not seen:
            continue
        dx, dy, dz = x - eye[0], y - eye[1], z - eye[2]
        apparent = focal * r / max(np.sqrt(dx * dx + dy * dy + dz * dz) - r, 0.1)
        m = mesh[i]
        if apparent < least_px[m] * level:
            continue
        keys[i] = 2 * m + (1 if apparent < switch_px[m] * level else 0)
        counts[keys[i]] += 1
    place = np.empty(len(counts), np.int64)
    total = start
    for k in range(len(counts)):
        place[k] = total
        total += counts[k]
    for i in range(len(mesh)):
        if keys[i] >= 0:
            at = place[keys[i]]
            for c in range(ROW):
                out[at, c] = rows[i, c]
            place[keys[i]] += 1
    return total


class TileCuller:
    """Frustum culling of one tiled mesh."""

    def __init__(self, first: NDArray[np.integer], count: NDArray[np.integer], sphere: Floats) -> None:
        self._first, self._count, self._sphere = first, count, sphere
        self._out = np.zeros((len(first) + 1, 5), dtype=np.uint32)

    def commands(self, planes: Floats) -> Commands:
        """Return the draw commands of the tiles inside the planes [5, 4]."""
        n = _tiles(self._first, self._count, self._sphere, planes, self._out)
        return self._out[:n].copy()


class InstanceCuller:
    """Frustum culling and level of detail of instances; gathers the rows of all cameras of a tick in `rows`."""

    def __init__(self, library: MeshLibrary) -> None:
        self._library = library
        self.rows = np.zeros((1024, ROW), dtype=np.float32)
        self.used = 0

    def clear(self) -> None:
        """Forget the rows of the last tick."""
        self.used = 0

    def _reserve(self, count: int) -> None:
        if self.used + count > len(self.rows):
            grown = np.zeros((2 * (self.used + count), ROW), dtype=np.float32)
            grown[: self.used] = self.rows[: self.used]
            self.rows = grown

    def append(self, rows: NDArray[np.float32]) -> int:
        """Add rows without culling; return the index of the first."""
        self._reserve(len(rows))
        start = self.used
        self.rows[start : start + len(rows)] = rows
        self.used += len(rows)
        return start

    def commands(
        self, groups: list[Instances], planes: Floats, eye: Floats, focal_px: float, detail: float
    ) -> Commands:
        """Return the draw commands of what the camera sees of the groups; `detail` scales the sizes at which meshes coarsen."""
        parts: list[Commands] = []
        library = self._library
        for group in groups:
            if not len(group.mesh):
                continue
            self._reserve(len(group.mesh))
            counts = np.zeros(2 * len(library.names), dtype=np.int64)
            keys = np.empty(len(group.mesh), dtype=np.int64)
            start = self.used
            self.used = _instances(
                group.rows, group.mesh, group.radius_m, planes, eye, focal_px,
                library.switch_px, library.least_px, detail, keys, counts, self.rows, start,
            )  # fmt: skip
            used = np.nonzero(counts)[0]
            commands = np.zeros((len(used), 5), dtype=np.uint32)
            commands[:, 0] = library.count.ravel()[used]
            commands[:, 1] = counts[used]
            commands[:, 2] = library.first.ravel()[used]
            commands[:, 4] = start + (np.cumsum(counts) - counts)[used]
            parts.append(commands)
        return np.concatenate(parts) if parts else np.zeros((0, 5), dtype=np.uint32)
