"""Scenarios whose course follows from map and ego alone: something blocks the lane, and the ego has to get past it.

Where the obstacle stands and where the scenario ends are found as ScenarioRunner finds them, from the trigger point and the
parameters in the route file (`route_obstacles.py`, `construction_crash_vehicle.py`, `vehicle_opens_door.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import carla

from alpamayo_scenarios.route_file import ScenarioSpec
from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.tick import CLOCK_SLACK_S

_END_M = 50.0
_WAIT_S = 5.0


@dataclass(frozen=True)
class _Layout:
    """The distances of a scenario type, metres and seconds."""

    distance_m: float
    """From the trigger to the obstacle, unless the file says otherwise."""
    walks: bool = True
    """Whether the obstacle stays out of junctions ahead."""
    first_m: float = 0.0
    """From there to the place that the ego has to come near to."""
    last_m: float = 0.0
    """From that place to the last obstacle."""
    near_m: float = 50.0
    arrival_s: float = 0.0
    """The ego is near as well when it is so many seconds away at its speed."""


_ACCIDENT = _Layout(120.0, first_m=10.0, last_m=6.0)
_PARKED = _Layout(120.0)
_CONSTRUCTION = _Layout(100.0, walks=False, near_m=30.0)
_LAYOUTS: Mapping[str, _Layout] = {
    "Accident": _ACCIDENT,
    "AccidentTwoWays": _ACCIDENT,
    "ParkedObstacle": _PARKED,
    "ParkedObstacleTwoWays": _PARKED,
    "ConstructionObstacle": _CONSTRUCTION,
    "ConstructionObstacleTwoWays": _CONSTRUCTION,
    "VehicleOpensDoorTwoWays": _Layout(50.0, walks=False, near_m=10.0, arrival_s=3.0),
}


class Obstacle:
    """One such scenario under way."""

    def __init__(self, carla_map: carla.Map, spec: ScenarioSpec, layout: _Layout) -> None:
        distance_m = _number(spec, "distance", layout.distance_m)
        start = carla_map.get_waypoint(carla.Location(spec.trigger.x, spec.trigger.y, spec.trigger.z))
        first = _forward(start, distance_m) if layout.walks else (start.next(distance_m) or [start])[0]
        first = _forward(first, layout.first_m)
        end = _forward(_forward(first, layout.last_m), _END_M).transform
        self._place = first.transform.location
        self._end, self._ahead = end.location, end.get_forward_vector()
        self._layout = layout
        self._two_ways = spec.type.endswith("TwoWays")
        self._near_since_s: float | None = None

    def is_passed(self, ego: carla.Location) -> bool:
        """Whether the ego lies beyond the scenario's end."""
        return (ego - self._end).dot(self._ahead) > 0.0

    def allows_wrong_way(self, ego: carla.Location, speed_mps: float, now_s: float) -> bool:
        """Whether the oncoming lane may be used at this tick: 5 s after the ego came near, where that is the only way."""
        if self._near_since_s is None:
            gap_m = ego.distance(self._place)
            if gap_m < self._layout.near_m or gap_m < self._layout.arrival_s * speed_mps:
                self._near_since_s = now_s
        waited = self._near_since_s is not None and now_s - self._near_since_s > _WAIT_S - CLOCK_SLACK_S
        return self._two_ways and waited


def obstacle_of(carla_map: carla.Map, spec: ScenarioSpec) -> Obstacle | None:
    """Return the course of a scenario of a route; None for types whose course is not known.

    Raises InputError for a distance in the route file that is no number.
    """
    layout = _LAYOUTS.get(spec.type)
    return None if layout is None else Obstacle(carla_map, spec, layout)


def _number(spec: ScenarioSpec, name: str, default: float) -> float:
    text = spec.parameters.get(name, {}).get("value")
    try:
        return default if text is None else float(text)
    except ValueError as error:
        raise InputError(f"scenario {spec.name}: {name} is a number; found {text!r}") from error


def _forward(waypoint: carla.Waypoint, distance_m: float) -> carla.Waypoint:
    """The waypoint so far along the lane, metre by metre, or the last one before a junction."""
    passed_m = 0
    while passed_m < distance_m:
        following = waypoint.next(1.0)
        if not following or following[0].is_junction:
            break
        waypoint = following[0]
        passed_m += 1
    return waypoint
