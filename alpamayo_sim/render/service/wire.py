"""Batches in shared memory: counts, then the batch's arrays in a fixed order, then room for its pictures."""

from __future__ import annotations

import struct
from dataclasses import dataclass

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
ALIGNMENT = 64
MOTION_ROW, CLIP = 16, 16
LIGHT_BYTES = 512
GROUP = np.dtype(
    [
        ("kind", "<i4"), ("has_window", "<i4"), ("cell_x", "<i4"), ("cell_y", "<i4"), ("azimuth", "<i4"), ("height", "<i4"),
        ("night", "<i4"), ("wet", "<i4"), ("mirrored", "<i4"), ("light_size", "<i4"), ("spans", "<i4", (len(Pass), 2)),
        ("light", "u1", (LIGHT_BYTES,)),
    ]
)  # fmt: skip
MOST_ROWS, MOST_COMMANDS = 1 << 22, 1 << 20


@dataclass(frozen=True)
class Layout:
    """Where the arrays of a batch lie."""

    arrays: dict[str, tuple[int, tuple[int, ...], np.dtype]]
    """Offset, shape and type by name."""
    end: int
    """Where the pictures begin."""

    @classmethod
    def of(cls, cameras: int, rows: int, commands: int, groups: int, motion: bool) -> Layout:
        """Return the layout of a batch with these counts."""
        f4, i4, u4 = np.dtype("<f4"), np.dtype("<i4"), np.dtype("<u4")
        wanted: list[tuple[str, tuple[int, ...], np.dtype]] = [
            ("sizes", (cameras, 2), i4),
            ("cameras", (cameras, CAMERA_FLOATS), f4),
            ("groups", (groups,), GROUP),
            ("commands", (commands, 5), u4),
            ("rows", (rows, ROW), f4),
        ]
        if motion:
            wanted += [("clip", (cameras, CLIP), f4), ("row_motion", (rows, MOTION_ROW), f4)]
        arrays: dict[str, tuple[int, tuple[int, ...], np.dtype]] = {}
        at = ALIGNMENT
        for name, shape, dtype in wanted:
            arrays[name] = (at, shape, dtype)
            at += int(np.prod(shape)) * dtype.itemsize
            at += -at % ALIGNMENT
        return cls(arrays, at + -at % mmap_page())

    def array(self, memory: memoryview, name: str) -> NDArray:
        """Return one array as a view of the memory."""
        offset, shape, dtype = self.arrays[name]
        return np.ndarray(shape, dtype, memory, offset)


def mmap_page() -> int:
    """Return what pictures are aligned to."""
    return 4096


def layout_of(batch: Batch) -> Layout:
    """Return where a batch's arrays will lie."""
    return Layout.of(
        len(batch.sizes), len(batch.rows), len(batch.commands), len(batch.groups), batch.motion is not None
    )


def pixel_bytes(paper: Paper) -> int:
    """Return the size of a pixel."""
    return 8 if paper is Paper.FLOAT else 4


def bytes_needed(batch: Batch) -> int:
    """Return the size of a batch with its pictures."""
    pixels = int((batch.sizes[:, 0].astype(np.int64) * batch.sizes[:, 1]).sum())
    return layout_of(batch).end + pixels * pixel_bytes(batch.paper)


def write(batch: Batch, memory: memoryview) -> Layout:
    """Write a batch to memory that is large enough; return where its arrays lie."""
    layout = layout_of(batch)
    COUNTS.pack_into(
        memory, 0, MAGIC, len(batch.sizes), len(batch.rows), len(batch.commands), len(batch.groups),
        int(batch.motion is not None), 0,
    )  # fmt: skip
    for name in ("sizes", "cameras", "commands", "rows"):
        layout.array(memory, name)[...] = getattr(batch, name)
    if batch.motion is not None:
        layout.array(memory, "clip")[...] = batch.motion.clip
        layout.array(memory, "row_motion")[...] = batch.motion.rows
    groups = layout.array(memory, "groups")
    for k, group in enumerate(batch.groups):
        window = group.window
        place = (1, window.cell_x, window.cell_y, window.azimuth, window.height) if window is not None else (0,) * 5
        flags = (int(group.kind), *place, group.night, group.wet, group.mirrored, len(group.light))
        groups[k] = (*flags, group.spans, np.frombuffer(group.light.ljust(LIGHT_BYTES, b"\0"), np.uint8))
    return layout


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
    found = tuple(_group(record, commands) for record in layout.array(memory, "groups"))
    moved = Motion(layout.array(memory, "clip"), layout.array(memory, "row_motion")) if motion else None
    batch = Batch(
        tuple(range(cameras)), layout.array(memory, "sizes"), layout.array(memory, "cameras"),
        layout.array(memory, "rows"), layout.array(memory, "commands"), found, moved,
    )  # fmt: skip
    if batch.sizes.min() < 1 or batch.sizes.max() > MAX_PIXELS or bytes_needed(batch) > len(memory):
        raise InputError(f"pictures of {batch.sizes.tolist()} pixels in {len(memory)} bytes")
    if len({Paper.of(group.kind) for group in found}) != 1:
        raise InputError("a batch of pictures on different papers")
    return batch, layout


def _group(record: np.void, commands: int) -> Group:
    spans = record["spans"]
    size = int(record["light_size"])
    if spans.min() < 0 or int(spans.sum(axis=1).max()) > commands or not 0 <= size <= LIGHT_BYTES:
        raise InputError(f"a group with spans {spans.tolist()} of {commands} commands")
    try:
        kind = CameraKind(int(record["kind"]))
    except ValueError as error:
        raise InputError(f"a camera of kind {record['kind']}") from error
    cells = (int(record[name]) for name in ("cell_x", "cell_y", "azimuth", "height"))
    window = WindowKey(*cells) if record["has_window"] else None
    flags = (bool(record["night"]), bool(record["wet"]), bool(record["mirrored"]))
    return Group(kind, record["light"][:size].tobytes(), window, *flags, spans.copy())


def pictures(memory: NDArray[np.uint8], batch: Batch, layout: Layout) -> list[NDArray]:
    """Return a batch's pictures as views of bytes: [height, width, 4] uint8, or [height, width, 2] float32."""
    flow = batch.paper is Paper.FLOAT
    dtype, depth = (np.dtype("<f4"), 2) if flow else (np.dtype(np.uint8), 4)
    out: list[NDArray] = []
    at = layout.end
    for width, height in batch.sizes.tolist():
        size = width * height * depth * dtype.itemsize
        out.append(memory[at : at + size].view(dtype).reshape(height, width, depth))
        at += size
    return out
