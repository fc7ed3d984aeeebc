"""What a plan of waypoints decides, in the names of meta-actions: for models, which hand out waypoints and words only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.policy.meta_actions import lateral_action, longitudinal_action
from alpamayo_sim.policy.plan import PLAN_STEP_S

Array = NDArray[np.float64]
AHEAD_S = 3.0
"""What happens later is left to later plans."""
_STANDING_M = 0.02
"""A step shorter than this has no heading of its own."""


def plan_decisions(waypoints_rig: Array) -> dict[str, str]:
    """Return {"longitudinal": ..., "lateral": ...} of the first 3 s of waypoints [64, 3] in the rig frame, by `meta_actions`.

    Speeds are signed along the heading, so that a plan that leads backwards is called so.
    """
    speeds, headings = speeds_and_headings(waypoints_rig[: round(AHEAD_S / PLAN_STEP_S)])
    return {
        "longitudinal": longitudinal_action(speeds, PLAN_STEP_S),
        "lateral": lateral_action(speeds, headings, PLAN_STEP_S),
    }


def speeds_and_headings(waypoints_rig: Array) -> tuple[Array, Array]:
    """Return signed speeds [N] in m/s and headings [N] in radians of the steps to waypoints [N, 3] from the origin.

    A step against the heading so far is one backwards; one that is too short keeps the heading before it.
    """
    steps = np.diff(np.concatenate([np.zeros((1, 2)), waypoints_rig[:, :2]]), axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    speeds, headings = np.zeros(len(steps)), np.zeros(len(steps))
    heading = 0.0
    for row, (step, length) in enumerate(zip(steps, lengths, strict=True)):
        forward = step[0] * np.cos(heading) + step[1] * np.sin(heading) >= 0.0
        if length >= _STANDING_M:
            heading = float(np.arctan2(step[1], step[0])) if forward else float(np.arctan2(-step[1], -step[0]))
        headings[row] = heading
        speeds[row] = (length if forward else -length) / PLAN_STEP_S
    return speeds, headings
