"""Every sensor that the server simulates, as the client decodes it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import carla
import numpy as np
import pytest
from sensor_probes import Mount, mounting

REFERENCE_DEG = (48.8566, 2.3522)
METRES_PER_DEGREE = math.pi * 6378137.0 / 180.0


@pytest.fixture
def mount(world: carla.World, car: carla.Vehicle) -> Iterator[Mount]:
    """Attaches sensors to the car."""
    with mounting(world, car, 1.5) as attach:
        yield attach


def test_gnss_is_mercator_about_the_georeference(world: carla.World, car: carla.Vehicle, mount: Mount) -> None:
    measured = mount("sensor.other.gnss")
    car.set_target_velocity(carla.Vector3D(3.0, 0.0, 0.0))
    for _ in range(5):
        frame = world.tick()
        value = measured.get()
        assert value.frame == frame
        place = value.transform.location
        assert place == measured.sensor.get_transform().location
        assert value.latitude == pytest.approx(REFERENCE_DEG[0] - place.y / METRES_PER_DEGREE, abs=1e-6)
        east_m = METRES_PER_DEGREE * math.cos(math.radians(REFERENCE_DEG[0]))
        assert value.longitude == pytest.approx(REFERENCE_DEG[1] + place.x / east_m, abs=1e-6)
        assert value.altitude == pytest.approx(place.z, abs=1e-4)


def test_gnss_noise_follows_its_attributes(world: carla.World, mount: Mount) -> None:
    exact = mount("sensor.other.gnss")
    biased = mount("sensor.other.gnss", noise_lat_bias="0.5", noise_alt_stddev="2.0", noise_seed="7")
    altitudes = []
    for _ in range(40):
        world.tick()
        a, b = exact.get(), biased.get()
        assert b.latitude - a.latitude == pytest.approx(0.5, abs=1e-9)
        assert b.longitude == a.longitude
        altitudes.append(b.altitude - a.altitude)
    assert 1.2 < np.std(altitudes) < 3.0


def test_imu_at_rest_and_its_first_values(world: carla.World, car: carla.Vehicle, mount: Mount) -> None:
    car.apply_control(carla.VehicleControl(hand_brake=True))
    for _ in range(20):
        world.tick()
    measured = mount("sensor.other.imu")
    world.tick()
    first = measured.get()
    assert first.accelerometer.z == pytest.approx(9.81, abs=0.05)
    world.tick()
    second = measured.get().accelerometer
    place = first.transform.location
    assert math.hypot(second.x, second.y) == pytest.approx(math.hypot(place.x, place.y) / 0.05**2, rel=0.05)
    for _ in range(5):
        world.tick()
        value = measured.get()
        acceleration = value.accelerometer
        assert (acceleration.x, acceleration.y, acceleration.z) == pytest.approx((0.0, 0.0, 9.81), abs=0.1)
        yaw = value.transform.rotation.yaw
        assert value.compass == pytest.approx(math.radians(yaw + 90.0) % (2.0 * math.pi), abs=1e-3)


def test_imu_feels_a_turn(world: carla.World, car: carla.Vehicle, mount: Mount) -> None:
    measured = mount("sensor.other.imu")
    car.apply_control(carla.VehicleControl(throttle=0.5, steer=0.3))
    last = None
    for _ in range(60):
        world.tick()
        last = measured.get()
    assert last is not None
    assert last.gyroscope.z == pytest.approx(math.radians(car.get_angular_velocity().z), abs=1e-3)
    assert last.gyroscope.z > 0.05
    assert last.accelerometer.y > 0.3


def test_collision_with_another_car(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle, mount: Mount
) -> None:
    ahead = car.get_transform()
    forward = ahead.get_forward_vector()
    ahead.location += carla.Location(8.0 * forward.x, 8.0 * forward.y, 0.3)
    other = world.spawn_actor(library.find("vehicle.audi.tt"), ahead)
    measured = mount("sensor.other.collision")
    for _ in range(5):
        world.tick()
    assert measured.empty()
    car.enable_constant_velocity(carla.Vector3D(6.0, 0.0, 0.0))
    frames = set()
    for _ in range(40):
        frames.add(world.tick())
    event = measured.get()
    assert event.frame in frames
    assert event.actor.id == car.id and event.other_actor.id == other.id
    assert event.other_actor.type_id == "vehicle.audi.tt"
    assert event.normal_impulse.length() > 100.0


def test_lane_invasion_is_computed_by_the_client(world: carla.World, car: carla.Vehicle, mount: Mount) -> None:
    measured = mount("sensor.other.lane_invasion")
    right = car.get_transform().get_right_vector()
    for _ in range(60):
        car.set_transform(
            carla.Transform(
                car.get_location() + carla.Location(0.2 * right.x, 0.2 * right.y, 0.0), car.get_transform().rotation
            )
        )
        world.tick()
        if not measured.empty():
            break
    assert measured.get().crossed_lane_markings


@pytest.mark.parametrize("blueprint_id", ["sensor.other.gnss", "sensor.other.imu", "sensor.camera.rgb"])
def test_sensor_tick_of_one_second_gives_three_messages_in_fifty_ticks(
    world: carla.World, mount: Mount, blueprint_id: str
) -> None:
    attributes = {"image_size_x": "32", "image_size_y": "24"} if "camera" in blueprint_id else {}
    every = mount("sensor.other.gnss")
    measured = mount(blueprint_id, sensor_tick="1.0", **attributes)
    for _ in range(50):
        world.tick()
        every.get()
    frames = [measured.get().frame for _ in range(3)]
    assert np.diff(frames).tolist() == [20, 20]
    assert measured.empty()


def test_cameras_see_the_world(world: carla.World, car: carla.Vehicle, mount: Mount) -> None:
    forward = mount(
        "sensor.camera.rgb", carla.Transform(carla.Location(x=1.6, z=1.7)), image_size_x="160", image_size_y="90"
    )
    down = mount(
        "sensor.camera.rgb",
        carla.Transform(carla.Location(z=30.0), carla.Rotation(pitch=-90.0)),
        image_size_x="64",
        image_size_y="48",
        fov="60",
    )
    for _ in range(3):
        frame = world.tick()
        images = [camera.get() for camera in (forward, down)]
        assert [image.frame for image in images] == [frame, frame]
        assert images[0].transform.location == forward.sensor.get_transform().location
    assert (images[0].width, images[0].height, images[0].fov) == (160, 90, 90.0)
    assert (images[1].width, images[1].height, images[1].fov) == (64, 48, 60.0)
    pixels = np.frombuffer(images[0].raw_data, np.uint8).reshape(90, 160, 4)
    sky, road = pixels[:15, :, :3].mean(axis=(0, 1)), pixels[-15:, 40:120, :3].mean(axis=(0, 1))
    assert sky[0] > sky[2]
    assert np.ptp(road) < 40.0
    assert np.all(pixels[..., 3] == 255)


def test_absurd_camera_is_refused(world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle) -> None:
    blueprint = library.find("sensor.camera.rgb")
    blueprint.set_attribute("image_size_x", "1000000")
    with pytest.raises(RuntimeError, match="pixels"):
        world.spawn_actor(blueprint, carla.Transform(), attach_to=car)


def test_stopped_and_destroyed_sensor_is_silent(world: carla.World, mount: Mount) -> None:
    measured = mount("sensor.other.gnss")
    world.tick()
    measured.get()
    sensor = measured.sensor
    sensor.stop()
    world.tick()
    sensor.listen(measured.measured.put)
    frame = world.tick()
    while (value := measured.get()).frame < frame:
        pass
    assert value.frame == frame
    sensor.stop()
    assert sensor.destroy()
    world.tick()
