"""Traffic lights that a scenario holds for a while."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import carla

from alpamayo_scenarios.library.stage import Stage
from alpamayo_scenarios.library.timing import Behaviour

NEVER_S = 10_000.0
"""Added to what a light has shown: its controller then does not switch by itself."""

LightStates = Mapping[int, carla.TrafficLightState]
"""What each light, by its actor's id, has to show."""


@dataclass(frozen=True)
class _Before:
    state: carla.TrafficLightState
    green_s: float
    yellow_s: float
    red_s: float


def lights_of_junction(stage: Stage, junction: carla.Junction) -> list[carla.TrafficLight]:
    """Return the lights of a junction, by their ids; empty for a junction without."""
    return sorted(stage.world.get_traffic_lights_in_junction(junction.id), key=lambda light: light.id)


def light_for(entry: carla.Waypoint, lights: Sequence[carla.TrafficLight]) -> carla.TrafficLight | None:
    """Return the light that a junction's entry obeys: the one that stops its lane, else the one with the nearest stop line."""

    def rank(light: carla.TrafficLight) -> tuple[int, float]:
        stops = light.get_stop_waypoints()
        same = any((stop.road_id, stop.lane_id) == (entry.road_id, entry.lane_id) for stop in stops)
        places = [stop.transform.location.distance(entry.transform.location) for stop in stops]
        return (0 if same else 1, min(places, default=math.inf))

    return min(lights, key=rank, default=None)


def hold_lights(
    lights: Sequence[carla.TrafficLight], stage: Stage, phases: Sequence[tuple[LightStates, float]]
) -> Behaviour:
    """Make lights show what each phase says, one phase after another, each for its seconds; then as they were before.

    A light that a phase does not name is red in it. The last phase usually lasts `math.inf`.
    """
    before = {
        light.id: _Before(light.get_state(), light.get_green_time(), light.get_yellow_time(), light.get_red_time())
        for light in lights
    }
    try:
        for light in lights:
            stay_s = light.get_elapsed_time() + NEVER_S
            light.set_green_time(stay_s)
            light.set_yellow_time(stay_s)
            light.set_red_time(stay_s)
        for states, duration_s in phases:
            end_s = stage.time_s + duration_s
            while stage.time_s < end_s - 1e-6:
                for light in lights:
                    wanted = states.get(light.id, carla.TrafficLightState.Red)
                    if light.get_state() != wanted:
                        light.set_state(wanted)
                yield
    finally:
        for light in lights:
            was = before[light.id]
            light.set_green_time(was.green_s)
            light.set_yellow_time(was.yellow_s)
            light.set_red_time(was.red_s)
            light.set_state(was.state)
