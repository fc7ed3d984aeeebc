"""Batches in shared memory: counts, then the batch's arrays in a fixed order, then room for its pictures."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.render.batch import CAMERA_FLOATS, MOST_CAMERAS, Batch, Group, Motion, Pass, WindowKey
from alpamayo_sim.render.camera import MAX_PIXELS
from alpamayo_sim.render.camera_kind import CameraKind, Paper
from alpamayo_sim.render.instances import ROW

COUNTS = struct.Struct("<8sIIIIII")
"""Magic, cameras, rows, commands, groups, whether there is motion, 0."""
MAGIC = b"ALBATCH1"
ALIGNMENT, PICTURES_ALIGNMENT = 64, 4096
MOTION_ROW, CLIP = 16, 16
LIGHT_BYTES = 512
GROUP = struct.Struct(f"<10i{2 * len(Pass)}i{LIGHT_BYTES}s")
"""Kind, whether there is a window, its four numbers, night, wet, mirrored, size of the light block; spans; light block."""
GROUP_BYTES = GROUP.size + -GROUP.size % ALIGNMENT
MOST_ROWS, MOST_COMMANDS = 1 << 22, 1 << 20
F4, I4, U4, U1 = np.dtype("<f4"), np.dtype("<i4"), np.dtype("<u4"), np.dtype("u1")


@dataclass(frozen=True)
class Layout:
    """Where the arrays of a batch lie."""

    arrays: dict[str, tuple[int, tuple[int, ...], np.dtype[Any]]]
    """Offset, shape and type by name."""
    end: int
    """Where the pictures begin."""

    @classmethod
    def of(cls, cameras: int, rows: int, commands: int, groups: int, motion: bool) -> Layout:
        """Return the layout of a batch with these counts."""
        wanted: list[tuple[str, tuple[int, ...], np.dtype[Any]]] = [
            ("sizes", (cameras, 2), I4),
            ("cameras", (cameras, CAMERA_FLOATS), F4),
            ("groups", (groups, GROUP_BYTES), U1),
            ("commands", (commands, 5), U4),
            ("rows", (rows, ROW), F4),
        ]
        if motion:
            wanted += [("clip", (cameras, CLIP), F4), ("row_motion", (rows, MOTION_ROW), F4)]
        arrays: dict[str, tuple[int, tuple[int, ...], np.dtype[Any]]] = {}
        at = ALIGNMENT
        for name, shape, dtype in wanted:
            arrays[name] = (at, shape, dtype)
            at += math.prod(shape) * dtype.itemsize
            at += -at % ALIGNMENT
        return cls(arrays, at + -at % PICTURES_ALIGNMENT)

    @classmethod
    def for_batch(cls, batch: Batch) -> Layout:
        """Return where a batch's arrays will lie."""
        counts = (len(batch.sizes), len(batch.rows), len(batch.commands), len(batch.groups))
        return cls.of(*counts, batch.motion is not None)

    def bytes_needed(self, batch: Batch) -> int:
        """Return the size of a batch with its pictures."""
        pixels = sum(width * height for width, height in batch.sizes.tolist())
        return self.end + pixels * (8 if batch.paper is Paper.FLOAT else 4)

    def array(self, memory: memoryview, name: str) -> NDArray[Any]:
        """Return one array as a view of the memory."""
        offset, shape, dtype = self.arrays[name]
        return np.ndarray(shape, dtype, memory, offset)


def write(batch: Batch, layout: Layout, memory: memoryview) -> None:
    """Write a batch to memory that is large enough."""
    COUNTS.pack_into(
        memory, 0, MAGIC, len(batch.sizes), len(batch.rows), len(batch.commands), len(batch.groups),
        int(batch.motion is not None), 0,
    )  # fmt: skip
    for name in ("sizes", "cameras", "commands", "rows"):
        layout.array(memory, name)[...] = getattr(batch, name)
    if batch.motion is not None:
        layout.array(memory, "clip")[...] = batch.motion.clip
        layout.array(memory, "row_motion")[...] = batch.motion.rows
    at = layout.arrays["groups"][0]
    for k, group in enumerate(batch.groups):
        window = group.window
        place = (1, window.cell_x, window.cell_y, window.azimuth, window.height) if window is not None else (0,) * 5
        flags = (int(group.kind), *place, group.night, group.wet, group.mirrored, len(group.light))
        GROUP.pack_into(memory, at + k * GROUP_BYTES, *flags, *group.spans.ravel().tolist(), group.light)


