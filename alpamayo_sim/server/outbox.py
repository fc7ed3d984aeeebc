"""What waits to be sent on one socket, with a bound."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Sequence

Buffer = bytes | bytearray | memoryview


class Outbox:
    """Sends messages at once where the socket takes them and keeps the rest in order.

    A bounded outbox drops the oldest messages that have not begun to be sent; the newest one always stays.
    """

    def __init__(self, sock: socket.socket, *, max_bytes: int | None = None, max_messages: int = 256) -> None:
        self._socket = sock
        self._max_bytes = max_bytes
        self._max_messages = max_messages
        self._sending: memoryview | None = None
        self._waiting: deque[bytes] = deque()
        self.waiting_bytes = 0
        self.dropped = 0

    @property
    def unsent_bytes(self) -> int:
        """How much is kept."""
        return self.waiting_bytes + (len(self._sending) if self._sending is not None else 0)

    @property
    def empty(self) -> bool:
        """Whether everything was handed to the kernel."""
        return self._sending is None

    @property
    def fill(self) -> float:
        """How full a bounded outbox is: from 1 on, the next message is likely to drop another."""
        if self._max_bytes is None:
            return 0.0
        return max(self.waiting_bytes / self._max_bytes, len(self._waiting) / self._max_messages)

    def send(self, parts: Sequence[Buffer]) -> None:
        """Send one message made of `parts`, or keep it. Raises OSError when the connection is broken."""
        if self._sending is not None:
            self._keep(b"".join(parts))
            return
        try:
            sent = self._socket.send(parts[0]) if len(parts) == 1 else self._socket.sendmsg(parts)
        except BlockingIOError:
            sent = 0
        if sent < sum(map(len, parts)):
            self._sending = memoryview(b"".join(parts))[sent:]

    def _keep(self, message: bytes) -> None:
        self._waiting.append(message)
        self.waiting_bytes += len(message)
        if self._max_bytes is None:
            return
        while len(self._waiting) > 1 and (
            self.waiting_bytes > self._max_bytes or len(self._waiting) > self._max_messages
        ):
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        self.waiting_bytes -= len(self._waiting.popleft())
        self.dropped += 1

    def keep_newest(self) -> int:
        """Drop everything that has not begun to be sent, except the newest message; return how many messages."""
        before = self.dropped
        while len(self._waiting) > 1:
            self._drop_oldest()
        return self.dropped - before

    def flush(self) -> None:
        """Send more of what is kept, as much as the socket takes now. Raises OSError when the connection is broken."""
        while self._sending is not None:
            try:
                sent = self._socket.send(self._sending)
            except BlockingIOError:
                return
            if sent < len(self._sending):
                self._sending = self._sending[sent:]
                return
            self._sending = None
            if self._waiting:
                message = self._waiting.popleft()
                self.waiting_bytes -= len(message)
                self._sending = memoryview(message)
