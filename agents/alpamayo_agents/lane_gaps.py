"""Gaps between those who drive in the lane beside: whether the ego is beside one, and how fast it gets there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.surroundings import Neighbours

Array = NDArray[np.float64]

MIDDLE_M = 1.4
"""How far ahead of its rear axle the ego's middle is."""
IN_LANE_M = 1.6
BESIDE_M = 7.5
"""Between the ego's middle and that of somebody in the lane beside."""
REACH_M, LEAST_GAP_M = 40.0, 17.0
"""Gaps count if they are so near and their vehicles' middles at least so far apart."""
KEEP_BEFORE_M, KEEP_BEHIND_M = 13.0, 9.0
"""In a gap the ego wants to be so far before the one and behind the other, or has the gap divided in this proportion."""
TO_GAP_PER_S, SLOWEST_MPS = 0.5, 3.0
"""How eagerly the ego draws level with a gap, and how slowly it drives for it at least."""
SOON_S, MOST_MPS2 = 1.0, 4.0
"""Who speeds up is taken to do so for so long, at most so hard."""
CATCHING_UP_MPS2, BRAKING_MPS2 = 1.5, 2.5
"""How the ego takes on the speed of those behind and before the gap."""
SAME_WAY_COS = 0.85
BEHIND_M = -0.5
"""Whose front bumper is behind this place, seen from the ego's middle, follows."""


@dataclass(frozen=True)
class Beside:
    """Where everybody is as seen from a place on a lane, metres ahead and to the right of it; [M] each."""

    along_m: Array
    right_m: Array
    speed_mps: Array
    soon_mps: Array
    """The speed that those who speed up will have soon."""

    @staticmethod
    def of(neighbours: Neighbours, rear_axle: Array, yaw_rad: float) -> Beside:
        """Return everybody as seen from the ego's middle, given its rear axle's place [2] and a heading."""
        off = neighbours.center[:, :2] - rear_axle - MIDDLE_M * np.array([np.cos(yaw_rad), np.sin(yaw_rad)])
        along = off[:, 0] * np.cos(yaw_rad) + off[:, 1] * np.sin(yaw_rad)
        right = off[:, 1] * np.cos(yaw_rad) - off[:, 0] * np.sin(yaw_rad)
        speed = neighbours.speed_mps
        soon = speed + SOON_S * np.clip(neighbours.acceleration_mps2, 0.0, MOST_MPS2)
        return Beside(along, right, speed, soon)

    def in_lane(self, offset_right_m: float) -> NDArray[np.bool_]:
        """Return [M] who is in the lane that lies so far to the right."""
        return np.abs(self.right_m - offset_right_m) < IN_LANE_M


def is_free(beside: Beside, offset_right_m: float, speed_mps: float, longest_s: float) -> bool:
    """Whether the ego, that takes at most so long to change its lane, would come too near to nobody in the lane beside."""
    near = beside.in_lane(offset_right_m)
    faster = np.maximum(0.0, beside.soon_mps - speed_mps)
    slower = np.maximum(0.0, speed_mps - beside.speed_mps)
    behind = BESIDE_M + np.minimum(faster * longest_s, faster**2 / (2.0 * CATCHING_UP_MPS2))
    before = BESIDE_M + np.minimum(slower * longest_s, slower**2 / (2.0 * BRAKING_MPS2))
    return not bool((near & (beside.along_m > -behind) & (beside.along_m < before)).any())


def speed_to_gap(beside: Beside, offsets_right_m: list[float], speed_mps: float) -> float | None:
    """Return the speed at which the ego gets beside the nearest gap in the lanes beside, None where there are no lanes."""
    nearest, wanted = REACH_M, speed_mps if offsets_right_m else None
    for offset in offsets_right_m:
        rows = np.flatnonzero(beside.in_lane(offset))
        rows = rows[np.argsort(beside.along_m[rows])]
        ends = [-np.inf, *beside.along_m[rows], np.inf]
        for index, (low, high) in enumerate(zip(ends, ends[1:], strict=False)):
            bounding = beside.speed_mps[rows[max(0, index - 1) : index + 1]]
            if high - low < LEAST_GAP_M or len(bounding) == 0:
                continue
            share = min(1.0, (high - low) / (KEEP_BEFORE_M + KEEP_BEHIND_M))
            away = min(max(0.0, low + share * KEEP_BEFORE_M), high - share * KEEP_BEHIND_M)
            if abs(away) < nearest:
                nearest, wanted = abs(away), max(SLOWEST_MPS, float(bounding.mean()) + TO_GAP_PER_S * away)
    return wanted


def followers(neighbours: Neighbours, beside: Beside, yaw_rad: float) -> NDArray[np.bool_]:
    """Return [M] who drives behind the ego the same way, in its lane or one beside."""
    same_way = np.cos(neighbours.yaw - yaw_rad) > SAME_WAY_COS
    behind = beside.along_m + neighbours.half_size_m[:, 0] < BEHIND_M
    return same_way & behind & (neighbours.speed_mps > 0.3) & ~neighbours.is_walker
