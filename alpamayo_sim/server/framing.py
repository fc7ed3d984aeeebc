"""Where requests begin and end in what a client sends. Nothing is unpacked before it is complete."""

from __future__ import annotations

import msgpack

from alpamayo_sim.server.requests import MAX_LARGE_REQUEST_BYTES, text_at_end

LASTING_BUFFER_BYTES = 1 << 20
"""After a longer request the scanner is replaced: it would keep the memory."""
SCANNER_BYTES = MAX_LARGE_REQUEST_BYTES + (1 << 20)
"""The scanner keeps a string until it is complete; who feeds it looks at the size after each piece."""
_EMPTY_TEXT = b"\xa0"


class Framer:
    """Cuts a stream of msgpack into messages.

    A scanner walks over the bytes once, as they come, and makes no objects of them: an unfinished message costs its bytes.
    """

    def __init__(self) -> None:
        self._swollen = False
        self._begin()
        self._kept: bytes | bytearray = b""
        self._offset = 0
        """Where the next message begins in what is kept."""
        self._discarding = False
        self._swallow = 0
        self.discarded_bytes = 0
        """How much of the present message was thrown away."""

    def _begin(self, seed: bytes = b"") -> None:
        self._scanner = msgpack.Unpacker(max_buffer_size=SCANNER_BYTES)
        self._scanner.feed(seed)
        self._fed = len(seed)
        self._swollen = False

    @property
    def unfinished_bytes(self) -> int:
        """How much is kept of a message whose end has not come, after `next` returned None."""
        return len(self._kept) - self._offset

    @property
    def discarding(self) -> bool:
        """Whether the present message is thrown away until its end."""
        return self._discarding

    @property
    def unfinished(self) -> memoryview:
        """What is kept of a message whose end has not come."""
        return memoryview(self._kept)[self._offset :]

    def feed(self, data: bytes) -> None:
        """Take bytes; msgpack.BufferFull when a single string in them is too long."""
        if self._swallow:
            swallowed = min(self._swallow, len(data))
            self._swallow -= swallowed
            self.discarded_bytes += swallowed
            data = data[swallowed:]
        self._scanner.feed(data)
        self._fed += len(data)
        if len(self._kept) == self._offset:
            self._kept, self._offset = data, 0
            return
        if self._offset or not isinstance(self._kept, bytearray):
            self._kept, self._offset = bytearray(self.unfinished), 0
        self._kept += data

    def next(self) -> bytes | bytearray | None:
        """Return the next whole message, None without one. ValueError for what is not msgpack."""
        while len(self._kept) > self._offset:
            try:
                self._scanner.skip()
            except msgpack.OutOfData:
                if self._discarding:
                    self.discarded_bytes += self.unfinished_bytes
                    self._kept, self._offset = b"", 0
                return None
            end = self._scanner.tell() - (self._fed - len(self._kept))
            message = self._taken(end)
            if not self._discarding:
                return message
            self._discarding, self.discarded_bytes = False, 0
        return None

    def _taken(self, end: int) -> bytes | bytearray:
        """Return what is kept up to `end`, and go on behind it."""
        whole = self._offset == 0 and end == len(self._kept)
        message = self._kept if whole else self._kept[self._offset : end]
        self._offset = end
        self._swollen = self._swollen or len(message) > LASTING_BUFFER_BYTES
        if end == len(self._kept):
            self._kept, self._offset = b"", 0
            if self._swollen:
                self._begin()
        return message

    def discard(self) -> None:
        """Throw the unfinished message away: what is here of it, and what still comes."""
        unfinished = self.unfinished
        self.discarded_bytes = len(unfinished)
        rest = text_at_end(unfinished)
        if rest is not None:  # the scanner would keep a long text until it has all of it
            start, self._swallow = rest
            self._begin(bytes(unfinished[:start]) + _EMPTY_TEXT)
        unfinished.release()
        self._kept, self._offset, self._discarding = b"", 0, True
        if rest is not None:
            self._scan_seed()

    def _scan_seed(self) -> None:
        try:
            self._scanner.skip()
        except msgpack.OutOfData:
            return
        self._discarding = False
