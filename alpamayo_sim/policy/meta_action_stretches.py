"""A whole drive cut into stretches of one meta-action each, by the published cuts of NVIDIA's chain-of-causation labeller.

A cut is made wherever a quantity crosses one of its thresholds; the stretches between are named by `meta_actions`; neighbours of
one name are joined, and what is too short goes to its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.meta_actions import REVERSING_MPS, SHARP_RATE_PER_M, lateral_action, longitudinal_action

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
SPEED_CUT_MPS = 0.3
ACCELERATION_CUTS_MPS2 = (0.1, 1.25)
HYSTERESIS = 0.15
SMOOTHING_TICKS = 5
BETWEEN_CUTS_TICKS = 3
LONGITUDINAL_TICKS, MAINTAIN_TICKS, LATERAL_TICKS = 8, 12, 10
"""A stretch is at least so long."""
TURN_RATE_CUT_PER_M = 0.001
STANDING_STEP_M = 0.01
"""Over a step shorter than this, headings and places tell nothing of a turn rate."""


@dataclass(frozen=True)
class Stretch:
    """The ticks [begin, end) of a drive, under one meta-action."""

    action: str
    begin: int
    end: int


def longitudinal_stretches(speed_mps: Array, step_s: float = 0.1) -> tuple[Stretch, ...]:
    """Return the stretches of signed speeds [N], N at least 2, without gaps, in the names of `longitudinal_action`."""
    if speed_mps.ndim != 1 or len(speed_mps) < 2:
        raise InputError(f"a drive has speeds [N], N at least 2; found {list(speed_mps.shape)}")
    acceleration = np.diff(np.abs(speed_mps), prepend=np.nan) / step_s
    acceleration[0] = acceleration[1]
    smooth = centered_mean(acceleration, SMOOTHING_TICKS)
    states = [speed_mps >= SPEED_CUT_MPS, speed_mps >= -SPEED_CUT_MPS]
    states += [above(smooth, sign * cut) for cut in ACCELERATION_CUTS_MPS2 for sign in (1.0, -1.0)]
    found = [
        Stretch(longitudinal_action(speed_mps[begin : max(end + 1, begin + 2)], step_s), begin, end)
        for begin, end in cuts(states, len(speed_mps))
    ]
    return settled(found, {"maintain_speed": MAINTAIN_TICKS}, LONGITUDINAL_TICKS)


def lateral_stretches(speed_mps: Array, heading_rad: Array, step_s: float = 0.1) -> tuple[Stretch, ...]:
    """Return the stretches of signed speeds [N] and headings [N], without gaps, in the names of `lateral_action`."""
    if heading_rad.shape != speed_mps.shape or speed_mps.ndim != 1 or len(speed_mps) < 2:
        raise InputError(f"one heading per speed, at least 2; found {list(heading_rad.shape)}, {list(speed_mps.shape)}")
    turned = smoothed_heading(heading_rad)
    rate = turn_rate(speed_mps, turned, step_s)
    states = [speed_mps >= REVERSING_MPS]
    states += [rate >= sign * cut for cut in (TURN_RATE_CUT_PER_M, SHARP_RATE_PER_M) for sign in (1.0, -1.0)]
    found = [
        Stretch(
            lateral_action(speed_mps[begin : max(end + 1, begin + 2)], turned[begin : max(end + 1, begin + 2)], step_s),
            begin,
            end,
        )
        for begin, end in cuts(states, len(speed_mps))
    ]
    return settled(found, {}, LATERAL_TICKS)


def turn_rate(speed_mps: Array, heading_rad: Array, step_s: float) -> Array:
    """Return the change of heading per metre driven [N], left positive, 0 where the vehicle stands."""
    change = np.diff(np.unwrap(heading_rad), append=heading_rad[-1])
    change[-1] = change[-2]
    way = np.abs(speed_mps) * step_s
    return np.where(way >= STANDING_STEP_M, change / np.maximum(way, STANDING_STEP_M), 0.0)


def smoothed_heading(heading_rad: Array) -> Array:
    """Return headings [N], not wrapped, whose steps are centred means of five."""
    turned = np.unwrap(heading_rad)
    steps = centered_mean(np.diff(turned), SMOOTHING_TICKS)
    return turned[0] + np.concatenate([[0.0], np.cumsum(steps)])


def centered_mean(values: Array, ticks: int) -> Array:
    """Return the mean [N] of each value and its neighbours within `ticks` // 2; fewer of them at the ends."""
    half = ticks // 2
    total = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    first, last = np.maximum(place - half, 0), np.minimum(place + half + 1, len(values))
    return (total[last] - total[first]) / (last - first)


def above(values: Array, threshold: float, hysteresis: float = HYSTERESIS) -> Flags:
    """Return whether values [N] are above a threshold, where a crossing counts once it goes `hysteresis` of it beyond."""
    band = hysteresis * abs(threshold)
    result = np.empty(len(values), dtype=bool)
    state = bool(values[0] >= threshold)
    for row, value in enumerate(values):
        if row:
            state = bool(value >= threshold - band) if state else bool(value >= threshold + band)
        result[row] = state
    return result


def cuts(states: Sequence[Flags | NDArray[np.int64]], count: int) -> list[tuple[int, int]]:
    """Return [begin, end) of the stretches without a change in any state [N], at least 3 ticks each."""
    table = np.stack([np.asarray(state, dtype=np.int64) for state in states], axis=1)
    begins = [0]
    current = table[0]
    row = 1
    while row < count - BETWEEN_CUTS_TICKS:
        if (table[row] != current).any():
            begins.append(row)
            current = table[row]
            row += BETWEEN_CUTS_TICKS
        else:
            row += 1
    return list(zip(begins, [*begins[1:], count], strict=True))


def settled(
    found: Sequence[Stretch],
    least_ticks: Mapping[str, int],
    else_ticks: int,
    join: Callable[[str, str], bool] = lambda one, other: one == other,
) -> tuple[Stretch, ...]:
    """Return stretches with neighbours of one name joined and those that are too short given to their neighbours.

    A short one between two of one name becomes theirs; between two names it is halved. Names stay as they were found.
    """
    rows = _joined(found, join)
    place = 0
    while place < len(rows) and len(rows) > 1:
        row = rows[place]
        if row.end - row.begin >= least_ticks.get(row.action, else_ticks):
            place += 1
            continue
        before = rows[place - 1] if place else None
        after = rows[place + 1] if place + 1 < len(rows) else None
        if before is not None and after is not None and not join(before.action, after.action):
            middle = (row.begin + row.end) // 2
            rows[place - 1 : place + 2] = [
                Stretch(before.action, before.begin, middle),
                Stretch(after.action, middle, after.end),
            ]
        elif before is not None:
            end = after.end if after is not None else row.end
            rows[place - 1 : place + (2 if after is not None else 1)] = [Stretch(before.action, before.begin, end)]
            place -= 1
        elif after is not None:
            rows[:2] = [Stretch(after.action, row.begin, after.end)]
    return tuple(_joined(rows, join))


def _joined(rows: Sequence[Stretch], join: Callable[[str, str], bool]) -> list[Stretch]:
    result: list[Stretch] = []
    for row in rows:
        if result and join(result[-1].action, row.action):
            result[-1] = Stretch(result[-1].action, result[-1].begin, row.end)
        else:
            result.append(row)
    return result
