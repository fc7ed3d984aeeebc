"""Traffic lights, signs and groups: every approach governed once, boxes where CARLA puts them."""

from __future__ import annotations

from collections import Counter

import carla
import numpy as np
import pytest

from alpamayo_sim.frames import Transform, to_local, wrap_degrees
from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.opendrive import parse_opendrive
from alpamayo_sim.roads.road_map import RoadMap, available_towns, load_road_map
from alpamayo_sim.roads.signal_lanes import SignalLanes
from alpamayo_sim.roads.signals import Box

LIGHTS = {"Town01": 36, "Town02": 24, "Town04": 43, "Town10HD": 17}
CAR_HALF_LENGTH_M = 2.45


def holds(box: Box, point: np.ndarray) -> bool:
    local = to_local(Transform(*box.center, yaw=box.yaw_deg), point)
    return bool((np.abs(local) <= box.extent).all())


def governed_lanes(town: RoadMap) -> Counter[int]:
    """Count by lane index the lights that govern it."""
    return Counter(town.lanes.find(*place) for light in town.signals.lights for place in light.affected_lanes)


def test_every_light_is_there(town: RoadMap) -> None:
    assert len(town.signals.lights) == LIGHTS[town.name]
    assert len({light.signal_id for light in town.signals.lights}) == LIGHTS[town.name]


@pytest.mark.parametrize("name", ["Town01", "Town02", "Town04", "Town10HD", *available_towns()])
def test_every_approach_of_a_signalised_junction_has_one_light(name: str, real_town) -> None:
    town = real_town(name) if name.startswith("Town") else load_road_map(name)
    lanes = SignalLanes(town.lanes)
    count = governed_lanes(town)
    signalised = {junction for lane in count for junction in lanes.junctions_ahead(lane)}
    assert signalised or not town.signals.lights
    for junction in signalised:
        for approach in lanes.approaches(junction):
            assert count[approach] == 1, (junction, town.lanes.road_id[approach], town.lanes.lane_id[approach])


def test_a_car_before_the_stop_line_is_in_exactly_one_box(town: RoadMap) -> None:
    lanes = town.lanes
    boxes = [box for light in town.signals.lights for box in light.lane_boxes]
    for light in town.signals.lights:
        for place in light.affected_lanes:
            lane = lanes.find(*place)
            end = int(lanes.stop[lane]) - 1
            # The box is held within the lane section, as in CARLA; Town04 has one of 1.5 m.
            gaps = {3.0: 1, 2.0: 1, 4.0: 1, 0.0: 0, 8.0: 0}
            if lanes.length_m[lane] < 8.0:
                gaps = {min(2.0, 0.5 * lanes.length_m[lane]): 1}
            for gap_m, expected in gaps.items():
                along = lanes.length_m[lane] - gap_m
                sample = int(lanes.start[lane] + np.searchsorted(lanes.along_m[lanes.start[lane] : end + 1], along))
                sample = min(sample, end)
                share = (along - lanes.along_m[sample]) * lanes.tangent[sample]
                point = lanes.xyz[sample] + (share[0], share[1], 0.5)
                assert sum(holds(box, point) for box in boxes) == expected


def test_boxes_have_carlas_size(town: RoadMap) -> None:
    for light in town.signals.lights:
        for box, (road, lane, s) in zip(light.lane_boxes, light.affected_lanes, strict=True):
            waypoint = town.carla_map.get_waypoint_xodr(road, lane, s)
            assert waypoint.lane_type == carla.LaneType.Driving and not waypoint.is_junction
            assert box.extent == pytest.approx((1.5, 0.25 * waypoint.lane_width, 1.0), abs=0.02)
            difference = wrap_degrees(box.yaw_deg - waypoint.transform.rotation.yaw)
            assert abs(difference) < 12.0


def test_lights_stand_across_the_road_as_carla_places_them(town: RoadMap) -> None:
    signal_yaw = {mark.id: mark.transform.rotation.yaw for mark in town.carla_map.get_all_landmarks()}
    agree = 0
    for light in town.signals.lights:
        difference = abs(wrap_degrees(light.transform.yaw - signal_yaw[light.signal_id] - 90.0))
        agree += difference < 10.0
        assert light.trigger_box.yaw_deg == light.transform.yaw
        travel = light.lane_boxes[0].yaw_deg
        assert abs(wrap_degrees(light.transform.yaw - travel - 90.0)) < 5.0
        left, right = light.stop_line
        forward = np.array([np.cos(np.radians(travel)), np.sin(np.radians(travel))])
        across = (right - left)[:2] / np.linalg.norm(right - left)
        assert abs(float(across @ forward)) < 0.25
        assert float(across @ (-forward[1], forward[0])) > 0.9
        ground, _ = town.ground.height(np.array([light.transform[:2]]), light.transform.z)
        assert light.transform.z == pytest.approx(ground[0], abs=0.15)
    assert agree >= 0.85 * len(town.signals.lights)


