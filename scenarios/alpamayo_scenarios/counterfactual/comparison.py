"""Whether the ego behaves otherwise in a counterfactual drive than it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_scenarios.counterfactual.tape import EgoTape
from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.meta_action_stretches import Stretch, lateral_stretches, longitudinal_stretches

Array = NDArray[np.float64]

SPEED_MPS, LATERAL_M, FOR_S = 1.0, 0.5, 0.5
"""Speeds that differ by more than this, or places by more than this across the way, for so long: another behaviour."""
HISTORY_S, WINDOW_S = 2.0, 6.0
META_STEP_S = 0.1
_SEARCH_M = 60.0


@dataclass(frozen=True)
class Difference:
    """How a drive differs from another within the window."""

    changed: bool
    by: tuple[str, ...]
    """What tells it: speed, lateral, meta_longitudinal, meta_lateral."""
    speed_mps: float
    """The largest difference of speed that lasted 0.5 s, with its sign: positive where the counterfactual is faster."""
    lateral_m: float
    """The largest offset across the way that lasted 0.5 s, left positive."""
    since_s: float
    """From the keyframe to where the first of them begins; NaN without one."""
    factual_actions: tuple[str, str]
    """Longitudinal and lateral meta-actions of the window, joined by ">"."""
    counterfactual_actions: tuple[str, str]


def compare(factual: EgoTape, counterfactual: EgoTape, keyframe: int, *, window_s: float = WINDOW_S) -> Difference:
    """Return how two drives differ in the 6 s after a tick up to which they are the same.

    The factual tape may go on beyond the window; its whole line is what offsets are measured from. Where one drive ends within
    the window the shorter time is compared. Raises InputError where the keyframe is in neither or the histories differ.
    """
    row_f, row_c = factual.row_of(keyframe), counterfactual.row_of(keyframe)
    if row_f < 0 or row_c < 0:
        raise InputError(f"frame {keyframe} is not in both drives")
    step_s = float(factual.time_s[1] - factual.time_s[0])
    before = min(row_f, row_c, round(HISTORY_S / step_s))
    if not np.array_equal(factual.pose[row_f - before : row_f + 1], counterfactual.pose[row_c - before : row_c + 1]):
        raise InputError(f"the drives differ before frame {keyframe}")
    count = min(len(factual) - row_f, len(counterfactual) - row_c, round(window_s / step_s) + 1)
    needed = round(FOR_S / step_s)
    faster = counterfactual.speed_mps[row_c : row_c + count] - factual.speed_mps[row_f : row_f + count]
    aside = _offset_m(factual, row_f, counterfactual.pose[row_c : row_c + count])
    speed, lateral = _lasting(faster, needed), _lasting(aside, needed)
    found: list[tuple[int, str]] = []
    for name, values, limit in (("speed", faster, SPEED_MPS), ("lateral", aside, LATERAL_M)):
        begin = _first_run((np.abs(values) > limit), needed)
        if begin >= 0:
            found.append((begin, name))
    every = round(META_STEP_S / step_s)
    actions: list[tuple[str, str]] = []
    labels: list[tuple[Sequence[str], Sequence[str]]] = []
    history = before // every
    for tape, row in ((factual, row_f), (counterfactual, row_c)):
        rows = np.arange(row - history * every, row + count, every)
        along = longitudinal_stretches(tape.speed_mps[rows], META_STEP_S)
        across = lateral_stretches(tape.speed_mps[rows], -np.radians(tape.pose[rows, 4]), META_STEP_S)
        labels.append((_per_tick(along)[history:], _per_tick(across)[history:]))
        actions.append((_told(along, history), _told(across, history)))
    for index, name in ((0, "meta_longitudinal"), (1, "meta_lateral")):
        differs = np.array([a != b for a, b in zip(labels[0][index], labels[1][index], strict=True)])
        begin = _first_run(differs, round(FOR_S / META_STEP_S))
        if begin >= 0:
            found.append((begin * every, name))
    since = min((begin for begin, _ in found), default=-1)
    return Difference(
        changed=bool(found),
        by=tuple(name for _, name in found),
        speed_mps=speed,
        lateral_m=lateral,
        since_s=since * step_s if since >= 0 else float("nan"),
        factual_actions=actions[0],
        counterfactual_actions=actions[1],
    )


def _offset_m(factual: EgoTape, first_row: int, pose: Array) -> Array:
    """Return how far left of the factual line each place [n, 6] lies, in metres; 0 where it goes beyond its end."""
    line = factual.pose[max(0, first_row - 40) :, :2]
    moved = np.concatenate([[True], np.linalg.norm(np.diff(line, axis=0), axis=1) > 1e-3])
    line = line[moved]
    if len(line) < 2:
        return np.zeros(len(pose))
    along = np.diff(line, axis=0)
    square = (along**2).sum(axis=1)
    length = np.sqrt(square)
    arc = np.concatenate([[0.0], np.cumsum(length)])
    result = np.zeros(len(pose))
    at_m = 0.0
    for number, place in enumerate(pose[:, :2]):
        near = np.flatnonzero((arc[:-1] > at_m - 5.0) & (arc[:-1] < at_m + _SEARCH_M))
        if len(near) == 0:
            break
        off = place - line[near]
        share = (off * along[near]).sum(axis=1) / square[near]
        nearest = np.clip(share, 0.0, 1.0)
        gap = np.linalg.norm(off - nearest[:, None] * along[near], axis=1)
        best = int(np.argmin(gap))
        segment = near[best]
        if segment == len(along) - 1 and share[best] > 1.0:
            break
        # CARLA's y points right, so the left normal of (x, y) is (y, -x).
        result[number] = (off[best, 0] * along[segment, 1] - off[best, 1] * along[segment, 0]) / length[segment]
        at_m = float(arc[segment] + nearest[best] * length[segment])
    return result


def _lasting(values: Array, needed: int) -> float:
    """Return the value farthest from 0 that is held or exceeded, on one side, over `needed` values; 0 for none."""
    if len(values) < needed:
        return 0.0
    windows = np.lib.stride_tricks.sliding_window_view(values, needed)
    above, below = float(windows.min(axis=1).max()), float(windows.max(axis=1).min())
    return max(above, 0.0) if max(above, 0.0) >= -min(below, 0.0) else min(below, 0.0)


def _first_run(flags: NDArray[np.bool_], needed: int) -> int:
    """Return where the first run of `needed` flags begins; -1 for none."""
    if len(flags) < needed:
        return -1
    runs = np.lib.stride_tricks.sliding_window_view(flags, needed).all(axis=1)
    return int(np.argmax(runs)) if runs.any() else -1


def _per_tick(stretches: Sequence[Stretch]) -> list[str]:
    return [one.action for one in stretches for _ in range(one.begin, one.end)]


def _told(stretches: Sequence[Stretch], history: int) -> str:
    return ">".join(one.action for one in stretches if one.end > history)
