"""What a request says: who it is for, how long it may be, and its values.

Requests are `[0, id, name, arguments]`; the first argument is the client's `[bool]`, whether it waits for an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgpack

MAX_REQUEST_BYTES = 4 << 20
MAX_LARGE_REQUEST_BYTES = 64 << 20
"""For requests that carry a map or a texture."""
MAX_ARRAY_LENGTH = 1 << 17
"""Of all arrays but the pixels of textures, which are never unpacked."""
MAX_HEAD_BYTES = 1 << 20
"""Within these, the pixels of a texture begin."""
TEXTURE_CALLS = ("apply_color_texture_to_objects", "apply_float_color_texture_to_objects")
MAP_CALL = "copy_opendrive_to_file"
_TEXTURE_MARK = b"color_texture_to_objects"
_MARKED_BYTES = 64
_TEXT_HEADERS = {0xD9: 1, 0xDA: 2, 0xDB: 4}
"""Bytes of length behind the first byte of a text."""
_READING: dict[str, Any] = {
    "raw": False,
    "strict_map_key": False,
    "unicode_errors": "surrogateescape",
    "max_array_len": MAX_ARRAY_LENGTH,
    "max_map_len": 1024,
    "max_ext_len": 1024,
}
Bytes = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class PackedPixels:
    """The pixels of a texture as they came: msgpack, one array of channels after the other."""

    count: int
    data: memoryview


def _reader(message: Bytes, size: int) -> Any:
    reader = msgpack.Unpacker(max_buffer_size=MAX_LARGE_REQUEST_BYTES, **_READING)
    reader.feed(bytes(message[:size]))
    return reader


def request_head(message: Bytes) -> tuple[int, str] | None:
    """Return id and name of a request that wants an answer, None for anything else; its end need not be there."""
    reader = _reader(message, 4096)
    try:
        if reader.read_array_header() != 4 or reader.unpack() != 0:
            return None
        message_id, name = reader.unpack(), reader.unpack()
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
        return None
    if type(message_id) is int and 0 <= message_id < 1 << 32 and type(name) is str:
        return message_id, name
    return None


def text_at_end(message: Bytes) -> tuple[int, int] | None:
    """Return where the text of a map begins and how many bytes of it are missing; None for any other request."""
    reader = _reader(message, 4096)
    try:
        if reader.read_array_header() != 4 or reader.unpack() != 0:
            return None
        reader.skip()
        if reader.unpack() != MAP_CALL or reader.read_array_header() < 2:
            return None
        reader.skip()
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
        return None
    start: int = reader.tell()
    width = _TEXT_HEADERS.get(message[start], 0) if start < len(message) else 0
    length = int.from_bytes(bytes(message[start + 1 : start + 1 + width]), "big")
    missing = start + 1 + width + length - len(message)
    return (start, missing) if missing > 0 else None


def allowance(message: Bytes) -> int:
    """Return how many bytes the request that begins like `message` may have."""
    if text_at_end(message) is not None or _texture_request(message) is not None:
        return MAX_LARGE_REQUEST_BYTES
    return MAX_REQUEST_BYTES


def _texture_request(message: Bytes) -> list[Any] | None:
    """Return a request to apply a texture, with the pixels as PackedPixels; None for any other request."""
    if _TEXTURE_MARK not in bytes(message[:_MARKED_BYTES]):
        return None
    reader = _reader(message, MAX_HEAD_BYTES)
    try:
        if reader.read_array_header() != 4 or reader.unpack() != 0:
            return None
        message_id, name = reader.unpack(), reader.unpack()
        if name not in TEXTURE_CALLS or reader.read_array_header() != 4:
            return None
        arguments = [reader.unpack() for _ in range(3)]
        if reader.read_array_header() != 3:
            return None
        size = [reader.unpack(), reader.unpack()]
        count = reader.read_array_header()
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
        return None
    pixels = PackedPixels(count, memoryview(message)[reader.tell() :])
    return [0, message_id, name, [*arguments, [*size, pixels]]]


def unpacked(message: bytes | bytearray) -> Any:
    """Return the values of a whole message; ValueError or TypeError for what has too many of them or cannot be read."""
    if _TEXTURE_MARK in message[:_MARKED_BYTES]:
        request = _texture_request(message)
        if request is not None:
            return request
    return msgpack.unpackb(message, **_READING)
