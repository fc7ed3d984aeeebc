"""Junctions as scenarios need them: who else enters one, from which side, where they leave it, when the ego is through."""

from __future__ import annotations

from collections.abc import Callable

import carla

from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.lanes import location_of, next_junction, turn_deg
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.stage import Stage
from alpamayo_scenarios.library.timing import Behaviour, wait_until

STEP_M = 0.5
LONGEST_M = 300.0
REFERENCE_DEG, OPPOSITE_DEG = 30.0, 135.0
"""Headings that differ less than the first are of the same direction, more than the second of the opposite one."""


class JunctionAhead:
    """The first junction of the route after a scenario's trigger, as the ego comes to it."""

    def __init__(self, scenario: Scenario) -> None:
        """Find it; ScenarioSetupError when the route has none."""
        stage = scenario.stage
        trigger = scenario.trigger_waypoint.transform.location
        self.first_index, self.last_index = next_junction(stage, stage.station_of(trigger))
        points = stage.route.points
        inside = stage.map.get_waypoint(location_of(points[self.first_index]))
        if not inside.is_junction or self.first_index == 0:
            raise ScenarioSetupError("the route begins in the junction of the scenario")
        self.junction = inside.get_junction()
        self.entry = stage.map.get_waypoint(location_of(points[self.first_index - 1]))
        """The route's last waypoint before it."""
        after = min(self.last_index + 2, len(points) - 1)
        self.exit = stage.map.get_waypoint(location_of(points[after]))
        """The route's first waypoint behind it."""

    def entries_from(self, side: str) -> list[carla.Waypoint]:
        """Return the lanes that enter it from the ego's "left", "right" or "opposite" side, the last waypoint of each."""
        return [entry for entry in entries(self.junction) if side_of(self.entry, entry) == side]


def entries(junction: carla.Junction) -> list[carla.Waypoint]:
    """Return the last waypoint before a junction of every driving lane that leads into it, by road and lane."""
    found: dict[tuple[int, int], carla.Waypoint] = {}
    for inside, _ in junction.get_waypoints(carla.LaneType.Driving):
        outside = _outside(inside, back=True)
        if outside is not None:
            found.setdefault((outside.road_id, outside.lane_id), outside)
    return [found[key] for key in sorted(found)]


def exits(junction: carla.Junction) -> list[carla.Waypoint]:
    """Return the first waypoint behind a junction of every driving lane that leads out of it, by road and lane."""
    found: dict[tuple[int, int], carla.Waypoint] = {}
    for _, inside in junction.get_waypoints(carla.LaneType.Driving):
        outside = _outside(inside, back=False)
        if outside is not None:
            found.setdefault((outside.road_id, outside.lane_id), outside)
    return [found[key] for key in sorted(found)]


def side_of(reference: carla.Waypoint, other: carla.Waypoint) -> str:
    """Return from where another entry comes, seen from one entry: "same", "left", "right" or "opposite"."""
    turned = turn_deg(reference, other)
    if abs(turned) < REFERENCE_DEG:
        return "same"
    if abs(turned) > OPPOSITE_DEG:
        return "opposite"
    return "left" if turned > 0.0 else "right"


def same_direction(waypoint: carla.Waypoint) -> tuple[carla.Waypoint, ...]:
    """Return the driving lanes of the road that run this way, from left to right, this one among them."""
    lanes = [waypoint]
    for side in ("left", "right"):
        here: carla.Waypoint | None = waypoint
        while here is not None:
            here = here.get_left_lane() if side == "left" else here.get_right_lane()
            if here is None or here.lane_type != carla.LaneType.Driving or here.lane_id * waypoint.lane_id < 0:
                break
            lanes = [here, *lanes] if side == "left" else [*lanes, here]
    return tuple(lanes)


def behind_junction(entry: carla.Waypoint, turn: str) -> carla.Waypoint:
    """Return the first waypoint behind the junction ahead of a lane, having gone "straight" or turned "right" or "left".

    Straight is the way that turns least. ScenarioSetupError when no way turns like that, or no junction is near.
    """
    here, walked_m = entry, 0.0
    while not here.is_junction:
        following = here.next(STEP_M)
        walked_m += STEP_M
        if not following or walked_m > LONGEST_M:
            raise ScenarioSetupError("the lane of the scenario's vehicles leads to no junction")
        if any(w.is_junction for w in following):
            ways = [(turn_deg(here, out), out) for w in following if (out := _outside(w, back=False)) is not None]
            break
        here = min(following, key=lambda w: abs(turn_deg(here, w)))
    else:
        out = _outside(here, back=False)
        ways = [(turn_deg(here, out), out)] if out is not None else []
    sign = {"straight": 0.0, "right": 1.0, "left": -1.0}[turn]
    fitting = [(angle, out) for angle, out in ways if sign == 0.0 or sign * angle > REFERENCE_DEG]
    if not fitting:
        raise ScenarioSetupError(f"no way leads {turn} through the junction for the scenario's vehicles")
    return min(fitting, key=lambda way: abs(way[0]))[1]


def before_junction(entry: carla.Waypoint, distance_m: float) -> carla.Waypoint:
    """Walk back from a junction's entry, in steps of 5 m, as far as told or to the junction before."""
    here, walked_m = entry, 0.0
    while walked_m < distance_m:
        before = here.previous(5.0)
        if not before or before[0].is_junction:
            break
        here, walked_m = before[0], walked_m + 5.0
    if walked_m < 5.0:
        raise ScenarioSetupError("the road before the junction is too short for the scenario's vehicles")
    return here


def through_junction(stage: Stage, junction_ids: frozenset[int] | None = None) -> Behaviour:
    """Wait until the ego has entered a junction (one of some, if given) and left it."""

    def inside() -> int | None:
        at = stage.map.get_waypoint(stage.ego_location)
        return at.junction_id if at.is_junction else None

    def entered() -> bool:
        found = inside()
        return found is not None and (junction_ids is None or found in junction_ids)

    yield from wait_until(entered)
    yield from wait_until(lambda: inside() is None)


def came_to(stage: Stage, places: tuple[carla.Location, ...], within_m: float = 2.0) -> Callable[[], bool]:
    """Hold while the ego is within a distance of one of some places."""
    return lambda: any(stage.distance_to_ego_m(place) < within_m for place in places)


def travelled(stage: Stage, distance_m: float) -> Behaviour:
    """Wait until the ego has moved so far, whatever way."""
    left_m, last = distance_m, stage.ego_location
    while left_m > 0.0:
        yield
        here = stage.ego_location
        left_m, last = left_m - here.distance(last), here


def _outside(waypoint: carla.Waypoint, *, back: bool) -> carla.Waypoint | None:
    """Walk to the first waypoint outside the junction."""
    here, walked_m = waypoint, 0.0
    while here.is_junction:
        following = here.previous(STEP_M) if back else here.next(STEP_M)
        walked_m += STEP_M
        if not following or walked_m > LONGEST_M:
            return None
        here = following[0]
    return here
