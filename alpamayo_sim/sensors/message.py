"""The header that every sensor message begins with, and the numbers of the sensor types (CARLA 0.9.16)."""

from __future__ import annotations

from alpamayo_sim.frames import Transform
from alpamayo_sim.layouts.layout import LAYOUT

HEADER = LAYOUT.packed["sensor_header"].packer()
"""Sensor type, frame, simulated seconds, transform (x, y, z, pitch, yaw, roll); 48 bytes."""
WORLD_OBSERVER = LAYOUT.sensor_type("FWorldObserver")
_CLASSES = {
    "sensor.other.collision": "ACollisionSensor",
    "sensor.camera.cosmos_visualization": "ACosmosControlSensor",
    "sensor.camera.depth": "ADepthCamera",
    "sensor.camera.normals": "ANormalsCamera",
    "sensor.camera.dvs": "ADVSCamera",
    "sensor.other.gnss": "AGnssSensor",
    "sensor.other.imu": "AInertialMeasurementUnit",
    "sensor.other.lane_invasion": "ALaneInvasionSensor",
    "sensor.other.obstacle": "AObstacleDetectionSensor",
    "sensor.camera.optical_flow": "AOpticalFlowCamera",
    "sensor.other.radar": "ARadar",
    "sensor.lidar.ray_cast_semantic": "ARayCastSemanticLidar",
    "sensor.lidar.ray_cast": "ARayCastLidar",
    "sensor.other.rss": "ARssSensor",
    "sensor.camera.rgb": "ASceneCaptureCamera",
    "sensor.camera.semantic_segmentation": "ASemanticSegmentationCamera",
    "sensor.camera.instance_segmentation": "AInstanceSegmentationCamera",
}
"""The class that CARLA makes of each sensor blueprint."""
SENSOR_TYPES = {blueprint: LAYOUT.sensor_type(name) for blueprint, name in _CLASSES.items()}


def header(type_id: str, frame: int, elapsed_s: float, transform: Transform) -> bytes:
    """Return the 48 bytes before a measurement; `transform` is the sensor's pose in the CARLA world frame."""
    return HEADER.pack(SENSOR_TYPES[type_id], frame, elapsed_s, *transform)
