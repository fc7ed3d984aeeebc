"""What a route asks for next, in the words that Alpamayo 1.5 reads ("Turn right in 30m") and as points ahead of the car."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform, world_to_rig

TURNS = {1: "Turn left", 2: "Turn right", 3: "Go straight"}
"""By the number of the manoeuvre in CARLA's `RoadOption` (LEFT, RIGHT, STRAIGHT): what is asked of a car at a junction."""
ROUNDING_M = 10.0
REACH_M = 100.0
"""A manoeuvre further away is not yet spoken of."""
POINT_SPACING_M = 5.0
"""Along the route, from one point ahead to the next."""


def navigation_text(road_option: int, distance_m: float) -> str:
    """Return the words for a manoeuvre so many metres ahead, to the nearest ten; InputError for a manoeuvre without words."""
    if road_option not in TURNS:
        raise InputError(f"manoeuvres with words are {TURNS}; found {road_option}")
    return f"{TURNS[road_option]} in {ROUNDING_M * math.floor(max(distance_m, 0.0) / ROUNDING_M + 0.5):.0f}m"


def navigation_ahead(arc_length_m: NDArray[np.float64], road_option: NDArray[np.integer], along_m: float) -> str | None:
    """Return the words for the next manoeuvre of a route within REACH_M, None if there is none; 0 m while it is driven.

    `arc_length_m` [N] and `road_option` [N] are the route's points, `along_m` how far along it the rear axle is.
    """
    ahead = (arc_length_m >= along_m) & (arc_length_m <= along_m + REACH_M) & np.isin(road_option, list(TURNS))
    if not ahead.any():
        return None
    first = int(np.argmax(ahead))
    return navigation_text(int(road_option[first]), float(arc_length_m[first]) - along_m)


def route_ahead(
    points_world: NDArray[np.float64], arc_length_m: NDArray[np.float64], along_m: float, rig_pose: Transform
) -> NDArray[np.float64]:
    """Return the route's points [N, 3] in the rig frame, metres: 5, 10, ..., 100 m farther along, fewer before its end.

    `points_world` [M, 3] and `arc_length_m` [M] are the route in the CARLA world frame, `along_m` how far along it the rear axle
    is, `rig_pose` where the rig is.
    """
    wanted = along_m + POINT_SPACING_M * np.arange(1, round(REACH_M / POINT_SPACING_M) + 1)
    wanted = wanted[wanted <= arc_length_m[-1]]
    ahead = np.stack([np.interp(wanted, arc_length_m, points_world[:, axis]) for axis in range(3)], axis=-1)
    return world_to_rig(rig_pose, ahead)
