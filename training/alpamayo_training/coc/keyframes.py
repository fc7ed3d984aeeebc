"""Frames that are worth a label: just before the ego acts, and ranges in which it is about to."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from alpamayo_sim.policy.lane_actions import crossings, lateral_way
from alpamayo_training.coc.behaviour import behaviour_at
from alpamayo_training.coc.demands import bend_ahead
from alpamayo_training.coc.label import FUTURE_FRAMES, HISTORY_FRAMES, Segment
from alpamayo_training.coc.teaching import Drive, Keyframe
from alpamayo_training.coc.things import scene_at

BEFORE_FRAMES = 5
"""A reactive keyframe is 0.5 s before the ego acts ..."""
LATEST_FRAMES = 2
"""... or, where a light changed less than that before, just after the change, but no later than this."""
APART_FRAMES = 15
SHORTEST_FRAMES = 10
ACTS = {
    "strong_accelerate",
    "gentle_accelerate",
    "strong_decelerate",
    "gentle_decelerate",
    "stop",
    "reverse",
    "change_lane_left",
    "change_lane_right",
    "turn_left",
    "turn_right",
    "shift_left",
    "shift_right",
}
SAME = ("accelerate", "decelerate")
LANE_MOVE_M = 0.25
PREPARES_FRAMES, CURVE_FRAMES, JUNCTION_FRAMES = 40, 25, 30
CURVE_RAD = 0.35
LEAST_RANGE_FRAMES = 8
VULNERABLE_M = 25.0
WAITING_EVERY = 60
"""A long wait or a long stretch of one kind is labelled so often."""


def keyframes_of(drive: Drive) -> tuple[Keyframe, ...]:
    """Return the keyframes of a drive, in order: reactive ones first where they collide with proactive ones.

    Each has 2 s before and 6 s after it, and none lies where noise was on the control.
    """
    found: list[Keyframe] = []
    for keyframe in [*_reactive(drive), *_proactive(drive)]:
        near = any(abs(keyframe.frame_index - other.frame_index) < APART_FRAMES for other in found)
        if not near and is_usable(drive, keyframe.frame_index):
            found.append(keyframe)
    return tuple(sorted(found, key=lambda keyframe: keyframe.frame_index))


def is_usable(drive: Drive, frame: int) -> bool:
    """Whether a frame has its 2 s of past and 6 s of future, and the driver itself drove from 0.5 s before to 2 s after it."""
    if not HISTORY_FRAMES <= frame < drive.frames - FUTURE_FRAMES:
        return False
    return bool(drive.is_clean[frame - BEFORE_FRAMES : frame + HISTORY_FRAMES].all())


def _reactive(drive: Drive) -> list[Keyframe]:
    begins: list[tuple[int, str]] = []
    for segments in (drive.meta_longitudinal, drive.meta_lane):
        for before, after in zip(segments, segments[1:], strict=False):
            long_enough = after.end_frame - after.begin_frame >= SHORTEST_FRAMES
            if after.action in ACTS and long_enough and not _same(before.action, after.action):
                begins.append((_begin(drive, after), f"{before.action}>{after.action}"))
    found: list[Keyframe] = []
    for begin, reason in sorted(begins):
        frame = _before(drive, begin)
        if not found or frame - found[-1].frame_index >= APART_FRAMES:
            found.append(Keyframe(frame, "reactive", frame, frame + 1, reason))
    return found


def _same(before: str, after: str) -> bool:
    """Whether an action only goes on as another strength of itself, or ends in what it was for."""
    if before.rpartition("_")[2] in SAME and before.rpartition("_")[2] == after.rpartition("_")[2]:
        return True
    return before.endswith("decelerate") and after == "stop"


def _begin(drive: Drive, segment: Segment) -> int:
    """Return when the ego begins to move sideways, for what is done sideways; the segment's begin else."""
    if drive.lanes is None or not segment.action.startswith(("change_lane", "shift")):
        return segment.begin_frame
    way = lateral_way(drive.lanes)[segment.begin_frame : segment.end_frame]
    moved = np.flatnonzero(np.abs(way - way[0]) >= LANE_MOVE_M)
    return segment.begin_frame + (int(moved[0]) if len(moved) else 0)


