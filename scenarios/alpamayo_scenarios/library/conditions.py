"""Conditions that behaviours wait for."""

from __future__ import annotations

import math
from collections.abc import Callable

import carla

from alpamayo_scenarios.library.stage import Stage


def passed(stage: Stage, pose: carla.Transform) -> Callable[[], bool]:
    """Hold once the ego is ahead of a pose, in the pose's own direction (`WaitUntilInFrontPosition`)."""
    yaw = math.radians(pose.rotation.yaw)
    cos, sin = math.cos(yaw), math.sin(yaw)

    def holds() -> bool:
        at = stage.ego_location
        return (at.x - pose.location.x) * cos + (at.y - pose.location.y) * sin > 0.0

    return holds


def near(stage: Stage, place: carla.Location, distance_m: float) -> Callable[[], bool]:
    """Hold while the ego is closer to a place than so far."""
    return lambda: stage.distance_to_ego_m(place) < distance_m


def driven(stage: Stage, distance_m: float) -> Callable[[], bool]:
    """Hold once the ego has come so far along its route from where it is now."""
    start_m = stage.station_m
    return lambda: stage.station_m - start_m >= distance_m


def reached_station(stage: Stage, station_m: float) -> Callable[[], bool]:
    """Hold once the ego has come to a station of its route."""
    return lambda: stage.station_m >= station_m


def standing(stage: Stage, below_mps: float = 0.1) -> Callable[[], bool]:
    """Hold while the ego stands."""
    return lambda: stage.ego_speed_mps < below_mps


def time_to_reach_s(stage: Stage, place: carla.Location) -> float:
    """Return how long the ego needs to a place at its present speed, straight; infinite when it stands."""
    speed = stage.ego_speed_mps
    return stage.distance_to_ego_m(place) / speed if speed > 0.1 else math.inf