def test_the_combined_box_holds_all_lane_boxes(town: RoadMap) -> None:
    for light in town.signals.lights:
        for box in light.lane_boxes:
            assert holds(light.trigger_box, np.array(box.center))
        assert light.trigger_box.extent[1] < 3.0, "deeper than wide: lanes of different roads in one light"


def test_stop_waypoints_of_the_client_are_the_governed_lanes(town: RoadMap) -> None:
    """`carla.TrafficLight.get_stop_waypoints` walks the trigger volume along the actor's forward vector, by metres."""
    for light in town.signals.lights:
        box = light.trigger_box
        forward = np.array([np.cos(np.radians(box.yaw_deg)), np.sin(np.radians(box.yaw_deg)), 0.0])
        found = set()
        for step in np.arange(-0.9 * box.extent[0], 0.9 * box.extent[0], 1.0):
            waypoint = town.carla_map.get_waypoint(carla.Location(*(box.center + step * forward).tolist()))
            found.add((waypoint.road_id, waypoint.lane_id))
        assert found == {(road, lane) for road, lane, _ in light.affected_lanes}


def test_groups_hold_every_light_once(town: RoadMap) -> None:
    members = [index for group in town.signals.groups for controller in group for index in controller]
    assert sorted(members) == list(range(len(town.signals.lights)))
    for group in town.signals.groups:
        junctions = {town.signals.lights[index].junction_id for controller in group for index in controller}
        assert len(junctions) == 1


def test_controllers_of_a_group_are_in_the_order_of_the_file(real_town) -> None:
    town = real_town("Town01")
    controllers = parse_opendrive("Town01", town.xodr).junctions[26].controller_ids
    group = next(g for g in town.signals.groups if town.signals.lights[g[0][0]].junction_id == 26)
    assert [town.signals.lights[stage[0]].controller_id for stage in group] == list(controllers)


def test_crossing_roads_are_never_green_together(town: RoadMap) -> None:
    for group in town.signals.groups:
        for controller in group:
            yaws = [town.signals.lights[index].lane_boxes[0].yaw_deg for index in controller]
            for yaw in yaws:
                crossing = abs(abs(wrap_degrees(yaw - yaws[0])) - 90.0)
                assert crossing > 45.0


def test_affected_lanes_lead_where_the_landmarks_say(town: RoadMap) -> None:
    """The client's get_affected_lane_waypoints lists junction lanes; each must follow a lane that the light governs."""
    lanes = town.lanes
    for mark in town.carla_map.get_all_landmarks_of_type("1000001"):
        light = next(light for light in town.signals.lights if light.signal_id == mark.id)
        governed = {lanes.find(*place) for place in light.affected_lanes}
        ahead = {int(lane) for index in governed for lane in lanes.next_lanes(index)} | governed
        for low, high in mark.get_lane_validities():
            for lane_id in range(min(low, high), max(low, high) + 1):
                lane = lanes.find(mark.road_id, lane_id, mark.s)
                if lane >= 0 and lanes.lane_type[lane] == LaneType.DRIVING:
                    assert lane in ahead


def test_signs_of_the_real_towns(real_town) -> None:
    kinds = Counter(sign.type_id for sign in real_town("Town01").signals.signs)
    assert kinds == {"traffic.speed_limit.30": 11, "traffic.speed_limit.60": 5, "traffic.speed_limit.90": 5}
    kinds = Counter(sign.type_id for sign in real_town("Town10HD").signals.signs)
    assert kinds == {"traffic.stop": 3, "traffic.yield": 1}
    kinds = Counter(sign.type_id for sign in real_town("Town04").signals.signs)
    assert kinds["traffic.speed_limit.40"] == 2 and "traffic.stop" not in kinds


def test_speed_boxes_lie_on_the_lane_before_the_sign(real_town) -> None:
    town = real_town("Town01")
    for sign in town.signals.signs:
        for box, (road, lane, s) in zip(sign.boxes, sign.affected_lanes, strict=True):
            waypoint = town.carla_map.get_waypoint_xodr(road, lane, s)
            assert box.extent == pytest.approx((0.35 * waypoint.lane_width,) * 3, abs=1e-3)
            place = waypoint.transform.location
            local = to_local(Transform(*box.center, yaw=box.yaw_deg), np.array([place.x, place.y, place.z]))
            assert local[0] == pytest.approx(box.extent[0], abs=0.05)


def test_speed_limits_follow_the_signs(real_town) -> None:
    limits = {}
    for name in ("Town01", "Town04"):
        lanes = real_town(name).lanes
        limits[name] = set(lanes.speed_limit_kmh[lanes.lane_type == LaneType.DRIVING].tolist())
    assert limits["Town01"] == {30.0, 60.0, 90.0}
    assert limits["Town04"] == {30.0, 40.0, 60.0, 90.0}
