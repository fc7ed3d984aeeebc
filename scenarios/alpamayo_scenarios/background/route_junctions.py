"""The junctions that a route goes through, and the lanes that lead into and out of them."""

from __future__ import annotations

from dataclasses import dataclass

import carla
import numpy as np

LaneKey = tuple[int, int]
"""Road id and lane id; unlike the client's own keys without the section, which changes within a road."""
_STEP_M = 0.5
_MOST_STEPS = 200


@dataclass(frozen=True, eq=False)
class RouteJunction:
    """One junction on the route. Waypoints are outside of it, half a metre at most."""

    entry_index: int
    """Of the last route point before it."""
    exit_index: int
    """Of the first route point after it."""
    junction_ids: frozenset[int]
    entries: tuple[carla.Waypoint, ...]
    """Of the roads that the route does not come from."""
    exits: tuple[carla.Waypoint, ...]
    route_entries: tuple[carla.Waypoint, ...]
    """All lanes of the road that the route comes from."""
    route_exits: tuple[carla.Waypoint, ...]
    """All lanes of the road that the route goes to."""


def lane_key(waypoint: carla.Waypoint) -> LaneKey:
    """Return the name of a lane within its road."""
    return waypoint.road_id, waypoint.lane_id


def same_way(waypoint: carla.Waypoint) -> list[carla.Waypoint]:
    """Return this and the driving lanes beside it that run the same way, from left to right."""
    lanes = [waypoint]
    for side in ("left", "right"):
        here: carla.Waypoint | None = waypoint
        while here is not None:
            here = here.get_left_lane() if side == "left" else here.get_right_lane()
            if here is None or here.lane_type != carla.LaneType.Driving or here.lane_id * waypoint.lane_id < 0:
                break
            lanes.insert(0, here) if side == "left" else lanes.append(here)
    return lanes


def lane_from_left(lane: carla.Waypoint) -> int:
    """Return how many driving lanes of its direction a lane has on its left."""
    return next(number for number, beside in enumerate(same_way(lane)) if beside.lane_id == lane.lane_id)


def back_outside_junctions(lane: carla.Waypoint, distance_m: float) -> carla.Waypoint | None:
    """Return the place so far back in a lane, in steps of 5 m, or as far as there is no junction; None when one is near."""
    here: carla.Waypoint | None = None
    for distance in np.arange(5.0, distance_m + 0.1, 5.0):
        before = lane.previous(float(distance))
        if len(before) != 1 or before[0].is_junction:
            break
        here = before[0]
    return here


def other_way(waypoint: carla.Waypoint) -> list[carla.Waypoint]:
    """Return the driving lanes of the road that run the other way, the nearest first; empty for a one-way road."""
    here: carla.Waypoint | None = same_way(waypoint)[0]
    lanes: list[carla.Waypoint] = []
    for _ in range(12):
        # Beyond the middle of the road the lanes on the left in our direction are on the right in theirs.
        crossed = here is not None and here.lane_id * waypoint.lane_id < 0
        here = (here.get_right_lane() if crossed else here.get_left_lane()) if here is not None else None
        if here is None or (crossed and here.lane_id * waypoint.lane_id > 0):
            break
        if here.lane_id * waypoint.lane_id < 0 and here.lane_type == carla.LaneType.Driving:
            lanes.append(here)
    return lanes


def route_junctions(route: list[carla.Waypoint]) -> list[RouteJunction]:
    """Return the junctions of a route, given a waypoint at each of its points, in driving order.

    Left out are the one that the route starts in, and those in which no two ways part, join or cross at their ends, such as a
    mere change of the road's cross-section. Junctions less than two metres apart count as one.
    """
    found: list[RouteJunction] = []
    index = next((i for i, w in enumerate(route) if not w.is_junction), len(route))
    while index < len(route):
        if not route[index].is_junction:
            index += 1
            continue
        first, ids = index, set[int]()
        while index < len(route) and (route[index].is_junction or _soon_again(route, index)):
            if route[index].is_junction:
                ids.add(route[index].junction_id)
            index += 1
        inside = [w for w in route[first:index] if w.is_junction]
        junctions = {w.junction_id: w.get_junction() for w in inside}
        ways = [pair for j in junctions.values() for pair in j.get_waypoints(carla.LaneType.Driving)]
        if first > 0 and index < len(route) and _ways_meet(ways):
            found.append(_junction(route, first - 1, index, frozenset(ids), ways))
    return found


def _soon_again(route: list[carla.Waypoint], index: int) -> bool:
    return any(w.is_junction for w in route[index : index + 2])


def _ways_meet(ways: list[tuple[carla.Waypoint, carla.Waypoint]]) -> bool:
    """Whether two of a junction's ways have one end in common and not the other."""
    ends = {(_key_outside(a, back=True), _key_outside(b, back=False)) for a, b in ways}
    return len({a for a, _ in ends}) < len(ends) or len({b for _, b in ends}) < len(ends)


def _key_outside(waypoint: carla.Waypoint, *, back: bool) -> LaneKey:
    return lane_key(_outside(waypoint, back=back) or waypoint)


def _outside(waypoint: carla.Waypoint, *, back: bool) -> carla.Waypoint | None:
    """Walk to the first waypoint outside the junction."""
    here = waypoint
    for _ in range(_MOST_STEPS):
        if not here.is_junction:
            return here
        following = here.previous(_STEP_M) if back else here.next(_STEP_M)
        if not following:
            return None
        here = following[0]
    return None


def _junction(
    route: list[carla.Waypoint],
    entry: int,
    leaving: int,
    ids: frozenset[int],
    ways: list[tuple[carla.Waypoint, carla.Waypoint]],
) -> RouteJunction:
    entries = _by_lane([w for a, _ in ways if (w := _outside(a, back=True)) is not None])
    exits = _by_lane([w for _, b in ways if (w := _outside(b, back=False)) is not None])
    came, goes = route[entry], route[leaving]

    def of_road(waypoint: carla.Waypoint, road: carla.Waypoint) -> bool:
        return waypoint.road_id == road.road_id and waypoint.lane_id * road.lane_id > 0

    return RouteJunction(
        entry,
        leaving,
        ids,
        tuple(w for w in entries if not of_road(w, came)),
        tuple(exits),
        tuple(w for w in entries if of_road(w, came)),
        tuple(w for w in exits if of_road(w, goes)),
    )


def _by_lane(waypoints: list[carla.Waypoint]) -> list[carla.Waypoint]:
    first: dict[LaneKey, carla.Waypoint] = {}
    for waypoint in waypoints:
        first.setdefault(lane_key(waypoint), waypoint)
    return [first[key] for key in sorted(first)]
