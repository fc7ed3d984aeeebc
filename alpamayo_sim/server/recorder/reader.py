"""Reading recorder files, CARLA's or ours, without trusting them."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.server.recorder.packets import (
    COUNT,
    DOUBLE,
    EVENT_ADD_HEAD,
    FRAME_START,
    GEAR_FLOATS,
    LIST_LENGTH,
    MAGIC,
    PACKET_HEADER,
    PHYSICS_HEAD,
    RECORDS,
    WHEEL,
    WHEEL_FLOATS,
    PacketId,
)
from alpamayo_sim.server.registry import CallError

MAX_PACKET_BYTES = 64 << 20
MAX_ELAPSED_S = 1.0e9
MAX_HEADER_BYTES = 2 + 2 + 0xFFFF + 8 + 2 + 0xFFFF


class NotARecording(CallError):
    """The file is no recording; the message says so as CARLA's queries do."""


class DamagedRecording(CallError):
    """A recording contradicts itself."""


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the packets."""

    version: int
    unix_time_s: int
    map_name: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The start of a frame."""

    number: int
    duration_s: float
    """Until the next frame; -1 in the last one."""
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class AddedActor:
    """One record of an EVENT_ADD packet. Location in centimetres, rotation (roll, pitch, yaw) in degrees."""

    id: int
    type: int
    location: tuple[float, float, float]
    rotation: tuple[float, float, float]
    uid: int
    type_id: str
    attributes: tuple[tuple[int, str, str], ...]
    """(type, id, value) each."""


@dataclass(frozen=True, slots=True)
class PhysicsRecord:
    """One record of a PHYSICS_CONTROL packet."""

    id: int
    head: tuple[float, ...]
    """max_rpm, moi, three damping rates, automatic gears, clutch, final ratio, mass, drag, centre of mass (3)."""
    torque_curve: NDArray[np.float32]
    """[N, 2]"""
    gears: NDArray[np.float32]
    """[N, 3]: ratio, down ratio, up ratio."""
    steering_curve: NDArray[np.float32]
    """[N, 2]"""
    wheels: NDArray[np.float32]
    """[N, 12]: friction, damping, steer angle, radius, two brake torques, three stiffnesses, position (3)."""


class Cursor:
    """Reads values from the data of one packet; DamagedRecording where it ends too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at(self) -> int:
        """How many bytes were read."""
        return self._at

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        end = self._at + size
        if end > len(self._data):
            raise DamagedRecording("a packet is shorter than what it announces")
        data, self._at = self._data[self._at : end], end
        return data

    def unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        """Return the next values."""
        return layout.unpack(self.take(layout.size))

    def count(self) -> int:
        """Return the next two bytes, a number of records."""
        return COUNT.unpack(self.take(COUNT.size))[0]

    def string(self) -> str:
        """Return the next string; bytes that are not UTF-8 are replaced."""
        return self.take(self.count()).decode("utf-8", errors="replace")

    def floats(self, columns: int) -> NDArray[np.float32]:
        """Return the next list of structs of floats, [N, columns]."""
        length: int = LIST_LENGTH.unpack(self.take(LIST_LENGTH.size))[0]
        return np.frombuffer(self.take(4 * columns * length), "<f4").reshape(length, columns)


def records(packet_id: int, data: bytes) -> NDArray[Any]:
    """Return the records of a packet of the kinds in `RECORDS`."""
    cursor = Cursor(data)
    dtype = RECORDS[PacketId(packet_id)]
    return np.frombuffer(cursor.take(cursor.count() * dtype.itemsize), dtype)


def added_actors(data: bytes) -> Iterator[AddedActor]:
    """Yield the records of an EVENT_ADD packet."""
    cursor = Cursor(data)
    for _ in range(cursor.count()):
        actor_id, kind, x, y, z, roll, pitch, yaw, uid = cursor.unpack(EVENT_ADD_HEAD)
        type_id = cursor.string()
        attributes = tuple((cursor.take(1)[0], cursor.string(), cursor.string()) for _ in range(cursor.count()))
        yield AddedActor(actor_id, kind, (x, y, z), (roll, pitch, yaw), uid, type_id, attributes)


def physics_records(data: bytes) -> Iterator[PhysicsRecord]:
    """Yield the records of a PHYSICS_CONTROL packet."""
    cursor = Cursor(data)
    for _ in range(cursor.count()):
        actor_id, *head = cursor.unpack(PHYSICS_HEAD)
        torque, gears = cursor.floats(2), cursor.floats(GEAR_FLOATS)
        yield PhysicsRecord(actor_id, tuple(head), torque, gears, cursor.floats(2), cursor.floats(WHEEL_FLOATS))


def wheel_records(data: bytes) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield (actor, wheels of dtype WHEEL) of an ANIM_VEHICLE_WHEELS packet."""
    cursor = Cursor(data)
    for _ in range(cursor.count()):
        actor_id, wheels = LIST_LENGTH.unpack(cursor.take(4))[0], LIST_LENGTH.unpack(cursor.take(4))[0]
        yield actor_id, np.frombuffer(cursor.take(wheels * WHEEL.itemsize), WHEEL)


