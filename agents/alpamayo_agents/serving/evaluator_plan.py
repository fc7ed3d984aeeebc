"""From the route that an evaluator drives by, a bare line of points, to a route of ours with lanes."""

from __future__ import annotations

import carla
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from alpamayo_agents.serving.messages import RoutePlan
from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.road_options import RoadOption
from alpamayo_sim.roads.route_planner import Route, RoutePlanner

PIN_EVERY_M = 12.0
"""Points this far apart pin our planner to the evaluator's way."""
STRAY_M = 4.5
"""A route of ours that leaves the evaluator's line by more than a lane is not the same way."""
LENGTHENING = 1.1
_CHANGES = (int(RoadOption.CHANGELANELEFT), int(RoadOption.CHANGELANERIGHT))
_FORWARD_M = 0.2


def route_of_plan(carla_map: carla.Map, plan: RoutePlan) -> Route:
    """Return a route of ours along the dense one that an evaluator hands out, see `route_along`."""
    return route_along(carla_map, plan.poses[:, :3], plan.poses[:, 4], plan.options)


def route_along(
    carla_map: carla.Map, points: NDArray[np.float64], yaw_deg: NDArray[np.float64], options: NDArray[np.int64]
) -> Route:
    """Return a route of ours along the evaluator's: points [N, 3] about 1 m apart, headings [N], `RoadOption`s [N].

    Our planner finds the lanes, so that they follow one another; where its route would be another way than the evaluator's
    (which may make detours that no map asks for), the evaluator's points are taken as they are, without those that step
    back. Raises InputError for points that are all at one place.
    """
    kept = _forward_rows(points, yaw_deg)
    points, yaw_deg, options = points[kept], yaw_deg[kept], options[kept]
    pins = _pins(points, options)
    waypoints = [Transform(*(float(v) for v in points[row]), yaw=float(yaw_deg[row]) or 360.0) for row in pins]
    try:
        route = RoutePlanner(carla_map).trace(waypoints)
    except InputError:
        return _as_it_is(carla_map, points, yaw_deg, options)
    length_m = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
    stray_m, _ = KDTree(route.points[:, :2]).query(points[:, :2])
    back_m, _ = KDTree(points[:, :2]).query(route.points[:, :2])
    if max(stray_m.max(), back_m.max()) > STRAY_M or route.length_m > LENGTHENING * length_m + 5.0:
        return _as_it_is(carla_map, points, yaw_deg, options)
    return route


def _forward_rows(points: NDArray[np.float64], yaw_deg: NDArray[np.float64]) -> NDArray[np.int64]:
    """The points that each lie ahead of the one before; where legs of the route meet, the evaluator's may step back."""
    kept = [0]
    for row in range(1, len(points)):
        step = points[row, :2] - points[kept[-1], :2]
        yaw = np.radians(yaw_deg[row])
        if step @ np.array([np.cos(yaw), np.sin(yaw)]) > _FORWARD_M:
            kept.append(row)
    if len(kept) < 2:
        raise InputError(f"expected a route that goes somewhere; found {len(points)} points at one place")
    return np.array(kept, dtype=np.int64)


def _pins(points: NDArray[np.float64], options: NDArray[np.int64]) -> list[int]:
    """Rows that lie in the lane that they mean: not where a lane is being changed, but right before and behind."""
    changing = np.isin(options, _CHANGES)
    station = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    pins = [0]
    for row in range(1, len(points) - 1):
        if changing[row]:
            continue
        beside_change = changing[row - 1] or changing[row + 1]
        if beside_change or station[row] - station[pins[-1]] >= PIN_EVERY_M:
            pins.append(row)
    if len(pins) > 1 and station[-1] - station[pins[-1]] < 1.0:
        pins.pop()
    return [*pins, len(points) - 1]


def _as_it_is(
    carla_map: carla.Map, points: NDArray[np.float64], yaw_deg: NDArray[np.float64], options: NDArray[np.int64]
) -> Route:
    waypoints = [carla_map.get_waypoint(carla.Location(*(float(v) for v in point))) for point in points]
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return Route(
        points=points,
        yaw_deg=yaw_deg,
        road_option=options,
        arc_length_m=np.concatenate([[0.0], np.cumsum(steps)]),
        lane_width_m=np.array([waypoint.lane_width for waypoint in waypoints]),
        lane=np.array([(w.road_id, w.section_id, w.lane_id) for w in waypoints], dtype=np.int64),
        in_junction=np.array([waypoint.is_junction for waypoint in waypoints], dtype=bool),
    )
