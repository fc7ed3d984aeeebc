"""How far along its route the ego is, by the leaderboard's forward search."""

from __future__ import annotations

import math

from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.route_planner import Route


class RouteProgress:
    """The index of the last route point that the ego has passed; it never goes back.

    A point counts as passed when the ego lies ahead of the plane through it, across the route's direction. Only the
    next `window` points are looked at, so that a route which crosses itself is not cut short.
    """

    def __init__(self, route: Route, window: int) -> None:
        self._xyz = route.points.tolist()
        self._directions = [
            (math.cos(math.radians(yaw)), math.sin(math.radians(yaw))) for yaw in route.yaw_deg.tolist()
        ]
        self._arc_m = route.arc_length_m.tolist()
        self._window = window
        self.index = 0

    @property
    def length_m(self) -> float:
        """Length of the whole route, metres."""
        return self._arc_m[-1]

    @property
    def distance_m(self) -> float:
        """Length of the passed part of the route, metres."""
        return self._arc_m[self.index]

    def advance(self, pose: Transform) -> float:
        """Move to where the ego is now and return the metres of route that were newly passed."""
        before = self._arc_m[self.index]
        last = min(self.index + self._window, len(self._xyz) - 1)
        for index in range(self.index + 1, last + 1):
            x, y, _ = self._xyz[index]
            cos, sin = self._directions[index]
            if (pose.x - x) * cos + (pose.y - y) * sin > 0.0:
                self.index = index
        return self._arc_m[self.index] - before
