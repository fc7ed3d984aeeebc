"""An ego that takes too long for its route."""

from __future__ import annotations

from typing import ClassVar

from alpamayo_sim.metrics.infraction import Infraction, InfractionKind, ego_location
from alpamayo_sim.metrics.profile import ScoringProfile
from alpamayo_sim.metrics.route_progress import RouteProgress
from alpamayo_sim.metrics.tick import CLOCK_SLACK_S, TickRecord
from alpamayo_sim.roads.route_planner import Route

_WINDOW_POINTS = 3
_SHARE_OF_LIMIT = 0.10


class RouteTimeout:
    """Fails when the episode lasts longer than its allowance.

    Leaderboard 2.x: 300 s, plus for every passed metre the time that it takes at 10 % of the speed limit there.
    Leaderboard 1.0: 5 s plus 0.8 s per metre of the route. Bench2Drive adds a cap on the whole episode.
    """

    name: ClassVar[str] = "route_timeout"

    def __init__(self, route: Route, profile: ScoringProfile) -> None:
        self._progress = RouteProgress(route, _WINDOW_POINTS)
        self._grows = profile.timeout_s_per_m is None
        self._cap_s = profile.time_limit_s
        self.allowance_s = profile.timeout_base_s + (profile.timeout_s_per_m or 0.0) * self._progress.length_m
        self._failed = False

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Return the infraction at the tick at which the time is over, once."""
        passed_m = self._progress.advance(tick.ego.transform)
        if self._grows and tick.speed_limit_mps > 0.0:
            self.allowance_s += passed_m / (_SHARE_OF_LIMIT * tick.speed_limit_mps)
        limit_s = self.allowance_s - CLOCK_SLACK_S
        if self._cap_s is not None:
            limit_s = min(limit_s, self._cap_s)
        if self._failed or tick.time_s <= limit_s:
            return []
        self._failed = True
        message = f"Route timeout: {tick.time_s:.1f} s are more than the allowed {limit_s:.1f} s"
        return [Infraction(InfractionKind.ROUTE_TIMEOUT, tick.frame, tick.time_s, ego_location(tick), message)]

    def finish(self) -> list[Infraction]:
        """Return nothing: the clock is watched at every tick."""
        return []

    def values(self) -> dict[str, float]:
        """Return the allowance as far as it has grown."""
        return {"route_timeout_allowance_s": self.allowance_s}
