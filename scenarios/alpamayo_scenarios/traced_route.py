"""The route of a route file as it is judged and as it is driven."""

from __future__ import annotations

import math
from dataclasses import dataclass

import carla

from alpamayo_agents.serving.evaluator_plan import route_along
from alpamayo_scenarios.route_file import RouteSpec
from alpamayo_sim.errors import InputError
from alpamayo_sim.roads.evaluator_route import EvaluatorPlanner
from alpamayo_sim.roads.route_planner import OFF_MAP_M, Route


@dataclass(frozen=True, eq=False)
class TracedRoute:
    """A route file's route on one map."""

    judged: Route
    """What the leaderboard's evaluator makes of the key points: begins where the ego is spawned, detours and all."""
    driven: Route
    """The same way along our lane graph, lane after lane and never back, for agents and scenarios."""


def trace_route(carla_map: carla.Map, planned: RouteSpec) -> TracedRoute:
    """Return the route through a route file's key points.

    Raises InputError for a point more than 5 m from any driving lane, which CARLA's planner would move to the nearest one
    however far, and where that planner finds no way.
    """
    for number, point in enumerate(planned.waypoints):
        lane = carla_map.get_waypoint(carla.Location(point.x, point.y, point.z)).transform.location
        if math.hypot(lane.x - point.x, lane.y - point.y) > OFF_MAP_M:
            raise InputError(
                f"route point {number} ({point.x:.1f}, {point.y:.1f}, {point.z:.1f}) lies more than {OFF_MAP_M:.0f} m from "
                f"every driving lane of {carla_map.name}; check that the route belongs to this town"
            )
    judged = EvaluatorPlanner(carla_map).trace(planned.waypoints)
    return TracedRoute(judged, route_along(carla_map, judged.points, judged.yaw_deg, judged.road_option))
