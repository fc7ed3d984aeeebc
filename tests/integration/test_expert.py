"""The expert among others placed by hand, on the embedded server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import carla
import numpy as np
import pytest
from expert_scene import Stage, stage

from alpamayo_scenarios.traffic import Traffic
from alpamayo_scenarios.traffic_rescue import signal_again


@pytest.fixture(scope="module")
def town01(shared_data: Path) -> Iterator[Stage]:
    with stage(shared_data / "maps" / "Town01.xodr") as running:
        yield running


@pytest.fixture(scope="module")
def town04(shared_data: Path) -> Iterator[Stage]:
    with stage(shared_data / "maps" / "Town04.xodr") as running:
        yield running


def clear(scene: Stage) -> None:
    for actor in scene.world.world.get_actors():
        if actor.type_id.startswith(("vehicle.", "walker.", "static.prop", "sensor.")):
            actor.destroy()
    scene.world.tick()


def all_lights(scene: Stage, state: carla.TrafficLightState) -> None:
    for light in scene.world.world.get_actors().filter("traffic.traffic_light*"):
        assert isinstance(light, carla.TrafficLight)
        light.set_state(state)
    scene.world.world.freeze_all_traffic_lights(True)


def test_passes_a_broken_down_car_over_the_oncoming_lane(town01: Stage) -> None:
    clear(town01)
    straight = town01.route((392.4, 60.0, 0.0), (392.4, 180.0, 0.0))
    town01.spawn("vehicle.audi.tt", town01.beside(straight, 60.0))
    outcome = town01.drive(straight, seconds=70.0)
    assert not outcome.collided_with
    assert outcome.reached_end
    assert "pass_left" in outcome.said("lateral")


def test_waits_for_oncoming_traffic_before_passing(town01: Stage) -> None:
    clear(town01)
    straight = town01.route((392.4, 60.0, 0.0), (392.4, 180.0, 0.0))
    town01.spawn("vehicle.audi.tt", town01.beside(straight, 50.0))
    oncoming = town01.spawn("vehicle.tesla.model3", town01.beside(straight, 110.0, right_m=-4.0, turn_deg=180.0))
    assert isinstance(oncoming, carla.Vehicle)
    met: list[float] = []

    def keep_driving(_: float, ego: carla.Vehicle) -> None:
        oncoming.enable_constant_velocity(carla.Vector3D(3.0, 0.0, 0.0))
        met.append(oncoming.get_location().distance(ego.get_location()))

    outcome = town01.drive(straight, seconds=90.0, each_tick=keep_driving)
    assert not outcome.collided_with
    assert outcome.reached_end
    assert min(met) < 6.0, "they did meet"


def test_passes_cones_through_the_lane_beside(town04: Stage) -> None:
    clear(town04)
    route = town04.route((381.7, -142.0, 0.0), (381.6, -78.0, 0.0))
    all_lights(town04, carla.TrafficLightState.Green)
    for station in (42.0, 45.0):
        town04.spawn("static.prop.trafficcone01", town04.beside(route, station, right_m=0.2))
    outcome = town04.drive(route, seconds=60.0)
    assert not outcome.collided_with
    assert outcome.reached_end
    assert outcome.said("lateral") != ["keep_lane"]


def test_stops_for_a_pedestrian_who_crosses(town01: Stage) -> None:
    clear(town01)
    route = town01.route((392.4, 60.0, 0.0), (392.4, 150.0, 0.0))
    walker = town01.spawn("walker.pedestrian.0001", town01.beside(route, 45.0, right_m=5.0)._replace(z=1.2))
    assert isinstance(walker, carla.Walker)
    yaw = np.radians(float(route.yaw_deg[0]) - 90.0)

    def cross(time_s: float, ego: carla.Vehicle) -> None:
        if ego.get_location().distance(walker.get_location()) < 22.0:
            direction = carla.Vector3D(float(np.cos(yaw)), float(np.sin(yaw)), 0.0)
            walker.apply_control(carla.WalkerControl(direction, 1.4, False))

    outcome = town01.drive(route, seconds=45.0, each_tick=cross)
    assert not outcome.collided_with
    assert outcome.reached_end
    assert min(outcome.speed_mps[60:]) < 4.0
    assert any("pedestrian" in text for text in outcome.reasoning)


def test_stops_at_a_red_light_and_goes_at_green(town01: Stage) -> None:
    clear(town01)
    route = town01.route((131.7, 2.0, 0.0), (185.0, 2.0, 0.0))
    lights = [
        a for a in town01.world.world.get_actors().filter("traffic.traffic_light*") if isinstance(a, carla.TrafficLight)
    ]
    for light in lights:
        light.set_state(carla.TrafficLightState.Red)
    town01.world.world.freeze_all_traffic_lights(True)
    released: list[float] = []

    def release(time_s: float, ego: carla.Vehicle) -> None:
        if time_s > 15.0 and not released:
            released.append(ego.get_location().x)
            all_lights(town01, carla.TrafficLightState.Green)

    outcome = town01.drive(route, seconds=45.0, each_tick=release)
    town01.world.world.freeze_all_traffic_lights(False)
    assert outcome.reached_end and not outcome.collided_with
    first_in_junction = float(route.points[route.in_junction][0, 0])
    assert first_in_junction - 9.0 < released[0] < first_in_junction - 2.4, "the bumper stands just before the line"
    assert "stop_for_red_light" in outcome.said("longitudinal")


@pytest.mark.parametrize("name", ["route_follower", "constant_velocity"])
def test_the_simple_agents_drive(town01: Stage, name: str) -> None:
    clear(town01)
    route = town01.route((392.4, 60.0, 0.0), (392.4, 120.0, 0.0))
    outcome = town01.drive(route, name, seconds=20.0, speed_mps=6.0)
    assert outcome.reached_end and not outcome.collided_with


def test_traffic_that_is_signalled_again_goes_on(town01: Stage) -> None:
    clear(town01)
    traffic = Traffic(town01.client, vehicle_count=5, seed=1, keep_clear=carla.Location(0.0, 0.0, 0.0))
    assert traffic._manager is not None
    for _ in range(3):
        assert signal_again(traffic._manager.port)
        for _ in range(20):
            town01.world.tick()
    vehicles = town01.world.world.get_actors(traffic.vehicle_ids)
    assert any(vehicle.get_velocity().length() > 1.0 for vehicle in vehicles)
    port = traffic._manager.port
    traffic.destroy()
    assert not signal_again(port)


def test_stops_at_a_stop_sign(shared_data: Path) -> None:
    with stage(shared_data / "maps" / "Town10HD.xodr") as town10:
        sign = next(s for s in town10.road_map.signals.signs if s.type_id == "traffic.stop")
        road, lane, s = sign.affected_lanes[0]
        place = town10.road_map.carla_map.get_waypoint_xodr(road, lane, s)
        before, after = place.previous(30.0)[0].transform.location, place.next(35.0)[0].transform.location
        route = town10.route((before.x, before.y, before.z), (after.x, after.y, after.z))
        all_lights(town10, carla.TrafficLightState.Green)
        outcome = town10.drive(route, seconds=40.0)
        assert outcome.reached_end and not outcome.collided_with
        box = sign.boxes[0]
        turn = np.radians(box.yaw_deg)
        stopped = np.array(outcome.xy)[20:][np.array(outcome.speed_mps)[20:] < 0.1]
        assert len(stopped), "it came to a full stop"
        along = (stopped[0] - box.center[:2]) @ np.array([np.cos(turn), np.sin(turn)])
        assert -2.45 - box.extent[0] - 4.0 < along < 2.45 + box.extent[0], "within reach of the sign's box"
        assert "stop_for_stop_sign" in outcome.said("longitudinal")
