"""What lidars and radars say, byte by byte, of a world on a flat road with a wall."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, rotation_matrix
from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.statics import StaticBoxes
from alpamayo_sim.sensors.camera import Camera
from alpamayo_sim.sensors.factory import make_sensor
from alpamayo_sim.sensors.lidar import Scan
from alpamayo_sim.sensors.semantic_lidar import DETECTION
from alpamayo_sim.sensors.sensor import Sensor, Tick
from alpamayo_sim.world.blueprints import catalogue
from alpamayo_sim.world.events import StepEvents
from alpamayo_sim.world.world import World

LIDAR, SEMANTIC, RADAR = "sensor.lidar.ray_cast", "sensor.lidar.ray_cast_semantic", "sensor.other.radar"
WALL_M = 20.0
WIDE = {"channels": "16", "points_per_second": "320000", "rotation_frequency": "20", "range": "80"}


@pytest.fixture(scope="module")
def town() -> RoadMap:
    return load_road_map("Gridvale")


@pytest.fixture
def world(town: RoadMap) -> World:
    """A town with nothing in it but a wall high above everything, 20 m in front of `EYE`."""
    x, y, z = _eye(town)[:3]
    wall = StaticBoxes(
        np.array([[x + WALL_M + 1.0, y, z]]), np.array([[1.0, 60.0, 60.0]]), np.zeros(1), np.array([3], np.uint8),
        np.zeros(1, np.uint8), np.full(1, -1),
    )  # fmt: skip
    world = World(town, wall)
    world.step(0.05)
    return world


def _eye(town: RoadMap) -> Transform:
    x, y, z = town.spawn_points[0].tolist()[:3]
    return Transform(x, y, z + 40.0)


def sensor(type_id: str, seed: int = 1, /, **attributes: str) -> Sensor:
    made = make_sensor(type_id, values(type_id, attributes), seed)
    assert not isinstance(made, Camera)
    return made


def values(type_id: str, attributes: Mapping[str, str]) -> dict[str, str]:
    return catalogue()[type_id].values({}) | dict(attributes)


def look(world: World, made: Sensor, pose: Transform | None = None) -> bytes:
    (body,) = made.measure(Tick(world, StepEvents(world.frame), 0, 0, pose or _eye(world.road_map)))
    return body


def split(body: bytes) -> tuple[float, list[int], bytes]:
    """Return horizontal angle, points of each channel, and the rest of a lidar's message."""
    angle, channels = struct.unpack_from("<fI", body)
    return angle, list(struct.unpack_from(f"<{channels}I", body, 8)), body[8 + 4 * channels :]


def points(body: bytes) -> NDArray[np.float32]:
    return np.frombuffer(split(body)[2], "<f4").reshape(-1, 4)


def test_wall_is_where_it_is(world: World) -> None:
    body = look(world, sensor(SEMANTIC, **WIDE, upper_fov="15", lower_fov="-15"))
    _, counts, raw = split(body)
    seen = np.frombuffer(raw, DETECTION)
    assert sum(counts) == len(seen) > 0 and set(seen["tag"].tolist()) == {3}
    assert np.allclose(seen["point"][:, 0], WALL_M, atol=1e-3)
    assert np.allclose(seen["cosine"], WALL_M / np.linalg.norm(seen["point"], axis=1), atol=1e-5)
    assert np.all(seen["actor_id"] == 0)


def test_points_are_in_the_frame_of_a_turned_sensor(world: World) -> None:
    eye = _eye(world.road_map)
    turned = Transform(eye.x, eye.y, eye.z, 10.0, 35.0, -20.0)
    raw = split(look(world, sensor(SEMANTIC, **WIDE, upper_fov="15", lower_fov="-15"), turned))[2]
    seen = np.frombuffer(raw, DETECTION)
    wall = seen["point"][seen["tag"] == 3].astype(np.float64) @ rotation_matrix(10.0, 35.0, -20.0).T
    face = wall[np.abs(wall[:, 1]) < 59.0]
    assert len(face) > 1000 and np.allclose(face[:, 0], WALL_M, atol=1e-3)


