"""How much of the route is done, and whether it is finished."""

from __future__ import annotations

import math
from typing import ClassVar

from alpamayo_sim.metrics.infraction import Infraction
from alpamayo_sim.metrics.route_progress import RouteProgress
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.roads.route_planner import Route

_WINDOW_POINTS = 2
_COMPLETE_PERCENT = 99.0
_COMPLETE_WITHIN_M = 10.0


_DIGITS = 2


class RouteCompletion:
    """Complete once over 99 % of the route is passed and its end is less than 10 m away (`RouteCompletionTest`).

    The share is rounded to 0.01 %. The episode goes on for one more tick, which the other criteria judge as well.
    """

    name: ClassVar[str] = "route_completion"

    def __init__(self, route: Route) -> None:
        self._progress = RouteProgress(route, _WINDOW_POINTS)
        self._end = route.points[-1].tolist()
        self.percent = 0.0
        self.completed = False
        self.over = False
        """Whether the tick after the one that completed the route has been judged."""

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Follow the ego; completing a route is no infraction, so the list is empty."""
        if self.completed:
            self.over = True
        else:
            self._progress.advance(tick.ego.transform)
            self.percent = round(100.0 * self._progress.distance_m / max(self._progress.length_m, 1e-6), _DIGITS)
            if self.percent > _COMPLETE_PERCENT and math.dist(tick.ego.transform[:3], self._end) < _COMPLETE_WITHIN_M:
                self.completed = True
                self.percent = 100.0
        return []

    def finish(self) -> list[Infraction]:
        """Return nothing: all is known already."""
        return []

    def values(self) -> dict[str, float]:
        """Return the completed share and length of the route."""
        return {
            "route_completion_percent": self.percent,
            "route_length_m": self._progress.length_m,
            "route_completed_m": self.percent / 100.0 * self._progress.length_m,
        }
