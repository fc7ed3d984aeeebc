"""From a blueprint to the thing that measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from alpamayo_sim.errors import InputError
from alpamayo_sim.render.camera_kind import CameraKind
from alpamayo_sim.sensors.camera import CAMERA_KINDS, Camera
from alpamayo_sim.sensors.collision import CollisionDetector
from alpamayo_sim.sensors.control_camera import ControlCamera
from alpamayo_sim.sensors.event_camera import EventCamera
from alpamayo_sim.sensors.gnss import Gnss
from alpamayo_sim.sensors.imu import Imu
from alpamayo_sim.sensors.lane_invasion import LaneInvasionDetector
from alpamayo_sim.sensors.lidar import Lidar
from alpamayo_sim.sensors.obstacle import ObstacleDetector
from alpamayo_sim.sensors.radar import Radar
from alpamayo_sim.sensors.semantic_lidar import SemanticLidar
from alpamayo_sim.sensors.sensor import Sensor

Attributes = Mapping[str, str]


def _camera(kind: CameraKind) -> Callable[[Attributes, int], Camera]:
    return lambda attributes, seed: Camera(kind, attributes)


SENSORS: dict[str, Callable[[Attributes, int], Sensor | Camera]] = {
    **{type_id: _camera(kind) for type_id, kind in CAMERA_KINDS.items()},
    "sensor.camera.cosmos_visualization": ControlCamera,
    "sensor.camera.dvs": EventCamera,
    "sensor.other.collision": lambda attributes, seed: CollisionDetector(),
    "sensor.other.gnss": Gnss,
    "sensor.other.imu": Imu,
    "sensor.other.lane_invasion": lambda attributes, seed: LaneInvasionDetector(),
    "sensor.lidar.ray_cast": Lidar,
    "sensor.lidar.ray_cast_semantic": SemanticLidar,
    "sensor.other.obstacle": ObstacleDetector,
    "sensor.other.radar": Radar,
}


def make_sensor(type_id: str, attributes: Attributes, seed: int) -> Sensor | Camera:
    """Return a new sensor; `seed` is for its noise. Raises InputError for a
    type that is not simulated, ValueError for attributes that make no sense.
    """
    build = SENSORS.get(type_id)
    if build is None:
        raise InputError(f"this server does not simulate it; it simulates {', '.join(SENSORS)}")
    return build(attributes, seed)
