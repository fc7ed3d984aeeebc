"""Finding one's way along lanes: places ahead and behind, lanes beside, paths as polylines. All in the CARLA world frame."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.stage import Stage
from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform, wrap_degrees

Array = NDArray[np.float64]
STEP_M = 1.0
CHANGE_POINTS = 10
"""How many points before and after it a change of lane takes."""


def ahead(waypoint: carla.Waypoint, distance_m: float, *, into_junction: bool = True) -> carla.Waypoint:
    """Return the waypoint so far ahead in the lane, going straightest where lanes part.

    Stops at the lane's end, and before a junction if told so. Walks back for a negative distance.
    """
    left = abs(distance_m)
    while left > 1e-6:
        step = min(STEP_M, left)
        following = waypoint.next(step) if distance_m > 0 else waypoint.previous(step)
        if not following:
            break
        best = min(following, key=lambda w: abs(turn_deg(waypoint, w)))
        if best.is_junction and not waypoint.is_junction and not into_junction:
            break
        waypoint, left = best, left - step
    return waypoint


def turn_deg(before: carla.Waypoint, after: carla.Waypoint) -> float:
    """Return the change of heading between two waypoints, right positive, in [-180, 180)."""
    return wrap_degrees(after.transform.rotation.yaw - before.transform.rotation.yaw)


def beside(waypoint: carla.Waypoint, side: str) -> carla.Waypoint | None:
    """Return the waypoint of the next lane of any kind on the "left" or "right" of the lane's own direction, or None."""
    return waypoint.get_left_lane() if side == "left" else waypoint.get_right_lane()


def driving_beside(waypoint: carla.Waypoint, side: str) -> carla.Waypoint | None:
    """Return the driving lane next to this one that runs the same way, or None."""
    found = beside(waypoint, side)
    if found is None or found.lane_type != carla.LaneType.Driving or found.lane_id * waypoint.lane_id < 0:
        return None
    return found


def oncoming(waypoint: carla.Waypoint) -> carla.Waypoint | None:
    """Return the nearest lane of the same road that runs the other way, or None for a one-way road."""
    here: carla.Waypoint | None = waypoint
    for _ in range(8):
        here = here.get_left_lane() if here is not None else None
        if here is None:
            return None
        if here.lane_id * waypoint.lane_id < 0:
            while here is not None and here.lane_type != carla.LaneType.Driving:
                here = here.get_right_lane()
                if here is not None and here.lane_id * waypoint.lane_id > 0:
                    return None
            return here
    return None


def outermost(waypoint: carla.Waypoint, side: str = "right") -> carla.Waypoint:
    """Return the driving lane farthest to one side among those that run the same way."""
    while (found := driving_beside(waypoint, side)) is not None:
        waypoint = found
    return waypoint


def lane_types_beside(waypoint: carla.Waypoint, side: str) -> Iterator[carla.Waypoint]:
    """Go outwards through the lanes of any kind on one side, to the edge of the road."""
    here = beside(waypoint, side)
    for _ in range(12):
        if here is None or here.lane_id * waypoint.lane_id < 0:
            return
        yield here
        here = beside(here, side)


def shifted(pose: carla.Transform, right_m: float, forward_m: float = 0.0, *, yaw_deg: float = 0.0) -> carla.Transform:
    """Return a pose moved to its right and forward, and turned."""
    yaw = math.radians(pose.rotation.yaw)
    place = carla.Location(
        pose.location.x - right_m * math.sin(yaw) + forward_m * math.cos(yaw),
        pose.location.y + right_m * math.cos(yaw) + forward_m * math.sin(yaw),
        pose.location.z,
    )
    turn = pose.rotation
    return carla.Transform(place, carla.Rotation(turn.pitch, turn.yaw + yaw_deg, turn.roll))


def line_ahead(waypoint: carla.Waypoint, length_m: float) -> Array:
    """Return the lane's centre [N, 3] from a waypoint on, about every metre, going straightest where lanes part."""
    points = [_point(waypoint)]
    for _ in range(int(length_m / STEP_M)):
        following = waypoint.next(STEP_M)
        if not following:
            break
        here = waypoint
        waypoint = min(following, key=lambda w: abs(turn_deg(here, w)))
        points.append(_point(waypoint))
    return np.array(points)