def test_channels_run_from_the_upper_to_the_lower_angle() -> None:
    scan = Scan(values(LIDAR, WIDE | {"upper_fov": "12", "lower_fov": "-18"}))
    fan = scan.directions(0.05)
    assert fan.shape == (16, 1000, 3)
    assert np.allclose(np.linalg.norm(fan, axis=2), 1.0)
    assert np.degrees(np.arcsin(fan[:, 0, 2])) == pytest.approx(np.linspace(12.0, -18.0, 16))
    one = Scan(values(LIDAR, {"channels": "1", "upper_fov": "7"})).directions(0.05)
    assert np.degrees(np.arcsin(one[0, 0, 2])) == pytest.approx(7.0)


@pytest.mark.parametrize(("frequency", "fov"), [(10.0, 360.0), (7.0, 120.0), (20.0, 90.0)])
def test_scan_goes_on_where_it_stopped(frequency: float, fov: float) -> None:
    attributes = {"channels": "1", "upper_fov": "0", "points_per_second": "20000"}
    scan = Scan(values(LIDAR, attributes | {"rotation_frequency": str(frequency), "horizontal_fov": str(fov)}))
    rays = np.concatenate([scan.directions(0.05)[0] for _ in range(7)])
    yaw = np.arctan2(rays[:, 1], rays[:, 0])
    travelled_deg = frequency * fov * 0.05 / 1000.0 * np.arange(7000)
    expected = np.radians(np.fmod(travelled_deg + 1e-9, fov) - 0.5 * fov)
    # As unit vectors, because -180 and 180 degrees are one direction.
    assert np.allclose(np.exp(1j * yaw), np.exp(1j * expected), atol=1e-7)
    assert scan.angle_rad == pytest.approx(math.radians(math.fmod(7 * 0.05 * frequency * fov, fov)), abs=1e-9)


def test_points_of_a_tick_are_rounded_as_carla_rounds_them() -> None:
    for per_second, channels, step_s, expected in ((600000, 64, 0.05, 469), (56000, 32, 0.05, 88), (10, 32, 0.05, 0)):
        scan = Scan(values(LIDAR, {"points_per_second": str(per_second), "channels": str(channels)}))
        assert scan.directions(step_s).shape[:2] == (channels, expected)


def test_a_scan_without_points_has_a_header(world: World) -> None:
    for type_id in (LIDAR, SEMANTIC):
        _, counts, raw = split(look(world, sensor(type_id, points_per_second="10")))
        assert counts == [0] * 32 and raw == b""


def test_intensity_and_drop_off(world: World) -> None:
    no_drop = {"dropoff_general_rate": "0", "dropoff_intensity_limit": "0", "dropoff_zero_intensity": "0"}
    fan = WIDE | {"upper_fov": "15", "lower_fov": "-15", "points_per_second": "1600000"}
    whole = points(look(world, sensor(LIDAR, **fan, **no_drop, atmosphere_attenuation_rate="0.05")))
    distance = np.linalg.norm(whole[:, :3], axis=1)
    assert np.allclose(whole[:, 3], np.exp(-0.05 * distance), atol=1e-6)
    body = look(world, sensor(LIDAR, **fan, dropoff_general_rate="0.3", atmosphere_attenuation_rate="0.05"))
    expected = np.where(whole[:, 3] > 0.8, 1.0, 0.5 * whole[:, 3] + 0.6).mean() * 0.7
    assert len(points(body)) / len(whole) == pytest.approx(expected, abs=0.015)
    _, counts, _ = split(body)
    pitch = np.degrees(np.arctan2(points(body)[:, 2], np.hypot(points(body)[:, 0], points(body)[:, 1])))
    for channel, part in enumerate(np.split(pitch, np.cumsum(counts)[:-1])):
        assert np.allclose(part, 15.0 - 2.0 * channel, atol=1e-3)


