"""Driving outside the lanes of the route: beside the road, or against the traffic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import carla

from alpamayo_sim.frames import wrap_degrees
from alpamayo_sim.metrics.infraction import Infraction, InfractionKind, ego_location
from alpamayo_sim.metrics.route_progress import RouteProgress
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

_WINDOW_POINTS = 3
_MAX_EGO_ANGLE_DEG = 120.0
_MAX_LANE_ANGLE_DEG = 150.0


class OutsideRouteLanes:
    """Measures how much of the completed route was driven outside its lanes (`OutsideRouteLanesTest`).

    Outside is: the ego's origin is farther from the middle of the driving or parking lane, whichever middle is nearer,
    than half that lane's width plus a margin; or the ego is in a lane of the other direction (it points more than 120
    degrees away from the lane after a junction, or the nearest lane's direction jumped by more than 150 degrees between
    two ticks), junctions and the ticks left out at which a scenario allows it. Each stretch outside is one infraction;
    the score uses the fraction.
    """

    name: ClassVar[str] = "outside_route_lanes"

    def __init__(self, road_map: RoadMap, route: Route, margin_m: float) -> None:
        self._map = road_map.carla_map
        self._margin_m = margin_m
        self._progress = RouteProgress(route, _WINDOW_POINTS)
        self._last_waypoint: carla.Waypoint | None = None
        self._wrong_lane = False
        self._reported = False
        self._outside_m = 0.0

    @property
    def fraction(self) -> float:
        """The share of the completed route that was driven outside its lanes, in [0, 1]."""
        return self._outside_m / self._progress.distance_m if self._outside_m > 0.0 else 0.0

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Return one infraction at the start of every stretch outside."""
        x, y, z = ego_location(tick)
        location = carla.Location(x, y, z)
        waypoint = self._map.get_waypoint(location, lane_type=carla.LaneType.Driving)
        beside_road = self._is_beside_road(location, waypoint)
        self._follow_lane_direction(waypoint, tick.ego.transform.yaw)
        passed_m = self._progress.advance(tick.ego.transform)
        if not (beside_road or (self._wrong_lane and not tick.wrong_way_allowed)):
            self._reported = False
            return []
        self._outside_m += passed_m
        if self._reported or passed_m == 0.0:
            return []
        self._reported = True
        why = "beside the road" if beside_road else "in a lane of the other direction"
        message = f"Agent went outside its route lanes, {why}"
        return [Infraction(InfractionKind.OUTSIDE_ROUTE_LANES, tick.frame, tick.time_s, (x, y, z), message)]

    def _is_beside_road(self, location: carla.Location, driving: carla.Waypoint) -> bool:
        parking = self._map.get_waypoint(location, lane_type=carla.LaneType.Parking)
        lanes = [(location.distance(lane.transform.location), lane.lane_width) for lane in (parking, driving) if lane]
        return is_beyond_lane(lanes, self._margin_m)

    def _follow_lane_direction(self, waypoint: carla.Waypoint, ego_yaw_deg: float) -> None:
        last = self._last_waypoint
        self._last_waypoint = waypoint
        if waypoint.is_junction:
            self._wrong_lane = False
        elif last is not None and (last.road_id, last.lane_id) != (waypoint.road_id, waypoint.lane_id):
            yaw_deg = waypoint.transform.rotation.yaw
            if last.is_junction:
                self._wrong_lane = abs(wrap_degrees(yaw_deg - ego_yaw_deg)) >= _MAX_EGO_ANGLE_DEG
            elif abs(wrap_degrees(yaw_deg - last.transform.rotation.yaw)) > _MAX_LANE_ANGLE_DEG:
                self._wrong_lane = not self._wrong_lane

    def finish(self) -> list[Infraction]:
        """Return nothing: every stretch was reported when it began."""
        return []

    def values(self) -> dict[str, float]:
        """Return the distance and the share that was driven outside."""
        return {"outside_route_lanes_m": self._outside_m, "outside_route_lanes_percent": 100.0 * self.fraction}


def is_beyond_lane(lanes: Sequence[tuple[float, float]], margin_m: float) -> bool:
    """Whether a point is outside of that lane whose middle is nearest.

    `lanes` are (distance to the middle, width) in metres, parking lanes first: of two that are as near the first decides.
    """
    distance_m, width_m = min(lanes, key=lambda lane: lane[0])
    return distance_m > width_m / 2.0 + margin_m
