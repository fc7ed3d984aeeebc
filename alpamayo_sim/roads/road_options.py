"""Road options: what a route asks of its driver at each of its points, with CARLA's numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STRAIGHT_WITHIN_RAD = math.radians(35.0)
"""A junction is crossed straight ahead when the heading changes by less (the threshold of CARLA's route planner)."""


class RoadOption(IntEnum):
    """The manoeuvre at a route point (numbers of CARLA's `agents.navigation.local_planner.RoadOption`)."""

    VOID = -1
    LEFT = 1
    RIGHT = 2
    STRAIGHT = 3
    LANEFOLLOW = 4
    CHANGELANELEFT = 5
    CHANGELANERIGHT = 6


def _cross(a: Array, b: Array) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


def turn_option(heading_in: Array, heading_out: Array, other_directions: Sequence[Array]) -> RoadOption:
    """Return LEFT, RIGHT or STRAIGHT for one way through a junction.

    `heading_in` and `heading_out` [2] are unit headings where the junction is entered and left, `other_directions` the unit
    vectors [2] from start to end of the other ways out of the same lane; all in the CARLA world frame (y to the right).
    """
    turned = math.acos(max(-1.0, min(1.0, float(heading_in @ heading_out))))
    if turned < STRAIGHT_WITHIN_RAD:
        return RoadOption.STRAIGHT
    side = _cross(heading_in, heading_out)
    others = [_cross(heading_in, other) for other in other_directions] or [0.0]
    if side < min(others):
        return RoadOption.LEFT
    if side > max(others):
        return RoadOption.RIGHT
    return RoadOption.LEFT if side < 0.0 else RoadOption.RIGHT
