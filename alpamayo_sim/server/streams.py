"""Streams: what sensors and the world say, to whoever subscribed.

A subscriber opens a TCP connection, sends the stream's id (u32) and only reads from then on: messages of a u32 size
and a payload. The world-state stream keeps its last message for the next subscriber.

What happens to subscribers that read slowly is told in `back_pressure`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from alpamayo_sim.server.back_pressure import BackPressure
from alpamayo_sim.server.outbox import Buffer

if TYPE_CHECKING:
    from alpamayo_sim.server.subscriber import Subscriber

TOKEN = struct.Struct("<IHBB16s")
"""Stream id, port, protocol (1 TCP), address type (0: the address the client already uses), address."""
_SIZE = struct.Struct("<I")


class Stream:
    """One stream and its subscribers."""

    __slots__ = ("announced", "id", "keep_last", "last", "subscribers")

    def __init__(self, stream_id: int, *, keep_last: bool = False) -> None:
        self.id = stream_id
        self.keep_last = keep_last
        self.last: bytes | None = None
        self.subscribers: list[Subscriber] = []
        self.announced = 0
        """Subscribers that asked for the token and have not connected yet."""

    def publish(self, parts: Sequence[Buffer]) -> None:
        """Send one payload to every subscriber."""
        size = _SIZE.pack(sum(map(len, parts)))
        if self.keep_last:
            self.last = b"".join((size, *parts))
            message: Sequence[Buffer] = (self.last,)
        else:
            message = (size, *parts)
        for subscriber in tuple(self.subscribers):
            subscriber.send(message)


class StreamHub:
    """All streams of the process. Ids are never given twice."""

    def __init__(self, port: int, patience: float = 1.0) -> None:
        self._port = port
        self._streams: dict[int, Stream] = {}
        self._next_id = 1
        self._announced = 0
        self.back_pressure = BackPressure(patience)
        self.on_subscribed: Callable[[Stream], None] = lambda stream: None
        """Called when an announced subscriber of a stream has connected."""

    @property
    def stream_count(self) -> int:
        """How many streams there are."""
        return len(self._streams)

    @property
    def subscriber_count(self) -> int:
        """How many subscribers they have."""
        return sum(len(stream.subscribers) for stream in self._streams.values())

    def open(self, *, keep_last: bool = False) -> Stream:
        """Return a new stream."""
        stream = Stream(self._next_id, keep_last=keep_last)
        self._streams[stream.id] = stream
        self._next_id += 1
        return stream

    def close(self, stream: Stream) -> None:
        """End a stream and its subscribers' connections."""
        self._streams.pop(stream.id, None)
        self._announced -= stream.announced
        stream.announced = 0
        for subscriber in tuple(stream.subscribers):
            subscriber.close()

    def find(self, stream_id: int) -> Stream | None:
        """Return a live stream by id."""
        return self._streams.get(stream_id)

    def token(self, stream: Stream) -> bytes:
        """Return the 24 bytes that tell a client where to subscribe."""
        return TOKEN.pack(stream.id, self._port, 1, 0, bytes(16))

    def announce(self, stream: Stream) -> None:
        """Note that a client has asked for the stream's token and is about to connect."""
        stream.announced += 1
        self._announced += 1

    def arrived(self, stream: Stream) -> None:
        """Note that a subscriber has connected."""
        if stream.announced:
            stream.announced -= 1
            self._announced -= 1
            self.on_subscribed(stream)

    def awaiting_subscribers(self) -> bool:
        """Return whether an announced subscriber has not connected yet."""
        return self._announced > 0

    def forget_announcements(self) -> None:
        """Stop waiting for announced subscribers."""
        for stream in self._streams.values():
            stream.announced = 0
        self._announced = 0