def _before(drive: Drive, begin: int) -> int:
    """Return the keyframe of an action that begins at a frame."""
    first, last = begin - BEFORE_FRAMES, begin - LATEST_FRAMES
    if not drive.scenes or first < 1:
        return first
    for frame in range(last, first, -1):
        past = {signal.actor_id: signal.state for signal in drive.scenes[frame - 1].signals}
        now = {signal.actor_id: signal.state for signal in drive.scenes[frame].signals}
        if any(now[actor] != past[actor] for actor in now.keys() & past.keys()):
            return frame
    return first


def _proactive(drive: Drive) -> list[Keyframe]:
    if not drive.scenes or drive.lanes is None:
        return []
    reasons = [_prepares(drive, frame) for frame in range(drive.frames)]
    for frame, reason in enumerate(reasons):
        if not reason and frame % 2 == 0 and HISTORY_FRAMES <= frame < drive.frames - FUTURE_FRAMES:
            reasons[frame] = _passes(drive, frame)
            if frame + 1 < drive.frames:
                reasons[frame + 1] = reasons[frame]
    return _ranges(reasons)


def _ranges(reasons: Sequence[str]) -> list[Keyframe]:
    found: list[Keyframe] = []
    begin = 0
    for frame in range(1, len(reasons) + 1):
        if frame < len(reasons) and reasons[frame] == reasons[begin] and frame - begin < WAITING_EVERY:
            continue
        if reasons[begin] and frame - begin >= LEAST_RANGE_FRAMES:
            found.append(Keyframe((begin + frame) // 2, "proactive", begin, frame, reasons[begin]))
        begin = frame
    return found


def _prepares(drive: Drive, frame: int) -> str:
    """Return what the ego is about to do sideways within 4 s and has not begun, "" for nothing."""
    assert drive.lanes is not None
    if drive.speed_mps[frame] < 1.0 or not HISTORY_FRAMES <= frame < drive.frames - FUTURE_FRAMES:
        return ""
    crossed = crossings(drive.lanes)[frame + 1 : frame + PREPARES_FRAMES]
    places = np.flatnonzero(crossed)
    if not len(places):
        return ""
    way = lateral_way(drive.lanes)[frame : frame + int(places[0]) + 2]
    begins = np.flatnonzero(np.abs(way - way[0]) >= LANE_MOVE_M)
    if not len(begins) or int(begins[0]) < BEFORE_FRAMES:
        return ""
    lateral = behaviour_at(drive, frame).lateral
    if lateral.startswith("leave_lane"):
        return "nudge_preparation"
    return "lane_change_preparation" if lateral.startswith("change_lane") else ""


def _passes(drive: Drive, frame: int) -> str:
    """Return what the ego passes without a need to act: a bend, a junction, somebody beside the road; "" for nothing."""
    state = drive.scenes[frame]
    if state.speed_mps < 2.0:
        return ""
    behaviour = behaviour_at(drive, frame)
    if behaviour.longitudinal not in ("keep_speed", "speed_up"):
        return ""
    vulnerable = any(
        thing.is_vulnerable and thing.is_visible and thing.relation == "roadside" and 0.0 < thing.gap_m < VULNERABLE_M
        for thing in scene_at(drive.scenes, frame).things
    )
    if vulnerable and behaviour.lateral in ("keep_lane", "curve_left", "curve_right"):
        return "no_yield_to_vulnerable"
    goes_through = bool(state.lane.to_junction_m < state.speed_mps * 0.1 * JUNCTION_FRAMES)
    if goes_through and not state.lane.is_junction and state.route_option == "straight":
        return "passing_intersection"
    turned, begins_m = bend_ahead(drive, frame, PREPARES_FRAMES)
    if abs(turned) >= CURVE_RAD and math.isfinite(begins_m) and behaviour.lateral.startswith("curve"):
        return "curvy_road"
    return ""
