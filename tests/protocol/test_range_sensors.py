"""Lidar, semantic lidar and radar as the client decodes them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import carla
import numpy as np
import pytest
from numpy.typing import NDArray
from sensor_probes import Mount, mounting

SEMANTIC = np.dtype([("point", "<f4", 3), ("cosine", "<f4"), ("actor_id", "<u4"), ("tag", "<u4")])
ROOF_M = 2.4
NO_DROP = {"dropoff_general_rate": "0", "dropoff_intensity_limit": "0", "dropoff_zero_intensity": "0"}
SPIN = {"rotation_frequency": "20", "range": "60", "points_per_second": "240000", "channels": "32"}


@pytest.fixture
def mount(world: carla.World, car: carla.Vehicle) -> Iterator[Mount]:
    """Attaches sensors to the car, on a mast of 2.4 m unless told otherwise."""
    with mounting(world, car, ROOF_M) as attach:
        yield attach


def ahead(car: carla.Vehicle, forward_m: float, right_m: float = 0.0, up_m: float = 0.3) -> carla.Transform:
    """Return the pose of something that many metres from the car, turned as it is."""
    pose = car.get_transform()
    f, r = pose.get_forward_vector(), pose.get_right_vector()
    pose.location += carla.Location(forward_m * f.x + right_m * r.x, forward_m * f.y + right_m * r.y, up_m)
    return pose


def lidar_points(message: Any) -> NDArray[np.float32]:
    return np.frombuffer(message.raw_data, np.float32).reshape(-1, 4)


def settle(world: carla.World, car: carla.Vehicle, ticks: int = 20) -> int:
    car.apply_control(carla.VehicleControl(hand_brake=True))
    return [world.tick() for _ in range(ticks)][-1]


def test_lidar_channels_counts_and_frame(world: carla.World, mount: Mount) -> None:
    lidar = mount("sensor.lidar.ray_cast", **SPIN, **NO_DROP, upper_fov="-10", lower_fov="-41")
    semantic = mount("sensor.lidar.ray_cast_semantic", **SPIN, upper_fov="-10", lower_fov="-41")
    frame = world.tick()
    message, labelled = lidar.at(frame), semantic.at(frame)
    points = lidar_points(message)
    assert message.channels == labelled.channels == 32
    counts = [message.get_point_count(channel) for channel in range(32)]
    assert sum(counts) == len(points) == len(message) == len(labelled)
    assert counts == [labelled.get_point_count(channel) for channel in range(32)]
    assert max(counts) <= 240000 * 0.05 / 32
    pitch = np.degrees(np.arctan2(points[:, 2], np.hypot(points[:, 0], points[:, 1])))
    for channel, part in enumerate(np.split(pitch, np.cumsum(counts)[:-1])):
        assert np.allclose(part, -10.0 - channel, atol=1e-3)
    assert message.transform.location == lidar.sensor.get_transform().location
    assert np.allclose(points[:, 3], np.exp(-0.004 * np.linalg.norm(points[:, :3], axis=1)), atol=1e-5)


def test_lidar_ranges_the_road(world: carla.World, car: carla.Vehicle, mount: Mount) -> None:
    semantic = mount("sensor.lidar.ray_cast_semantic", **SPIN, upper_fov="-30", lower_fov="-60")
    frame = settle(world, car)
    message = semantic.at(frame)
    points = np.frombuffer(message.raw_data, SEMANTIC)
    road = points[points["tag"] == 1]
    assert len(road) > 500
    world_z = np.array([message.transform.transform(carla.Location(*map(float, p))).z for p in road["point"][::9]])
    places = [message.transform.transform(carla.Location(*map(float, p))) for p in road["point"][::9]]
    waypoints = [world.get_map().get_waypoint(place) for place in places]
    on_lane = np.array([w.transform.location.z for w in waypoints])
    assert np.abs(world_z - on_lane).max() < 0.05
    down = -road["point"][:, 2] / np.linalg.norm(road["point"], axis=1)
    assert np.allclose(road["cosine"], down, atol=0.03)


def test_sweep_goes_on_from_tick_to_tick(world: carla.World, mount: Mount) -> None:
    spin = SPIN | {"rotation_frequency": "5"}
    lidar = mount("sensor.lidar.ray_cast_semantic", **spin, upper_fov="-30", lower_fov="-40")
    for tick in range(1, 6):
        message = lidar.at(world.tick())
        points = np.frombuffer(message.raw_data, SEMANTIC)["point"]
        yaw = np.degrees(np.arctan2(points[:, 1], points[:, 0]))
        begin = -180.0 + 90.0 * ((tick - 1) % 4)
        assert np.all((yaw >= begin - 0.1) & (yaw < begin + 90.1))
        assert message.horizontal_angle == pytest.approx(math.radians(90.0 * tick % 360.0), abs=1e-4)


def test_default_lidar_drops_points_at_its_rates(world: carla.World, mount: Mount) -> None:
    fan = SPIN | {"points_per_second": "1200000"}
    default = mount("sensor.lidar.ray_cast", **fan, upper_fov="-5", lower_fov="-40")
    everything = mount("sensor.lidar.ray_cast", **fan, **NO_DROP, upper_fov="-5", lower_fov="-40")
    hazy = mount(
        "sensor.lidar.ray_cast", **fan, upper_fov="-5", lower_fov="-40", dropoff_general_rate="0",
        dropoff_intensity_limit="1", dropoff_zero_intensity="0.5", atmosphere_attenuation_rate="0.1",
    )  # fmt: skip
    frame = world.tick()
    whole = lidar_points(everything.at(frame))
    expected = np.exp(-0.1 * np.linalg.norm(whole[:, :3], axis=1))
    assert len(lidar_points(default.at(frame))) / len(whole) == pytest.approx(0.55, abs=0.01)
    assert len(lidar_points(hazy.at(frame))) / len(whole) == pytest.approx((0.5 + 0.5 * expected).mean(), abs=0.01)


def test_noise_lies_along_the_ray(world: carla.World, car: carla.Vehicle, mount: Mount) -> None:
    exact = mount("sensor.lidar.ray_cast", **SPIN, **NO_DROP)
    noisy = mount("sensor.lidar.ray_cast", **SPIN, **NO_DROP, noise_stddev="0.2", noise_seed="3")
    frame = settle(world, car, 3)
    a, b = (lidar_points(probe.at(frame))[:, :3] for probe in (exact, noisy))
    far, near = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    error = near - far
    assert abs(error.mean()) < 0.02
    assert error.std() == pytest.approx(0.2, rel=0.05)
    assert np.abs(a / far[:, None] - b / near[:, None]).max() < 1e-3


def test_semantic_ids_tags_and_distance_of_a_car(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle, mount: Mount
) -> None:
    other = world.spawn_actor(library.find("vehicle.audi.tt"), ahead(car, 14.0))
    semantic = mount("sensor.lidar.ray_cast_semantic", **SPIN, upper_fov="0", lower_fov="-20")
    frame = settle(world, car)
    message = semantic.at(frame)
    points = np.frombuffer(message.raw_data, SEMANTIC)
    seen = points[points["actor_id"] == other.id]
    assert len(seen) > 30
    assert set(seen["tag"].tolist()) == {14}
    relative = car.get_location().distance(other.get_location())
    nearest = relative - other.bounding_box.extent.x
    assert seen["point"][:, 0].min() == pytest.approx(nearest, abs=0.05)
    own = points[points["actor_id"] == car.id]
    assert np.all(np.abs(own["point"][:, 0]) < 2.6) and np.all(own["point"][:, 2] < 0.0)


def test_pedestrian_behind_a_van_is_hidden(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle, mount: Mount
) -> None:
    semantic = mount("sensor.lidar.ray_cast_semantic", **SPIN, upper_fov="10", lower_fov="-20")
    walker = world.spawn_actor(library.find("walker.pedestrian.0005"), ahead(car, 20.0, up_m=1.2))
    van = world.spawn_actor(library.find("vehicle.mercedes.sprinter"), ahead(car, 13.0))
    frame = settle(world, car)
    points = np.frombuffer(semantic.at(frame).raw_data, SEMANTIC)
    assert np.any(points["actor_id"] == van.id) and not np.any(points["actor_id"] == walker.id)
    van.destroy()
    points = np.frombuffer(semantic.at(world.tick()).raw_data, SEMANTIC)
    assert np.any((points["actor_id"] == walker.id) & (points["tag"] == 12))


def test_hidden_objects_and_ignored_vehicles_are_passed(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle, mount: Mount
) -> None:
    other = world.spawn_actor(library.find("vehicle.audi.tt"), ahead(car, 12.0))
    semantic = mount("sensor.lidar.ray_cast_semantic", **SPIN, upper_fov="15", lower_fov="-20")

    def look() -> NDArray[Any]:
        return np.frombuffer(semantic.at(world.tick()).raw_data, SEMANTIC)

    before = look()
    assert np.any(before["tag"] == 3) and np.any(before["actor_id"] == other.id)
    houses = {thing.id for thing in world.get_environment_objects(carla.CityObjectLabel.Buildings)}
    world.enable_environment_objects(houses, False)
    sensor: Any = semantic.sensor  # the stubs lack the call
    sensor.set_ignored_vehicles([other.id])
    try:
        after = look()
    finally:
        world.enable_environment_objects(houses, True)
    assert not np.any(after["tag"] == 3) and not np.any(after["actor_id"] == other.id)
    assert np.any(look()["tag"] == 3)


def test_radar_of_an_approaching_car(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle, mount: Mount
) -> None:
    other = world.spawn_actor(library.find("vehicle.audi.tt"), ahead(car, 25.0))
    bumper = carla.Transform(carla.Location(x=2.6, z=0.8))
    radar = mount("sensor.other.radar", bumper, points_per_second="40000", horizontal_fov="30", vertical_fov="10")
    settle(world, car)
    other.enable_constant_velocity(carla.Vector3D(-4.0, 0.0, 0.0))
    frame = [world.tick() for _ in range(10)][-1]
    message = radar.at(frame)
    values = np.frombuffer(message.raw_data, np.float32).reshape(-1, 4)
    assert len(values) == len(message) <= 2000
    assert np.abs(values[:, 1]).max() <= math.radians(15.0) + 1e-5
    assert np.abs(values[:, 2]).max() <= math.radians(5.0) + 1e-5
    gap = car.get_location().distance(other.get_location()) - 2.6 - other.bounding_box.extent.x
    ahead_of_us = values[(np.abs(values[:, 1]) < 0.02) & (np.abs(values[:, 2]) < 0.01)]
    assert ahead_of_us[:, 3].min() == pytest.approx(gap, abs=0.1)
    assert np.median(ahead_of_us[:, 0]) == pytest.approx(-4.0, abs=0.1)
    approaching = values[values[:, 0] < -1.0]
    assert approaching[:, 3].min() > gap - 0.1
    other.enable_constant_velocity(carla.Vector3D())
    car.enable_constant_velocity(carla.Vector3D(3.0, 0.0, 0.0))
    car.apply_control(carla.VehicleControl())
    frame = [world.tick() for _ in range(4)][-1]
    road = np.frombuffer(radar.at(frame).raw_data, np.float32).reshape(-1, 4)
    still = -3.0 * np.cos(road[:, 1]) * np.cos(road[:, 2])
    assert np.median(np.abs(road[:, 0] - still)) < 0.05


def test_same_seed_same_points(world: carla.World, car: carla.Vehicle, mount: Mount) -> None:
    settle(world, car)
    runs = []
    for _ in range(2):
        lidar = mount("sensor.lidar.ray_cast", **SPIN, noise_stddev="0.1", noise_seed="11")
        radar = mount("sensor.other.radar", carla.Transform(carla.Location(x=2.6, z=0.8)), noise_seed="11")
        frames = [world.tick() for _ in range(3)]
        runs.append([bytes(probe.at(frame).raw_data) for frame in frames for probe in (lidar, radar)])
        for probe in (lidar, radar):
            probe.sensor.destroy()
    assert [len(part) for part in runs[0]] == [len(part) for part in runs[1]]
    for first, second in zip(*runs, strict=True):
        assert np.allclose(np.frombuffer(first, np.float32), np.frombuffer(second, np.float32), atol=1e-3)


@pytest.mark.parametrize(
    ("blueprint_id", "attribute", "value"),
    [
        ("sensor.lidar.ray_cast", "channels", "0"),
        ("sensor.lidar.ray_cast_semantic", "points_per_second", "2000000000"),
        ("sensor.lidar.ray_cast", "range", "nan"),
        ("sensor.other.radar", "horizontal_fov", "180"),
    ],
)
def test_absurd_attributes_are_refused(
    world: carla.World, library: carla.BlueprintLibrary, blueprint_id: str, attribute: str, value: str
) -> None:
    blueprint = library.find(blueprint_id)
    blueprint.set_attribute(attribute, value)
    with pytest.raises(RuntimeError, match="can not be spawned"):
        world.spawn_actor(blueprint, carla.Transform())
