"""Writing a recorder file frame by frame."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from alpamayo_sim.server.recorder.packets import FRAME_START, MAGIC, PacketId, file_header, packet, string
from alpamayo_sim.server.registry import CallError

LAST_FRAME_S = -1.0
"""Duration of a frame that has no next one yet."""


class RecordingWriter:
    """One file being written. Each frame is handed to the system whole, so a killed server leaves whole frames behind."""

    def __init__(self, path: Path, map_name: str, unix_time_s: int) -> None:
        """Create a file, with its folder, or replace an older recording; CallError where that can not be."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = _open(path)
            header = file_header(map_name, unix_time_s)
            os.truncate(self._descriptor, 0)
            _write(self._descriptor, header)
        except OSError as error:
            raise CallError(f"can not record to {path}: {error.strerror or error}") from error
        self._size = len(header)
        self._duration_at = 0
        self.number = 0
        self.elapsed_s = 0.0

    def write_frame(self, delta_s: float, packets: list[bytes]) -> None:
        """Append a frame that comes `delta_s` after the one before; OSError when the disk does not take it."""
        if self.number:
            self.elapsed_s += delta_s
            os.pwrite(self._descriptor, FRAME_START.pack(0, delta_s, 0.0)[8:16], self._duration_at)
        self.number += 1
        start = packet(PacketId.FRAME_START, FRAME_START.pack(self.number, LAST_FRAME_S, self.elapsed_s))
        data = b"".join([start, *packets, packet(PacketId.FRAME_END)])
        self._duration_at = self._size + len(start) - 16
        _write(self._descriptor, data)
        self._size += len(data)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _open(path: Path) -> int:
    """Return a descriptor of a new file, or of a recording that may be replaced; no other file is touched."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    status = os.fstat(descriptor)
    opening = os.pread(descriptor, 32, 0) if stat.S_ISREG(status.st_mode) else b"?"
    if opening and opening[2:].startswith(string(MAGIC)) is False:
        os.close(descriptor)
        raise CallError(f"can not record to {path}: it exists and is no recording; it stays as it is")
    return descriptor


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
