"""Where the ego is on its route, and which traffic light comes next: what video and timeline show."""

from __future__ import annotations

import numpy as np

from alpamayo_sim.frames import wrap_degrees
from alpamayo_sim.metrics.route_progress import RouteProgress
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

_WINDOW_POINTS = 5
_LIGHT_WITHIN_M = 60.0
_ON_ROUTE_M = 4.0
_FACING_DEG = 60.0


class RouteView:
    """Follows the ego along its route tick by tick."""

    def __init__(self, road_map: RoadMap, route: Route) -> None:
        self._progress = RouteProgress(route, _WINDOW_POINTS)
        self.length_m = route.length_m
        self.lights = lights_along(road_map, route)

    def follow(self, tick: TickRecord) -> None:
        """Move on to where the ego is; called at every tick."""
        self._progress.advance(tick.ego.transform)

    @property
    def progress_m(self) -> float:
        """Metres of the route that the ego has passed."""
        return self._progress.distance_m

    def next_light(self, tick: TickRecord) -> tuple[float, int | None] | None:
        """Return the distance to the next light's stop line, if within 60 m, and its state; None without one."""
        here_m = self.progress_m
        for at_m, signal_id in self.lights:
            if here_m < at_m <= here_m + _LIGHT_WITHIN_M:
                return at_m - here_m, tick.light_states.get(signal_id)
        return None


def lights_along(road_map: RoadMap, route: Route) -> list[tuple[float, str]]:
    """Return (arc length of the stop line in metres, signal id) of the lights that a route passes, in order."""
    found: list[tuple[float, str]] = []
    for light in road_map.signals.lights:
        if not light.lane_boxes:
            continue
        start, end = light.stop_line[0, :2], light.stop_line[1, :2]
        length_m = max(float(np.linalg.norm(end - start)), 1e-6)
        along = (end - start) / length_m
        offset = route.points[:, :2] - start
        foot = np.clip(offset @ along, 0.0, length_m)[:, None] * along
        distance_m = np.hypot(*(offset - foot).T)
        for k in np.flatnonzero(distance_m < _ON_ROUTE_M):
            is_nearest = int(np.argmin(distance_m[max(0, k - 4) : k + 5])) == min(k, 4)
            turned_deg = abs(wrap_degrees(float(route.yaw_deg[k]) - light.lane_boxes[0].yaw_deg))
            if is_nearest and turned_deg < _FACING_DEG:
                found.append((float(route.arc_length_m[k]), light.signal_id))
    return sorted(found)
