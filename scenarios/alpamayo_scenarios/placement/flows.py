"""Where the flows of the types that are given a start and an end run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import carla
import numpy as np

from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.junctions import before_junction, behind_junction, entries, same_direction, side_of
from alpamayo_scenarios.library.lanes import ahead, oncoming
from alpamayo_scenarios.placement.gaps import CAR_M, Gap, Passing, flow_values
from alpamayo_scenarios.placement.recipes import Parameters, Recipe, Spot, place
from alpamayo_scenarios.placement.ways import Way


def given_flow(
    side: str, *, passings: Sequence[Passing], speed: tuple[int, int], gap_m: Gap, before_m: float = 60.0,
    behind_m: float = 45.0, vehicle_m: float = CAR_M, least_kmh: float = 0.0, both_ways: bool = False,
) -> Callable[[Way, np.random.Generator], Parameters | None]:  # fmt: skip
    """A flow that comes straight from one side, on a road with a speed limit of `least_kmh` or more.

    `both_ways`: another one comes back on the same road, so the flow ends where that is free of turning lanes.
    """

    def parameters(way: Way, rng: np.random.Generator) -> Parameters | None:
        assert way.junction is not None
        own = way.waypoint(way.junction[0] - 1)
        junction = way.waypoint(way.junction[0]).get_junction()
        found = [entry for entry in entries(junction) if side_of(own, entry) == side]
        if not found:
            return None
        try:
            source = before_junction(found[0], before_m)
            sink = ahead(behind_junction(found[0], "straight"), behind_m)
            for _ in range(_FARTHER_STEPS):
                if not both_ways or _one_lane_back(sink):
                    break
                sink = ahead(sink, 8.0)
            else:
                return None
        except ScenarioSetupError:
            return None
        if way.limit_kmh(source) < least_kmh:
            return None
        return _flow(way, rng, source, sink, passings, speed, gap_m, vehicle_m)

    return parameters


def _flow(
    way: Way, rng: np.random.Generator, source: carla.Waypoint, sink: carla.Waypoint, passings: Sequence[Passing],
    speed: tuple[int, int], gap_m: Gap, vehicle_m: float = CAR_M,
) -> Parameters | None:  # fmt: skip
    limit_kmh = min(way.limit_kmh(source), way.limit_kmh(sink))
    values = flow_values(rng, passings, speed, gap_m, limit_kmh, vehicle_m)
    return None if values is None else {"start_actor_flow": place(source), "end_actor_flow": place(sink), **values}


def _one_lane_back(waypoint: carla.Waypoint) -> bool:
    """Whether one lane runs the other way; ScenarioSetupError where the road has none at all."""
    if waypoint.is_junction:
        return False
    back = oncoming(waypoint)
    if back is None:
        raise ScenarioSetupError("no lane runs the other way")
    return len(same_direction(back)) == 1


MERGE = (Passing.MERGE,)
_FARTHER_STEPS = 40
"""Of 8 m: so far a road with one lane back is looked for; a ring has none."""
EXIT_SOURCE_M = 40.0
"""How far behind the route's start the flow of an exit begins: nobody appears beside the ego."""
STAYS_M = 24
"""How far the ego stays in its own lane before the route changes into that of the exit."""


def merge(*, own_lane: bool, speed: tuple[int, int], gap_m: Gap) -> Recipe:
    """The way joins a road on which others come from behind: into a lane of its own first, or into theirs at once."""

    def recipe(way: Way, rng: np.random.Generator) -> Spot | None:
        if way.junction is None or way.turn != "straight" or way.control not in ("", "yield"):
            return None
        first, last = way.junction
        trigger = first - int(rng.integers(18, 40))
        if not 4 <= trigger <= 22 or not way.is_rightmost(first - 1):
            return None
        own, out = way.waypoint(first - 1), way.waypoint(min(last + 2, len(way.points) - 1))
        flow = _beside(way, first, own, out) if own_lane else _merging(way, first, own, out)
        if flow is None:
            return None
        end = last + (128 if own_lane else 75)
        if way.length_m < end or (not own_lane and way.in_junction[last + 1 : end].any()):
            return None
        back, forth = flow
        try:
            source = before_junction(back, 70.0)
        except ScenarioSetupError:
            return None
        parameters = _flow(way, rng, source, ahead(forth, 60.0), MERGE, speed, gap_m)
        return None if parameters is None else Spot(trigger, end, parameters)

    return recipe


def enter_by_ramp(*, speed: tuple[int, int], gap_m: Gap) -> Recipe:
    """The way comes by a ramp into a lane beside the others, which ends: behind that it is in theirs."""

    def recipe(way: Way, rng: np.random.Generator) -> Spot | None:
        if way.junction is None or way.turn != "straight" or way.control:
            return None
        first, last = way.junction
        trigger = first - int(rng.integers(18, 32))
        following = np.flatnonzero(way.in_junction[last + 1 :])
        if not 4 <= trigger <= 22 or len(following) == 0:
            return None
        lane_end = last + 1 + int(following[0])
        outside = np.flatnonzero(~way.in_junction[lane_end:])
        if len(outside) == 0:
            return None
        behind = lane_end + int(outside[0]) + 2
        end = behind + 56
        if way.length_m < end or way.in_junction[behind:end].any():
            return None
        out = way.waypoint(behind)
        flow = _beside(way, first, way.waypoint(first - 1), way.waypoint(last + 2))
        if flow is None or _merging(way, lane_end, way.waypoint(lane_end - 1), out) is None:
            return None
        try:
            source = before_junction(flow[0], 110.0)
        except ScenarioSetupError:
            return None
        parameters = _flow(way, rng, source, ahead(out, 46.0), MERGE, speed, gap_m)
        return None if parameters is None else Spot(trigger, end, parameters)

    return recipe


