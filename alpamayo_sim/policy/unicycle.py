"""Accelerations and curvatures as waypoints: the unicycle of Alpamayo's action space."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STEP_S = 0.1


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


def _sums(values: Array) -> Array:
    return np.cumsum(values[..., :-1] + values[..., 1:], -1)
