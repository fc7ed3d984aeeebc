"""An ego that does not move any more."""

from __future__ import annotations

from typing import ClassVar

from alpamayo_sim.metrics.infraction import Infraction, InfractionKind, ego_location, location_text
from alpamayo_sim.metrics.tick import CLOCK_SLACK_S, ScenarioPhase, TickRecord

_MOVING_MPS = 0.1


class Blocked:
    """Fails once the ego stayed below 0.1 m/s for `after_s` without a break (`ActorBlockedTest`).

    While a scenario runs that closes the way the clock stands; it starts anew when that scenario ends.
    """

    name: ClassVar[str] = "blocked"

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._moved_at_s: float | None = None
        self._failed = False
        self._suspended_by: set[str] = set()

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Return the infraction at the tick at which the patience runs out, once."""
        for event in tick.scenario_events:
            if event.phase is ScenarioPhase.TRIGGERED and event.suspends_blocked:
                self._suspended_by.add(event.name)
            elif event.phase in (ScenarioPhase.FINISHED, ScenarioPhase.TIMED_OUT) and event.name in self._suspended_by:
                self._suspended_by.remove(event.name)
                self._moved_at_s = tick.time_s
        if self._moved_at_s is None or self._suspended_by or tick.planar_speed_mps >= _MOVING_MPS:
            self._moved_at_s = tick.time_s
        if self._failed or tick.time_s - self._moved_at_s <= self._after_s - CLOCK_SLACK_S:
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
