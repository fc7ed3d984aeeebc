"""Going first or giving way: the speed profile that meets nobody in station and time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.conflicts import Occupancy
from alpamayo_agents.forecast import TIMES_S
from alpamayo_agents.speed_profile import DriverStyle, Leader, SpeedProfile, simulate
from alpamayo_sim.policy.plan import PLAN_POINTS, PLAN_STEP_S

Array = NDArray[np.float64]

PLAN_TIMES_S = np.arange(1, PLAN_POINTS + 1) * PLAN_STEP_S
STATION_MARGIN_M = 0.7
CLEAR_AFTER_S = 0.3
"""How long a crossing is left free after the other has passed it."""
ROUNDS = 6
BRISK_MPS2 = 4.5
"""Acceleration into a gap that is too short for an easy start."""
ROOM_TO_PASS_M = 8.0
"""Additional gap behind what the ego means to drive around."""


@dataclass(frozen=True)
class Patience:
    """How strictly the ego gives way; relaxes the longer it has been standing, so that nobody waits for ever."""

    time_margin_s: float = 0.6
    heed_ambiguous: bool = True
    heed_slow: bool = True
    """Whether others that hardly move and are not on the path yet are given way to."""
    brisk: bool = False
    """Whether a gap may be used that only hard acceleration fits into."""

    @staticmethod
    def after(waited_s: float) -> Patience:
        """Return the patience of somebody who has stood for so long."""
        return Patience(
            time_margin_s=0.6 if waited_s < 4.0 else 0.35 if waited_s < 10.0 else 0.2,
            heed_ambiguous=waited_s < 5.0,
            heed_slow=waited_s < 12.0,
            brisk=waited_s > 1.0,
        )


@dataclass(frozen=True)
class YieldDecision:
    """The profile, and for whom the ego holds back."""

    profile: SpeedProfile
    leaders: tuple[int, ...]
    """Rows of the neighbours on the path now, nearest first."""
    contact_m: float
    """How far the rear axle may move before it touches the first of them, infinite without one."""
    leader_mps: float
    """Speed of the first of them along the path."""
    yielding_to: tuple[int, ...]
    """Rows of the neighbours that the ego lets pass."""
    emergency: bool
    conflict_station_m: float
    """Station of the nearest crossing that the ego gives way at, infinite for none."""


def decide(
    occupied: Occupancy,
    ahead_m: Array,
    speed_mps: float,
    envelope_mps: Array,
    style: DriverStyle,
    patience: Patience,
    keep_away_from: frozenset[int] = frozenset(),
    hurried_mps: Array | None = None,
) -> YieldDecision:
    """Return the motion that follows leaders and gives way at crossings it cannot pass first.

    `ahead_m` [M] is how far ahead of the ego's rear axle, along its heading, each neighbour is. Behind the neighbours
    `keep_away_from` the ego stops far enough away to drive around them. `hurried_mps` is the envelope of a brisk start, by
    default the same as ever; it lets the ego keep up with a stream that is faster than the limit.
    """
    present = np.isfinite(occupied.first_m)
    leaders: dict[int, Leader] = {}
    open_rows: list[int] = []
    for row in range(len(occupied.owner)):
        begin = int(np.argmax(present[row]))
        start = float(occupied.first_m[row, begin])
        if start <= 0.0 and ahead_m[occupied.owner[row]] < (2.0 if begin == 0 else 0.0):
            continue
        if begin == 0:
            leaders[row] = _leader(occupied, row, begin)
            if int(occupied.owner[row]) in keep_away_from:
                contact = leaders[row].contact_m
                leaders[row] = Leader(
                    np.maximum(np.minimum(contact, 1.0), contact - ROOM_TO_PASS_M), leaders[row].speed_mps
                )
            continue
        if occupied.ambiguous[row] and not patience.heed_ambiguous:
            continue
        if not patience.heed_slow and float(np.nanmax(np.abs(occupied.speed_mps[row]))) < 1.0:
            continue
        open_rows.append(row)
    on_path = sorted(leaders, key=lambda row: float(occupied.first_m[row, 0]))
    yielding: list[int] = []
    profile = simulate(speed_mps, envelope_mps, list(leaders.values()), style)
    for _ in range(ROUNDS):
        meets = [
            row for row in open_rows if row not in leaders and _meets(occupied, row, profile, patience.time_margin_s)
        ]
        if not meets:
            break
        for row in meets:
            leaders[row] = _leader(occupied, row, int(np.argmax(present[row])))
            yielding.append(row)
        profile = simulate(speed_mps, envelope_mps, list(leaders.values()), style)
    if yielding and patience.brisk:
        going = [leader for row, leader in leaders.items() if row in on_path]
        hurried = envelope_mps if hurried_mps is None else hurried_mps
        quick = simulate(speed_mps, hurried, going, replace(style, acceleration_mps2=BRISK_MPS2))
        heeded = [row for row in open_rows if row not in on_path]
        if not any(_meets(occupied, row, quick, patience.time_margin_s) for row in heeded):
            profile, yielding = quick, []
            leaders = {row: leader for row, leader in leaders.items() if row in on_path}
    emergency = False
    still = [row for row in [*on_path, *yielding] if _meets(occupied, row, profile, 0.0, margin_m=0.0)]
    if still:
        profile, emergency = _last_resort(occupied, still, leaders, speed_mps, envelope_mps, style, profile)
    crossing = [float(np.nanmin(occupied.first_m[row])) for row in yielding]
    return YieldDecision(
        profile=profile,
        leaders=tuple(dict.fromkeys(int(occupied.owner[row]) for row in on_path)),
        contact_m=float(occupied.first_m[on_path[0], 0]) if on_path else float("inf"),
        leader_mps=float(occupied.speed_mps[on_path[0], 0]) if on_path else 0.0,
        yielding_to=tuple(dict.fromkeys(int(occupied.owner[row]) for row in yielding)),
        emergency=emergency,
        conflict_station_m=min(crossing, default=float("inf")),
    )


def _leader(occupied: Occupancy, row: int, begin: int) -> Leader:
    present = np.isfinite(occupied.first_m[row])
    rows = np.flatnonzero(present)
    times = TIMES_S[rows]
    first, speed = occupied.first_m[row, rows], occupied.speed_mps[row, rows]
    end = times[-1]
    mean = float(speed.mean())
    runs_along = mean > 0.7 and first[-1] >= first[0] - 1.0
    if runs_along or (begin == 0 and mean > -0.5):
        contact = np.interp(PLAN_TIMES_S, times, first)
        along = np.maximum(0.0, np.interp(PLAN_TIMES_S, times, speed))
        if rows[-1] == len(TIMES_S) - 1:
            contact = contact + np.maximum(0.0, PLAN_TIMES_S - end) * max(0.0, float(speed[-1]))
        else:
            contact = np.where(end + CLEAR_AFTER_S < PLAN_TIMES_S, np.inf, contact)
        return Leader(contact, along)
    wall = float(first.min())
    leaves = rows[-1] < len(TIMES_S) - 1
    contact = np.where(end + CLEAR_AFTER_S < PLAN_TIMES_S, np.inf, wall) if leaves else np.full(PLAN_POINTS, wall)
    return Leader(contact, np.zeros(PLAN_POINTS))


def _meets(
    occupied: Occupancy, row: int, profile: SpeedProfile, time_margin_s: float, margin_m: float = STATION_MARGIN_M
) -> bool:
    times = np.concatenate([[0.0], PLAN_TIMES_S])
    travelled = np.concatenate([[0.0], profile.travelled_m])
    low = np.interp(TIMES_S - time_margin_s, times, travelled)
    high = np.interp(TIMES_S + time_margin_s, times, travelled)
    with np.errstate(invalid="ignore"):
        meets = (high >= occupied.first_m[row] - margin_m) & (low <= occupied.last_m[row] + margin_m)
    return bool(meets.any())


def _last_resort(
    occupied: Occupancy,
    rows: list[int],
    leaders: dict[int, Leader],
    speed_mps: float,
    envelope_mps: Array,
    style: DriverStyle,
    profile: SpeedProfile,
) -> tuple[SpeedProfile, bool]:
    """Return full braking if it helps, going on if only that helps, else full braking."""
    braking = full_braking(speed_mps, style)
    if not any(_meets(occupied, row, braking, 0.0, margin_m=0.0) for row in rows):
        return braking, True
    others = [leader for row, leader in leaders.items() if row not in rows]
    going = simulate(speed_mps, envelope_mps, others, style)
    if not any(_meets(occupied, row, going, 0.0, margin_m=0.0) for row in rows):
        return going, False
    moving = speed_mps > 0.5
    return (braking, True) if moving else (profile, False)


def full_braking(speed_mps: float, style: DriverStyle) -> SpeedProfile:
    """Return the motion of braking as hard as the ego can."""
    speed = np.maximum(0.0, speed_mps - style.hardest_braking_mps2 * PLAN_TIMES_S)
    before = np.concatenate([[max(0.0, speed_mps)], speed[:-1]])
    return SpeedProfile(np.cumsum(0.5 * (speed + before) * PLAN_STEP_S), speed)
