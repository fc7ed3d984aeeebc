"""Driving around what stands in the way: through a free lane beside, the oncoming one only if there is no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from alpamayo_agents.ego import EgoModel
from alpamayo_agents.reference_path import STEP_M, LaneShift, ReferencePath
from alpamayo_agents.surroundings import Neighbours
from alpamayo_agents.traffic_rules import RouteRules
from alpamayo_sim.roads.lane_graph import LaneGraph, LaneSegment

STANDING_S = 8.0
"""A vehicle that has stood so long, and not at a light, is driven around."""
QUEUE_REACH_M = 45.0
"""Within this distance before a traffic light standing vehicles are taken for a queue."""
STANDING_IN_QUEUE_S = 60.0
LONGEST_OBSTACLE_M = 30.0
NEXT_OBSTACLE_M = 9.0
SWING_M = (8.0, 16.0)
"""Shortest and longest way out of the lane and back."""
QUICK_SWING_M = 10.0
"""The way back from the oncoming lane."""
SIDE_MARGIN_M = 0.75
OVER_M = 0.1
"""Who reaches no farther over the middle of the road needs nothing of the oncoming lane."""
RETRY_S = 0.2
LEAST_PASSING_MPS = 5.0
"""Speed at which what moves is expected to be passed, where the limit is not known to allow more."""
CYCLIST_HALF_WIDTH_M = 0.5
CYCLIST_MPS = 5.0
"""Two-wheelers up to this speed are passed like obstacles."""
STAY_SHARE = 0.35
"""Share of the way out of the lane up to which the ego can call it off."""
BACK_INSIDE_M = 5.0
"""So far into the way back the ego has left the oncoming lane to whom it belongs."""
EXTENSION_M = 3.0
"""The way back moves on in such steps while what is passed moves on."""


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
        self._group: frozenset[int] = frozenset()
        self._tried_s = -np.inf

    @property
    def lateral(self) -> str:
        """Return "pass_left" or "pass_right" while an obstacle is passed, else ""."""
        return self._side.name if self._side is not None else ""

    @property
    def passed_id(self) -> int:
        """The actor that is passed, 0 while none is."""
        return self._obstacle_id if self._side is not None else 0

    def is_on_oncoming_lane(self, station_m: float) -> bool:
        """Whether the ego is on its way through the oncoming lane."""
        if self._side is None or not self._side.oncoming:
            return False
        out, back = self._path.shifts[-1]
        return out.start_m < station_m < back.end_m

    def can_still_stay_m(self, station_m: float) -> float:
        """Return how much of the way through the oncoming lane is left while the ego can still do without, else 0."""
        if self._side is None or not self._side.oncoming:
            return 0.0
        out, back = self._path.shifts[-1]
        late = station_m > out.start_m + STAY_SHARE * (out.end_m - out.start_m)
        return 0.0 if late else back.start_m + BACK_INSIDE_M - station_m

    def call_off(self) -> bool:
        """Give up a manoeuvre that has hardly begun; return whether the path changed."""
        if self._side is None:
            return False
        self._path.shifts.pop()
        self._path.rebuild()
        self._side = None
        return True

    def obstacles(self, neighbours: Neighbours, leaders: tuple[int, ...], station_m: float) -> frozenset[int]:
        """Return the rows of the leaders that stand for good, or are cyclists, and of what else stands in the lane then."""
        found: set[int] = set()
        for row in leaders:
            if neighbours.is_walker[row]:
                continue
            light = self._rules.next_light_m(station_m)
            needed = STANDING_IN_QUEUE_S if light - station_m < QUEUE_REACH_M else STANDING_S
            if neighbours.standing_s[row] >= needed or _is_cyclist(neighbours, row):
                found.add(row)
        if found and not any(_is_cyclist(neighbours, row) for row in found):
            for row in np.flatnonzero(np.isinf(neighbours.standing_s) & ~neighbours.is_walker).tolist():
                if row not in found and self._stands_in_lane(row, station_m, neighbours):
                    found.add(row)
        return frozenset(found)

    def update(self, station_m: float, neighbours: Neighbours) -> bool:
        """End a manoeuvre that is over, or called off because the obstacle drives on; return whether the path changed."""
        if self._side is None:
            return False
        out, back = self._path.shifts[-1]
        row = np.flatnonzero(neighbours.ids == self._obstacle_id)
        drives_on = len(row) == 1 and neighbours.speed_mps[row[0]] > 0.5 and not _is_cyclist(neighbours, int(row[0]))
        if station_m > back.end_m or (drives_on and station_m < out.start_m + 1.0):
            return self.call_off()
        return self._go_on_beside(station_m, neighbours, out, back)

    def _go_on_beside(self, station_m: float, neighbours: Neighbours, out: LaneShift, back: LaneShift) -> bool:
        """Put the way back off while what is passed moves on; return whether the path changed."""
        moving = [
            r for r in np.flatnonzero(np.isin(neighbours.ids, list(self._group))) if neighbours.speed_mps[r] > 0.5
        ]
        if not moving or station_m > back.start_m:
            return False
        spans = [self._span(int(row), station_m, neighbours) for row in moving]
        needed = max(end for _, end in spans) + self._model.rear_m + 1.5
        if needed < back.start_m:
            return False
        length = back.end_m - back.start_m
        if needed + EXTENSION_M + length > self._path.length_m:
            return False
        moved = LaneShift(needed + EXTENSION_M, needed + EXTENSION_M + length, back.from_right_m, back.to_right_m)
        self._path.shifts[-1] = (out, moved)
        self._path.rebuild()
        return True

    def consider(
        self,
        now_s: float,
        station_m: float,
        neighbours: Neighbours,
        obstacles: frozenset[int],
        leaders: tuple[int, ...],
        contact_m: float,
        cruise_mps: float,
        free: Callable[[float, float], bool],
    ) -> bool:
        """Start to pass the first leader, if it is an obstacle and a side is free; return whether the path changed.

        `cruise_mps` is the speed that the road allows; `free(length_m, oncoming_m)` tells whether the path, with its new
        shift, can be driven now for so many metres, of which the first `oncoming_m` are on the oncoming lane.
        """
        if self._side is not None or not leaders or leaders[0] not in obstacles or now_s < self._tried_s + RETRY_S:
            return False
        self._tried_s = now_s
        begin, end, group = self._extent(station_m, neighbours, obstacles)
        front, rear = self._model.front_m, self._model.rear_m
        if end - begin > LONGEST_OBSTACLE_M:
            return False
        swing = float(np.clip(contact_m - 1.0, *SWING_M))
        first = max(station_m, begin - front - 1.0 - swing)
        last = end + rear + 0.6
        speed = max(float(neighbours.speed_mps[row]) for row in group)
        if speed > 0.5:
            faster = max(2.0, max(LEAST_PASSING_MPS, 0.9 * cruise_mps) - speed)
            last += speed * (last - station_m) / faster
        stretch = slice(int(first / STEP_M), int((last + SWING_M[1]) / STEP_M) + 1)
        if self._path.in_junction[stretch].any() or last + SWING_M[0] > self._path.length_m:
            return False
        for side in self._sides(station_m, neighbours, obstacles):
            out = LaneShift(first, first + swing, 0.0, side.offset_right_m)
            back = LaneShift(last, last + (QUICK_SWING_M if side.oncoming else SWING_M[1]), side.offset_right_m, 0.0)
            self._path.shifts.append((out, back))
            self._path.rebuild()
            if free(back.end_m - station_m, back.start_m + BACK_INSIDE_M - station_m if side.oncoming else 0.0):
                self._side, self._obstacle_id = side, int(neighbours.ids[leaders[0]])
                self._group = frozenset(int(neighbours.ids[row]) for row in group)
                return True
            self._path.shifts.pop()
            self._path.rebuild()
        return False

    def _extent(
        self, station_m: float, neighbours: Neighbours, obstacles: frozenset[int]
    ) -> tuple[float, float, tuple[int, ...]]:
        """Return the first and last station of the obstacle and its rows, with those close behind it counted in."""
        spans = sorted((*self._span(row, station_m, neighbours), row) for row in obstacles)
        begin, end, first = spans[0]
        group = [first]
        for low, high, row in spans[1:]:
            if low < end + NEXT_OBSTACLE_M:
                end = max(end, high)
                group.append(row)
        return begin, end, tuple(group)

    def _span(self, row: int, station_m: float, neighbours: Neighbours) -> tuple[float, float]:
        """Return the stations between which somebody is."""
        at = self._path.project(neighbours.center[row, :2], station_m, ahead_m=60.0)
        _, _, yaw = self._path.pose(np.array(at))
        turned = neighbours.yaw[row] - float(yaw)
        half = neighbours.half_size_m[row]
        along = float(abs(np.cos(turned)) * half[0] + abs(np.sin(turned)) * half[1])
        return at - along, at + along

    def lanes_beside(self, station_m: float) -> list[float]:
        """Return how far to the right (left: negative) the lanes of the same direction beside the route's lane lie."""
        return [side.offset_right_m for side in self._sides_of_same_direction(station_m)]

    def _segment(self, station_m: float) -> LaneSegment | None:
        key = tuple(int(v) for v in self._path.lane[min(len(self._path.lane) - 1, int(station_m / STEP_M))])
        index = self._index_of.get((key[0], key[1], key[2]), -1)
        return self._graph.segments[index] if index >= 0 else None

    def _sides_of_same_direction(self, station_m: float) -> list[_Side]:
        lane = self._segment(station_m)
        sides: list[_Side] = []
        if lane is None:
            return sides
        width = float(np.median(lane.width_m))
        for name, neighbour, sign in (("pass_left", lane.left, -1.0), ("pass_right", lane.right, 1.0)):
            if neighbour >= 0:
                beside = float(np.median(self._graph.segments[neighbour].width_m))
                sides.append(_Side(name, sign * 0.5 * (width + beside), False))
        return sides

    def _sides(self, station_m: float, neighbours: Neighbours, obstacles: frozenset[int]) -> list[_Side]:
        lane = self._segment(station_m)
        if lane is None:
            return []
        width = float(np.median(lane.width_m))
        sides = self._sides_of_same_direction(station_m)
        if lane.opposite >= 0:
            reach = [self._left_edge(station_m, neighbours, row) for row in obstacles]
            needed = max(reach, default=0.0) + self._model.half_width_m + SIDE_MARGIN_M
            over = needed + self._model.half_width_m > 0.5 * width + OVER_M
            sides.append(_Side("pass_left", -min(width, max(0.5, needed)), over))
        return sides

    def _stands_in_lane(self, row: int, station_m: float, neighbours: Neighbours) -> bool:
        """Whether something that stands reaches into the ego's lane within the next 60 m."""
        at = self._path.project(neighbours.center[row, :2], station_m, ahead_m=60.0)
        if at <= station_m:
            return False
        here, _, yaw = self._path.pose(np.array(at))
        off = neighbours.center[row, :2] - here
        right = float(off[1] * np.cos(yaw) - off[0] * np.sin(yaw)) + float(self._path.offset_right_m(np.array([at]))[0])
        width = float(self._path.lane_width_m[min(len(self._path.lane_width_m) - 1, int(at / STEP_M))])
        near = abs(float(off[0] * np.cos(yaw) + off[1] * np.sin(yaw))) < 2.0
        return near and abs(right) - float(neighbours.half_size_m[row].min()) < 0.5 * width

    def _left_edge(self, station_m: float, neighbours: Neighbours, row: int) -> float:
        """Return how far an obstacle reaches to the left of the path, metres."""
        at = self._path.project(neighbours.center[row, :2], station_m, ahead_m=60.0)
        here, _, yaw = self._path.pose(np.array(at))
        off = neighbours.center[row, :2] - here
        left = float(off[0] * np.sin(yaw) - off[1] * np.cos(yaw))
        turned = neighbours.yaw[row] - float(yaw)
        half = neighbours.half_size_m[row]
        return left + float(abs(np.sin(turned)) * half[0] + abs(np.cos(turned)) * half[1])


def _is_cyclist(neighbours: Neighbours, row: int) -> bool:
    """Whether somebody is a slow two-wheeler that rides along."""
    slow = 0.5 < neighbours.speed_mps[row] < CYCLIST_MPS
    return bool(slow and neighbours.half_size_m[row, 1] < CYCLIST_HALF_WIDTH_M and not neighbours.is_walker[row])