def read(memory: memoryview) -> tuple[Batch, Layout]:
    """Return the batch in a memory, its arrays as views of it; InputError for anything that does not fit into the memory."""
    if len(memory) < ALIGNMENT:
        raise InputError(f"a batch in {len(memory)} bytes")
    magic, cameras, rows, commands, groups, motion, _ = COUNTS.unpack_from(memory)
    within = 0 < cameras <= MOST_CAMERAS and rows <= MOST_ROWS and commands <= MOST_COMMANDS and 0 < groups <= cameras
    if magic != MAGIC or not within or motion > 1:
        raise InputError(f"a batch of {cameras} cameras, {rows} rows, {commands} commands and {groups} groups")
    layout = Layout.of(cameras, rows, commands, groups, bool(motion))
    if layout.end > len(memory):
        raise InputError(f"a batch of {layout.end} bytes in {len(memory)}")
    at = layout.arrays["groups"][0]
    found = tuple(_group(GROUP.unpack_from(memory, at + k * GROUP_BYTES), commands) for k in range(groups))
    moved = Motion(layout.array(memory, "clip"), layout.array(memory, "row_motion")) if motion else None
    batch = Batch(
        tuple(range(cameras)), layout.array(memory, "sizes"), layout.array(memory, "cameras"),
        layout.array(memory, "rows"), layout.array(memory, "commands"), found, moved,
    )  # fmt: skip
    sides = [side for size in batch.sizes.tolist() for side in size]
    if min(sides) < 1 or max(sides) > MAX_PIXELS or layout.bytes_needed(batch) > len(memory):
        raise InputError(f"pictures of {batch.sizes.tolist()} pixels in {len(memory)} bytes")
    if len({Paper.of(group.kind) for group in found}) != 1:
        raise InputError("a batch of pictures on different papers")
    return batch, layout


def _group(record: tuple[Any, ...], commands: int) -> Group:
    kind, has_window, cell_x, cell_y, azimuth, height, night, wet, mirrored, size = record[:10]
    spans, light = record[10:-1], record[-1]
    ends = [first + count for first, count in zip(spans[::2], spans[1::2], strict=True)]
    if min(spans) < 0 or max(ends) > commands or not 0 <= size <= LIGHT_BYTES:
        raise InputError(f"a group with spans {spans} of {commands} commands")
    try:
        seen = CameraKind(kind)
    except ValueError as error:
        raise InputError(f"a camera of kind {kind}") from error
    window = WindowKey(cell_x, cell_y, azimuth, height) if has_window else None
    if (window is None) != (seen is not CameraKind.RGB):
        raise InputError(f"a {seen.name} camera {'without' if window is None else 'with'} a window of baked light")
    flags = (bool(night), bool(wet), bool(mirrored))
    return Group(seen, light[:size], window, *flags, np.array(spans).reshape(-1, 2))


def pictures(memory: NDArray[np.uint8], batch: Batch, layout: Layout) -> list[NDArray[Any]]:
    """Return a batch's pictures as views of bytes: [height, width, 4] uint8, or [height, width, 2] float32."""
    flow = batch.paper is Paper.FLOAT
    dtype, depth = (F4, 2) if flow else (U1, 4)
    out: list[NDArray[Any]] = []
    at = layout.end
    for width, height in batch.sizes.tolist():
        size = width * height * depth * dtype.itemsize
        out.append(memory[at : at + size].view(dtype).reshape(height, width, depth))
        at += size
    return out
