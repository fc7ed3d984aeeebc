"""Trigger volumes and stop lines of traffic lights and signs.

CARLA's `TrafficLightComponent` and `StopSignComponent` put one box on each governed driving lane, 3 m upstream of the
signal's place on the lane, half extents 1.5 m x 0.25 lane widths x 1 m; `SpeedLimitComponent` puts a cube of half size
0.35 lane widths, its own half size upstream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.lanes import LaneTable

BOX_SHIFT_M = 3.0
BOX_HALF_LENGTH_M = 1.5
BOX_WIDTH_FRACTION = 0.25
BOX_HALF_HEIGHT_M = 1.0
SPEED_BOX_FRACTION = 0.35


@dataclass(frozen=True)
class Box:
    """An upright box in the CARLA world frame: centre and half extents in metres, yaw in degrees."""

    center: tuple[float, float, float]
    extent: tuple[float, float, float]
    yaw_deg: float


@dataclass(frozen=True)
class GovernedPlace:
    """A spot on a lane that a signal governs: lane index in the `LaneTable` and metres from the lane's start."""

    lane: int
    along_m: float


@dataclass(frozen=True)
class LanePose:
    """A point on a lane's centre line: location, driving direction as CARLA yaw, lane width, OpenDRIVE s."""

    xyz: tuple[float, float, float]
    yaw_deg: float
    width_m: float
    s: float


def lane_pose(lanes: LaneTable, lane: int, along_m: float) -> LanePose:
    """Return the pose `along_m` metres from the start of `lane`, held within the lane."""
    part = slice(int(lanes.start[lane]), int(lanes.stop[lane]))
    along = lanes.along_m[part]
    x, y, z = (float(np.interp(along_m, along, lanes.xyz[part, k])) for k in range(3))
    forward = [float(np.interp(along_m, along, lanes.tangent[part, k])) for k in range(2)]
    return LanePose(
        (x, y, z),
        float(np.degrees(np.arctan2(forward[1], forward[0]))),
        float(np.interp(along_m, along, lanes.width[part])),
        float(np.interp(along_m, along, lanes.s[part])),
    )


def trigger_box(lanes: LaneTable, place: GovernedPlace) -> Box:
    """Return the box in which a vehicle is at a light or a stop or yield sign that governs `place`."""
    pose = lane_pose(lanes, place.lane, max(0.0, place.along_m - BOX_SHIFT_M))
    x, y, z = pose.xyz
    extent = (BOX_HALF_LENGTH_M, BOX_WIDTH_FRACTION * pose.width_m, BOX_HALF_HEIGHT_M)
    return Box((x, y, z + BOX_HALF_HEIGHT_M), extent, pose.yaw_deg)


def speed_box(lanes: LaneTable, place: GovernedPlace) -> Box:
    """Return the box whose crossing sets a vehicle's speed limit."""
    half = SPEED_BOX_FRACTION * lane_pose(lanes, place.lane, place.along_m).width_m
    pose = lane_pose(lanes, place.lane, max(0.0, place.along_m - half))
    x, y, z = pose.xyz
    return Box((x, y, z + half), (half, half, half), pose.yaw_deg)


def combined_box(boxes: Sequence[Box], yaw_deg: float) -> Box:
    """Return the smallest box with the given yaw that holds all `boxes`."""
    angle = np.radians(yaw_deg)
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners: list[NDArray[np.float64]] = []
    for box in boxes:
        turn = np.radians(box.yaw_deg)
        forward, side = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
        for a in (-1, 1):
            for b in (-1, 1):
                corners.append(np.array(box.center[:2]) + a * box.extent[0] * forward + b * box.extent[1] * side)
    local = np.array(corners) @ axes.T
    low, high = local.min(axis=0), local.max(axis=0)
    bottom = min(box.center[2] - box.extent[2] for box in boxes)
    top = max(box.center[2] + box.extent[2] for box in boxes)
    middle, half = axes.T @ (0.5 * (low + high)), 0.5 * (high - low)
    center = (float(middle[0]), float(middle[1]), 0.5 * (bottom + top))
    return Box(center, (float(half[0]), float(half[1]), 0.5 * (top - bottom)), yaw_deg)


def stop_line(lanes: LaneTable, places: Sequence[GovernedPlace]) -> NDArray[np.float64]:
    """Return [2, 3]: left and right end of the line across the governed lanes, seen in driving direction."""
    poses = [lane_pose(lanes, place.lane, place.along_m) for place in places]
    angle = np.radians(poses[0].yaw_deg)
    left = np.array([np.sin(angle), -np.cos(angle)])
    ends: list[NDArray[np.float64]] = []
    for pose in poses:
        turn = np.radians(pose.yaw_deg)
        across = 0.5 * pose.width_m * np.array([np.sin(turn), -np.cos(turn), 0.0])
        ends.extend((np.array(pose.xyz) + across, np.array(pose.xyz) - across))
    order = [float(end[:2] @ left) for end in ends]
    return np.array([ends[int(np.argmax(order))], ends[int(np.argmin(order))]])
