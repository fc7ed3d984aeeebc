"""Conditions that behaviours wait for."""

from __future__ import annotations

import math
from collections.abc import Callable

import carla

from alpamayo_scenarios.library.lanes import ahead
from alpamayo_scenarios.library.stage import Stage


def passed(stage: Stage, pose: carla.Transform) -> Callable[[], bool]:
    """Hold once the ego is ahead of a pose, in the pose's own direction (`WaitUntilInFrontPosition`)."""
    return lambda: passed_by(stage.ego_location, pose)


def in_front_of(stage: Stage, front_id: int, rear_id: int, *, within_m: float = math.inf) -> Callable[[], bool]:
    """Hold while one vehicle is wholly ahead of another along the other's lane (`WaitUntilInFront`).

    That is, its middle is ahead of the place at which their bumpers would touch, and closer to that place than a distance.
    """
    length_m = stage.half_length_m(front_id) + stage.half_length_m(rear_id)

    def holds() -> bool:
        front, rear = stage.actor_state(front_id), stage.actor_state(rear_id)
        if front is None or rear is None:
            return False
        lane = stage.map.get_waypoint(rear.get_transform().location)
        place = ahead(lane, length_m).transform
        at = front.get_transform().location
        return passed_by(at, place) and at.distance(place.location) < within_m

    return holds


def passed_by(at: carla.Location, pose: carla.Transform) -> bool:
    """Return whether a place lies ahead of a pose, in the pose's own direction."""
    yaw = math.radians(pose.rotation.yaw)
    return (at.x - pose.location.x) * math.cos(yaw) + (at.y - pose.location.y) * math.sin(yaw) > 0.0


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
