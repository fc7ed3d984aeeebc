"""What each scenario type needs of a place, and the parameters it is played with there.

Parameters lie within the ranges that the published routes of Bench2Drive use; lengths and speeds in the units of the route file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import carla
import numpy as np

from alpamayo_scenarios.library.junctions import entries, side_of
from alpamayo_scenarios.library.opposite_flow import BASE_M, SECONDS_PER_KMH
from alpamayo_scenarios.placement.gaps import Gap, Passing, flow_values
from alpamayo_scenarios.placement.ways import Way

Parameters = Mapping[str, Mapping[str, str]]
BEFORE_M = 14.0
"""The trigger lies so far behind the route's start, as a rule."""
APPROACH_M = 38.0
"""And so far before the junction, where there is one."""


@dataclass(frozen=True)
class Spot:
    """Where on a way a scenario is triggered, where the route ends, with which parameters."""

    trigger: int
    end: int
    parameters: Parameters
    key_points: tuple[tuple[float, float, float], ...] = ()
    """The route's points, where they are not simply those of the way."""


Recipe = Callable[[Way, np.random.Generator], Spot | None]


def value(number: float | str) -> dict[str, str]:
    """Return a parameter with one value."""
    return {"value": number if isinstance(number, str) else f"{number:g}"}


def span(low: float, high: float) -> dict[str, str]:
    """Return a parameter with a range."""
    return {"from": f"{low:g}", "to": f"{high:g}"}


def place(waypoint: carla.Waypoint) -> dict[str, str]:
    """Return a parameter that is a place."""
    at = waypoint.transform.location
    return {"x": f"{at.x:.2f}", "y": f"{at.y:.2f}", "z": f"{at.z:.2f}"}


def _between(rng: np.random.Generator, low: float, high: float) -> int:
    return int(rng.integers(int(low), int(high) + 1))


def _along(
    way: Way, *, needed_m: float, end_m: float, lanes: int | None = None, oncoming: bool | None = None,
    parking: bool | None = None, rightmost: bool = True,
) -> int | None:  # fmt: skip
    """Return the trigger's index on a way that is free of junctions for `needed_m` behind it, None if it does not fit."""
    trigger = int(BEFORE_M)
    if way.free_m < trigger + needed_m or way.length_m < trigger + end_m:
        return None
    stretch = range(trigger, int(trigger + needed_m), 10)
    if lanes is not None and any(way.lanes_beside(i) < lanes for i in stretch):
        return None
    if rightmost and not all(way.is_rightmost(i) for i in stretch):
        return None
    if oncoming is not None and any(way.has_oncoming(i) != oncoming for i in stretch):
        return None
    if parking is not None and not all(way.parking_beside(i) == parking for i in stretch):
        return None
    return trigger


def drawn(rng: np.random.Generator, gap: Gap) -> dict[str, str]:
    """Return an interval with ends drawn from their ranges."""
    return span(_between(rng, gap[0], gap[1]), _between(rng, gap[2], gap[3]))


def obstacle(
    *,
    length_m: float,
    distance_m: tuple[int, int],
    frequency_m: Gap | None = None,
    speed_kmh: tuple[int, int] = (53, 57),
) -> Recipe:
    """Something blocks the lane; the way around it is the lane beside, or with a frequency the oncoming one."""
    two_ways = frequency_m is not None

    def recipe(way: Way, rng: np.random.Generator) -> Spot | None:
        distance = _between(rng, *distance_m)
        needed = distance + length_m + 32.0
        if two_ways:
            trigger = _along(way, needed_m=needed, end_m=needed + 35.0, oncoming=True)
        else:
            trigger = _along(way, needed_m=needed, end_m=needed + 35.0, lanes=2)
        if trigger is None:
            return None
        parameters = {"distance": value(distance)}
        if frequency_m is not None:
            parameters["frequency"] = drawn(rng, frequency_m)
        else:
            parameters |= {"direction": value("right"), "speed": value(_between(rng, *speed_kmh))}
        return Spot(trigger, int(trigger + needed + 33.0), parameters)

    return recipe


def cyclists(*, two_ways: bool) -> Recipe:
    """Cyclists at the lane's edge."""

    def recipe(way: Way, rng: np.random.Generator) -> Spot | None:
        distance, ride = _between(rng, 41, 45), _between(rng, 80, 84) if two_ways else _between(rng, 40, 60)
        needed = distance + (60.0 if two_ways else ride) + 45.0
        trigger = (
            _along(way, needed_m=needed, end_m=needed + 12.0, oncoming=True)
            if two_ways
            else _along(way, needed_m=needed, end_m=needed + 12.0, lanes=2)
        )
        if trigger is None:
            return None
        parameters = {
            "distance": value(distance), "bicycle_speed": value(_between(rng, 7, 11)),
            "bicycle_drive_distance": value(ride),
        }  # fmt: skip
        if two_ways:
            parameters["frequency"] = value(_between(rng, 75, 100))
        else:
            parameters["speed"] = value(_between(rng, 32, 59))
        return Spot(trigger, int(trigger + needed + 11.0), parameters)

    return recipe