def _merging(
    way: Way, first: int, own: carla.Waypoint, out: carla.Waypoint
) -> tuple[carla.Waypoint, carla.Waypoint] | None:
    """The entry beside the way's whose lane becomes the same one behind the junction."""
    junction = way.waypoint(first).get_junction()
    for entry in entries(junction):
        if side_of(own, entry) != "same" or (entry.road_id, entry.lane_id) == (own.road_id, own.lane_id):
            continue
        try:
            goes = behind_junction(entry, "straight")
        except ScenarioSetupError:
            continue
        if (goes.road_id, goes.lane_id) == (out.road_id, out.lane_id):
            return entry, goes
    return None


def _beside(
    way: Way, first: int, own: carla.Waypoint, out: carla.Waypoint
) -> tuple[carla.Waypoint, carla.Waypoint] | None:
    """The entry of another road whose lane runs on the left of the way's behind the junction."""
    junction = way.waypoint(first).get_junction()
    left = out.get_left_lane()
    if left is None or left.lane_type != carla.LaneType.Driving or left.lane_id * out.lane_id < 0:
        return None
    for entry in entries(junction):
        if side_of(own, entry) != "same" or entry.road_id == own.road_id:
            continue
        try:
            goes = behind_junction(entry, "straight")
        except ScenarioSetupError:
            continue
        if (goes.road_id, goes.lane_id) == (left.road_id, left.lane_id):
            return entry, goes
    return None


def cut_in(way: Way, rng: np.random.Generator) -> Spot | None:
    """The way passes a ramp that gives the road another lane on its right."""
    if way.junction is None or way.turn != "straight" or way.control:
        return None
    first, last = way.junction
    trigger = first - int(rng.integers(26, 46))
    end = last + 84
    if not 4 <= trigger <= 22 or way.length_m < end or way.in_junction[last + 1 : end].any():
        return None
    own, out = way.waypoint(first - 1), way.waypoint(last + 2)
    right = out.get_right_lane()
    if right is None or right.lane_type != carla.LaneType.Driving or right.lane_id * out.lane_id < 0:
        return None
    junction = way.waypoint(first).get_junction()
    for entry in entries(junction):
        if side_of(own, entry) != "same" or entry.road_id == own.road_id:
            continue
        try:
            goes = behind_junction(entry, "straight")
            start = before_junction(entry, float(rng.integers(25, 45)))
        except ScenarioSetupError:
            continue
        if (goes.road_id, goes.lane_id) == (right.road_id, right.lane_id):
            return Spot(trigger, end, {"other_actor_location": place(start), "end_location": place(ahead(goes, 60.0))})
    return None


def leave(way: Way, rng: np.random.Generator) -> Spot | None:
    """The way leaves a road by its rightmost lane; the ego starts in the lane on the left of it, the flow well behind it."""
    if way.junction is None or way.turn != "straight" or way.control:
        return None
    first, last = way.junction
    end = last + 35
    if not 70 <= first <= 112 or way.length_m < end or way.in_junction[last + 1 : end].any():
        return None
    goes = way.waypoint(last + 2)
    start = way.waypoint(0)
    left = start.get_left_lane()
    if not way.is_rightmost(0) or way.lanes_beside(0) < 2 or way.lanes_beside(last + 2) != 1 or left is None:
        return None
    if goes.road_id == start.road_id or left.lane_type != carla.LaneType.Driving:
        return None
    trigger = 14
    at, still = way.waypoint(trigger).get_left_lane(), way.waypoint(trigger + STAYS_M).get_left_lane()
    mid, late = way.waypoint(first - 22), way.waypoint(first - 4)
    if at is None or still is None:
        return None
    points = [left, at, still, mid, late, goes, way.waypoint(end)]
    key_points = tuple((p.x, p.y, p.z) for p in (w.transform.location for w in points))
    try:
        source = before_junction(start, EXIT_SOURCE_M)
    except ScenarioSetupError:
        return None
    if source.transform.location.distance(start.transform.location) < EXIT_SOURCE_M - 5.0:
        return None
    parameters = _flow(way, rng, source, way.waypoint(last + 25), MERGE, (10, 15), (11, 20, 33, 46))
    return None if parameters is None else Spot(trigger, end, parameters, key_points)


def lane_changes(way: Way, rng: np.random.Generator) -> Spot | None:
    """A road of several lanes, on which the route changes to the left and back."""
    if way.free_m < 150.0 or way.lanes_beside(0) < 2 or not way.is_rightmost(0):
        return None
    there = [way.waypoint(i).get_left_lane() for i in (58, 92)]
    if any(w is None or w.lane_type != carla.LaneType.Driving for w in there):
        return None
    points = [
        way.waypoint(0),
        way.waypoint(16),
        *(w for w in there if w is not None),
        way.waypoint(130),
        way.waypoint(148),
    ]
    key_points = tuple((p.x, p.y, p.z) for p in (w.transform.location for w in points))
    return Spot(14, 148, {}, key_points)
