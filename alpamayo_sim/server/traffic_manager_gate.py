"""Keeps a synchronous TrafficManager from missing its start signal.

In the client library, `world.tick()` wakes TrafficManager's thread through a condition variable without holding its mutex. The
thread asks for the episode settings and then begins to wait; when the tick ends in that very moment the signal is lost and the
client hangs for ever. Ticks of CARLA take milliseconds, so this is rare there. Here the settings are answered first, and the
tick is published a little later.
"""

from __future__ import annotations

import time
from collections.abc import Callable

SETTLE_S = 250.0e-6
"""From the answer to the settings to the publication of the tick, at least."""
PATIENCE_S = 4.0e-3
MAX_MISSES = 3


class TrafficManagerGate:
    """What one client's TrafficManagers have asked since the last tick."""

    def __init__(self) -> None:
        self.managers = 0
        """TrafficManagers that the client has registered."""
        self.opened: Callable[[], None] | None = None
        """Called when a tick that waits may go on."""
        self._asked = 0
        self._answered_s = 0.0
        self._misses = 0

    def settings_asked(self) -> None:
        """Note that the client asks for the settings; the answer is sent with the handling of the request."""
        self._asked += 1
        self._misses = 0
        if self.managers:
            self._answered_s = time.monotonic()
            if self.opened is not None and self.ready:
                opened, self.opened = self.opened, None
                opened()

    @property
    def ready(self) -> bool:
        """Whether every TrafficManager has asked since the last tick, or has shown that it does not."""
        return self._asked >= self.managers or self._misses >= MAX_MISSES

    def give_up(self) -> None:
        """Let a tick go on without the question."""
        self._misses += 1
        if self.opened is not None:
            opened, self.opened = self.opened, None
            opened()

    def ticked(self) -> float:
        """Begin a new tick; return the earliest time (`time.monotonic`) at which it may be published."""
        self._asked = 0
        return self._answered_s + SETTLE_S if self.managers else 0.0
