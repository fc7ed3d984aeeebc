"""The obstacle detector: a swept sphere against cars, people, buildings and the ground."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from typing import Any

import carla
import pytest
from waits import LONG_S

SENSOR_X, SENSOR_Z = 2.6, 1.2
Detector = Callable[..., "queue.SimpleQueue[Any]"]


@pytest.fixture
def detector(world: carla.World, car: carla.Vehicle) -> Iterator[Detector]:
    """Mounts obstacle detectors at the nose of the car."""
    sensors: list[carla.Actor] = []

    def mount(**attributes: str) -> queue.SimpleQueue[Any]:
        blueprint = world.get_blueprint_library().find("sensor.other.obstacle")
        for name, value in attributes.items():
            blueprint.set_attribute(name, value)
        pose = carla.Transform(
            carla.Location(x=SENSOR_X, z=SENSOR_Z), carla.Rotation(pitch=float(attributes.get("pitch", 0)))
        )
        sensor = world.spawn_actor(blueprint, pose, attach_to=car)
        events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        sensor.listen(events.put)
        sensors.append(sensor)
        return events

    yield mount
    for sensor in sensors:
        sensor.stop()
        sensor.destroy()


def ahead(car: carla.Vehicle, metres: float, right_m: float = 0.0, up_m: float = 0.0) -> carla.Transform:
    """Return the pose of the car, moved in its own frame."""
    pose = car.get_transform()
    return carla.Transform(pose.transform(carla.Location(metres, right_m, up_m)), pose.rotation)


def spawn(world: carla.World, name: str, pose: carla.Transform) -> carla.Actor:
    actor = world.spawn_actor(world.get_blueprint_library().find(name), pose)
    actor.set_simulate_physics(False)
    actor.set_transform(pose)
    return actor


def test_distance_to_a_car_is_what_the_sphere_may_still_move(
    world: carla.World, car: carla.Vehicle, detector: Detector
) -> None:
    other = spawn(world, "vehicle.audi.tt", ahead(car, 12.0))
    near, far = detector(distance="20", hit_radius="0.25"), detector(distance="4", hit_radius="0.25")
    for _ in range(3):
        frame = world.tick()
        event = near.get(timeout=LONG_S)
    assert event.frame == frame
    assert event.actor.type_id == "sensor.other.obstacle"
    assert event.other_actor.id == other.id and event.other_actor.type_id == "vehicle.audi.tt"
    box = other.bounding_box
    face_m = 12.0 + box.location.x - box.extent.x
    assert event.distance == pytest.approx(face_m - SENSOR_X - 0.25, abs=0.05)
    assert far.empty(), "the car is out of reach"


def test_radius_decides_what_is_beside_the_way(world: carla.World, car: carla.Vehicle, detector: Detector) -> None:
    other = spawn(world, "walker.pedestrian.0001", ahead(car, 8.0, right_m=1.0, up_m=0.95))
    wide = detector(distance="15", hit_radius="0.95", only_dynamics="true")
    narrow = detector(distance="15", hit_radius="0.3", only_dynamics="true")
    world.tick()
    event = wide.get(timeout=LONG_S)
    assert event.other_actor.id == other.id
    reach_m = (0.95**2 - (1.0 - other.bounding_box.extent.y) ** 2) ** 0.5
    assert event.distance == pytest.approx(8.0 - other.bounding_box.extent.x - SENSOR_X - reach_m, abs=0.05)
    world.tick()
    assert narrow.empty()


def test_only_dynamics_passes_over_props_and_the_ground(
    world: carla.World, car: carla.Vehicle, detector: Detector
) -> None:
    prop = spawn(world, "static.prop.streetbarrier", ahead(car, 6.0))
    everything = detector(distance="10", hit_radius="0.5")
    moving = detector(distance="10", hit_radius="0.5", only_dynamics="true")
    world.tick()
    assert everything.get(timeout=LONG_S).other_actor.id == prop.id
    prop.destroy()
    world.tick()
    world.tick()
    assert moving.empty()
    on_the_ground = detector(distance="10", hit_radius="1.5")
    world.tick()
    event = on_the_ground.get(timeout=LONG_S)
    assert (event.distance, event.other_actor.id) == (0.0, 0)
    assert event.other_actor.type_id == "static.road"


def test_ignored_vehicles_and_sensor_tick(world: carla.World, car: carla.Vehicle, detector: Detector) -> None:
    first = spawn(world, "vehicle.audi.tt", ahead(car, 9.0))
    second = spawn(world, "vehicle.tesla.model3", ahead(car, 16.0))
    events = detector(distance="25", hit_radius="0.25", sensor_tick="0.2")
    frames = []
    for _ in range(12):
        world.tick()
    while not events.empty() or len(frames) < 3:
        event = events.get(timeout=LONG_S)
        frames.append(event.frame)
        assert event.other_actor.id == first.id
    assert [b - a for a, b in zip(frames, frames[1:], strict=False)] == [4] * (len(frames) - 1)
    sensor = world.get_actors().filter("sensor.other.obstacle")[0]
    sensor.set_ignored_vehicles([first.id])
    for _ in range(4):
        world.tick()
    assert events.get(timeout=LONG_S).other_actor.id == second.id


def test_impossible_attributes_are_refused(world: carla.World, car: carla.Vehicle) -> None:
    blueprint = world.get_blueprint_library().find("sensor.other.obstacle")
    blueprint.set_attribute("distance", "-3")
    with pytest.raises(RuntimeError, match="distance"):
        world.spawn_actor(blueprint, carla.Transform(), attach_to=car)
