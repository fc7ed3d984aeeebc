"""The route as the leaderboard's evaluator has it: the points that CARLA's own planner gives, detours and all.

Our `RoutePlanner` follows a route file's key points as they were meant. The evaluator judges what CARLA's
`GlobalRoutePlanner` makes of them: it looks every key point up on the map again, joins lane ends that round to the same
whole metre, and searches with A*. Whoever is to reach the evaluator's figures needs that very line.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import carla
import numpy as np

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.road_options import RoadOption
from alpamayo_sim.roads.route_planner import Route

_STEP_M = 1.0
_CHANGE_ADVANCE = 5
"""Points by which a lane change goes on in the new lane."""
_START_RAISED_M = 0.5
"""The evaluator lifts the route's first point to where it spawns the ego, and leaves it there."""

Edge = tuple[int, int]
LaneKey = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class _Way:
    """What connects two nodes: a lane from its entry to its exit, or a change to the lane beside it."""

    entry: carla.Waypoint
    path: tuple[carla.Waypoint, ...]
    exit: carla.Waypoint
    change: RoadOption | None = None

    @property
    def cost(self) -> int:
        """Points along the way; a lane change costs nothing."""
        return 0 if self.change is not None else len(self.path) + 1


class EvaluatorPlanner:
    """CARLA's global route planner at 1 m, for one map; needs no server."""

    def __init__(self, carla_map: carla.Map) -> None:
        self._map = carla_map
        self._nodes: dict[tuple[float, float, float], int] = {}
        self._places: dict[int, tuple[float, float, float]] = {}
        self._ways: dict[int, dict[int, _Way]] = {}
        self._edge_of_lane: dict[LaneKey, Edge] = {}
        segments = [way for entry, exit_ in carla_map.get_topology() if (way := _sampled(entry, exit_)) is not None]
        for way in segments:
            edge = self._node(_rounded(way.entry)), self._node(_rounded(way.exit))
            self._edge_of_lane[_lane(way.entry)] = edge
            self._ways[edge[0]][edge[1]] = way
        self._add_loose_ends(segments)
        self._add_lane_changes(segments)

    def trace(self, waypoints: Sequence[Transform | Sequence[float]]) -> Route:
        """Return the evaluator's route through two or more points, given as transforms or (x, y, z), CARLA world frame.

        Raises InputError for fewer than two points, and for points that CARLA's planner finds no way between.
        """
        if len(waypoints) < 2:
            raise InputError(f"a route needs at least 2 points; found {len(waypoints)}")
        places = [carla.Location(*(float(value) for value in waypoint[:3])) for waypoint in waypoints]
        rows = [row for first, last in itertools.pairwise(places) for row in self._trace(first, last)]
        if len(rows) < 2:
            raise InputError(f"CARLA's planner makes a route of {len(rows)} points of these {len(waypoints)}")
        poses = [waypoint.transform for waypoint, _ in rows]
        locations = [pose.location for pose in poses]
        start = locations[0]
        locations[0] = carla.Location(start.x, start.y, start.z + _START_RAISED_M)
        steps = [first.distance(second) for first, second in itertools.pairwise(locations)]
        return Route(
            points=np.array([[place.x, place.y, place.z] for place in locations]),
            yaw_deg=np.array([pose.rotation.yaw for pose in poses]),
            road_option=np.array([int(option) for _, option in rows], dtype=np.int64),
            arc_length_m=np.concatenate([[0.0], np.cumsum(steps)]),
            lane_width_m=np.array([waypoint.lane_width for waypoint, _ in rows]),
            lane=np.array([_lane(waypoint) for waypoint, _ in rows], dtype=np.int64),
            in_junction=np.array([waypoint.is_junction for waypoint, _ in rows], dtype=bool),
        )

    def _node(self, place: tuple[float, float, float]) -> int:
        if place not in self._nodes:
            node = self._nodes[place] = len(self._nodes)
            self._places[node] = place
            self._ways[node] = {}
        return self._nodes[place]

    def _add_loose_ends(self, segments: Sequence[_Way]) -> None:
        """Lanes that something leads to, but that lead nowhere."""
        for way in segments:
            end = way.exit
            if _lane(end) in self._edge_of_lane:
                continue
            first = self._nodes[_rounded(end)]
            last = -1 - sum(edge[1] < 0 for edge in self._edge_of_lane.values())
            self._edge_of_lane[_lane(end)] = (first, last)
            path: list[carla.Waypoint] = []
            following = end.next(_STEP_M)
            while following and _lane(following[0]) == _lane(end):
                path.append(following[0])
                following = following[0].next(_STEP_M)
            if path:
                place = path[-1].transform.location
                self._places[last] = (place.x, place.y, place.z)
                self._ways[last] = {}
                self._ways[first][last] = _Way(end, tuple(path), path[-1])

    def _add_lane_changes(self, segments: Sequence[_Way]) -> None:
        for way in segments:
            if way.entry.is_junction:
                continue
            node = self._nodes[_rounded(way.entry)]
            found: set[RoadOption] = set()
            for waypoint in way.path:
                for option in (RoadOption.CHANGELANERIGHT, RoadOption.CHANGELANELEFT):
                    beside = None if option in found else _beside(waypoint, option)
                    edge = None if beside is None else self._localize(beside.transform.location)
                    if beside is not None and edge is not None:
                        self._ways[node][edge[0]] = _Way(waypoint, (), beside, option)
                        found.add(option)

    def _localize(self, place: carla.Location) -> Edge | None:
        return self._edge_of_lane.get(_lane(self._map.get_waypoint(place)))

    def _search(self, origin: carla.Location, destination: carla.Location) -> list[int]:
        start, goal = self._localize(origin), self._localize(destination)
        if start is None or goal is None:
            raise InputError(f"CARLA's planner knows no lane at {_text(origin if start is None else destination)}")
        order = itertools.count()
        queue: list[tuple[float, int, int, int, int | None]] = [(0.0, next(order), start[0], 0, None)]
        seen: dict[int, tuple[int, float]] = {}
        parents: dict[int, int | None] = {}
        while queue:
            _, _, node, cost, parent = heapq.heappop(queue)
            if node == goal[0]:
                nodes = [node]
                while parent is not None:
                    nodes.append(parent)
                    parent = parents[parent]
                return [*nodes[::-1], goal[1]]
            if node in parents and (parents[node] is None or seen[node][0] < cost):
                continue
            parents[node] = parent
            for neighbour, way in self._ways[node].items():
                reached = cost + way.cost
                known = seen.get(neighbour)
                if known is not None and known[0] <= reached:
                    continue
                rest_m = math.dist(self._places[neighbour], self._places[goal[0]]) if known is None else known[1]
                seen[neighbour] = reached, rest_m
                heapq.heappush(queue, (reached + rest_m, next(order), neighbour, reached, node))
        raise InputError(f"CARLA's planner finds no way from {_text(origin)} to {_text(destination)}")

    def _trace(self, origin: carla.Location, destination: carla.Location) -> list[tuple[carla.Waypoint, RoadOption]]:
        nodes = self._search(origin, destination)
        here, goal = self._map.get_waypoint(origin), self._map.get_waypoint(destination)
        rows: list[tuple[carla.Waypoint, RoadOption]] = []
        for number, edge in enumerate(itertools.pairwise(nodes)):
            way = self._ways[edge[0]][edge[1]]
            if way.change is not None:
                rows.append((here, way.change))
                first, last = self._edge_of_lane[_lane(way.exit)]
                lane = self._ways[first][last]
                here = lane.exit
                if lane.path:
                    here = lane.path[min(len(lane.path) - 1, _closest(rows[-1][0], lane.path) + _CHANGE_ADVANCE)]
                rows.append((here, way.change))
                continue
            is_last = len(nodes) - number <= 2
            path = (way.entry, *way.path, way.exit)
            begin = _closest(here, path)
            for waypoint in path[begin:]:
                here = waypoint
                rows.append((here, RoadOption.LANEFOLLOW))
                if is_last and waypoint.transform.location.distance(destination) < 2.0 * _STEP_M:
                    break
                if is_last and _lane(waypoint) == _lane(goal) and begin > _closest(goal, path):
                    break
        return rows


