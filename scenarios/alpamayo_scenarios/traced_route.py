"""The route of a route file as it is judged and as it is driven."""

from __future__ import annotations

from dataclasses import dataclass

import carla

from alpamayo_agents.serving.evaluator_plan import route_along
from alpamayo_scenarios.route_file import RouteSpec
from alpamayo_sim.roads.evaluator_route import EvaluatorPlanner
from alpamayo_sim.roads.route_planner import Route


@dataclass(frozen=True, eq=False)
class TracedRoute:
    """A route file's route on one map."""

    judged: Route
    """What the leaderboard's evaluator makes of the key points: begins where the ego is spawned, detours and all."""
    driven: Route
    """The same way along our lane graph, lane after lane and never back, for agents and scenarios."""


def trace_route(carla_map: carla.Map, planned: RouteSpec) -> TracedRoute:
    """Return the route through a route file's key points. Raises InputError where CARLA's planner finds no way."""
    judged = EvaluatorPlanner(carla_map).trace(planned.waypoints)
    return TracedRoute(judged, route_along(carla_map, judged.points, judged.yaw_deg, judged.road_option))
