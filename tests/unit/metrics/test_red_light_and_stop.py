"""Stop lines and stop signs of our own town, driven past in every way that matters."""

from __future__ import annotations

import carla
import numpy as np
import pytest
from synthetic_drive import MKZ_EXTENT_M, ego_tick

from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.infraction import Infraction, InfractionKind
from alpamayo_sim.metrics.red_light import RedLight
from alpamayo_sim.metrics.signal_areas import areas_of_map
from alpamayo_sim.metrics.stop_sign import StopSign
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.signals import SignSpec, TrafficLightSpec

RED, GREEN = 0, 2
HALF_LENGTH_M = MKZ_EXTENT_M[0]


def light_of(road_map: RoadMap) -> TrafficLightSpec:
    return next(light for light in road_map.signals.lights if light.lane_boxes)


def approach(light: TrafficLightSpec, distance_m: float, turn_deg: float = 0.0) -> Transform:
    """The pose whose origin lies `distance_m` beyond a stop line (negative: before it), in the first governed lane."""
    box = light.lane_boxes[0]
    yaw = np.radians(box.yaw_deg)
    forward = np.array([np.cos(yaw), np.sin(yaw)])
    ahead = float((light.stop_line[:, :2].mean(axis=0) - np.array(box.center[:2])) @ forward)
    x, y = np.array(box.center[:2]) + forward * (ahead + distance_m)
    return Transform(float(x), float(y), light.stop_line[0, 2], yaw=box.yaw_deg + turn_deg)


def pass_line(road_map: RoadMap, state_at: dict[float, int], turn_deg: float = 0.0) -> list[Infraction]:
    """Drive from 20 m before to 14 m beyond a stop line; `state_at` maps where the ego is to the light's state from
    there.
    """
    light = light_of(road_map)
    criterion = RedLight(road_map.carla_map, areas_of_map(road_map.signals).lights)
    found: list[Infraction] = []
    state = GREEN
    for frame, distance in enumerate(np.arange(-20.0, 14.0, 0.4)):
        state = next((s for d, s in reversed(state_at.items()) if distance >= d), state)
        pose = approach(light, float(distance), turn_deg)
        found += criterion.update(ego_tick(frame, pose, 8.0, lights={light.signal_id: state}))
    return found


def test_red_is_run_once_when_the_rear_crosses(road_map: RoadMap) -> None:
    found = pass_line(road_map, {-99.0: RED})
    assert [i.kind for i in found] == [InfractionKind.RED_LIGHT]


def test_green_yellow_and_off_are_free(road_map: RoadMap) -> None:
    for state in (1, 2, 3, 4):
        assert pass_line(road_map, {-99.0: state}) == []


def test_red_after_the_rear_has_crossed_is_free(road_map: RoadMap) -> None:
    assert pass_line(road_map, {-99.0: GREEN, HALF_LENGTH_M + 1.5: RED}) == []


def test_red_while_the_rear_is_still_behind_the_line_counts(road_map: RoadMap) -> None:
    assert len(pass_line(road_map, {-99.0: GREEN, 0.5: RED})) == 1


def test_red_that_turns_green_before_the_rear_crosses_is_free(road_map: RoadMap) -> None:
    assert pass_line(road_map, {-99.0: RED, 0.5: GREEN}) == []


def test_lights_for_the_other_direction_are_free(road_map: RoadMap) -> None:
    assert pass_line(road_map, {-99.0: RED}, turn_deg=180.0) == []


def test_waiting_at_the_line_is_free(road_map: RoadMap) -> None:
    light = light_of(road_map)
    criterion = RedLight(road_map.carla_map, areas_of_map(road_map.signals).lights)
    pose = approach(light, -HALF_LENGTH_M - 0.3)
    assert all(criterion.update(ego_tick(k, pose, 0.0, lights={light.signal_id: RED})) == [] for k in range(100))


def stop_of(road_map: RoadMap) -> SignSpec:
    sign = next((s for s in road_map.signals.signs if s.type_id == "traffic.stop" and s.boxes), None)
    if sign is None:
        pytest.skip("the town has no stop sign")
    return sign


def pass_sign(
    road_map: RoadMap, slowest_mps: float, slowest_at_m: float = 0.0, backwards: bool = False
) -> list[Infraction]:
    """Drive through a stop sign's box along its lane, slowest at `slowest_at_m` from the box's centre."""
    box = stop_of(road_map).boxes[0]
    centre = road_map.carla_map.get_waypoint(carla.Location(*box.center))
    criterion = StopSign(road_map.carla_map, areas_of_map(road_map.signals).stops)
    found: list[Infraction] = []
    at_m = np.arange(-12.0, 9.0, 0.25)
    for frame, distance in enumerate(at_m[::-1] if backwards else at_m):
        places = centre.previous(-distance) if distance < 0 else centre.next(distance) if distance > 0 else [centre]
        pose = places[0].transform
        speed = slowest_mps if abs(distance - slowest_at_m) < 0.2 else 5.0
        yaw = pose.rotation.yaw + (180.0 if backwards else 0.0)
        found += criterion.update(
            ego_tick(frame, Transform(pose.location.x, pose.location.y, pose.location.z, yaw=yaw), speed)
        )
    return found


def test_a_stop_sign_that_is_ignored_counts_once(road_map: RoadMap) -> None:
    assert [i.kind for i in pass_sign(road_map, 5.0)] == [InfractionKind.STOP_SIGN]


def test_rolling_through_is_no_stop(road_map: RoadMap) -> None:
    assert len(pass_sign(road_map, 0.3)) == 1


def test_a_stop_in_the_zone_is_enough(road_map: RoadMap) -> None:
    assert pass_sign(road_map, 0.05) == []


def test_a_stop_far_before_the_zone_is_not(road_map: RoadMap) -> None:
    assert len(pass_sign(road_map, 0.05, slowest_at_m=-10.0)) == 1


def test_the_other_direction_is_free(road_map: RoadMap) -> None:
    assert pass_sign(road_map, 5.0, backwards=True) == []
