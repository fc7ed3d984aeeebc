"""Bench2Drive's driving smoothness ("comfortness"), as its tool computes it and in the units that its limits have.

Sources: Bench2Drive v0.0.4, `tools/efficiency_smoothness_benchmark.py`; the limits and the filter are nuPlan's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import savgol_filter

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.tick import TickRecord

CHUNK_SAMPLES = 20
_WINDOW = 7
_ORDER = 2
_TOOL_STEP_S = 0.1
"""The tool's step, whatever the data's (Bench2Drive logs every 0.05 s)."""

LIMITS: Mapping[str, tuple[float, float]] = {
    "longitudinal_acceleration_mps2": (-4.05, 2.40),
    "lateral_acceleration_mps2": (-4.89, 4.89),
    "jerk_mps3": (-8.37, 8.37),
    "longitudinal_jerk_mps3": (-4.13, 4.13),
    "yaw_acceleration_radps2": (-1.93, 1.93),
    "yaw_rate_radps": (-0.95, 0.95),
}
"""The six limits of comfort, exclusive."""


@dataclass(frozen=True)
class Motion:
    """How the ego moved, one sample per tick; the world frame is CARLA's."""

    acceleration_mps2: NDArray[np.float64]
    """[samples, 2] in the world's x and y."""
    yaw_rate_dps: NDArray[np.float64]
    """[samples] degrees per second, as CARLA gives it."""
    forward: NDArray[np.float64]
    """[samples, 2] the ego's forward vector in the world's x and y."""
    right: NDArray[np.float64]
    """[samples, 2] its right vector."""
    step_s: float
    """Time from one sample to the next."""

    def __post_init__(self) -> None:
        samples = len(self.yaw_rate_dps)
        shapes = {a.shape for a in (self.acceleration_mps2, self.forward, self.right)}
        if shapes != {(samples, 2)} or samples < _ORDER + 1:
            raise InputError(
                f"smoothness needs 3 or more samples of equal number, arrays [samples, 2]; found {samples} yaw rates "
                f"and the shapes {sorted(shapes)}"
            )
        if self.step_s <= 0.0 or not all(
            np.isfinite(a).all() for a in (self.acceleration_mps2, self.yaw_rate_dps, self.forward, self.right)
        ):
            raise InputError("smoothness needs a positive step and finite samples")

    def __getitem__(self, part: slice) -> Motion:
        return Motion(
            self.acceleration_mps2[part], self.yaw_rate_dps[part], self.forward[part], self.right[part], self.step_s
        )


def motion_of_ticks(ticks: Iterable[TickRecord]) -> Motion:
    """Return the motion that an episode's ticks show; InputError for fewer than three of them."""
    listed = list(ticks)
    if len(listed) < _ORDER + 1:
        raise InputError(f"smoothness needs 3 or more ticks; found {len(listed)}")
    pitch, yaw, roll = np.radians(
        [[t.ego.transform.pitch, t.ego.transform.yaw, t.ego.transform.roll] for t in listed]
    ).T
    sin_sin = np.sin(pitch) * np.sin(roll)
    return Motion(
        acceleration_mps2=np.array([tick.acceleration_mps2[:2] for tick in listed]),
        yaw_rate_dps=np.array([tick.angular_velocity_dps[2] for tick in listed]),
        forward=np.stack([np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw)], axis=-1),
        right=np.stack(
            [
                np.cos(yaw) * sin_sin - np.sin(yaw) * np.cos(roll),
                np.sin(yaw) * sin_sin + np.cos(yaw) * np.cos(roll),
            ],
            axis=-1,
        ),
        step_s=(listed[-1].time_s - listed[0].time_s) / (len(listed) - 1),
    )


def motion_of_metric_info(metric_info: Mapping[str, Mapping[str, Sequence[float]]], step_s: float = 0.05) -> Motion:
    """Return the motion in a `metric_info.json` of Bench2Drive, steps in the file's order; InputError if it is none."""
    try:
        steps = list(metric_info.values())
        arrays: list[Any] = [
            np.array([step[name] for step in steps], dtype=np.float64)
            for name in ("acceleration", "angular_velocity", "forward_vector", "right_vector")
        ]
        acceleration, rate, forward, right = arrays
        return Motion(acceleration[:, :2], rate[:, 2], forward[:, :2], right[:, :2], step_s)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            "expected Bench2Drive's metric_info: for every step acceleration, angular_velocity, forward_vector and "
            f"right_vector with three numbers each; {type(error).__name__}: {error}"
        ) from error


def smoothness(motion: Motion, *, as_tool: bool) -> float:
    """Return the share of 1 s (20 samples) chunks within all limits, in [0, 1]; a last partial chunk is dropped.

    `as_tool` repeats Bench2Drive's tool with its slips, for comparison with published figures: a step of 0.1 s on
    data of any other, degrees per second held against limits in radians, the phase of a rate unwrapped, and the
    smoothed yaw rate taken for the yaw acceleration. Otherwise units are the limits' and the yaw acceleration is the
    yaw rate's derivative; chunks last 1 s whatever the step. An episode of one chunk or less is one chunk.
    """
    samples = CHUNK_SAMPLES if as_tool else max(_WINDOW, round(1.0 / motion.step_s))
    count = len(motion.yaw_rate_dps)
    if count <= samples:
        return float(_is_comfortable(motion, as_tool=as_tool))
    chunks = [motion[start : start + samples] for start in range(0, count - samples + 1, samples)]
    return sum(_is_comfortable(chunk, as_tool=as_tool) for chunk in chunks) / len(chunks)


def comfort_signals(motion: Motion, *, as_tool: bool = False) -> dict[str, NDArray[np.float64]]:
    """Return the six smoothed signals, [samples] each, by the names of `LIMITS`."""
    step_s = _TOOL_STEP_S if as_tool else motion.step_s
    window = min(_WINDOW, len(motion.yaw_rate_dps))

    def smooth(signal: NDArray[np.float64], derivative: int = 0) -> NDArray[np.float64]:
        return np.asarray(savgol_filter(signal, window, _ORDER, deriv=derivative, delta=step_s))

    longitudinal = smooth(np.einsum("ij,ij->i", motion.acceleration_mps2, motion.forward))
    magnitude = smooth(np.hypot(*motion.acceleration_mps2.T))
    rate = _unwrapped(motion.yaw_rate_dps) if as_tool else np.radians(motion.yaw_rate_dps)
    return {
        "longitudinal_acceleration_mps2": longitudinal,
        "lateral_acceleration_mps2": smooth(np.einsum("ij,ij->i", motion.acceleration_mps2, motion.right)),
        "jerk_mps3": smooth(magnitude, 1),
        "longitudinal_jerk_mps3": smooth(longitudinal, 1),
        "yaw_acceleration_radps2": smooth(rate) if as_tool else smooth(rate, 1),
        "yaw_rate_radps": smooth(rate),
    }


def _is_comfortable(motion: Motion, *, as_tool: bool) -> bool:
    signals = comfort_signals(motion, as_tool=as_tool)
    return all(bool(np.all((signals[name] > low) & (signals[name] < high))) for name, (low, high) in LIMITS.items())


def _unwrapped(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    turns = np.zeros_like(angles)
    turns[1:] = np.cumsum(np.round(np.diff(angles) / (2.0 * math.pi)))
    return angles - 2.0 * math.pi * turns
