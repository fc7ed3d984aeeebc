"""An ego that leaves its route."""

from __future__ import annotations

import math
from typing import ClassVar

from alpamayo_sim.metrics.infraction import Infraction, InfractionKind, ego_location, location_text
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.roads.route_planner import Route

_WINDOW_POINTS = 5
_MAX_DISTANCE_M = 30.0
_SAFE_DISTANCE_M = 15.0
_MAX_UNSAFE_SHARE = 0.30


class RouteDeviation:
    """Fails more than 30 m from the nearest upcoming route point, or after 30 % of the route more than 15 m away from
    it (`InRouteTest`).
    """

    name: ClassVar[str] = "route_deviation"

    def __init__(self, route: Route) -> None:
        self._xy = route.points[:, :2].tolist()
        self._arc_m = route.arc_length_m.tolist()
        self._index = 0
        self._unsafe_m = 0.0
        self._largest_m = 0.0
        self._failed = False

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Return the infraction at the tick at which the route counts as left, once."""
        if self._failed:
            return []
        here = tick.ego.transform[:2]
        last = min(self._index + _WINDOW_POINTS, len(self._xy) - 1)
        distances_m = [math.dist(here, self._xy[i]) for i in range(self._index, last + 1)]
        nearest_m = min(distances_m)
        nearest = self._index + max(i for i, d in enumerate(distances_m) if d == nearest_m)
        self._largest_m = max(self._largest_m, nearest_m)
        if nearest_m >= _SAFE_DISTANCE_M:
            self._unsafe_m += self._arc_m[nearest] - self._arc_m[self._index]
        self._index = nearest
        if nearest_m < _MAX_DISTANCE_M and self._unsafe_m <= _MAX_UNSAFE_SHARE * self._arc_m[-1]:
            return []
        self._failed = True
        place = ego_location(tick)
        message = f"Agent deviated from the route at {location_text(place)}"
        return [Infraction(InfractionKind.ROUTE_DEVIATION, tick.frame, tick.time_s, place, message)]

    def finish(self) -> list[Infraction]:
        """Return nothing: leaving the route shows when it happens."""
        return []

    def values(self) -> dict[str, float]:
        """Return the largest distance from the route."""
        return {"route_distance_max_m": self._largest_m}
