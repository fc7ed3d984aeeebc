"""Ways through a town: chains of lanes, sampled every metre, with what scenario types ask of a place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.lane_graph import LaneGraph, LaneSegment
from alpamayo_sim.roads.lanes import LaneTable
from alpamayo_sim.roads.road_map import RoadMap

Array = NDArray[np.float64]

LONGEST_M = 240.0
LONG_M = 420.0
"""For the types with the longest routes."""
START_EVERY_M = 8.0
STOP, YIELD = "206", "205"
SIGN_REACH_M = 30.0
LINE_NEAR_M = 2.2
TURN_DEG = 40.0


@dataclass(frozen=True, eq=False)
class Way:
    """One way along lanes from a place outside junctions, N points a metre apart, CARLA world frame."""

    graph: LaneGraph
    lanes: LaneTable
    carla_map: carla.Map
    segments: NDArray[np.int64]
    """[N] index of the lane segment at each point."""
    points: Array
    """[N, 3]"""
    yaw_deg: Array
    in_junction: NDArray[np.bool_]
    stop_lines: Array
    """[L, 2] middles of the stop lines of the town's traffic lights."""

    @property
    def length_m(self) -> float:
        """About a metre a point."""
        return float(len(self.points) - 1)

    @cached_property
    def junction(self) -> tuple[int, int] | None:
        """Indices of the first and last point in the first junction, None if it reaches none or does not leave it."""
        inside = np.flatnonzero(self.in_junction)
        if len(inside) == 0:
            return None
        first = int(inside[0])
        outside = np.flatnonzero(~self.in_junction[first:])
        return (first, first + int(outside[0]) - 1) if len(outside) else None

    @cached_property
    def free_m(self) -> float:
        """How far the way goes before its first junction, or its end."""
        return float(self.junction[0]) if self.junction is not None else self.length_m

    @cached_property
    def turn(self) -> str:
        """Whether its first junction is left "straight", to the "left" or to the "right"; "" without one."""
        if self.junction is None:
            return ""
        first, last = self.junction
        before, after = max(0, first - 1), min(len(self.yaw_deg) - 1, last + 1)
        change = (self.yaw_deg[after] - self.yaw_deg[before] + 180.0) % 360.0 - 180.0
        return "straight" if abs(change) < TURN_DEG else "right" if change > 0.0 else "left"

    @cached_property
    def control(self) -> str:
        """What the first junction shows to who comes this way: "signals", "stop", "yield" or ""."""
        if self.junction is None:
            return ""
        before = self.points[max(0, self.junction[0] - 12) : self.junction[0] + 1, None, :2]
        if len(self.stop_lines) and np.linalg.norm(before - self.stop_lines[None], axis=-1).min() < LINE_NEAR_M:
            return "signals"
        entry = self.waypoint(max(0, self.junction[0] - 8))
        for kind, name in ((STOP, "stop"), (YIELD, "yield")):
            if entry.get_landmarks_of_type(SIGN_REACH_M, kind, True):
                return name
        return ""

    @cached_property
    def arms(self) -> int:
        """How many roads lead into the first junction."""
        if self.junction is None:
            return 0
        junction = self.waypoint(self.junction[0]).get_junction()
        return len({_outside(a).road_id for a, _ in junction.get_waypoints(carla.LaneType.Driving)})

    def segment(self, index: int) -> LaneSegment:
        """Return the lane segment at a point."""
        return self.graph.segments[int(self.segments[index])]

    def waypoint(self, index: int) -> carla.Waypoint:
        """Return the waypoint at a point, or at one close by in the same lane where lanes overlap."""
        key = self.segment(index).key
        for other in sorted(range(index - 6, index + 7), key=lambda i: abs(i - index)):
            if 0 <= other < len(self.points) and self.segment(other).key == key:
                x, y, z = (float(v) for v in self.points[other])
                found = self.carla_map.get_waypoint(carla.Location(x, y, z))
                if (found.road_id, found.section_id, found.lane_id) == key:
                    return found
        x, y, z = (float(v) for v in self.points[index])
        return self.carla_map.get_waypoint(carla.Location(x, y, z))

    def limit_kmh(self, waypoint: carla.Waypoint) -> float:
        """Return the speed limit at a place of the town."""
        return float(self.lanes.speed_limit_kmh[self.lanes.find(waypoint.road_id, waypoint.lane_id, waypoint.s)])

    def free_behind(self, index: int, distance_m: float) -> bool:
        """Return whether the lane comes so far to a point without a junction."""
        here = self.waypoint(index)
        for _ in range(int(distance_m / 5.0)):
            before = here.previous(5.0)
            if not before or before[0].is_junction:
                return False
            here = before[0]
        return True

    def straight_behind(self, index: int, distance_m: float, most_deg: float = 5.0) -> bool:
        """Return whether the lane comes straight to a point for so long, from no junction."""
        here = self.waypoint(index)
        yaw = here.transform.rotation.yaw
        for _ in range(int(distance_m / 2.0)):
            before = here.previous(2.0)
            if not before or before[0].is_junction:
                return False
            here = before[0]
            if abs((here.transform.rotation.yaw - yaw + 180.0) % 360.0 - 180.0) > most_deg:
                return False
        return True

    def lanes_beside(self, index: int) -> int:
        """Return how many driving lanes there are in this direction."""
        count, here = 1, self.segment(index)
        for side in ("left", "right"):
            other = getattr(here, side)
            while other >= 0:
                count, other = count + 1, getattr(self.graph.segments[other], side)
        return count

    def is_rightmost(self, index: int) -> bool:
        """Return whether no driving lane of this direction is on its right."""
        return self.segment(index).right < 0

    def has_oncoming(self, index: int) -> bool:
        """Return whether the lane on its left runs the other way."""
        return self.segment(index).left < 0 and self.segment(index).opposite >= 0

    def parking_beside(self, index: int) -> bool:
        """Return whether a parking lane is on the right."""
        right = self.waypoint(index).get_right_lane()
        return right is not None and right.lane_type == carla.LaneType.Parking

    def bend_deg(self, first: int, last: int) -> float:
        """Return how much the heading changes between two points."""
        return math.degrees(float(np.ptp(np.unwrap(np.radians(self.yaw_deg[first : last + 1])))))


