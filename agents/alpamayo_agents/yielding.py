"""Going first or giving way: the speed profile that meets nobody in station and time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
BRISK = DriverStyle(acceleration_mps2=4.0, headway_s=0.4, standstill_gap_m=1.0)
"""How the ego drives into a gap that is too short for an easy start."""
HASTES = (1.0, 0.6, 0.3)
"""Shares of that acceleration that are tried, the hardest first; who stands starts hard or not at all."""
DELAYS_S = (0.0, 0.4, 0.8, 1.4)
"""For so long a moving ego may go on as it does before it accelerates into the gap."""
PURSUED_S = 4.0
"""Who comes from behind and would be met within this time makes an ego hurry that is new in its lane."""
MARGINS_S = (0.6, 0.4, 0.3, 0.2, 0.1, 0.05)
"""Margins in time that are told apart."""
START_DELAY_S = 0.45
"""What passes between the pedal and the first motion from a standstill."""
RUNWAY_M = 5.0
"""So far before a crossing the ego waits, to be rolling when it gets there."""
HURRIED_MARGIN = 0.5
"""Share of the ordinary margin in time that is kept when going into a gap."""
UNDER_WAY_MARGIN_S = 0.05
"""What must be left of it once under way."""
MOVING_MPS = 0.3
ALONG_MPS = 0.7
"""Who is faster than this along the path drives along it."""
SLOW_MPS = 1.0
UNDECIDED_MPS = 3.0
"""Who comes to a junction no faster than this may be about to do anything, or nothing."""


@dataclass(frozen=True)
class Patience:
    """How strictly the ego gives way; relaxes the longer it has been standing, so that nobody waits for ever."""

    time_margin_s: float = 0.6
    heed_ambiguous: bool = True
    heed_slow: bool = True
    """Whether others that hardly move and are not on the path yet are given way to."""
    under_way_s: float = 0.0
    """For so long the ego has been on its way into a gap, with hard acceleration; 0 if it is not."""
    just_turned: bool = False
    """Whether the ego has come into its lane from another just now, so that who is behind may not have braked for it."""

    @staticmethod
    def after(waited_s: float) -> Patience:
        """Return the patience of somebody who has stood for so long."""
        return Patience(
            time_margin_s=0.6 if waited_s < 4.0 else 0.35 if waited_s < 10.0 else 0.2,
            heed_ambiguous=waited_s < 5.0,
            heed_slow=waited_s < 12.0,
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
    hurries: bool
    """Whether the ego accelerates hard, into a gap or out of the way of who comes from behind."""


def decide(
    occupied: Occupancy,
    ahead_m: Array,
    speed_mps: float,
    envelope_mps: Array,
    style: DriverStyle,
    patience: Patience,
    room_behind_m: Mapping[int, float] | None = None,
    hurried_envelope: Callable[[], Array] | None = None,
) -> YieldDecision:
    """Return the motion that follows leaders and gives way at crossings it cannot pass first.

    `ahead_m` [M] is how far ahead of the ego's rear axle, along its heading, each neighbour is. Behind the neighbours
    of `room_behind_m` the ego stops so much farther away, to drive around them. `hurried_envelope` returns the envelope of hard
    acceleration, by default the same as ever; it lets the ego keep up with a stream that is faster than the limit.
    """
    on_path, crossing, pursuers = _sort(occupied, ahead_m, patience)
    leaders = {row: _leader(occupied, row) for row in on_path}
    for row in on_path:
        room_m = (room_behind_m or {}).get(int(occupied.owner[row]), 0.0)
        if room_m > 0.0:
            leaders[row] = _held_back(leaders[row], room_m)
    yielding: list[int] = []
    profile = simulate(speed_mps, envelope_mps, list(leaders.values()), style)
    for _ in range(ROUNDS):
        meets = [
            row for row in crossing if row not in leaders and _meets(occupied, row, profile, patience.time_margin_s)
        ]
        if not meets:
            break
        for row in meets:
            leaders[row] = _leader(occupied, row)
            if not leaders[row].speed_mps.any():
                leaders[row] = _held_back(leaders[row], RUNWAY_M - style.standstill_gap_m)
            yielding.append(row)
        profile = simulate(speed_mps, envelope_mps, list(leaders.values()), style)
    hurries = False
    quick: SpeedProfile | None = None
    new_here = patience.under_way_s or patience.just_turned
    for_vehicles = bool(yielding) and not occupied.walker[yielding].any()
    if for_vehicles or (new_here and any(_contact_s(occupied, row, profile) < PURSUED_S for row in pursuers)):
        along = [leaders[row] for row in on_path if not _leaves(occupied, row)]
        heeded = [*crossing, *(row for row in on_path if _leaves(occupied, row))]
        hurried = envelope_mps if hurried_envelope is None else hurried_envelope()
        quick, margin_s = _into_the_gap(occupied, heeded, along, speed_mps, hurried, patience.under_way_s)
        if margin_s >= (UNDER_WAY_MARGIN_S if patience.under_way_s else HURRIED_MARGIN * patience.time_margin_s):
            profile, yielding, hurries = quick, [], True
            leaders = {row: leader for row, leader in leaders.items() if row in on_path}
    emergency = False
    still = [row for row in [*on_path, *yielding] if _meets(occupied, row, profile, 0.0, margin_m=0.0)]
    if still:
        others = [leader for row, leader in leaders.items() if row not in still]
        going = simulate(speed_mps, envelope_mps, others, style)
        options = [full_braking(speed_mps, style), going, *([quick] if quick is not None else [])]
        profile, emergency = _last_resort(occupied, [*on_path, *crossing], options, profile, speed_mps)
    return YieldDecision(
        profile=profile,
        leaders=tuple(dict.fromkeys(int(occupied.owner[row]) for row in on_path)),
        contact_m=float(occupied.first_m[on_path[0], 0]) if on_path else float("inf"),
        leader_mps=float(occupied.speed_mps[on_path[0], 0]) if on_path else 0.0,
        yielding_to=tuple(dict.fromkeys(int(occupied.owner[row]) for row in yielding)),
        emergency=emergency,
        conflict_station_m=min((float(np.nanmin(occupied.first_m[row])) for row in yielding), default=float("inf")),
        hurries=hurries,
    )


def _sort(occupied: Occupancy, ahead_m: Array, patience: Patience) -> tuple[list[int], list[int], list[int]]:
    """Return the rows that are on the path now, nearest first, that come to it later, and that come from behind.

    Those that the ego's patience no longer heeds are in none of them.
    """
    on_path: list[int] = []
    crossing: list[int] = []
    pursuers: list[int] = []
    for row in range(len(occupied.owner)):
        begin = _begin(occupied, row)
        start = float(occupied.first_m[row, begin])
        if start <= 0.0 and ahead_m[occupied.owner[row]] < (2.0 if begin == 0 else 0.0):
            pursuers.append(row)
        elif begin == 0:
            on_path.append(row)
        else:
            fastest = float(np.nanmax(occupied.pace_mps[row]))
            undecided = occupied.ambiguous[row] and not patience.heed_ambiguous and fastest < UNDECIDED_MPS
            if not undecided and (patience.heed_slow or fastest >= SLOW_MPS):
                crossing.append(row)
    on_path.sort(key=lambda row: float(occupied.first_m[row, 0]))
    return on_path, crossing, pursuers


def _begin(occupied: Occupancy, row: int) -> int:
    return int(np.argmax(np.isfinite(occupied.first_m[row])))


def _leaves(occupied: Occupancy, row: int) -> bool:
    """Whether who is on the path leaves it within the forecast."""
    return not np.isfinite(occupied.first_m[row, -1])


def _held_back(leader: Leader, room_m: float) -> Leader:
    """Return a leader that the ego stays so much farther behind, unless it is there already."""
    contact = leader.contact_m
    return Leader(np.maximum(np.minimum(contact, 1.0), contact - room_m), leader.speed_mps)


def _leader(occupied: Occupancy, row: int) -> Leader:
    begin = _begin(occupied, row)
    present = np.isfinite(occupied.first_m[row])
    rows = np.flatnonzero(present)
    times = TIMES_S[rows]
    first, speed = occupied.first_m[row, rows], occupied.speed_mps[row, rows]
    end = times[-1]
    mean = float(speed.mean())
    runs_along = mean > ALONG_MPS and first[-1] >= first[0] - 1.0
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


def _into_the_gap(
    occupied: Occupancy,
    rows: list[int],
    leaders: list[Leader],
    speed_mps: float,
    envelope_mps: Array,
    under_way_s: float,
) -> tuple[SpeedProfile, float]:
    """Return the hurried motion that keeps the largest margin in time from everybody, and the margin, -1 if it meets one."""
    stands = speed_mps < MOVING_MPS
    delays = (START_DELAY_S - under_way_s,) if stands else DELAYS_S
    shares = HASTES[:1] if stands else HASTES
    best: SpeedProfile | None = None
    best_margin_s = -1.0
    for delay_s in delays:
        for share in shares:
            haste = replace(BRISK, acceleration_mps2=share * BRISK.acceleration_mps2)
            quick = simulate(speed_mps, envelope_mps, leaders, haste, delay_s=delay_s)
            best = quick if best is None else best
            if any(
                _meets(occupied, row, quick, _margin_s(occupied, row, max(best_margin_s, MARGINS_S[-1])))
                for row in rows
            ):
                continue
            for margin_s in MARGINS_S:
                if margin_s <= best_margin_s:
                    break
                if not any(_meets(occupied, row, quick, _margin_s(occupied, row, margin_s)) for row in rows):
                    best, best_margin_s = quick, margin_s
                    break
            if best_margin_s == MARGINS_S[0]:
                return quick, best_margin_s
    assert best is not None
    return best, best_margin_s


def _margin_s(occupied: Occupancy, row: int, margin_s: float) -> float:
    """Return the margin in time from one of the others: nobody hurries past a walker."""
    return max(margin_s, MARGINS_S[0]) if occupied.walker[row] else margin_s


def _last_resort(
    occupied: Occupancy, rows: list[int], options: list[SpeedProfile], profile: SpeedProfile, speed_mps: float
) -> tuple[SpeedProfile, bool]:
    """Return the option that meets nobody, or the latest, and whether that is the first of them, full braking."""
    contacts = [min((_contact_s(occupied, row, option) for row in rows), default=np.inf) for option in options]
    best = int(np.argmax(contacts))
    if best == 0 and np.isfinite(contacts[0]) and speed_mps <= 0.5:
        return profile, False
    return options[best], best == 0


def _contact_s(occupied: Occupancy, row: int, profile: SpeedProfile) -> float:
    """Return when a motion first meets another, infinite for never."""
    travelled = np.interp(TIMES_S, PLAN_TIMES_S, profile.travelled_m, left=0.0)
    with np.errstate(invalid="ignore"):
        meets = (travelled >= occupied.first_m[row]) & (travelled <= occupied.last_m[row])
    return float(TIMES_S[np.argmax(meets)]) if meets.any() else float("inf")


def full_braking(speed_mps: float, style: DriverStyle) -> SpeedProfile:
    """Return the motion of braking as hard as the ego can."""
    speed = np.maximum(0.0, speed_mps - style.hardest_braking_mps2 * PLAN_TIMES_S)
    before = np.concatenate([[max(0.0, speed_mps)], speed[:-1]])
    return SpeedProfile(np.cumsum(0.5 * (speed + before) * PLAN_STEP_S), speed)
