"""Scenarios keep actors far below the road until they need them: nothing may bring them up before."""

from __future__ import annotations

import carla
import pytest

DEPTH_M = 50.0


@pytest.mark.parametrize("type_id", ["walker.pedestrian.0034", "vehicle.audi.tt", "static.prop.box01"])
def test_what_is_put_under_the_world_falls(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle, type_id: str
) -> None:
    place = car.get_transform()
    place.location.z -= DEPTH_M
    actor = world.spawn_actor(library.find(type_id), place)
    actor.set_simulate_physics(True)
    sensor = world.spawn_actor(library.find("sensor.other.collision"), carla.Transform(), attach_to=car)
    assert isinstance(sensor, carla.Sensor)
    hits: list[carla.SensorData] = []
    sensor.listen(hits.append)
    heights = []
    for _ in range(20):
        world.tick()
        heights.append(actor.get_location().z)
    actor.set_simulate_physics(False)
    world.tick()
    held = actor.get_location().z
    for _ in range(5):
        world.tick()
    sensor.stop()
    assert heights == sorted(heights, reverse=True)
    assert heights[-1] == pytest.approx(place.location.z - 0.5 * 9.8, abs=0.8)
    assert actor.get_location().z == held
    assert hits == []


def test_what_falls_on_the_road_lands_on_it(
    world: carla.World, library: carla.BlueprintLibrary, spawn_points: list[carla.Transform]
) -> None:
    for type_id, rest_m in (("walker.pedestrian.0034", 0.9), ("vehicle.audi.tt", 0.0)):
        place = spawn_points[5]
        ground_m = world.get_map().get_waypoint(place.location).transform.location.z
        actor = world.spawn_actor(
            library.find(type_id),
            carla.Transform(carla.Location(place.location + carla.Location(z=30.0)), place.rotation),
        )
        for _ in range(120):
            world.tick()
        assert actor.get_location().z - ground_m == pytest.approx(rest_m, abs=0.15)
        actor.destroy()