def walker_bones(data: bytes) -> Iterator[tuple[int, list[tuple[str, tuple[float, ...]]]]]:
    """Yield (walker, [(bone, (location, rotation))]) of a WALKER_BONES packet."""
    cursor = Cursor(data)
    for _ in range(cursor.count()):
        walker = LIST_LENGTH.unpack(cursor.take(4))[0]
        yield walker, [(cursor.string(), struct.unpack("<6f", cursor.take(24))) for _ in range(cursor.count())]


def frame(data: bytes) -> Frame:
    """Return the frame that a FRAME_START packet starts; DamagedRecording when its times are impossible."""
    number, duration_s, elapsed_s = Cursor(data).unpack(FRAME_START)
    if not (-1.0 <= duration_s <= MAX_ELAPSED_S and 0.0 <= elapsed_s <= MAX_ELAPSED_S):
        raise DamagedRecording(f"frame {number} lasts {duration_s:g} s from {elapsed_s:g} s")
    return Frame(number, duration_s, elapsed_s)


def seconds(data: bytes) -> float:
    """Return the time in a PLATFORM_TIME or VISUAL_TIME packet."""
    return Cursor(data).unpack(DOUBLE)[0]


class RecordingReader:
    """Walks through the packets of one file, front to back. A last packet that is cut off counts as the end of the file."""

    def __init__(self, path: Path) -> None:
        """Open a file; FileNotFoundError (OSError) when it can not be, NotARecording when it is something else."""
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise FileNotFoundError(f"{path} is not a regular file")
        self._file = os.fdopen(descriptor, "rb", buffering=1 << 16)
        self.size_bytes = status.st_size
        with ExitStack() as on_failure:
            on_failure.callback(self.close)
            try:
                self.header = self._read_header()
            except DamagedRecording as error:
                raise NotARecording("File is not a CARLA recorder\n") from error
            on_failure.pop_all()
        self.packet_at = self._start

    def _read_header(self) -> Header:
        cursor = Cursor(self._file.read(MAX_HEADER_BYTES))
        version = cursor.count()
        magic = cursor.string()
        if magic != MAGIC:
            raise DamagedRecording("the magic word is missing")
        unix_time_s: int = struct.unpack("<q", cursor.take(8))[0]
        map_name = cursor.string()
        self._start = cursor.at
        self._file.seek(self._start)
        return Header(version, unix_time_s, map_name)

    def rewind(self) -> None:
        """Go back to the first packet."""
        self._file.seek(self._start)
        self.packet_at = self._start

    def next_header(self) -> tuple[int, int] | None:
        """Return (id, size) of the next packet, None at the end. Then call `data` or `skip`, once."""
        head = self._file.read(PACKET_HEADER.size)
        if len(head) < PACKET_HEADER.size:
            return None
        packet_id, size = PACKET_HEADER.unpack(head)
        self.packet_at = self._file.tell() - PACKET_HEADER.size
        if self.packet_at + PACKET_HEADER.size + size > self.size_bytes:
            return None
        if size > MAX_PACKET_BYTES:
            raise DamagedRecording(
                f"the packet at byte {self.packet_at} has {size} bytes, more than {MAX_PACKET_BYTES}"
            )
        return packet_id, size

    def data(self, size: int) -> bytes:
        """Return the data of the packet."""
        return self._file.read(size)

    def skip(self, size: int) -> None:
        """Go over the data of the packet."""
        self._file.seek(size, os.SEEK_CUR)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._file.close()

    def __enter__(self) -> RecordingReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def last_frame(reader: RecordingReader) -> Frame | None:
    """Return the last whole frame of a file, None without one, and rewind. DamagedRecording for times that run back."""
    last: Frame | None = None
    started: Frame | None = None
    while (head := reader.next_header()) is not None:
        packet_id, size = head
        if packet_id == PacketId.FRAME_START:
            started = frame(reader.data(size))
            if last is not None and (started.elapsed_s < last.elapsed_s or started.number <= last.number):
                raise DamagedRecording(f"frame {started.number} comes after frame {last.number}")
        else:
            reader.skip(size)
            if packet_id == PacketId.FRAME_END:
                last = started
    reader.rewind()
    return last
