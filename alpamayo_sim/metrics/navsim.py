"""The terms and scores of NAVSIM (PDMS, EPDMS) and of nuPlan's closed-loop score, from a trajectory among others.

Sources: NAVSIM v1.1 and v2 `pdm_scorer`, nuPlan devkit `metrics/evaluators`. A trajectory here is what the ego drove or
would drive: boxes over time in a plane, CARLA's world frame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError

EGO_STOPPED_MPS = 0.05
AGENT_STOPPED_MPS = 5e-3
_BEST_PROGRESS_M = 5.0
_KEEP_LANE_M, _KEEP_LANE_S = 0.5, 2.0
_WRONG_WAY_M = (2.0, 6.0)
_WRONG_WAY_S = 1.0


@dataclass(frozen=True)
class PdmTerms:
    """The terms of NAVSIM v1; each lies in [0, 1]."""

    no_collision: float
    """NC: 1, 0 after an at-fault collision with a road user, 0.5 with an object."""
    drivable_area: float
    """DAC: 1 if all corners stayed on it."""
    time_to_collision: float
    """TTC: 1 if no straight-on collision was 1 s away or less."""
    ego_progress: float
    """EP: progress over the best that is safe."""
    comfort: float
    """C: 1 within all limits of comfort."""

    def __post_init__(self) -> None:
        _check(asdict(self))


@dataclass(frozen=True)
class ExtendedTerms:
    """The terms of NAVSIM v2; each lies in [0, 1]."""

    no_collision: float
    drivable_area: float
    driving_direction: float
    """DDC: 1 below 2 m against the traffic within 1 s, 0.5 up to 6 m, else 0."""
    traffic_lights: float
    """TLC: 1 unless a red light was run."""
    ego_progress: float
    time_to_collision: float
    lane_keeping: float
    """LK: 1 unless more than 0.5 m off the middle of the lane for 2 s, junctions left out."""
    history_comfort: float
    """HC: comfort of the driven past and the plan together."""
    extended_comfort: float
    """EC: 1 if this plan hardly differs from the one before it."""

    def __post_init__(self) -> None:
        _check(asdict(self))


def pdm_score(terms: PdmTerms) -> float:
    """Return NAVSIM v1's PDMS in [0, 1]: NC x DAC x (5 TTC + 5 EP + 2 C) / 12."""
    weighted = 5.0 * terms.time_to_collision + 5.0 * terms.ego_progress + 2.0 * terms.comfort
    return terms.no_collision * terms.drivable_area * weighted / 12.0


def extended_pdm_score(terms: ExtendedTerms, human: ExtendedTerms | None = None) -> float:
    """Return NAVSIM v2's EPDMS in [0, 1]: NC x DAC x DDC x TLC x (5 EP + 5 TTC + 2 LK + 2 HC + 2 EC) / 16.

    A term at which the human log of the scene fails too (it is 0 there) is forgiven: it counts as 1.
    """
    values = asdict(terms)
    for name, value in asdict(human).items() if human is not None else ():
        if value == 0.0:
            values[name] = 1.0
    gates = values["no_collision"] * values["drivable_area"] * values["driving_direction"] * values["traffic_lights"]
    weighted = (
        5.0 * (values["ego_progress"] + values["time_to_collision"])
        + 2.0 * (values["lane_keeping"] + values["history_comfort"] + values["extended_comfort"])
    ) / 16.0
    return gates * weighted


def ego_progress(progress_m: float, best_progress_m: float) -> float:
    """Return EP in [0, 1]: progress over the best safe progress; 1 where that best is 5 m or less."""
    if best_progress_m <= _BEST_PROGRESS_M:
        return 1.0
    return min(max(progress_m / best_progress_m, 0.0), 1.0)


def driving_direction(against_traffic_m: NDArray[np.float64], step_s: float) -> float:
    """Return DDC in {1, 0.5, 0} from the metres driven against the traffic at each step, [steps]."""
    window = max(1, round(_WRONG_WAY_S / step_s))
    sums = np.convolve(against_traffic_m, np.ones(window))
    worst = float(sums.max(initial=0.0))
    return 1.0 if worst < _WRONG_WAY_M[0] else 0.5 if worst < _WRONG_WAY_M[1] else 0.0


def lane_keeping(offset_m: NDArray[np.float64], in_junction: NDArray[np.bool_], step_s: float) -> float:
    """Return LK in {1, 0} from the distance to the lane's middle at each instant, [instants]."""
    limit = round(_KEEP_LANE_S / step_s)
    run = 0
    for is_off in ((np.abs(offset_m) > _KEEP_LANE_M) & ~in_junction).tolist():
        run = run + 1 if is_off else 0
        if run > limit:
            return 0.0
    return 1.0


EXTENDED_COMFORT_LIMITS: Mapping[str, float] = {
    "acceleration_mps2": 0.7,
    "jerk_mps3": 0.5,
    "yaw_rate_radps": 0.1,
    "yaw_acceleration_radps2": 0.1,
}
"""Largest RMS difference between the overlapping parts of two consecutive plans."""


def extended_comfort(now: Mapping[str, NDArray[np.float64]], before: Mapping[str, NDArray[np.float64]]) -> float:
    """Return EC in {1, 0} from the signals of two consecutive plans at the same instants, each [instants]."""
    for name, limit in EXTENDED_COMFORT_LIMITS.items():
        if now[name].shape != before[name].shape or now[name].size == 0:
            raise InputError(f"{name}: two plans are compared at the same instants; found {now[name].shape}")
        if math.sqrt(float(np.mean((now[name] - before[name]) ** 2))) > limit:
            return 0.0
    return 1.0


def _check(values: Mapping[str, float]) -> None:
    wrong = {name: value for name, value in values.items() if not 0.0 <= value <= 1.0}
    if wrong:
        raise InputError(f"terms lie between 0 and 1; found {wrong}")
