"""Driving around what stands in the way: through a free lane beside, the oncoming one only if there is no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from alpamayo_agents.ego import EgoModel
from alpamayo_agents.reference_path import STEP_M, LaneShift, ReferencePath
from alpamayo_agents.surroundings import Neighbours
from alpamayo_agents.traffic_rules import RouteRules
from alpamayo_sim.roads.lane_graph import LaneGraph

STANDING_S = 8.0
"""A vehicle that has stood so long, and not at a light, is driven around."""
QUEUE_REACH_M = 45.0
"""Within this distance before a traffic light standing vehicles are taken for a queue."""
STANDING_IN_QUEUE_S = 60.0
LONGEST_OBSTACLE_M = 30.0
NEXT_OBSTACLE_M = 9.0
SWING_M = (8.0, 16.0)
"""Shortest and longest way out of the lane and back."""
SIDE_MARGIN_M = 0.55
RETRY_S = 0.5
ONCOMING_SPEED_MPS = 4.0
"""Mean speed at which a stretch of the oncoming lane is expected to be passed."""


@dataclass(frozen=True)
class _Side:
    name: str
    offset_right_m: float
    oncoming: bool


class ObstaclePassing:
    """Decides to leave the lane around an obstacle, and to return to it."""

    def __init__(self, path: ReferencePath, graph: LaneGraph, model: EgoModel, rules: RouteRules) -> None:
        self._path = path
        self._graph = graph
        self._model = model
        self._rules = rules
        self._index_of = {segment.key: segment.index for segment in graph.segments}
        self._side: _Side | None = None
        self._obstacle_id = -1
        self._tried_s = -np.inf

    @property
    def lateral(self) -> str:
        """Return "pass_left" or "pass_right" while an obstacle is passed, else ""."""
        return self._side.name if self._side is not None else ""

    def obstacles(self, neighbours: Neighbours, leaders: tuple[int, ...], station_m: float) -> frozenset[int]:
        """Return the rows of the leaders that stand for good."""
        found: set[int] = set()
        for row in leaders:
            if neighbours.is_walker[row]:
                continue
            light = self._rules.next_light_m(station_m)
            needed = STANDING_IN_QUEUE_S if light - station_m < QUEUE_REACH_M else STANDING_S
            if neighbours.standing_s[row] >= needed:
                found.add(row)
        return frozenset(found)

    def update(self, station_m: float, neighbours: Neighbours) -> bool:
        """End a manoeuvre that is over, or called off because the obstacle drives on; return whether the path changed."""
        if self._side is None:
            return False
        out, back = self._path.shifts[-1]
        row = np.flatnonzero(neighbours.ids == self._obstacle_id)
        drives_on = len(row) == 1 and neighbours.speed_mps[row[0]] > 0.5
        if station_m > back.end_m or (drives_on and station_m < out.start_m + 1.0):
            self._path.shifts.pop()
            self._path.rebuild()
            self._side = None
            return True
        return False

    def consider(
        self,
        now_s: float,
        station_m: float,
        neighbours: Neighbours,
        obstacles: frozenset[int],
        leaders: tuple[int, ...],
        contact_m: float,
        free: Callable[[float, bool], bool],
    ) -> bool:
        """Start to pass the first leader, if it is an obstacle and a side is free; return whether the path changed.

        `free(length_m, oncoming)` tells whether the path, with its new shift, can be driven now for so many metres.
        """
        if self._side is not None or not leaders or leaders[0] not in obstacles or now_s < self._tried_s + RETRY_S:
            return False
        self._tried_s = now_s
        begin, end = self._extent(station_m, neighbours, obstacles)
        front, rear = self._model.front_m, self._model.rear_m
        if end - begin > LONGEST_OBSTACLE_M:
            return False
        swing = float(np.clip(contact_m - 1.0, *SWING_M))
        first = max(station_m, begin - front - 1.0 - swing)
        last = end + rear + 1.0
        stretch = slice(int(first / STEP_M), int((last + SWING_M[1]) / STEP_M) + 1)
        if self._path.in_junction[stretch].any() or last + SWING_M[0] > self._path.length_m:
            return False
        for side in self._sides(station_m, neighbours, obstacles):
            out = LaneShift(first, first + swing, 0.0, side.offset_right_m)
            back = LaneShift(last, last + SWING_M[1], side.offset_right_m, 0.0)
            self._path.shifts.append((out, back))
            self._path.rebuild()
            if free(back.end_m - station_m, side.oncoming):
                self._side, self._obstacle_id = side, int(neighbours.ids[leaders[0]])
                return True
            self._path.shifts.pop()
            self._path.rebuild()
        return False

    def _extent(self, station_m: float, neighbours: Neighbours, obstacles: frozenset[int]) -> tuple[float, float]:
        """Return the first and last station of the obstacle, with those close behind it counted in."""
        spans: list[tuple[float, float]] = []
        for row in obstacles:
            at = self._path.project(neighbours.center[row, :2], station_m, ahead_m=60.0)
            _, _, yaw = self._path.pose(np.array(at))
            turned = neighbours.yaw[row] - float(yaw)
            half = neighbours.half_size_m[row]
            along = abs(np.cos(turned)) * half[0] + abs(np.sin(turned)) * half[1]
            spans.append((at - along, at + along))
        spans.sort()
        begin, end = spans[0]
        for low, high in spans[1:]:
            if low < end + NEXT_OBSTACLE_M:
                end = max(end, high)
        return begin, end

    def _sides(self, station_m: float, neighbours: Neighbours, obstacles: frozenset[int]) -> list[_Side]:
        key = tuple(int(v) for v in self._path.lane[min(len(self._path.lane) - 1, int(station_m / STEP_M))])
        index = self._index_of.get((key[0], key[1], key[2]), -1)
        if index < 0:
            return []
        lane = self._graph.segments[index]
        width = float(np.median(lane.width_m))
        sides: list[_Side] = []
        for name, neighbour, sign in (("pass_left", lane.left, -1.0), ("pass_right", lane.right, 1.0)):
            if neighbour >= 0:
                beside = float(np.median(self._graph.segments[neighbour].width_m))
                sides.append(_Side(name, sign * 0.5 * (width + beside), False))
        if lane.opposite >= 0:
            reach = [self._left_edge(station_m, neighbours, row) for row in obstacles]
            needed = max(reach, default=0.0) + self._model.half_width_m + SIDE_MARGIN_M
            sides.append(_Side("pass_left", -min(width, max(0.5, needed)), True))
        return sides

    def _left_edge(self, station_m: float, neighbours: Neighbours, row: int) -> float:
        """Return how far an obstacle reaches to the left of the path, metres."""
        at = self._path.project(neighbours.center[row, :2], station_m, ahead_m=60.0)
        here, _, yaw = self._path.pose(np.array(at))
        off = neighbours.center[row, :2] - here
        left = float(off[0] * np.sin(yaw) - off[1] * np.cos(yaw))
        turned = neighbours.yaw[row] - float(yaw)
        half = neighbours.half_size_m[row]
        return left + float(abs(np.sin(turned)) * half[0] + abs(np.cos(turned)) * half[1])
