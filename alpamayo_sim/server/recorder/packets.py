"""The packets of CARLA's recorder files, byte for byte.

A file is a header, then packets: one byte of id, four of size, the data. All numbers are little endian; lengths are centimetres,
angles degrees, a rotation is (roll, pitch, yaw), velocities are metres per second, a string is two bytes of length and UTF-8.
Sources: CARLA 0.9.16, `Docs/ref_recorder_binary_file_format.md` and the `CarlaRecorder*` classes of its plugin.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = "CARLA_RECORDER"
VERSION = 1
CM_PER_M = 100.0
NO_ACTOR = 0xFFFFFFFF
"""Database id of what a collision report met that is no actor."""
MAX_STRING_BYTES = 0x7FFF
MAX_RECORDS = 0xFFFF
"""The number of records of a packet is two bytes."""


class PacketId(IntEnum):
    """What a packet holds."""

    FRAME_START = 0
    FRAME_END = 1
    EVENT_ADD = 2
    EVENT_DEL = 3
    EVENT_PARENT = 4
    COLLISION = 5
    POSITION = 6
    STATE = 7
    ANIM_VEHICLE = 8
    ANIM_WALKER = 9
    VEHICLE_LIGHT = 10
    SCENE_LIGHT = 11
    KINEMATICS = 12
    BOUNDING_BOX = 13
    PLATFORM_TIME = 14
    PHYSICS_CONTROL = 15
    TRAFFIC_LIGHT_TIME = 16
    TRIGGER_VOLUME = 17
    FRAME_COUNTER = 18
    WALKER_BONES = 19
    VISUAL_TIME = 20
    VEHICLE_DOOR = 21
    ANIM_VEHICLE_WHEELS = 22
    ANIM_BIKER = 23


PACKET_HEADER = struct.Struct("<BI")
FRAME_START = struct.Struct("<Qdd")
"""Number of the frame, its duration (-1 in the last one), seconds since the first."""
COUNT = struct.Struct("<H")
LIST_LENGTH = struct.Struct("<I")
DOUBLE = struct.Struct("<d")
EVENT_ADD_HEAD = struct.Struct("<IB6fI")
"""Actor, type, location, rotation, uid of the description; its id and attributes follow."""
PHYSICS_HEAD = struct.Struct("<I5f?7f")
"""Actor, max_rpm, moi, three damping rates, automatic gears, clutch, final ratio, mass, drag, centre of mass."""

RECORDS: dict[PacketId, np.dtype[Any]] = {
    PacketId.EVENT_DEL: np.dtype([("id", "<u4")]),
    PacketId.EVENT_PARENT: np.dtype([("id", "<u4"), ("parent", "<u4")]),
    PacketId.COLLISION: np.dtype(
        [("number", "<u4"), ("first", "<u4"), ("second", "<u4"), ("first_hero", "?"), ("second_hero", "?")]
    ),
    PacketId.POSITION: np.dtype([("id", "<u4"), ("location", "<f4", 3), ("rotation", "<f4", 3)]),
    PacketId.STATE: np.dtype([("id", "<u4"), ("frozen", "?"), ("elapsed", "<f4"), ("state", "u1")]),
    PacketId.ANIM_VEHICLE: np.dtype(
        [("id", "<u4"), ("steer", "<f4"), ("throttle", "<f4"), ("brake", "<f4"), ("hand_brake", "?"), ("gear", "<i4")]
    ),
    PacketId.ANIM_WALKER: np.dtype([("id", "<u4"), ("speed", "<f4")]),
    PacketId.VEHICLE_LIGHT: np.dtype([("id", "<u4"), ("flags", "<u4")]),
    PacketId.SCENE_LIGHT: np.dtype(
        [("id", "<i4"), ("intensity", "<f4"), ("color", "<f4", 4), ("on", "?"), ("type", "u1")]
    ),
    PacketId.KINEMATICS: np.dtype([("id", "<u4"), ("velocity", "<f4", 3), ("angular_velocity", "<f4", 3)]),
    PacketId.BOUNDING_BOX: np.dtype([("id", "<u4"), ("origin", "<f4", 3), ("extent", "<f4", 3)]),
    PacketId.TRAFFIC_LIGHT_TIME: np.dtype([("id", "<u4"), ("green", "<f4"), ("yellow", "<f4"), ("red", "<f4")]),
    PacketId.TRIGGER_VOLUME: np.dtype([("id", "<u4"), ("origin", "<f4", 3), ("extent", "<f4", 3)]),
    PacketId.VEHICLE_DOOR: np.dtype([("id", "<u4"), ("door", "u1"), ("open", "?")]),
    PacketId.ANIM_BIKER: np.dtype([("id", "<u4"), ("forward_speed", "<f4"), ("engine_rotation", "<f4")]),
}
"""Packets that are a count and records of one size."""

WHEEL = np.dtype([("place", "u1"), ("steer", "<f4"), ("rotation", "<f4")])
POINT = np.dtype("<f4")
GEAR_FLOATS, WHEEL_FLOATS = 3, 12


def wheels_dtype(wheels: int) -> np.dtype[Any]:
    """Return the record of a vehicle with that many wheels in an ANIM_VEHICLE_WHEELS packet."""
    return np.dtype([("id", "<u4"), ("count", "<u4"), ("wheels", WHEEL, (wheels,))])


def string(text: str) -> bytes:
    """Return a string as files have it, cut at MAX_STRING_BYTES."""
    data = text.encode("utf-8", errors="replace")[:MAX_STRING_BYTES]
    return COUNT.pack(len(data)) + data


def packet(packet_id: PacketId, data: bytes = b"") -> bytes:
    """Return a packet."""
    return PACKET_HEADER.pack(packet_id, len(data)) + data


def records_packet(packet_id: PacketId, records: NDArray[Any]) -> bytes:
    """Return a packet of `records` (dtype `RECORDS[packet_id]`, [N]); those beyond MAX_RECORDS are left out."""
    count = min(len(records), MAX_RECORDS)
    size = COUNT.size + count * records.itemsize
    return PACKET_HEADER.pack(packet_id, size) + COUNT.pack(count) + records[:count].tobytes()


def parts_packet(packet_id: PacketId, parts: list[bytes]) -> bytes:
    """Return a packet of records of different sizes."""
    kept = parts[:MAX_RECORDS]
    return packet(packet_id, COUNT.pack(len(kept)) + b"".join(kept))


def file_header(map_name: str, unix_time_s: int) -> bytes:
    """Return the header of a file."""
    return COUNT.pack(VERSION) + string(MAGIC) + struct.pack("<q", unix_time_s) + string(map_name)
