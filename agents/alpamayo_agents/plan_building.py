"""Plans from a path and a speed profile."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.ego import EgoState
from alpamayo_agents.reference_path import ReferencePath
from alpamayo_sim.frames import world_to_rig
from alpamayo_sim.policy.plan import Plan

Array = NDArray[np.float64]


def converge(path: ReferencePath, state: EgoState, station_m: float, travelled_m: Array) -> tuple[Array, Array, Array]:
    """Return xy [N, 2], z [N] and yaw in radians [N] of the rear axle after `travelled_m` [N] along the path.

    Where the ego stands beside the path or points off it, the way starts at the ego and closes in like a critically damped
    oscillator.
    """
    here, z_here, yaw = path.pose(np.array(station_m))
    off = np.array([state.rig_pose.x, state.rig_pose.y]) - here
    lateral = float(off[1] * np.cos(yaw) - off[0] * np.sin(yaw))
    slope = math.tan(max(-1.0, min(1.0, math.remainder(state.yaw_rad - float(yaw), 2.0 * math.pi))))
    scale = max(2.5, 0.6 * state.speed_mps)
    along, z, yaws = path.pose(station_m + travelled_m)
    decay = np.exp(-travelled_m / scale)
    rate = slope + lateral / scale
    rest = (lateral + rate * travelled_m) * decay
    xy = np.stack([along[:, 0] - rest * np.sin(yaws), along[:, 1] + rest * np.cos(yaws)], axis=1)
    heading = yaws + np.arctan(rate * decay - rest / scale)
    return xy, state.rig_pose.z + (z - z_here), heading


def build_plan(
    path: ReferencePath,
    state: EgoState,
    station_m: float,
    travelled_m: Array,
    *,
    reasoning: str = "",
    decisions: Mapping[str, str] | None = None,
) -> Plan:
    """Return the plan of driving `travelled_m` [64] along the path from `station_m` on."""
    xy, z, _ = converge(path, state, station_m, travelled_m)
    return Plan(
        waypoints_rig=world_to_rig(state.rig_pose, np.concatenate([xy, z[:, None]], axis=1)),
        t0_s=state.time_s,
        rig_pose_t0=state.rig_pose,
        reasoning=reasoning,
        decisions=dict(decisions or {}),
    )
