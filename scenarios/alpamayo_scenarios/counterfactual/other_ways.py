"""Another way on than the route's: what the driver would do if it were to go elsewhere."""

from __future__ import annotations

import math

import numpy as np

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.lane_graph import LaneGraph, LaneSegment
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route, RoutePlanner

AHEAD_M = 200.0
BEYOND_M = 120.0
ELSEWHERE_M, ELSEWHERE_DEG = 5.0, 25.0


def other_way(road_map: RoadMap, route: Route, x_m: float, y_m: float) -> Route | None:
    """Return another way on from a place on a route; None where there is none.

    Where the route changes lanes before the next junction, the other way stays in the lane; else it leaves the next junction
    within 200 m by another exit, the straightest that the route does not take.
    """
    first = int(np.argmin(np.hypot(route.points[:, 0] - x_m, route.points[:, 1] - y_m)))
    graph = LaneGraph.of(road_map.carla_map)
    here = _segment(graph, route, first)
    if here is None or here.is_junction:
        return None
    within = route.arc_length_m < route.arc_length_m[first] + AHEAD_M
    taken = [tuple(int(v) for v in lane) for lane, near in zip(route.lane[first:], within[first:], strict=True) if near]
    way = [here]
    driven = here.length_m - _arc(here, x_m, y_m)
    differs = False
    while driven < AHEAD_M + BEYOND_M and len(way) < 40:
        following = [graph.segments[index] for index in graph.successors[way[-1].index]]
        following = [one for one in following if one.length_m > 0.5 and one not in way]
        if not following:
            break
        used = [one for one in following if one.key in taken]
        unused = [one for one in following if one.key not in taken and all(_leads_elsewhere(one, way) for way in used)]
        if not differs and len(following) > 1 and unused:
            chosen, differs = min(unused, key=_turn), True
        else:
            chosen = min(following, key=lambda one: (one.key not in taken and not differs, _turn(one)))
            changes_lane = chosen.key not in taken and not chosen.is_junction and not way[-1].is_junction
            differs = differs or changes_lane
        way.append(chosen)
        driven += chosen.length_m
        if differs and driven > BEYOND_M and not chosen.is_junction:
            break
    if not differs:
        return None
    points = [Transform(x_m, y_m, float(here.points[0, 2]), yaw=float(route.yaw_deg[first]) or 1e-3)]
    points += [_middle(one) for one in way[1:]]
    try:
        return RoutePlanner(road_map.carla_map).trace(points)
    except InputError:
        return None


def _segment(graph: LaneGraph, route: Route, index: int) -> LaneSegment | None:
    key = tuple(int(v) for v in route.lane[index])
    place = route.points[index]
    found = [one for one in graph.segments if one.key == key]
    if not found:
        return None
    return min(found, key=lambda one: float(np.linalg.norm(one.points - place, axis=1).min()))


def _arc(segment: LaneSegment, x_m: float, y_m: float) -> float:
    off = np.hypot(segment.points[:, 0] - x_m, segment.points[:, 1] - y_m)
    return float(segment.arc_m[int(np.argmin(off))])


def _turn(segment: LaneSegment) -> float:
    """How much a segment turns, in degrees."""
    return abs(math.remainder(float(segment.yaw_deg[-1] - segment.yaw_deg[0]), 360.0))


def _leads_elsewhere(segment: LaneSegment, other: LaneSegment) -> bool:
    """Whether two ways through a junction end apart: by another exit, not in another lane of one."""
    apart_m = float(np.hypot(*(segment.points[-1, :2] - other.points[-1, :2])))
    turned = abs(math.remainder(float(segment.yaw_deg[-1] - other.yaw_deg[-1]), 360.0))
    return apart_m > ELSEWHERE_M and turned > ELSEWHERE_DEG


def _middle(segment: LaneSegment) -> Transform:
    row = len(segment.points) // 2
    x, y, z = (float(v) for v in segment.points[row])
    return Transform(x, y, z, yaw=float(segment.yaw_deg[row]) or 1e-3)
