"""The lane before the ego: one centre line up to where it branches or a junction begins, and the branches behind that."""

from __future__ import annotations

from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STEP_M = 2.0
MOST_BRANCHES = 6


@dataclass(frozen=True)
class LaneAhead:
    """Where the ego's lane leads. Lines are [N, 3] in the CARLA world frame, about 2 m from point to point."""

    waypoints: tuple[carla.Waypoint, ...]
    """Of the trunk, the first one under the ego."""
    trunk: Array
    branches: tuple[Array, ...]
    """Every way on from the trunk's end, each beginning with the trunk's last point."""

    @property
    def width_m(self) -> float:
        """Width of the lane at the ego."""
        return float(self.waypoints[0].lane_width)

    @property
    def end(self) -> carla.Waypoint:
        """The last waypoint of the trunk."""
        return self.waypoints[-1]

    @property
    def length_m(self) -> float:
        """Length of the trunk."""
        return float(np.linalg.norm(np.diff(self.trunk, axis=0), axis=1).sum())


def look_ahead(waypoint: carla.Waypoint, reach_m: float) -> LaneAhead:
    """Return the lane that begins at `waypoint`, followed for `reach_m` metres at most."""
    trunk = [waypoint]
    following: list[carla.Waypoint] = []
    while len(trunk) * STEP_M < reach_m:
        following = list(trunk[-1].next(STEP_M))
        if len(following) != 1 or (following[0].is_junction and not waypoint.is_junction):
            break
        trunk.append(following[0])
        following = []
    left_m = reach_m - len(trunk) * STEP_M
    branches = [np.vstack([_point(trunk[-1]), line]) for first in following for line in _lines(first, left_m)]
    line = np.array([_point(w) for w in trunk])
    if len(line) == 1:
        forward = waypoint.transform.get_forward_vector()
        line = np.vstack([line, line[0] + 0.5 * np.array([forward.x, forward.y, forward.z])])
    return LaneAhead(tuple(trunk), line, tuple(branches[:MOST_BRANCHES]))


def _point(waypoint: carla.Waypoint) -> Array:
    location = waypoint.transform.location
    return np.array([location.x, location.y, location.z])


def _lines(first: carla.Waypoint, left_m: float) -> list[Array]:
    """Return the lines from `first` on, one per way to go, two ways at most at each further branching."""
    lines: list[Array] = []
    open_ends = [([first], left_m)]
    while open_ends and len(lines) < MOST_BRANCHES:
        line, rest_m = open_ends.pop()
        following = list(line[-1].next(STEP_M)) if rest_m > 0.0 else []
        if not following:
            lines.append(np.array([_point(w) for w in line]))
        for one in following[:2]:
            open_ends.append(([*line, one], rest_m - STEP_M))
    return lines


def station(line: Array, points: Array) -> tuple[Array, Array]:
    """Return how far along a line [N, 3] points [M, 3] lie and how far beside it, left positive (as driven), both [M].

    What lies before the line's first point has a negative station, what lies behind its last one a station beyond its length.
    """
    if len(line) < 2:
        return np.full(len(points), np.nan), np.full(len(points), np.nan)
    start, along = line[:-1, :2], np.diff(line[:, :2], axis=0)
    length = np.maximum(np.linalg.norm(along, axis=1), 1e-6)
    unit = along / length[:, None]
    offset = points[:, None, :2] - start[None]
    s = (offset * unit[None]).sum(-1)
    left = offset[..., 0] * unit[None, :, 1] - offset[..., 1] * unit[None, :, 0]
    low = np.zeros(len(length))
    high = length.copy()
    low[0], high[-1] = -np.inf, np.inf
    outside = np.maximum(np.maximum(low - s, s - high), 0.0)
    nearest = np.argmin(np.hypot(outside, left), axis=1)
    row = np.arange(len(points))
    before = np.concatenate([[0.0], np.cumsum(length)[:-1]])
    return before[nearest] + np.clip(s, low, high)[row, nearest], left[row, nearest]


def at_station(line: Array, along_m: float) -> tuple[Array, float]:
    """Return the point [3] of a line at a station, and the line's yaw there in CARLA's degrees."""
    length = np.linalg.norm(np.diff(line[:, :2], axis=0), axis=1)
    before = np.concatenate([[0.0], np.cumsum(length)])
    k = int(np.clip(np.searchsorted(before, along_m, side="right") - 1, 0, len(length) - 1))
    share = (along_m - before[k]) / max(float(length[k]), 1e-6)
    step = line[k + 1] - line[k]
    return line[k] + share * step, float(np.degrees(np.arctan2(step[1], step[0])))
