"""What happens to subscribers that read more slowly than the world speaks.

CARLA discards messages for a slow reader in asynchronous mode, and in synchronous mode waits for it for ever. Here:

* Each subscriber has a queue of MAX_QUEUED_MESSAGES messages or MAX_QUEUED_BYTES, whichever is reached first. All queues
  together hold MAX_TOTAL_BYTES at most; beyond that the longest queue is cut to its newest message.
* When a queue is full, its oldest message that has not begun to be sent is dropped, never a part of one and never the newest.
* In synchronous mode a tick waits for a full queue first, for CLOGGED_PATIENCE_S at most, until the half of it is sent: a client
  that reads at all misses nothing. One that does not read within that time is not waited for again until it has read half
  of its queue.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alpamayo_sim.server.subscriber import Subscriber

MAX_QUEUED_MESSAGES = 256
MAX_QUEUED_BYTES = 32 << 20
MAX_TOTAL_BYTES = 256 << 20
CLOGGED_PATIENCE_S = 0.5
_READ_AGAIN = 0.5
"""How full a queue is at most when its subscriber is waited for again."""


class BackPressure:
    """The subscribers whose queues are not empty."""

    def __init__(self, patience: float = 1.0) -> None:
        self._patience_s = CLOGGED_PATIENCE_S * patience
        self._queued: set[Subscriber] = set()
        self._full: dict[Subscriber, float] = {}
        """Subscribers that ticks wait for, and until when (`time.monotonic`)."""
        self._stuck: set[Subscriber] = set()
        """Subscribers that were waited for in vain."""
        self.dropped = 0
        """How many messages were dropped so far."""
        self.on_relief: Callable[[], None] = lambda: None
        """Called when a subscriber that ticks waited for has read, or is gone."""

    @property
    def clogged(self) -> bool:
        """Whether a queue is full whose subscriber ticks wait for."""
        return bool(self._full)

    @property
    def queued_bytes(self) -> int:
        """How much is queued for all subscribers together."""
        return sum(subscriber.outbox.unsent_bytes for subscriber in self._queued)

    def queued(self, subscriber: Subscriber, dropped: int) -> None:
        """Note that a message, or a part of one, waits for a subscriber, and how many others were dropped for it."""
        self._queued.add(subscriber)
        self.dropped += dropped
        if subscriber.outbox.fill >= 1.0 and subscriber not in self._stuck and subscriber not in self._full:
            self._full[subscriber] = time.monotonic() + self._patience_s
        if len(self._queued) > MAX_TOTAL_BYTES // MAX_QUEUED_BYTES and self.queued_bytes > MAX_TOTAL_BYTES:
            self.dropped += max(self._queued, key=lambda each: each.outbox.waiting_bytes).outbox.keep_newest()

    def flushed(self, subscriber: Subscriber) -> None:
        """Note that a subscriber has read."""
        if subscriber.outbox.empty:
            self._queued.discard(subscriber)
        if subscriber.outbox.fill <= _READ_AGAIN:
            self._relieve(subscriber)

    def gone(self, subscriber: Subscriber) -> None:
        """Note that a subscriber has left."""
        self._queued.discard(subscriber)
        self._relieve(subscriber)

    def _relieve(self, subscriber: Subscriber) -> None:
        self._stuck.discard(subscriber)
        if self._full.pop(subscriber, None) is not None:
            self.on_relief()

    def ready_s(self, now_s: float) -> float:
        """Return until when a tick waits for full queues at most (`time.monotonic`), 0 without any."""
        for subscriber, until_s in list(self._full.items()):
            if now_s >= until_s:
                del self._full[subscriber]
                self._stuck.add(subscriber)
        return max(self._full.values(), default=0.0)