def _sampled(entry: carla.Waypoint, exit_: carla.Waypoint) -> _Way | None:
    """The lane between two waypoints of the topology, a point every metre; None where nothing follows the first one."""
    end = exit_.transform.location
    following = entry.next(_STEP_M)
    if entry.transform.location.distance(end) <= _STEP_M:
        return _Way(entry, (following[0],), exit_) if following else None
    path: list[carla.Waypoint] = []
    while following and following[0].transform.location.distance(end) > _STEP_M:
        path.append(following[0])
        following = following[0].next(_STEP_M)
    return _Way(entry, tuple(path), exit_)


def _beside(waypoint: carla.Waypoint, option: RoadOption) -> carla.Waypoint | None:
    """The driving lane to the right or left, of either direction, if the marking may be crossed that way."""
    if option is RoadOption.CHANGELANERIGHT:
        marking, allowed = waypoint.right_lane_marking, carla.LaneChange.Right
    else:
        marking, allowed = waypoint.left_lane_marking, carla.LaneChange.Left
    if marking is None or not int(marking.lane_change) & int(allowed):
        return None
    beside = waypoint.get_right_lane() if option is RoadOption.CHANGELANERIGHT else waypoint.get_left_lane()
    if beside is None or beside.lane_type != carla.LaneType.Driving or beside.road_id != waypoint.road_id:
        return None
    return beside


def _closest(waypoint: carla.Waypoint, path: Sequence[carla.Waypoint]) -> int:
    here = waypoint.transform.location
    return min(range(len(path)), key=lambda index: path[index].transform.location.distance(here))


def _rounded(waypoint: carla.Waypoint) -> tuple[float, float, float]:
    place = waypoint.transform.location
    return float(round(place.x)), float(round(place.y)), float(round(place.z))


def _lane(waypoint: carla.Waypoint) -> LaneKey:
    return waypoint.road_id, waypoint.section_id, waypoint.lane_id


def _text(place: carla.Location) -> str:
    return f"({place.x:.1f}, {place.y:.1f}, {place.z:.1f})"
