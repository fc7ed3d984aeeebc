"""How good and how comfortable plans are: displacement against what was driven afterwards, and the plan's own motion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import rig_to_world
from alpamayo_sim.metrics.smoothness import LIMITS, Motion, comfort_signals
from alpamayo_sim.policy.plan import PLAN_STEP_S, Plan

HORIZONS_S = (0.5, 1.0, 2.5, 5.0)
"""AlpaSim's horizons."""


def min_ade(samples: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Return the smallest average displacement error of several sampled trajectories, metres.

    `samples` is [samples, points, 2 or 3] and `truth` [points, 2 or 3] at the same instants and in the same frame.
    Raises InputError for other shapes, no sample, no point, or a value that is not finite.
    """
    if samples.ndim != 3 or truth.ndim != 2 or samples.shape[1:] != truth.shape or 0 in samples.shape:
        raise InputError(
            f"minADE compares [samples, points, axes] with [points, axes]; found {samples.shape} and {truth.shape}"
        )
    if not (np.isfinite(samples).all() and np.isfinite(truth).all()):
        raise InputError("minADE needs finite positions; found NaN or infinity")
    return float(np.linalg.norm(samples - truth, axis=2).mean(axis=1).min())


@dataclass(frozen=True)
class DrivenPath:
    """Where the ego's rig was, over time."""

    time_s: NDArray[np.float64]
    """[instants], rising."""
    xy: NDArray[np.float64]
    """[instants, 2] metres in the CARLA world frame."""

    def at(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the positions [instants, 2] at given times, linear between the known ones."""
        return np.stack([np.interp(time_s, self.time_s, self.xy[:, axis]) for axis in range(2)], axis=-1)


def plan_min_ade(
    plans: Sequence[Plan], driven: DrivenPath, horizons_s: Sequence[float] = HORIZONS_S
) -> Mapping[float, float]:
    """Return minADE by horizon, metres in the plane, of plans that were all made for the same instant.

    A horizon h averages over the plan's points at t0 + 0.1 s up to t0 + h; one that reaches beyond the end of the
    drive is left out. Raises InputError for no plan, plans of different instants, or a horizon below 0.1 s.
    """
    if not plans or len({plan.t0_s for plan in plans}) != 1:
        raise InputError(f"expected one or more plans of one instant; found t0 = {sorted({p.t0_s for p in plans})}")
    if min(horizons_s, default=PLAN_STEP_S) < PLAN_STEP_S:
        raise InputError(f"horizons are {PLAN_STEP_S} s or more; found {min(horizons_s)}")
    world = np.stack([rig_to_world(plan.rig_pose_t0, plan.waypoints_rig)[:, :2] for plan in plans])
    times_s = plans[0].t0_s + PLAN_STEP_S * np.arange(1, world.shape[1] + 1)
    errors: dict[float, float] = {}
    for horizon_s in horizons_s:
        points = min(round(horizon_s / PLAN_STEP_S), world.shape[1])
        if times_s[points - 1] <= driven.time_s[-1] + 1e-9:
            errors[horizon_s] = min_ade(world[:, :points], driven.at(times_s[:points]))
    return errors


def mean_min_ade(
    plans: Iterable[Plan], driven: DrivenPath, horizons_s: Sequence[float] = HORIZONS_S
) -> Mapping[float, float]:
    """Return minADE by horizon over an episode: the mean over the instants at which plans were made.

    Plans of the same instant are samples of one policy, of which the best counts. Horizons that no instant reaches are
    left out.
    """
    by_instant: dict[float, list[Plan]] = {}
    for plan in plans:
        by_instant.setdefault(plan.t0_s, []).append(plan)
    rows = [plan_min_ade(samples, driven, horizons_s) for samples in by_instant.values()]
    means: dict[float, float] = {}
    for horizon_s in horizons_s:
        known = [row[horizon_s] for row in rows if horizon_s in row]
        if known:
            means[horizon_s] = sum(known) / len(known)
    return means


def plan_motion(plan: Plan) -> Motion:
    """Return the motion that a plan asks for, by differences of its waypoints; yaw follows the direction of travel.

    The frame's x is forward and y is left at t0, turned into CARLA's left-handed one. A plan that stands keeps the
    heading of its last movement.
    """
    xy = np.vstack([np.zeros(2), plan.waypoints_rig[:, :2]]) * np.array([1.0, -1.0])
    steps = np.diff(xy, axis=0)
    velocity = steps / PLAN_STEP_S
    yaw = _headings(steps)
    acceleration = np.gradient(velocity, PLAN_STEP_S, axis=0)
    forward = np.stack([np.cos(yaw), np.sin(yaw)], axis=-1)
    right = np.stack([-np.sin(yaw), np.cos(yaw)], axis=-1)
    return Motion(acceleration, np.degrees(np.gradient(yaw, PLAN_STEP_S)), forward, right, PLAN_STEP_S)


def plan_comfort(plan: Plan) -> Mapping[str, bool]:
    """Return for each of the six limits of comfort whether the plan stays within it all the time."""
    signals = comfort_signals(plan_motion(plan))
    return {name: bool(np.all((signals[name] > low) & (signals[name] < high))) for name, (low, high) in LIMITS.items()}


_MOVED_M = 1e-3


def _headings(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    moved = np.linalg.norm(steps, axis=1) > _MOVED_M
    headings = np.arctan2(steps[:, 1], steps[:, 0])
    last, held = 0.0, np.empty(len(steps))
    for index, (heading, is_moving) in enumerate(zip(headings.tolist(), moved.tolist(), strict=True)):
        last = heading if is_moving else last
        held[index] = last
    return np.unwrap(held)
