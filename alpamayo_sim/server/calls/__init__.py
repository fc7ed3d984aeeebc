"""The remote calls, by topic. Importing the package fills the table `CALLS`."""

from __future__ import annotations

from alpamayo_sim.server.calls import (
    actor_calls,
    batch_calls,
    debug_calls,
    episode_calls,
    map_calls,
    object_calls,
    ray_calls,
    recorder_calls,
    scene_calls,
    sensor_calls,
    skeleton_calls,
    traffic_light_calls,
    traffic_manager_calls,
    vehicle_calls,
    walker_calls,
)
from alpamayo_sim.server.registry import CALLS

__all__ = [
    "CALLS",
    "actor_calls",
    "batch_calls",
    "debug_calls",
    "episode_calls",
    "map_calls",
    "object_calls",
    "ray_calls",
    "recorder_calls",
    "scene_calls",
    "sensor_calls",
    "skeleton_calls",
    "traffic_light_calls",
    "traffic_manager_calls",
    "vehicle_calls",
    "walker_calls",
]
