"""Whether a stretch of the oncoming lane stays free for long enough to be driven."""

from __future__ import annotations

import numpy as np

from alpamayo_agents.reference_path import STEP_M, ReferencePath
from alpamayo_agents.speed_profile import SpeedProfile
from alpamayo_agents.surroundings import Neighbours
from alpamayo_sim.policy.plan import PLAN_POINTS, PLAN_STEP_S

SIGHT_M = 130.0
LEAST_MPS = 4.0
"""Least speed at which the rest of a long stretch is expected to be passed."""
HASTE = 0.85
"""Share of the time of an ordinary start that the ego needs when it hurries past."""
MARGIN_S, MARGIN_M = 0.8, 6.0
FACING_COS = -0.5
BESIDE_M = 1.0
"""How far beyond the oncoming lane's far edge the middle of somebody who counts may be."""
ABOUT_TO_START_S = 8.0
"""Who has not stood for longer is expected to start at once."""
STARTED_MPS, STARTING_MPS2 = 8.0, 3.0


def duration_s(length_m: float, profile: SpeedProfile) -> float:
    """Return how long the ego takes for a stretch that begins where it is, were it to hurry along a profile."""
    reached = np.flatnonzero(profile.travelled_m >= length_m)
    if len(reached):
        return HASTE * float(reached[0] + 1) * PLAN_STEP_S
    left = length_m - float(profile.travelled_m[-1])
    return PLAN_POINTS * PLAN_STEP_S + left / max(LEAST_MPS, float(profile.speed_mps[-1]))


def somebody_comes(
    path: ReferencePath, station_m: float, length_m: float, taking_s: float, neighbours: Neighbours
) -> bool:
    """Whether a vehicle would come the other way along the path before the ego has left the next `length_m` of it."""
    time = taking_s + MARGIN_S
    waiting = neighbours.speed_mps < STARTED_MPS
    counts = ~neighbours.is_walker & ((neighbours.speed_mps > 0.3) | (neighbours.standing_s < ABOUT_TO_START_S))
    for row in np.flatnonzero(counts):
        at = path.project(neighbours.center[row, :2], station_m, ahead_m=SIGHT_M)
        here, _, yaw = path.pose(np.array(at))
        if np.cos(neighbours.yaw[row] - float(yaw)) > FACING_COS:
            continue
        off = neighbours.center[row, :2] - here
        along = float(off[0] * np.cos(yaw) + off[1] * np.sin(yaw))
        right = float(off[1] * np.cos(yaw) - off[0] * np.sin(yaw)) + float(path.offset_right_m(np.array([at]))[0])
        width = float(path.lane_width_m[min(len(path.lane_width_m) - 1, int(at / STEP_M))])
        if (abs(along) > 2.0 and at < path.length_m - 1.0) or right < -1.5 * width - BESIDE_M or right > 0.5 * width:
            continue
        ahead = at + max(0.0, along) - station_m
        speed = max(0.0, float(neighbours.speed_mps[row]))
        comes = speed * time
        if waiting[row]:
            speeding = min(time, (STARTED_MPS - speed) / STARTING_MPS2)
            comes += 0.5 * STARTING_MPS2 * speeding**2 + (STARTED_MPS - speed) * max(0.0, time - speeding)
        if -2.0 < ahead < length_m + comes + MARGIN_M:
            return True
    return False
