"""Which tiles and instances cameras see, and the indirect draw commands for them: one compiled call for all cameras."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from alpamayo_sim.render.instances import ROW, Instances
from alpamayo_sim.render.library import MeshLibrary

Floats = NDArray[np.floating]
FRUSTUM_PLANES = 5
"""Planes of a camera without its far plane, which only small things on the ground mind."""


@njit(cache=True)
def _tiles(
    first: NDArray[Any],
    count: NDArray[Any],
    sphere: NDArray[Any],
    planes: NDArray[Any],
    cameras: NDArray[Any],
    out: NDArray[Any],
    n: int,
) -> int:
    """Add one command for each run of tiles that lie behind one another and are seen; the base instance is the camera."""
    for k in cameras:
        run = n
        for t in range(len(first)):
            seen = True
            for p in range(planes.shape[1]):
                gap = (
                    planes[k, p, 0] * sphere[t, 0]
                    + planes[k, p, 1] * sphere[t, 1]
                    + planes[k, p, 2] * sphere[t, 2]
                    + planes[k, p, 3]
                )
                if gap < -sphere[t, 3]:
                    seen = False
                    break
            if seen:
                if n > run and out[n - 1, 2] + out[n - 1, 0] == first[t]:
                    out[n - 1, 0] += count[t]
                else:
                    out[n, 0], out[n, 1], out[n, 2], out[n, 3], out[n, 4] = count[t], 1, first[t], 0, k
                    n += 1
    return n


@njit(cache=True)
def _instances(
    rows: NDArray[Any],
    mesh: NDArray[Any],
    radius: NDArray[Any],
    planes: NDArray[Any],
    eyes: NDArray[Any],
    focal: NDArray[Any],
    cameras: NDArray[Any],
    switch_px: NDArray[Any],
    least_px: NDArray[Any],
    index_count: NDArray[Any],
    first_index: NDArray[Any],
    out: NDArray[Any],
    used: int,
    commands: NDArray[Any],
    n: int,
) -> tuple[int, int]:
    """Copy the rows that each camera sees to `out[used:]`, grouped by mesh and level, with one command for each group."""
    meshes = len(switch_px)
    keys = np.empty(len(mesh), np.int32)
    place = np.empty(2 * meshes, np.int64)
    columns = rows.shape[1] - 1
    for k in cameras:
        counts = np.zeros(2 * meshes, np.int64)
        for i in range(len(mesh)):
            keys[i] = -1
            x, y, z, r = rows[i, 3], rows[i, 7], rows[i, 11], radius[i]
            seen = True
            for p in range(planes.shape[1]):
                if planes[k, p, 0] * x + planes[k, p, 1] * y + planes[k, p, 2] * z + planes[k, p, 3] < -r:
                    seen = False
                    break
            if not seen:
                continue
            dx, dy, dz = x - eyes[k, 0], y - eyes[k, 1], z - eyes[k, 2]
            apparent = focal[k] * r / max(np.sqrt(dx * dx + dy * dy + dz * dz) - r, 0.1)
            m = mesh[i]
            if apparent < least_px[m]:
                continue
            keys[i] = 2 * m + (1 if apparent < switch_px[m] else 0)
            counts[keys[i]] += 1
        for key in range(2 * meshes):
            if counts[key] == 0:
                continue
            place[key] = used
            commands[n, 0] = index_count[key >> 1, key & 1]
            commands[n, 1] = counts[key]
            commands[n, 2] = first_index[key >> 1, key & 1]
            commands[n, 3] = 0
            commands[n, 4] = used
            used += counts[key]
            n += 1
        for i in range(len(mesh)):
            if keys[i] >= 0:
                at = place[keys[i]]
                for c in range(columns):
                    out[at, c] = rows[i, c]
                out[at, columns] = k
                place[keys[i]] = at + 1
    return used, n


@njit(cache=True)
def _quads(
    rows: NDArray[Any],
    middle: NDArray[Any],
    radius: NDArray[Any],
    planes: NDArray[Any],
    cameras: NDArray[Any],
    out: NDArray[Any],
    used: int,
    commands: NDArray[Any],
    n: int,
) -> tuple[int, int]:
    """Copy the rows of quads that each camera sees, with one command for each camera that sees any."""
    columns = rows.shape[1] - 1
    for k in cameras:
        start = used
        for i in range(len(rows)):
            seen = True
            for p in range(planes.shape[1]):
                gap = (
                    planes[k, p, 0] * middle[i, 0]
                    + planes[k, p, 1] * middle[i, 1]
                    + planes[k, p, 2] * middle[i, 2]
                    + planes[k, p, 3]
                )
                if gap < -radius[i]:
                    seen = False
                    break
            if seen:
                for c in range(columns):
                    out[used, c] = rows[i, c]
                out[used, columns] = k
                used += 1
        if used > start:
            commands[n, 0], commands[n, 1], commands[n, 2], commands[n, 3], commands[n, 4] = (
                6,
                used - start,
                0,
                0,
                start,
            )
            n += 1
    return used, n


class Culler:
    """Gathers rows and commands of one batch; the arrays are used again for the next one."""

    def __init__(self, library: MeshLibrary) -> None:
        self._library = library
        self._rows = np.empty((4096, ROW), dtype=np.float32)
        self._commands = np.empty((1024, 5), dtype=np.uint32)
        self._used = self._placed = 0

    @property
    def rows(self) -> NDArray[np.float32]:
        """The rows gathered since `clear`; valid until the next one."""
        return self._rows[: self._used]

    @property
    def commands(self) -> NDArray[np.uint32]:
        """The commands gathered since `clear`; valid until the next one."""
        return self._commands[: self._placed]

    @property
    def placed(self) -> int:
        """How many commands there are."""
        return self._placed

    def clear(self) -> None:
        """Forget the last batch."""
        self._used = self._placed = 0

    def tiles(
        self,
        mesh: tuple[NDArray[np.integer], NDArray[np.integer], Floats],
        planes: Floats,
        cameras: NDArray[np.integer],
    ) -> None:
        """Add commands for the tiles (first index, index count, sphere) that cameras see; `planes` is [K, P, 4]."""
        first, count, sphere = mesh
        self._reserve(0, len(cameras) * len(first))
        self._placed = _tiles(first, count, sphere, planes, cameras, self._commands, self._placed)

    def instances(
        self, group: Instances, planes: Floats, eyes: Floats, focal_px: Floats, cameras: NDArray[np.integer]
    ) -> None:
        """Add rows and commands for the instances that cameras see, each at the level of detail of its size in pixels."""
        count, library = len(group.mesh), self._library
        if not count:
            return
        self._reserve(count * len(cameras), min(count, 2 * len(library.names)) * len(cameras))
        self._used, self._placed = _instances(
            group.rows, group.mesh, group.radius_m, planes, eyes, focal_px, cameras, library.switch_px, library.least_px,
            library.count, library.first, self._rows, self._used, self._commands, self._placed,
        )  # fmt: skip

    def quads(
        self,
        rows: NDArray[np.float32],
        middle: Floats,
        radius_m: Floats,
        planes: Floats,
        cameras: NDArray[np.integer],
    ) -> None:
        """Add rows and commands for quads that cameras see, given spheres round them."""
        if not len(rows):
            return
        self._reserve(len(rows) * len(cameras), len(cameras))
        self._used, self._placed = _quads(
            rows, middle, radius_m, planes, cameras, self._rows, self._used, self._commands, self._placed
        )

    def each(self, vertices: int, cameras: NDArray[np.integer]) -> None:
        """Add a command without indices: `vertices` for each of some cameras in a row."""
        self._reserve(0, 1)
        self._commands[self._placed] = (vertices, len(cameras), 0, int(cameras[0]), 0)
        self._placed += 1

    def _reserve(self, rows: int, commands: int) -> None:
        if self._used + rows > len(self._rows):
            grown = np.empty((2 * (self._used + rows), ROW), dtype=np.float32)
            grown[: self._used] = self._rows[: self._used]
            self._rows = grown
        if self._placed + commands > len(self._commands):
            longer = np.empty((2 * (self._placed + commands), 5), dtype=np.uint32)
            longer[: self._placed] = self._commands[: self._placed]
            self._commands = longer
