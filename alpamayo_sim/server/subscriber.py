"""One subscriber's connection to one stream."""

from __future__ import annotations

import logging
import socket
import struct
import time
from collections.abc import Callable, Sequence

from alpamayo_sim.server.back_pressure import MAX_QUEUED_BYTES, MAX_QUEUED_MESSAGES
from alpamayo_sim.server.event_loop import READ, WRITE, EventLoop
from alpamayo_sim.server.outbox import Buffer, Outbox
from alpamayo_sim.server.streams import Stream, StreamHub

UNKNOWN_STREAM_S = 1.0
"""How long a subscriber of a stream that does not exist is kept waiting before it is closed: clients come back at once."""
_STREAM_ID = struct.Struct("<I")
_LOG = logging.getLogger(__name__)


class Subscriber:
    """Reads the id of a stream, then sends what the stream publishes."""

    def __init__(self, loop: EventLoop, sock: socket.socket, hub: StreamHub, on_close: Callable[[], None]) -> None:
        self._loop = loop
        self._socket = sock
        self._hub = hub
        self._on_close = on_close
        self._request = b""
        self._stream: Stream | None = None
        self.outbox = Outbox(sock, max_bytes=MAX_QUEUED_BYTES, max_messages=MAX_QUEUED_MESSAGES)
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
        elif len(self._request) < _STREAM_ID.size:
            self._request += data[: _STREAM_ID.size - len(self._request)]
            if len(self._request) == _STREAM_ID.size:
                self._subscribe(_STREAM_ID.unpack(self._request)[0])

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
        dropped = self.outbox.dropped
        try:
            self.outbox.send(message)
        except OSError:
            self.close()
            return
        if not self.outbox.empty:
            self._hub.back_pressure.queued(self, self.outbox.dropped - dropped)
            if not self._wants_write:
                self._wants_write = True
                self._loop.set_interest(self._socket, READ | WRITE)

    def on_writable(self) -> None:
        """Send more of what is queued."""
        try:
            self.outbox.flush()
        except OSError:
            self.close()
            return
        if self.outbox.empty:
            self._wants_write = False
            self._loop.set_interest(self._socket, READ)
        self._hub.back_pressure.flushed(self)

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
            if self.outbox.dropped:
                _LOG.info("stream %d: a slow subscriber missed %d messages", self._stream.id, self.outbox.dropped)
        self._hub.back_pressure.gone(self)
        self._on_close()