def stretch(
    needed_m: float, end_m: float, parameters: Callable[[np.random.Generator], Parameters], **conditions: bool | int
) -> Recipe:
    """A stretch without a junction."""

    def recipe(way: Way, rng: np.random.Generator) -> Spot | None:
        trigger = _along(way, needed_m=needed_m, end_m=end_m, **conditions)  # pyright: ignore[reportArgumentType]
        return None if trigger is None else Spot(trigger, int(trigger + end_m), parameters(rng))

    return recipe


def straight_behind(inner: Recipe, more_m: float) -> Recipe:
    """A place of another recipe whose lane is straight behind the trigger, for its parameter `distance` and some more."""

    def recipe(way: Way, rng: np.random.Generator) -> Spot | None:
        spot = inner(way, rng)
        if spot is None or not way.straight_behind(spot.trigger, float(spot.parameters["distance"]["value"]) + more_m):
            return None
        return spot

    return recipe


def oncoming_reach(inner: Recipe, more_m: float = 0.0) -> Recipe:
    """A place of another recipe where the oncoming flow has its whole way before the next junctions.

    It reaches 1.5 m for every km/h of the limit, and 30 m, to both sides of the obstacle, which is at the parameter `distance`
    and `more_m` behind the trigger.
    """

    def recipe(way: Way, rng: np.random.Generator) -> Spot | None:
        spot = inner(way, rng)
        if spot is None:
            return None
        reach_m = SECONDS_PER_KMH * way.limit_kmh(way.waypoint(spot.trigger)) + BASE_M
        distance_m = float(spot.parameters["distance"]["value"])
        if way.free_m < spot.trigger + distance_m + more_m + reach_m:
            return None
        return spot if way.free_behind(spot.trigger, reach_m - distance_m) else None

    return recipe


def bend(way: Way, rng: np.random.Generator) -> Spot | None:
    """A bend of a road with an oncoming lane."""
    distance = _between(rng, 50, 60)
    trigger = _along(way, needed_m=distance + 62.0, end_m=distance + 75.0, oncoming=True)
    if trigger is None or way.bend_deg(trigger, trigger + distance) < 25.0:
        return None
    parameters = {"distance": value(distance), "offset": value(round(float(rng.uniform(0.18, 0.34)), 2))}
    return Spot(trigger, trigger + distance + 74, parameters)


def bay(way: Way, rng: np.random.Generator) -> Spot | None:
    """A parking bay at the start."""
    if way.free_m < 70.0 or way.length_m < 110.0 or not all(way.parking_beside(i) for i in range(0, 24, 4)):
        return None
    trigger = 12
    parameters = {
        "direction": value("right"), "front_vehicle_distance": value(9), "behind_vehicle_distance": value(9),
    }  # fmt: skip
    return Spot(trigger, 100, parameters)


def turn(
    *, turns: tuple[str, ...], control: tuple[str, ...], parameters: Callable[[Way, np.random.Generator], Parameters | None],
    arms: tuple[int, ...] = (3, 4), approach_m: float = APPROACH_M, after_m: float = 55.0,
) -> Recipe:  # fmt: skip
    """A turn at the next junction."""

    def recipe(way: Way, rng: np.random.Generator) -> Spot | None:
        if way.junction is None or way.turn not in turns or way.control not in control or way.arms not in arms:
            return None
        first, last = way.junction
        trigger = int(first - approach_m)
        end = int(last + after_m)
        if not 4 <= trigger <= 22 or way.length_m < end or way.in_junction[last + 1 : end].any():
            return None
        found = parameters(way, rng)
        return None if found is None else Spot(trigger, end, found)

    return recipe


def nothing(way: Way, rng: np.random.Generator) -> Parameters:
    """No parameters."""
    return {}


def direction(*words: str) -> Callable[[Way, np.random.Generator], Parameters]:
    """A direction drawn from some."""
    return lambda way, rng: {"direction": value(words[int(rng.integers(len(words)))])}


def turn_flow(
    side: str, passing: Passing, low_mps: int, high_mps: int, gap_m: Gap
) -> Callable[[Way, np.random.Generator], Parameters | None]:
    """A flow from one side through the junction at a speed in a range."""

    def parameters(way: Way, rng: np.random.Generator) -> Parameters | None:
        assert way.junction is not None
        own = way.waypoint(way.junction[0] - 1)
        junction = way.waypoint(way.junction[0]).get_junction()
        limits = [way.limit_kmh(entry) for entry in entries(junction) if side_of(own, entry) == side]
        return flow_values(rng, (passing,), (low_mps, high_mps), gap_m, min(limits)) if limits else None

    return parameters


WITHOUT_LIGHTS = ("", "stop", "yield")
