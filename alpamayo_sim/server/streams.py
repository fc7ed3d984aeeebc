"""Streams: what sensors and the world say, to whoever subscribed.

A subscriber opens a TCP connection, sends the stream's id (u32) and only reads from then on: messages of a u32 size
and a payload. The world-state stream keeps its last message for the next subscriber.
"""

from __future__ import annotations

import logging
import socket
import struct
import time
from collections.abc import Callable, Sequence

from alpamayo_sim.server.event_loop import READ, WRITE, EventLoop
from alpamayo_sim.server.outbox import Buffer, Outbox

MAX_QUEUED_BYTES = 32 << 20
"""Bound of what a slow subscriber of one stream can make the server keep."""
UNKNOWN_STREAM_S = 1.0
"""How long a subscriber of a stream that does not exist is kept waiting before it is closed: clients come back at once."""
TOKEN = struct.Struct("<IHBB16s")
"""Stream id, port, protocol (1 TCP), address type (0: the address the client already uses), address."""
_SIZE = struct.Struct("<I")
_LOG = logging.getLogger(__name__)


class Stream:
    """One stream and its subscribers."""

    __slots__ = ("announced", "id", "keep_last", "last", "subscribers")

    def __init__(self, stream_id: int, *, keep_last: bool = False) -> None:
        self.id = stream_id
        self.keep_last = keep_last
        self.last: bytes | None = None
        self.subscribers: list[StreamConnection] = []
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

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: dict[int, Stream] = {}
        self._next_id = 1
        self._announced = 0
        self.on_subscribed: Callable[[Stream], None] = lambda stream: None
        """Called when an announced subscriber of a stream has connected."""

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


class StreamConnection:
    """One subscriber's connection."""

    def __init__(self, loop: EventLoop, sock: socket.socket, hub: StreamHub, on_close: Callable[[], None]) -> None:
        self._loop = loop
        self._socket = sock
        self._hub = hub
        self._on_close = on_close
        self._request = b""
        self._stream: Stream | None = None
        self._outbox = Outbox(sock, max_bytes=MAX_QUEUED_BYTES)
        self.closed = False
        self._wants_write = False
        loop.add(sock, self)

    @property
    def subscribed(self) -> bool:
        """Whether the connection has named its stream."""
        return self._stream is not None

    def on_readable(self) -> None:
        """Take the stream id; notice the end of the connection."""
        try:
            data = self._socket.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
        elif self._stream is None:
            self._request += data[: _SIZE.size]
            if len(self._request) >= _SIZE.size:
                self._subscribe(_SIZE.unpack(self._request[: _SIZE.size])[0])

    def _subscribe(self, stream_id: int) -> None:
        stream = self._hub.find(stream_id)
        if stream is None:
            _LOG.debug("a subscriber asked for stream %d, which does not exist", stream_id)
            self._loop.call_at(time.monotonic() + UNKNOWN_STREAM_S, self.close)
            return
        self._stream = stream
        stream.subscribers.append(self)
        if stream.last is not None:
            self.send((stream.last,))
        self._hub.arrived(stream)

    def send(self, message: Sequence[Buffer]) -> None:
        """Send or queue one whole message."""
        try:
            self._outbox.send(message)
        except OSError:
            self.close()
            return
        if not self._outbox.empty and not self._wants_write:
            self._wants_write = True
            self._loop.set_interest(self._socket, READ | WRITE)

    def on_writable(self) -> None:
        """Send more of what is queued."""
        try:
            self._outbox.flush()
        except OSError:
            self.close()
            return
        if self._outbox.empty:
            self._wants_write = False
            self._loop.set_interest(self._socket, READ)

    def close(self) -> None:
        """End the connection and its subscription."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove(self._socket)
        self._socket.close()
        if self._stream is not None:
            if self in self._stream.subscribers:
                self._stream.subscribers.remove(self)
            if self._outbox.dropped:
                _LOG.info("stream %d: a slow subscriber missed %d messages", self._stream.id, self._outbox.dropped)
        self._on_close()
