"""Places of a town where scenes are put: lanes, pavements, the ways to lights and to stop signs."""

from __future__ import annotations

from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_training.learnability.traffic_control import LightApproach, StopApproach, TrafficControl

Array = NDArray[np.float64]
SPACING_M = 2.0
_MOST_LANES_ASIDE = 8
_THINNEST_PAVEMENT_M = 1.0


@dataclass(frozen=True)
class Places:
    """`waypoints` are driving lanes every 2 m outside junctions, `xy` [N, 2] theirs; `pavements` [M, 4] x, y, z, yaw (deg)."""

    waypoints: tuple[carla.Waypoint, ...]
    xy: Array
    crossing: tuple[carla.Waypoint, ...]
    """Driving lanes every 2 m inside junctions, `crossing_xy` [K, 2] theirs."""
    crossing_xy: Array
    pavements: Array
    lights: tuple[tuple[LightApproach, carla.Waypoint], ...]
    """Each lane end before a light."""
    stops: tuple[StopApproach, ...]

    @staticmethod
    def of(town: carla.Map, control: TrafficControl) -> Places:
        """Return the places of a map."""
        every = list(town.generate_waypoints(SPACING_M))
        outside = tuple(w for w in every if not w.is_junction)
        inside = tuple(w for w in every if w.is_junction)
        pavements = [row for waypoint in every for row in _pavement_beside(waypoint)]
        return Places(
            outside,
            _xy(outside),
            inside,
            _xy(inside),
            np.array(pavements).reshape(-1, 4),
            tuple((approach, end) for approach in control.lights for end in approach.line_ends),
            tuple(control.stops),
        )


def _xy(waypoints: tuple[carla.Waypoint, ...]) -> Array:
    return np.array([[w.transform.location.x, w.transform.location.y] for w in waypoints]).reshape(-1, 2)


def _pavement_beside(waypoint: carla.Waypoint) -> list[tuple[float, float, float, float]]:
    """Return the middle of the pavement on the right of a lane, if there is one."""
    lane = waypoint
    for _ in range(_MOST_LANES_ASIDE):
        lane = lane.get_right_lane()
        if lane is None or lane.lane_type == carla.LaneType.Driving:
            return []
        if lane.lane_type == carla.LaneType.Sidewalk and lane.lane_width >= _THINNEST_PAVEMENT_M:
            pose = lane.transform
            return [(pose.location.x, pose.location.y, pose.location.z, pose.rotation.yaw)]
    return []


def upstream(waypoint: carla.Waypoint, distance_m: float) -> carla.Waypoint:
    """Return the waypoint so far before this one in its lane, or the first one behind a junction or the lane's beginning."""
    left_m = distance_m
    while left_m > 0.0:
        before = list(waypoint.previous(min(SPACING_M, left_m)))
        if not before or before[0].is_junction:
            break
        waypoint, left_m = before[0], left_m - SPACING_M
    return waypoint


def straight_through(waypoint: carla.Waypoint, distance_m: float, largest_turn_deg: float) -> carla.Waypoint | None:
    """Return the waypoint so far behind a lane's end, inside the junction and straight on; None where no lane goes on so."""
    yaw = waypoint.transform.rotation.yaw
    for first in waypoint.next(1.0):
        lane, left_m = first, distance_m
        while left_m > 0.0 and lane.is_junction:
            following = list(lane.next(min(SPACING_M, left_m)))
            if not following:
                break
            lane, left_m = following[0], left_m - SPACING_M
        turn = (lane.transform.rotation.yaw - yaw + 180.0) % 360.0 - 180.0
        if lane.is_junction and left_m <= 0.0 and abs(turn) < largest_turn_deg:
            return lane
    return None
