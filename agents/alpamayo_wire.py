"""Talking to `alpamayo serve` with nothing but the standard library and numpy: a WebSocket client and MessagePack.

It lies beside `alpamayo_leaderboard.py`, which runs in the evaluator's interpreter: Python 3.7 and later, where neither
aiohttp nor msgpack need to be installed. WebSocket: RFC 6455, binary messages without extensions. MessagePack: the types
that messages are made of; an array travels as extension type 1 that holds its type, shape and bytes, and never as a pickle.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import struct
from typing import Any
from urllib.parse import urlsplit

import numpy as np

ARRAY_EXTENSION = 1
MAX_ANSWER_BYTES = 16 * 1024 * 1024
_ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BINARY, _CLOSE, _PING, _PONG = 0x2, 0x8, 0x9, 0xA
_CONTINUATION = 0x0
_TEXT = 0x1


class WireError(RuntimeError):
    """The connection to the model server could not be made, or is lost, or what came is no message."""


class WebSocket:
    """One connection; `request` sends a message and returns the answer."""

    def __init__(self, url: str, timeout_s: float = 20.0) -> None:
        """Connect to ws://HOST:PORT/PATH; WireError says why if that fails."""
        parts = urlsplit(url)
        if parts.scheme != "ws" or not parts.hostname:
            raise WireError(f"a model server is named ws://HOST:PORT; found {url!r}")
        host, port = parts.hostname, parts.port or 80
        self._buffer = bytearray()
        self._socket: socket.socket | None = None
        try:
            self._socket = socket.create_connection((host, port), timeout=timeout_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._shake_hands(f"{host}:{port}", parts.path or "/")
        except (OSError, WireError) as error:
            self.close()
            raise WireError(f"{url} does not answer ({error})") from error

    def request(self, message: dict[str, Any], timeout_s: float | None = None) -> dict[str, Any]:
        """Send a message and return the answer; WireError if the connection is lost or nothing comes in time."""
        if self._socket is None:
            raise WireError("the connection is closed")
        try:
            self._socket.settimeout(timeout_s)
            self._send(_BINARY, packed(message))
            answer = unpacked(self._receive())
        except OSError as error:
            self.close()
            raise WireError(f"the connection is lost ({error})") from error
        except WireError:
            self.close()
            raise
        if not isinstance(answer, dict):
            raise WireError(f"expected a message; found {type(answer).__name__}")
        return answer

    def close(self) -> None:
        """End the connection; safe to call twice."""
        connection, self._socket = self._socket, None
        if connection is not None:
            try:
                connection.settimeout(1.0)
                connection.sendall(_frame(_CLOSE, struct.pack("!H", 1000)))
            except OSError:
                pass  # the other side has gone already, which is what was wanted
            connection.close()

    def _shake_hands(self, host: str, path: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode("ascii")
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        ]
        assert self._socket is not None
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))
        while b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > 65536:
                raise WireError("what listens there is no WebSocket server")
            self._read_more()
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer = bytearray(rest)
        status, _, fields = head.decode("latin-1").partition("\r\n")
        if " 101" not in status:
            raise WireError(f"what listens there answers {status!r}")
        expected = base64.b64encode(hashlib.sha1((key + _ACCEPT_SUFFIX).encode("ascii")).digest()).decode("ascii")
        if f"sec-websocket-accept: {expected}".lower() not in fields.lower():
            raise WireError("what listens there is no WebSocket server")

    def _send(self, opcode: int, payload: bytes) -> None:
        assert self._socket is not None
        self._socket.sendall(_frame(opcode, payload))

    def _receive(self) -> bytes:
        message = b""
        while True:
            final, opcode, payload = self._receive_frame()
            if opcode == _PING:
                self._send(_PONG, payload)
            elif opcode == _CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
                reason = payload[2:].decode("utf-8", "replace")
                raise WireError(f"the model server has closed the connection ({code} {reason})".rstrip())
            elif opcode in (_BINARY, _TEXT, _CONTINUATION):
                message += payload
                if len(message) > MAX_ANSWER_BYTES:
                    raise WireError(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
                if final:
                    return message

    def _receive_frame(self) -> tuple[bool, int, bytes]:
        first, second = self._take(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._take(8))
        if length > MAX_ANSWER_BYTES:
            raise WireError(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
        if second & 0x80:
            raise WireError("a server does not mask what it sends")
        return bool(first & 0x80), first & 0x0F, self._take(length)

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._read_more()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _read_more(self) -> None:
        assert self._socket is not None
        received = self._socket.recv(262144)
        if not received:
            raise WireError("the model server has closed the connection")
        self._buffer += received


def _frame(opcode: int, payload: bytes) -> bytes:
    """Return one masked frame, as clients send them."""
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | length)
    elif length < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, length)
    key = os.urandom(4)
    words = np.frombuffer(payload + b"\0" * (-length % 4), dtype=np.uint32)
    masked = np.bitwise_xor(words, np.frombuffer(key, dtype=np.uint32)[0]).tobytes()
    return head + key + masked[:length]


def packed(value: Any) -> bytes:
    """Return MessagePack of None, bools, numbers, text, bytes, lists, tuples, dicts and numpy arrays of numbers."""
    parts: list[bytes] = []
    _pack(value, parts)
    return b"".join(parts)


