"""The lane layer of meta-actions: lane changes, turns, shifts within the lane, by the published thresholds.

It takes the ego's place relative to its lane, tick by tick, and no map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.meta_action_stretches import Stretch, cuts, settled, smoothed_heading, turn_rate

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
LOOK_AHEAD_TICKS, LOOK_STEP_TICKS = 20, 5
SHORTEST_CHANGE_TICKS = 4
TURN_CUT_PER_M = 0.01
CHANGE_OFFSET_M, CHANGE_RATE, CHANGE_NET_M = 1.0, 0.02, 0.5
TURN_RATE_PER_M, TURN_RAD, TURN_LATERAL_RATE, TURN_OPPOSING_RATE = 0.04, 0.2, 0.06, 0.02
SHIFT_RATE, SHIFT_WAY_M = 0.095, 0.8
SHIFT_BORDERLINE_RATE, SHIFT_SECONDARY_RATE = 0.0895, 0.06
STRAIGHT_RATE_PER_M, STRAIGHT_RAD, SHIFT_NET_M = 0.02, 0.10, 0.20
LEAST_TICKS = {"change_lane_left": 5, "change_lane_right": 5}
ELSE_TICKS = 6
CROSSING_M = 1.2
"""A jump of the offset by more is from one lane's middle to another's; the ego itself moves less in 0.1 s."""


@dataclass(frozen=True)
class LaneTrack:
    """Where a drive of N ticks was relative to its lanes."""

    offset_m: Array
    """Of the ego from the middle of the lane that it is in, to its own left positive [N]."""
    lane_key: Numbers
    """A number for the lane [N]: another one for another lane, also for the one that follows."""
    is_junction: NDArray[np.bool_]
    """[N]; there, lanes cross, and which of them the ego is in tells no lane change."""


def crossings(track: LaneTrack) -> Numbers:
    """Return +1 where the ego comes into the lane on its left at that tick, -1 on its right, else 0 [N]."""
    jump = np.diff(track.offset_m, prepend=track.offset_m[0])
    inside = track.is_junction | np.roll(track.is_junction, 1)
    changed = np.diff(track.lane_key, prepend=track.lane_key[0]) != 0
    found = changed & ~inside & (np.abs(jump) > CROSSING_M)
    return np.where(found, -np.sign(jump), 0.0).astype(np.int64)


def lateral_way(track: LaneTrack) -> Array:
    """Return how far left the ego has come relative to its first lane's middle [N], in metres, without jumps between lanes."""
    steps = np.diff(track.offset_m, prepend=track.offset_m[0])
    jumps = (np.abs(steps) > CROSSING_M) | ((np.diff(track.lane_key, prepend=track.lane_key[0]) != 0) & _inside(track))
    return np.cumsum(np.where(jumps, 0.0, steps))


def lane_stretches(speed_mps: Array, heading_rad: Array, track: LaneTrack, step_s: float = 0.1) -> tuple[Stretch, ...]:
    """Return the stretches of a drive, without gaps, by signed speeds [N], headings [N] and its lane track.

    change_lane_left, change_lane_right, turn_left, turn_right, shift_left, shift_right or keep_lane.
    """
    count = len(speed_mps)
    if count < 2 or any(len(values) != count for values in (heading_rad, track.offset_m, track.lane_key)):
        raise InputError(f"speeds, headings and lanes of one length, at least 2; found {count} speeds")
    decided = _decided(crossings(track))
    turned = smoothed_heading(heading_rad)
    rate = turn_rate(speed_mps, turned, step_s)
    way = lateral_way(track)
    driven = np.concatenate([[0.0], np.cumsum(np.abs(speed_mps[:-1] + speed_mps[1:]) * 0.5 * step_s)])
    found: list[Stretch] = []
    for begin, end in cuts([decided, rate >= TURN_CUT_PER_M, rate >= -TURN_CUT_PER_M], count):
        last = min(end, count - 1)
        measures = _Measures(
            way_m=float(driven[last] - driven[begin]),
            lateral_m=float(way[last] - way[begin]),
            turned_rad=float(turned[last] - turned[begin]),
            offset_m=float(np.abs(track.offset_m[begin:end]).max()),
            changes_lane_key=bool((track.lane_key[begin : last + 1] != track.lane_key[begin]).any()),
            decided=int(decided[begin]),
        )
        found.append(Stretch(_named(measures), begin, end))
    return settled(found, LEAST_TICKS, ELSE_TICKS)


@dataclass(frozen=True)
class _Measures:
    way_m: float
    lateral_m: float
    turned_rad: float
    offset_m: float
    changes_lane_key: bool
    decided: int


def _named(measures: _Measures) -> str:
    way = max(measures.way_m, 1e-6)
    rate, turn = measures.lateral_m / way, measures.turned_rad / way
    moved = measures.offset_m >= CHANGE_OFFSET_M or (
        abs(rate) >= CHANGE_RATE and abs(measures.lateral_m) >= CHANGE_NET_M
    )
    if measures.decided and moved:
        return "change_lane_left" if measures.decided > 0 else "change_lane_right"
    side = "left" if turn > 0.0 else "right"
    opposing = -rate if turn > 0.0 else rate
    if (
        abs(turn) >= TURN_RATE_PER_M
        and abs(measures.turned_rad) >= TURN_RAD
        and measures.changes_lane_key
        and abs(rate) <= TURN_LATERAL_RATE
        and opposing <= TURN_OPPOSING_RATE
    ):
        return f"turn_{side}"
    return f"shift_{'left' if rate > 0.0 else 'right'}" if _shifts(measures, rate, turn) else "keep_lane"


def _shifts(measures: _Measures, rate: float, turn: float) -> bool:
    if abs(rate) >= SHIFT_RATE:
        return measures.way_m >= SHIFT_WAY_M
    straight = abs(turn) < STRAIGHT_RATE_PER_M and abs(measures.turned_rad) < STRAIGHT_RAD
    enough = straight and abs(measures.lateral_m) >= SHIFT_NET_M
    if abs(rate) >= SHIFT_BORDERLINE_RATE:
        return enough
    return abs(rate) >= SHIFT_SECONDARY_RATE and enough and not measures.changes_lane_key


def _decided(crossed: Numbers) -> Numbers:
    """Return the side [N] to which the lane changes within the look-ahead, short runs left out."""
    total = np.concatenate([np.cumsum(crossed), np.full(LOOK_AHEAD_TICKS, crossed.sum())])
    count = len(crossed)
    sides = np.stack(
        [
            total[ahead : ahead + count] - total[:count]
            for ahead in range(LOOK_STEP_TICKS, LOOK_AHEAD_TICKS + 1, LOOK_STEP_TICKS)
        ]
    )
    left, right = (sides > 0).sum(axis=0), (sides < 0).sum(axis=0)
    decided = np.where(left > right, 1, np.where(right > left, -1, 0)).astype(np.int64)
    begins = np.flatnonzero(np.diff(decided, prepend=decided[0] + 2))
    for begin, end in zip(begins, [*begins[1:], count], strict=True):
        if decided[begin] != 0 and end - begin < SHORTEST_CHANGE_TICKS:
            decided[begin:end] = decided[begin - 1] if begin else 0
    return decided


def _inside(track: LaneTrack) -> NDArray[np.bool_]:
    return track.is_junction | np.roll(track.is_junction, 1)
