"""Whether the ego keeps up with the traffic around it."""

from __future__ import annotations

from typing import ClassVar

from alpamayo_sim.metrics.infraction import Infraction, InfractionKind, ego_location
from alpamayo_sim.metrics.route_progress import RouteProgress
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.roads.route_planner import Route

_WINDOW_POINTS = 2
_LAST_STRETCH = 0.95


class MinSpeed:
    """Compares the ego's mean speed with that of the background traffic on every one of `stretches` parts of the route
    (`MinimumSpeedRouteTest`; 4 parts in leaderboard 2.x, 20 in Bench2Drive).

    The traffic is all background vehicles of the town, near or far; a tick without any says nothing.
    """

    name: ClassVar[str] = "min_speed"

    def __init__(self, route: Route, stretches: int = 4, *, list_fast: bool = False) -> None:
        """Watch `stretches` equal parts; `list_fast` lists those at 100 % or more as well, as Bench2Drive does."""
        self._list_fast = list_fast
        self._progress = RouteProgress(route, _WINDOW_POINTS)
        self._stretch_m = self._progress.length_m / stretches
        self._start_m = 0.0
        self._ego_sum = self._traffic_sum = 0.0
        self._percentages: list[float] = []
        self._last_tick: TickRecord | None = None

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Return one infraction when a stretch ends that was slower than the traffic."""
        self._last_tick = tick
        self._progress.advance(tick.ego.transform)
        found: list[Infraction] = []
        if self._progress.distance_m - self._start_m > self._stretch_m:
            found = self._close_stretch(tick)
            self._start_m = self._progress.distance_m
            self._ego_sum = self._traffic_sum = 0.0
        traffic_mps = tick.traffic_speed_mps
        if traffic_mps is not None:
            self._ego_sum += tick.planar_speed_mps
            self._traffic_sum += traffic_mps
        return found

    def finish(self) -> list[Infraction]:
        """Return the infraction of the last stretch, if the route was all but finished.

        Called again it returns it again, as the leaderboard counts the last stretch of an episode that ended by itself
        twice.
        """
        if self._last_tick is None or self._progress.distance_m <= _LAST_STRETCH * self._progress.length_m:
            return []
        return self._close_stretch(self._last_tick)

    def _close_stretch(self, tick: TickRecord) -> list[Infraction]:
        percentage = round(100.0 * self._ego_sum / self._traffic_sum, 2) if self._traffic_sum > 0.0 else 100.0
        self._percentages.append(percentage)
        if percentage >= 100.0 and not self._list_fast:
            return []
        message = f"Average speed is {percentage}% of the surrounding traffic's one"
        place = ego_location(tick)
        return [Infraction(InfractionKind.MIN_SPEED, tick.frame, tick.time_s, place, message, percentage=percentage)]

    def values(self) -> dict[str, float]:
        """Return the mean percentage of the stretches that are done (Bench2Drive's efficiency), once there is one."""
        if not self._percentages:
            return {}
        return {"speed_of_traffic_percent": sum(self._percentages) / len(self._percentages)}