def lane_change_line(waypoint: carla.Waypoint, side: str, *, before_m: float, change_m: float, after_m: float) -> Array:
    """Return a line [N, 3], about every metre, that stays in the lane, changes to the one beside it, and stays there.

    Raises ScenarioSetupError when there is no driving lane of the same direction on that side all the way of the change.
    """
    points: list[Array] = []
    here, walked_m = waypoint, 0.0
    while walked_m <= before_m + change_m:
        other = driving_beside(here, side)
        if other is None and walked_m >= before_m:
            raise ScenarioSetupError(f"no lane to change to on the {side}")
        share = min(1.0, max(0.0, (walked_m - before_m) / max(change_m, STEP_M)))
        weight = share * share * (3.0 - 2.0 * share)
        own = np.array(_point(here))
        points.append(own if other is None else (1.0 - weight) * own + weight * np.array(_point(other)))
        here, walked_m = ahead(here, STEP_M), walked_m + STEP_M
    goal = driving_beside(here, side)
    if goal is None:
        raise ScenarioSetupError(f"no lane to change to on the {side}")
    return np.concatenate([np.array(points), line_ahead(goal, after_m)])


def way_between(stage: Stage, *places: carla.Location) -> Array:
    """Return the centre line [N, 3], about every metre, of the shortest way through some places.

    Raises ScenarioSetupError when no lane leads from one to the next.
    """
    try:
        route = stage.planner.trace([Transform(p.x, p.y, p.z, 0.0, 0.0, 0.0) for p in places])
    except InputError as error:
        raise ScenarioSetupError(str(error)) from error
    return route.points


def lane_way(stage: Stage, source: carla.Waypoint, sink: carla.Waypoint) -> Array:
    """Return the centre line [N, 3], about every metre, of the shortest way from one waypoint to another.

    It keeps to the lanes without changing between them where that is possible, and otherwise changes them smoothly.
    Raises ScenarioSetupError when there is no way.
    """
    goal = sink.transform.location
    most_m = 3.0 * source.transform.location.distance(goal) + 200.0
    number = itertools.count()
    first = (source, None)
    ways: list[tuple[float, int, _Step]] = [(0.0, next(number), first)]
    seen: set[tuple[int, int, int]] = set()
    while ways:
        length_m, _, step = heapq.heappop(ways)
        here = step[0]
        there = (here.road_id, here.lane_id) == (sink.road_id, sink.lane_id)
        if there and here.transform.location.distance(goal) <= 0.75 * STEP_M:
            return np.array([_point(w) for w in (*_walked(step), sink)])
        following = here.next(STEP_M) if length_m < most_m else []
        for after in following:
            if len(following) > 1:
                key = (after.road_id, after.section_id, after.lane_id)
                if key in seen:
                    continue
                seen.add(key)
            heapq.heappush(ways, (length_m + STEP_M, next(number), (after, step)))
    return _without_jumps(way_between(stage, source.transform.location, goal))


_Step = tuple[carla.Waypoint, "_Step | None"]


def _walked(step: _Step | None) -> list[carla.Waypoint]:
    found: list[carla.Waypoint] = []
    while step is not None:
        found.append(step[0])
        step = step[1]
    return found[:0:-1]


def _without_jumps(line: Array) -> Array:
    """Spread the changes of lane of a route's line over the way before and after."""
    gaps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    smooth = line.copy()
    for jump in np.flatnonzero(gaps > 2.5 * STEP_M):
        first, last = max(0, int(jump) - CHANGE_POINTS), min(len(line) - 1, int(jump) + 1 + CHANGE_POINTS)
        shares = np.linspace(0.0, 1.0, last - first + 1)[:, None]
        smooth[first : last + 1] = line[first] + shares * (line[last] - line[first])
    return smooth


def location_of(point: Array) -> carla.Location:
    """Return a point [3] as a carla.Location."""
    return carla.Location(float(point[0]), float(point[1]), float(point[2]))


def _point(waypoint: carla.Waypoint) -> tuple[float, float, float]:
    at = waypoint.transform.location
    return at.x, at.y, at.z


def next_junction(stage: Stage, from_m: float | None = None) -> tuple[int, int]:
    """Return the indices of the first and last route point in the next junction of the route after a station.

    From the ego's trigger on by default; ScenarioSetupError when the route has no junction there.
    """
    start = stage.station_m if from_m is None else from_m
    inside = stage.route.in_junction & (stage.route.arc_length_m >= start)
    found = np.flatnonzero(inside)
    if len(found) == 0:
        raise ScenarioSetupError("the route has no junction after the trigger")
    first = int(found[0])
    after = np.flatnonzero(~stage.route.in_junction[first:])
    last = first + int(after[0]) - 1 if len(after) else len(stage.route.points) - 1
    return first, last
