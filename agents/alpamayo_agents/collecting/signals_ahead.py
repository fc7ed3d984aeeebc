"""The lights and signs that the ego's way leads to."""

from __future__ import annotations

from dataclasses import dataclass

import carla
import numpy as np

from alpamayo_agents.ego import EgoModel
from alpamayo_agents.reference_path import ReferencePath
from alpamayo_agents.traffic_rules import RouteRules, find_stop_lines, stations_passed
from alpamayo_sim.record.scene_state import SceneSignal
from alpamayo_sim.roads.lane_graph import LaneGraph

BEHIND_M, AHEAD_M = 8.0, 100.0
SIGN_REACH_M = 8.0
"""A yield sign stands so near to the way that it holds for."""
STATES = {
    carla.TrafficLightState.Red: "red",
    carla.TrafficLightState.Yellow: "yellow",
    carla.TrafficLightState.Green: "green",
    carla.TrafficLightState.Off: "off",
}


@dataclass(frozen=True)
class _Sign:
    kind: str
    station_m: float
    actor_id: int


class SignalsAhead:
    """What stands along one path."""

    def __init__(self, world: carla.World, carla_map: carla.Map, path: ReferencePath, model: EgoModel) -> None:
        rules = RouteRules(world, path, find_stop_lines(world, LaneGraph.of(carla_map)), model)
        self._lights = [(found.station_m, found.light) for found in rules.lights]
        signs = [_Sign("stop_sign", sign.first_m, sign.actor_id) for sign in rules.signs]
        for sign in sorted(world.get_actors().filter("traffic.yield*"), key=lambda actor: actor.id):
            pose = sign.get_transform()
            xy = np.array([pose.location.x, pose.location.y])
            for station in stations_passed(path, xy, pose.location.z, None, SIGN_REACH_M):
                signs.append(_Sign("yield_sign", station, sign.id))
        self._signs = sorted(signs, key=lambda found: found.station_m)

    def signals(self, front_m: float, pixels: dict[int, dict[str, int]]) -> tuple[SceneSignal, ...]:
        """Return those from just behind the ego's front bumper, at station `front_m`, to 100 m ahead, nearest first."""
        found = [
            SceneSignal(
                kind="traffic_light",
                actor_id=light.id,
                state=STATES.get(light.get_state(), "unknown"),
                distance_m=station - front_m,
                visible_px=pixels.get(light.id, {}),
            )
            for station, light in self._lights
            if -BEHIND_M < station - front_m < AHEAD_M
        ]
        found += [
            SceneSignal(
                kind=sign.kind,
                actor_id=sign.actor_id,
                state="",
                distance_m=sign.station_m - front_m,
                visible_px=pixels.get(sign.actor_id, {}),
            )
            for sign in self._signs
            if -BEHIND_M < sign.station_m - front_m < AHEAD_M
        ]
        return tuple(sorted(found, key=lambda signal: signal.distance_m))
