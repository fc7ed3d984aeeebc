"""Scenes as bytes: the arrays of a `Scene` one behind the other, with a table of contents; nothing in it is code."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
import typing
from typing import Any

import numpy as np

from alpamayo_sim.errors import InputError
from alpamayo_sim.render.scene import Scene

HEAD = struct.Struct("<8sQ")
MAGIC = b"ALSCENE1"
ALIGNMENT = 64
MOST_ENTRIES = 1000


def scene_bytes(scene: Scene) -> tuple[bytes, bytes]:
    """Return a scene as bytes, and their SHA-256."""
    entries: list[dict[str, Any]] = []
    blobs: list[bytes] = []
    _collect("", scene, entries, blobs, 0)
    table = json.dumps(entries, separators=(",", ":")).encode()
    data = b"".join([HEAD.pack(MAGIC, len(table)), table, bytes(-(HEAD.size + len(table)) % ALIGNMENT), *blobs])
    return data, hashlib.sha256(data).digest()


def _collect(path: str, value: Any, entries: list[dict[str, Any]], blobs: list[bytes], placed: int) -> int:
    """Add what lies at `path`; return the size of all blobs so far."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            placed = _collect(f"{path}.{field.name}", getattr(value, field.name), entries, blobs, placed)
    elif isinstance(value, np.ndarray):
        descr = np.lib.format.dtype_to_descr(value.dtype)
        entries.append({"path": path, "dtype": descr, "shape": value.shape, "offset": placed})
        blob = np.ascontiguousarray(value).tobytes()
        blobs += [blob, bytes(-len(blob) % ALIGNMENT)]
        placed += len(blob) + len(blobs[-1])
    else:
        entries.append({"path": path, "value": value})
    return placed


def scene_of(data: memoryview) -> Scene:
    """Return the scene of `scene_bytes`; InputError for bytes that are none. Its arrays are copies."""
    try:
        magic, size = HEAD.unpack_from(data)
        if magic != MAGIC or size > len(data):
            raise ValueError("no scene")
        entries = json.loads(bytes(data[HEAD.size : HEAD.size + size]))
        start = HEAD.size + size + -(HEAD.size + size) % ALIGNMENT
        if len(entries) > MOST_ENTRIES:
            raise ValueError(f"{len(entries)} entries")
        found = {entry["path"]: entry for entry in entries}
        return _build("", Scene, found, data[start:])
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise InputError(f"these bytes are not a scene of this version: {error}") from error


def _build(path: str, kind: Any, found: dict[str, dict[str, Any]], blobs: memoryview) -> Any:
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        values = {f.name: _build(f"{path}.{f.name}", hints[f.name], found, blobs) for f in dataclasses.fields(kind)}
        return typing.cast(Any, kind)(**values)
    entry = found[path]
    if "value" in entry:
        value = entry["value"]
        return tuple(value) if isinstance(value, list) else value
    dtype = np.lib.format.descr_to_dtype(_tuples(entry["dtype"]))
    shape = tuple(int(n) for n in entry["shape"])
    count = int(np.prod(shape, dtype=np.int64))
    offset = int(entry["offset"])
    if dtype.hasobject or min(shape, default=0) < 0 or offset < 0 or offset + count * dtype.itemsize > len(blobs):
        raise ValueError(f"array {path} of {dtype} {shape} at {offset}")
    return np.frombuffer(blobs, dtype=dtype, count=count, offset=offset).reshape(shape).copy()


def _tuples(descr: Any) -> Any:
    """Return a dtype's description with its lists as the tuples that they were."""
    if isinstance(descr, str):
        return descr
    return [tuple(_inner(part) for part in field) for field in descr]


def _inner(part: Any) -> Any:
    if isinstance(part, list):
        return tuple(part) if all(isinstance(n, int) for n in part) else _tuples(part)
    return part