def _pack(value: Any, out: list[bytes]) -> None:
    if value is None:
        out.append(b"\xc0")
    elif isinstance(value, (bool, np.bool_)):
        out.append(b"\xc3" if value else b"\xc2")
    elif isinstance(value, (int, np.integer)):
        _pack_int(int(value), out)
    elif isinstance(value, (float, np.floating)):
        out.append(struct.pack(">Bd", 0xCB, float(value)))
    elif isinstance(value, str):
        data = value.encode("utf-8")
        out.append((bytes([0xA0 | len(data)]) if len(data) < 32 else _sized(len(data), 0xD9, 0xDA, 0xDB)) + data)
    elif isinstance(value, (bytes, bytearray)):
        out.append(_sized(len(value), 0xC4, 0xC5, 0xC6) + bytes(value))
    elif isinstance(value, (list, tuple)):
        out.append(bytes([0x90 | len(value)]) if len(value) < 16 else _sized(len(value), None, 0xDC, 0xDD))
        for item in value:
            _pack(item, out)
    elif isinstance(value, dict):
        out.append(bytes([0x80 | len(value)]) if len(value) < 16 else _sized(len(value), None, 0xDE, 0xDF))
        for key, item in value.items():
            _pack(key, out)
            _pack(item, out)
    elif isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        data = packed([value.dtype.str, list(value.shape), np.ascontiguousarray(value).tobytes()])
        out.append(_sized(len(data), 0xC7, 0xC8, 0xC9) + bytes([ARRAY_EXTENSION]) + data)
    else:
        raise WireError(f"a message cannot hold {type(value).__name__}")


def _pack_int(value: int, out: list[bytes]) -> None:
    if 0 <= value < 128 or -32 <= value < 0:
        out.append(struct.pack("b" if value < 0 else "B", value))
    elif -(2**63) <= value < 2**63:
        out.append(struct.pack(">Bq", 0xD3, value))
    else:
        raise WireError(f"a message cannot hold the number {value}")


def _sized(length: int, one: int | None, two: int, four: int) -> bytes:
    if one is not None and length < 256:
        return struct.pack(">BB", one, length)
    if length < 65536:
        return struct.pack(">BH", two, length)
    return struct.pack(">BI", four, length)


def unpacked(data: bytes) -> Any:
    """Return what MessagePack holds; WireError if it is not whole or holds what messages do not."""
    try:
        value, end = _unpack(data, 0)
    except (IndexError, struct.error, UnicodeDecodeError, ValueError, TypeError, RecursionError) as error:
        raise WireError(f"what came is no message ({error})") from error
    if end != len(data):
        raise WireError("what came is no message (more follows its end)")
    return value


_FIXED = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_LENGTHS = {
    0xC4: ">B", 0xC5: ">H", 0xC6: ">I", 0xC7: ">B", 0xC8: ">H", 0xC9: ">I", 0xD9: ">B", 0xDA: ">H", 0xDB: ">I",
    0xDC: ">H", 0xDD: ">I", 0xDE: ">H", 0xDF: ">I",
}  # fmt: skip


def _unpack(data: bytes, at: int) -> tuple[Any, int]:
    kind = data[at]
    at += 1
    if kind < 0x80:
        return kind, at
    if kind >= 0xE0:
        return kind - 256, at
    if kind in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[kind], at
    if kind in _FIXED:
        size = struct.calcsize(_FIXED[kind])
        return struct.unpack(_FIXED[kind], data[at : at + size])[0], at + size
    if kind < 0x90:
        return _unpack_map(data, at, kind & 0x0F)
    if kind < 0xA0:
        return _unpack_list(data, at, kind & 0x0F)
    if kind < 0xC0:
        return _cut(data, at, kind & 0x1F).decode("utf-8"), at + (kind & 0x1F)
    if 0xD4 <= kind <= 0xD8:
        return _array(data[at], _cut(data, at + 1, 1 << (kind - 0xD4))), at + 1 + (1 << (kind - 0xD4))
    if kind not in _LENGTHS:
        raise ValueError(f"type {kind:#x}")
    size = struct.calcsize(_LENGTHS[kind])
    length = struct.unpack(_LENGTHS[kind], data[at : at + size])[0]
    at += size
    if kind in (0xDE, 0xDF):
        return _unpack_map(data, at, length)
    if kind in (0xDC, 0xDD):
        return _unpack_list(data, at, length)
    if kind in (0xC7, 0xC8, 0xC9):
        return _array(data[at], _cut(data, at + 1, length)), at + 1 + length
    content = _cut(data, at, length)
    return (content.decode("utf-8") if kind >= 0xD9 else content), at + length


def _cut(data: bytes, at: int, length: int) -> bytes:
    if at + length > len(data):
        raise ValueError("it ends too early")
    return data[at : at + length]


def _unpack_list(data: bytes, at: int, count: int) -> tuple[list[Any], int]:
    items = []
    for _ in range(count):
        item, at = _unpack(data, at)
        items.append(item)
    return items, at


def _unpack_map(data: bytes, at: int, count: int) -> tuple[dict[Any, Any], int]:
    items = {}
    for _ in range(count):
        key, at = _unpack(data, at)
        items[key], at = _unpack(data, at)
    return items, at


def _array(extension: int, data: bytes) -> Any:
    if extension != ARRAY_EXTENSION:
        raise ValueError(f"extension {extension}")
    kind, shape, content = unpacked(data)
    if np.dtype(kind).kind not in "biuf":
        raise ValueError(f"an array of {kind}")
    return np.frombuffer(content, dtype=np.dtype(kind)).reshape(shape)