def ways(road_map: RoadMap, longest_m: float = LONGEST_M) -> Iterator[Way]:
    """Yield the ways of a map from starts 8 m apart on every lane outside junctions, over every branch, in a fixed order."""
    graph = LaneGraph.of(road_map.carla_map)
    for segment in graph.segments:
        if segment.is_junction or segment.length_m < 4.0:
            continue
        for start in np.arange(1.0, segment.length_m - 1.0, START_EVERY_M):
            for chain in _chains(graph, segment.index, float(start), longest_m):
                yield _way(road_map, graph, chain, float(start), longest_m)


def _chains(graph: LaneGraph, first: int, start_m: float, longest_m: float) -> Iterator[list[int]]:
    stack: list[tuple[list[int], float]] = [([first], graph.segments[first].length_m - start_m)]
    while stack:
        chain, length = stack.pop()
        following = [after for after in graph.successors[chain[-1]] if after not in chain]
        if length >= longest_m or not following:
            yield chain
            continue
        for after in following:
            stack.append(([*chain, after], length + graph.segments[after].length_m))


def _way(road_map: RoadMap, graph: LaneGraph, chain: list[int], start_m: float, longest_m: float) -> Way:
    points: list[Array] = []
    yaws: list[Array] = []
    owners: list[NDArray[np.int64]] = []
    for number, index in enumerate(chain):
        segment = graph.segments[index]
        keep = segment.arc_m >= start_m if number == 0 else segment.arc_m > 0.4
        points.append(segment.points[keep])
        yaws.append(segment.yaw_deg[keep])
        owners.append(np.full(int(keep.sum()), index, dtype=np.int64))
    segments = np.concatenate(owners)[: int(longest_m) + 1]
    inside = np.array([graph.segments[int(i)].is_junction for i in segments])
    lines = np.array([light.stop_line[:, :2].mean(axis=0) for light in road_map.signals.lights]).reshape(-1, 2)
    return Way(
        graph,
        road_map.lanes,
        road_map.carla_map,
        segments,
        np.concatenate(points)[: len(segments)],
        np.concatenate(yaws)[: len(segments)],
        inside,
        lines,
    )


def _outside(waypoint: carla.Waypoint) -> carla.Waypoint:
    for _ in range(200):
        before = waypoint.previous(0.5)
        if not waypoint.is_junction or not before:
            return waypoint
        waypoint = before[0]
    return waypoint
