"""The header that every sensor message begins with, and the numbers of the sensor types (CARLA 0.9.16)."""

from __future__ import annotations

import struct

from alpamayo_sim.frames import Transform

HEADER = struct.Struct("<QQd6f")
"""Sensor type, frame, simulated seconds, transform (x, y, z, pitch, yaw, roll); 48 bytes."""
WORLD_OBSERVER = 17
SENSOR_TYPES = {
    "sensor.other.collision": 0,
    "sensor.camera.depth": 1,
    "sensor.camera.normals": 2,
    "sensor.camera.dvs": 3,
    "sensor.other.gnss": 4,
    "sensor.other.imu": 5,
    "sensor.other.lane_invasion": 6,
    "sensor.other.obstacle": 7,
    "sensor.camera.optical_flow": 8,
    "sensor.other.radar": 9,
    "sensor.lidar.ray_cast_semantic": 10,
    "sensor.lidar.ray_cast": 11,
    "sensor.other.rss": 12,
    "sensor.camera.rgb": 13,
    "sensor.camera.semantic_segmentation": 14,
    "sensor.camera.instance_segmentation": 15,
}


def header(type_id: str, frame: int, elapsed_s: float, transform: Transform) -> bytes:
    """Return the 48 bytes before a measurement; `transform` is the sensor's pose in the CARLA world frame."""
    return HEADER.pack(SENSOR_TYPES[type_id], frame, elapsed_s, *transform)
