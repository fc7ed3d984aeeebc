"""What clients ask about traffic lights and signs, with CARLA's meaning: stops, lanes, groups, landmarks, volumes."""

from __future__ import annotations

import carla
import pytest


@pytest.fixture
def lights(world: carla.World) -> list[carla.TrafficLight]:
    return list(world.get_actors().filter("traffic.traffic_light"))


def test_stop_waypoints_lie_before_the_junction_on_governed_lanes(
    world: carla.World, lights: list[carla.TrafficLight]
) -> None:
    for light in lights:
        stops, affected = light.get_stop_waypoints(), light.get_affected_lane_waypoints()
        assert stops and affected
        for stop in stops:
            assert not stop.is_junction and stop.lane_type == carla.LaneType.Driving
            beyond = {(point.road_id, point.lane_id) for point in stop.next(20.0)}
            assert beyond & {(point.road_id, point.lane_id) for point in affected}, "it governs where the lane leads"
            assert any(point.is_junction for point in stop.next(20.0)), "a junction comes next"


def test_lanes_of_the_lights_of_a_group_are_different(lights: list[carla.TrafficLight]) -> None:
    for light in lights:
        group = light.get_group_traffic_lights()
        assert light.id in {one.id for one in group}
        for other in group:
            assert {one.id for one in other.get_group_traffic_lights()} == {one.id for one in group}
        lanes = [
            (point.road_id, point.lane_id) for one in group for point in one.get_stop_waypoints()
        ]  # fmt: skip
        assert len(lanes) == len(set(lanes))


def test_lights_of_a_junction_are_a_group(world: carla.World, lights: list[carla.TrafficLight]) -> None:
    checked = 0
    for light in lights:
        ahead = next(point for point in light.get_stop_waypoints()[0].next(20.0) if point.is_junction)
        of_junction = {one.id for one in world.get_traffic_lights_in_junction(ahead.junction_id)}
        if of_junction:
            assert light.id in of_junction
            assert of_junction == {one.id for one in light.get_group_traffic_lights()}
            checked += 1
    assert checked > 0


def test_light_ahead_of_a_waypoint(world: carla.World, lights: list[carla.TrafficLight]) -> None:
    found = 0
    for light in lights:
        stop = light.get_stop_waypoints()[0]
        before = (stop.previous(10.0) or [stop])[0]
        ahead = {one.id for one in world.get_traffic_lights_from_waypoint(before, 60.0)}
        found += light.id in ahead
        assert {one.id for one in world.get_traffic_lights_from_waypoint(before, 0.1)} <= ahead
    assert found == len(lights)


def test_landmarks_lead_to_actors_and_back(world: carla.World, lights: list[carla.TrafficLight]) -> None:
    known = {light.get_opendrive_id(): light.id for light in lights}
    assert len(known) == len(lights)
    for landmark in world.get_map().get_all_landmarks_of_type("1000001"):
        light = world.get_traffic_light(landmark)
        assert light is not None and light.id == known[landmark.id]
        assert world.get_traffic_light_from_opendrive_id(landmark.id).id == light.id
    signs = 0
    for kind in ("205", "206", "274"):
        for landmark in world.get_map().get_all_landmarks_of_type(kind):
            sign = world.get_traffic_sign(landmark)
            signs += sign is not None
            assert sign is None or sign.type_id.startswith("traffic.")
    assert signs > 0


def test_trigger_volumes_lie_on_the_lanes(world: carla.World, lights: list[carla.TrafficLight]) -> None:
    for light in lights:
        volume = light.trigger_volume
        middle = light.get_transform().transform(volume.location)
        stop = min(light.get_stop_waypoints(), key=lambda one: one.transform.location.distance(middle))
        assert stop.transform.location.distance_2d(middle) < volume.extent.x + 6.0
        assert (volume.extent.y, volume.extent.z) == pytest.approx((1.5, 1.0), abs=0.6)
    for sign in world.get_actors().filter("traffic.speed_limit.*"):
        assert sign.trigger_volume.extent.x > 0.0
        assert sign.type_id.rsplit(".", 1)[1].isdigit()


def test_a_light_that_is_frozen_holds_still_and_the_others_go_on_when_released(
    world: carla.World, lights: list[carla.TrafficLight]
) -> None:
    light = lights[0]
    light.freeze(True)
    world.tick()
    before = [(one.get_state(), one.get_elapsed_time()) for one in lights]
    for _ in range(100):
        world.tick()
    assert [(one.get_state(), one.get_elapsed_time()) for one in lights] == before
    assert all(one.is_frozen() for one in lights), "CARLA freezes them all"
    light.freeze(False)
    for _ in range(10):
        world.tick()
    assert [(one.get_state(), one.get_elapsed_time()) for one in lights] != before, "a red light may wait its turn"
    assert {one.get_pole_index() for one in lights} == {0}
