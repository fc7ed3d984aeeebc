"""Past motion and future actions as bins of the trajectory vocabulary, with the published ranges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError

Array = NDArray[np.float64]
HISTORY_BINS = 1000
HISTORY_REACH_M = np.array([4.0, 4.0, 10.0])
"""A displacement of 0.1 s lies between minus and plus this, along x, y and z."""
FUTURE_BINS = 3000
FUTURE_REACH = 10.0
"""A normalised acceleration or curvature lies between minus and plus this."""


def history_bins(history_xyz_rig: Array) -> NDArray[np.int64]:
    """Return the bins [48] of past positions [16, 3]: displacements from one to the next, the first from the origin.

    Rounded to the nearest bin, halves to the even one; displacements out of range take the outermost.
    """
    steps = np.diff(history_xyz_rig, axis=0, prepend=np.zeros((1, 3)))
    scaled = (steps + HISTORY_REACH_M) / (2.0 * HISTORY_REACH_M) * (HISTORY_BINS - 1)
    return np.clip(np.rint(scaled), 0, HISTORY_BINS - 1).astype(np.int64).reshape(-1)


def history_positions(bins: NDArray[np.integer]) -> Array:
    """Return the positions [16, 3] that bins [48] stand for."""
    steps = np.asarray(bins, dtype=np.float64).reshape(-1, 3) / (HISTORY_BINS - 1)
    return np.cumsum(steps * 2.0 * HISTORY_REACH_M - HISTORY_REACH_M, axis=0)


def action_bins(actions: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the bins [..., 2 W] of normalised actions [..., W, 2]: acceleration before curvature, waypoint by waypoint."""
    if actions.shape[-1] != 2:
        raise InputError(f"an action is an acceleration and a curvature [..., 2]; found {list(actions.shape)}")
    scaled = (np.asarray(actions, dtype=np.float64) + FUTURE_REACH) / (2.0 * FUTURE_REACH) * (FUTURE_BINS - 1)
    return np.clip(np.rint(scaled), 0, FUTURE_BINS - 1).astype(np.int64).reshape(*actions.shape[:-2], -1)


def actions_of_bins(bins: NDArray[np.integer]) -> Array:
    """Return the normalised actions [..., W, 2] that bins [..., 2 W] stand for."""
    values = np.asarray(bins, dtype=np.float64) / (FUTURE_BINS - 1) * 2.0 * FUTURE_REACH - FUTURE_REACH
    return values.reshape(*bins.shape[:-1], -1, 2)
