"""Where things are along the route that the ego drives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.reference_path import STEP_M, ReferencePath
from alpamayo_sim.record.scene_state import NOWHERE_M

Array = NDArray[np.float64]
BEHIND_M, AHEAD_M = 40.0, 110.0
"""The stretch of the route on which things have a place."""
ASIDE_M = 25.0
"""What is farther from it is off the route."""
LEVEL_M = 5.0


@dataclass(frozen=True, eq=False)
class PlacesAlong:
    """M boxes along the route."""

    gap_m: Array
    """[M] from the ego's front bumper to the nearest corner; NOWHERE_M off the route."""
    lateral_m: Array
    """[M] of the middle, left positive; NOWHERE_M off the route."""
    in_lane: NDArray[np.bool_]
    """[M] whether the box reaches into the lane of the route."""


def places_along(path: ReferencePath, front_m: float, center: Array, yaw_rad: Array, half_size_m: Array) -> PlacesAlong:
    """Return the places of boxes with centres [M, 3], headings [M] and half sizes [M, 2], CARLA world frame.

    `front_m` is the station of the ego's front bumper.
    """
    count = len(center)
    first = max(0, int((front_m - BEHIND_M) / STEP_M))
    last = min(len(path.xy), int((front_m + AHEAD_M) / STEP_M) + 1)
    if count == 0 or last - first < 2:
        nowhere = np.full(count, NOWHERE_M)
        return PlacesAlong(nowhere, nowhere.copy(), np.zeros(count, dtype=np.bool_))
    cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
    ahead = np.stack([cosine, sine], axis=1)[:, None] * half_size_m[:, :1, None]
    aside = np.stack([-sine, cosine], axis=1)[:, None] * half_size_m[:, 1:, None]
    signs = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    points = center[:, None, :2] + signs[None, :, :1] * ahead + signs[None, :, 1:] * aside
    flat_station, flat_left, flat_row = _project(path, first, last, points.reshape(-1, 2))
    station, left = flat_station.reshape(count, 5), flat_left.reshape(count, 5)
    row = flat_row.reshape(count, 5)
    begin_m, end_m = path.station_m[first], path.station_m[last - 1]
    middle = station[:, 0]
    # The path's first and last point are nearest to everything that lies before or behind it.
    inside = (middle > begin_m - 1.0) & (middle < end_m + 1.0) & (np.abs(left[:, 0]) < ASIDE_M)
    inside &= np.abs(center[:, 2] - path.z[row[:, 0]]) < LEVEL_M
    half_lane = 0.5 * path.lane_width_m[row]
    corners, room = left[:, 1:], half_lane[:, 1:]
    in_lane = (np.abs(corners) < room).any(1) | ((corners.min(1) < 0.0) & (corners.max(1) > 0.0))
    gap = np.where(inside, station[:, 1:].min(1) - front_m, NOWHERE_M)
    return PlacesAlong(gap, np.where(inside, left[:, 0], NOWHERE_M), inside & in_lane)


def _project(path: ReferencePath, first: int, last: int, points: Array) -> tuple[Array, Array, NDArray[np.int64]]:
    """Stations [K], offsets to the left [K] and rows of the path [K] that points [K, 2] are nearest to."""
    line = path.xy[first:last]
    square = ((points[:, None] - line[None]) ** 2).sum(-1)
    row = first + square.argmin(1)
    off, yaw = points - path.xy[row], path.yaw[row]
    along = off[:, 0] * np.cos(yaw) + off[:, 1] * np.sin(yaw)
    left = off[:, 0] * np.sin(yaw) - off[:, 1] * np.cos(yaw)
    # Between two points of the path the rest counts; before its begin and after its end all of it does.
    ends = (row == first) | (row == last - 1)
    return path.station_m[row] + np.where(ends, along, np.clip(along, -STEP_M, STEP_M)), left, row
