"""Accelerations and curvatures as waypoints: the unicycle of Alpamayo's action space."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STEP_S = 0.1
SPEED_SMOOTHING = 1e-6
SPEED_RIDGE = 1e-4


def denormalise(actions: NDArray[np.floating], statistics: Mapping[str, float]) -> tuple[Array, Array]:
    """Return accelerations (m/s^2) and curvatures (1/m) [...] of normalised actions [..., 2]."""
    wide = np.asarray(actions, dtype=np.float64)
    acceleration = wide[..., 0] * statistics["accel_std"] + statistics["accel_mean"]
    return acceleration, wide[..., 1] * statistics["curvature_std"] + statistics["curvature_mean"]


def drive(acceleration_mps2: Array, curvature_per_m: Array, speed_mps: float | Array) -> Array:
    """Return waypoints [..., W, 3] (x, y, heading) in the rig frame at t0 of a car at `speed_mps` [...] then.

    v' = v + a dt; heading' = heading + k v dt + k a dt^2 / 2; positions by the trapezoid rule (Alpamayo-R1, equation 5).
    """
    start = np.broadcast_to(np.asarray(speed_mps, dtype=np.float64), acceleration_mps2.shape[:-1])[..., None]
    after = start + np.cumsum(acceleration_mps2, -1) * STEP_S
    speed = np.concatenate([start, after], -1)
    before = speed[..., :-1]
    turn = curvature_per_m * (before * STEP_S + 0.5 * acceleration_mps2 * STEP_S**2)
    heading = np.concatenate([np.zeros_like(start), np.cumsum(turn, -1)], -1)
    x, y = (0.5 * STEP_S * _sums(speed * wave(heading)) for wave in (np.cos, np.sin))
    return np.stack([x, y, heading[..., 1:]], -1)


def speed_now(history_xyz_rig: Array, history_rotation_rig: Array) -> float:
    """Return the speed in m/s at the end of a history [16, 3], [16, 3, 3] with 0.1 s between its points.

    Least squares of v_t u_t + v_{t+1} u_{t+1} = 2 (p_{t+1} - p_t) / dt for the directions u of the headings, with the published
    ridge and third-order smoothing (`UnicycleAccelCurvatureActionSpace`).
    """
    heading = np.unwrap(np.arctan2(history_rotation_rig[:, 1, 0], history_rotation_rig[:, 0, 0]))
    directions = np.stack([np.cos(heading), np.sin(heading)], axis=-1)
    points = len(heading)
    rows = np.zeros((points - 1, 2, points))
    here = np.arange(points - 1)
    rows[here, :, here] = directions[:-1]
    rows[here, :, here + 1] = directions[1:]
    system = rows.reshape(-1, points)
    wanted = (2.0 / STEP_S * np.diff(history_xyz_rig[:, :2], axis=0)).reshape(-1)
    third = np.diff(np.eye(points), n=3, axis=0)
    normal = system.T @ system + SPEED_SMOOTHING / STEP_S**6 * third.T @ third + SPEED_RIDGE * np.eye(points)
    return float(np.linalg.solve(normal, system.T @ wanted)[-1])


def waypoints(
    actions: NDArray[np.floating], statistics: Mapping[str, float], history_xyz_rig: Array, history_rotation_rig: Array
) -> Array:
    """Return the waypoints [..., W, 3] (x, y, z) in the rig frame at t0 of normalised actions [..., W, 2] after a history.

    The height is the last one of the history, as in the published model.
    """
    points = drive(*denormalise(actions, statistics), speed_now(history_xyz_rig, history_rotation_rig))
    points[..., 2] = history_xyz_rig[-1, 2]
    return points


def _sums(values: Array) -> Array:
    return np.cumsum(values[..., :-1] + values[..., 1:], -1)
