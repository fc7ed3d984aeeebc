"""An ego that does not move any more."""

from __future__ import annotations

from typing import ClassVar

from alpamayo_sim.metrics.infraction import Infraction, InfractionKind, ego_location, location_text
from alpamayo_sim.metrics.tick import TickRecord

_MOVING_MPS = 0.1


class Blocked:
    """Fails once the ego stayed below 0.1 m/s for `after_s` without a break (`ActorBlockedTest`)."""

    name: ClassVar[str] = "blocked"

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._moved_at_s: float | None = None
        self._failed = False

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Return the infraction at the tick at which the patience runs out, once."""
        if self._moved_at_s is None or tick.speed_mps >= _MOVING_MPS:
            self._moved_at_s = tick.time_s
        if self._failed or tick.time_s - self._moved_at_s <= self._after_s:
            return []
        self._failed = True
        here = ego_location(tick)
        message = f"Agent got blocked at {location_text(here)}"
        return [Infraction(InfractionKind.BLOCKED, tick.frame, tick.time_s, here, message)]

    def finish(self) -> list[Infraction]:
        """Return nothing: being blocked shows while it lasts."""
        return []

    def values(self) -> dict[str, float]:
        """Return no figure."""
        return {}
