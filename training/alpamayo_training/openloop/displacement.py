"""How far plans are from what was driven.

Conventions, stated since figures of different ones are not comparable. Distances are in the plane, averaged over the points at
0.1 s to the horizon. minADE_6 takes, of six samples, the one that is nearest over the whole 6.4 s, once; shorter horizons are
read off that same sample. `repicked` chooses anew for every horizon and is always lower or equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.plan import PLAN_STEP_S

Array = NDArray[np.float64]
HORIZONS_S = (1.0, 3.0, 5.0, 6.4)
BOX_LENGTH_M, BOX_WIDTH_M = 4.0, 3.0
"""Of the box whose corners are compared, as in Alpamayo's recipes (4.0, 3.0, 2.0); its height drops out."""
_STANDING_M = 0.05


@dataclass(frozen=True)
class Displacement:
    """Of K samples at one moment, metres."""

    nearest: int
    """The sample that is nearest over the whole horizon."""
    ade_m: float
    """Mean over the samples."""
    min_ade_m: dict[float, float]
    """By horizon, of the nearest sample."""
    repicked_m: dict[float, float]
    """By horizon, of the sample that is nearest up to it."""
    final_m: float
    """Of the nearest sample at the last point."""
    corner_m: float
    """Mean distance of the box's corners of the sample for which it is smallest."""


def displacement(
    plans_xy: Array, heading_rad: Array, truth_xy: Array, horizons_s: Sequence[float] = HORIZONS_S
) -> Displacement:
    """Return the errors of plans [K, points, 2] with headings [K, points] against [points, 2]; InputError for other shapes."""
    if plans_xy.ndim != 3 or truth_xy.shape != plans_xy.shape[1:] or heading_rad.shape != plans_xy.shape[:2]:
        raise InputError(
            "expected plans [samples, points, 2], headings [samples, points] and truth [points, 2]; found "
            f"{plans_xy.shape}, {heading_rad.shape}, {truth_xy.shape}"
        )
    if not (np.isfinite(plans_xy).all() and np.isfinite(truth_xy).all()):
        raise InputError("plans and truth are finite numbers; found NaN or infinity")
    distance = np.linalg.norm(plans_xy - truth_xy, axis=2)
    means = distance.mean(1)
    nearest = int(means.argmin())
    ends = {horizon: min(round(horizon / PLAN_STEP_S), distance.shape[1]) for horizon in horizons_s}
    own = corners(plans_xy, heading_rad)
    true = corners(truth_xy[None], headings(truth_xy)[None])
    return Displacement(
        nearest,
        float(means.mean()),
        {horizon: float(distance[nearest, :end].mean()) for horizon, end in ends.items()},
        {horizon: float(distance[:, :end].mean(1).min()) for horizon, end in ends.items()},
        float(distance[nearest, -1]),
        float(np.linalg.norm(own - true, axis=3).mean((1, 2)).min()),
    )


def corners(xy: Array, heading_rad: Array) -> Array:
    """Return the corners [K, points, 4, 2] of boxes at positions [K, points, 2] with headings [K, points]."""
    half = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) * np.array([BOX_LENGTH_M / 2.0, BOX_WIDTH_M / 2.0])
    cosine, sine = np.cos(heading_rad)[..., None], np.sin(heading_rad)[..., None]
    turned = np.stack([half[:, 0] * cosine - half[:, 1] * sine, half[:, 0] * sine + half[:, 1] * cosine], axis=-1)
    return xy[..., None, :] + turned


def headings(xy: Array) -> Array:
    """Return the headings [points] of a path [points, 2] that begins at the origin ahead; one that stands keeps its own."""
    steps = np.diff(xy, axis=0, prepend=np.zeros((1, 2)))
    found = np.zeros(len(xy))
    last = 0.0
    for row, step in enumerate(steps):
        if np.hypot(*step) >= _STANDING_M:
            last = float(np.arctan2(step[1], step[0]))
        found[row] = last
    return found


def constant_velocity(speed_mps: float, points: int) -> Array:
    """Return the path [points, 2] straight ahead at a speed: the baseline that looks at nothing."""
    path = np.zeros((points, 2))
    path[:, 0] = speed_mps * PLAN_STEP_S * np.arange(1, points + 1)
    return path