def test_noise_has_its_spread_and_keeps_the_direction(world: World) -> None:
    no_drop = {"dropoff_general_rate": "0", "dropoff_intensity_limit": "0", "dropoff_zero_intensity": "0"}
    exact = points(look(world, sensor(LIDAR, **WIDE, **no_drop)))[:, :3].astype(np.float64)
    noisy = points(look(world, sensor(LIDAR, **WIDE, **no_drop, noise_stddev="0.1")))[:, :3].astype(np.float64)
    far = np.linalg.norm(exact, axis=1)
    error = (noisy * exact).sum(axis=1) / far - far
    assert abs(error.mean()) < 0.01 and error.std() == pytest.approx(0.1, rel=0.06)
    assert np.linalg.norm(np.cross(noisy, exact) / far[:, None], axis=1).max() < 1e-3


@pytest.mark.parametrize("type_id", [LIDAR, SEMANTIC, RADAR])
def test_same_seed_same_bytes(world: World, type_id: str) -> None:
    wide = {"noise_stddev": "0.05"} if type_id == LIDAR else {}
    first, second = (sensor(type_id, 5, range="60", **wide) for _ in range(2))
    runs = [[look(world, made) for _ in range(3)] for made in (first, second)]
    assert runs[0] == runs[1] and len(runs[0][0]) > 200
    if type_id != SEMANTIC:
        assert look(world, sensor(type_id, 6, range="60", **wide)) != runs[0][0]
        seeded = [look(world, sensor(type_id, seed, range="60", noise_seed="9", **wide)) for seed in (5, 6)]
        assert seeded[0] == seeded[1]


def test_radar_cone_depth_and_closing_speed(world: World) -> None:
    made = sensor(RADAR, points_per_second="40000", horizontal_fov="40", vertical_fov="20")
    eye = _eye(world.road_map)
    standing = np.frombuffer(look(world, made, eye), "<f4").reshape(-1, 4)
    assert len(standing) == 2000 and np.all(standing[:, 0] == 0.0)
    assert np.abs(standing[:, 1]).max() <= math.radians(20.0) and np.abs(standing[:, 1]).max() > math.radians(18.0)
    assert np.abs(standing[:, 2]).max() <= math.radians(10.0)
    along = np.cos(standing[:, 1]) * np.cos(standing[:, 2])
    assert np.allclose(standing[:, 3] * along, WALL_M, atol=1e-3)
    world.step(0.05)
    nearer = Transform(eye.x + 0.5, eye.y, eye.z)
    moving = np.frombuffer(look(world, made, nearer), "<f4").reshape(-1, 4)
    along = np.cos(moving[:, 1]) * np.cos(moving[:, 2])
    assert np.allclose(moving[:, 0], -10.0 * along, atol=1e-3)
    assert np.allclose(moving[:, 3] * along, WALL_M - 0.5, atol=1e-3)
    # Half of the rays lie within half of the cone, not a quarter: the radius is uniform.
    across = np.tan(moving[:, 1]) / math.tan(math.radians(20.0))
    up = np.tan(moving[:, 2]) / np.cos(moving[:, 1]) / math.tan(math.radians(10.0))
    spread = np.hypot(across, up)
    assert np.mean(spread < 0.5) == pytest.approx(0.5, abs=0.05)


def test_radar_sees_to_its_range_and_no_farther(world: World) -> None:
    assert len(look(world, sensor(RADAR, range="20.1"))) == 75 * 16
    assert look(world, sensor(RADAR, range="19.9")) == b""


@pytest.mark.parametrize(
    ("type_id", "attribute", "value"),
    [
        (LIDAR, "channels", "0"), (LIDAR, "points_per_second", "-1"), (LIDAR, "range", "inf"), (LIDAR, "horizontal_fov", "0"),
        (LIDAR, "noise_stddev", "nan"), (SEMANTIC, "channels", "100000"), (SEMANTIC, "upper_fov", "nan"),
        (RADAR, "points_per_second", "1000000000"), (RADAR, "vertical_fov", "180"), (RADAR, "range", "nan"),
    ],
)  # fmt: skip
def test_attributes_that_make_no_sense_are_refused(type_id: str, attribute: str, value: str) -> None:
    with pytest.raises(ValueError):
        make_sensor(type_id, values(type_id, {attribute: value}), 0)
