"""What the ego does after a frame, measured on its true drive: what a trace has to agree with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.policy.lane_actions import crossings, lateral_way
from alpamayo_training.coc.teaching import Drive

Array = NDArray[np.float64]
LONGITUDINAL = ("stop", "slow_down", "keep_speed", "speed_up", "start", "stay_stopped", "reverse")
LATERAL = (
    "keep_lane",
    "curve_left",
    "curve_right",
    "turn_left",
    "turn_right",
    "change_lane_left",
    "change_lane_right",
    "shift_left",
    "shift_right",
    "leave_lane_left",
    "leave_lane_right",
    "return_lane_left",
    "return_lane_right",
)
STANDING_MPS, MOVING_MPS = 0.3, 0.7
CHANGE_MPS = 0.8
"""As the published detectors: a smaller change of speed is none."""
SLOW_AHEAD, STOP_AHEAD, START_AHEAD, LATERAL_AHEAD, TURN_AHEAD = 35, 64, 10, 40, 60
"""Frames that are looked ahead; who starts later than that waits for something that is still to come."""
TURN_RAD, CURVE_RAD, SHIFT_M = 0.4, 0.15, 0.4
RETURNS_WITHIN = 120
"""Who is back in its lane within so many frames has not changed lanes but left its own for something."""
HARD_MPS2 = 4.0
REVERSES_AHEAD = 18
LITTLE_MPS = 1.2
BEND_FRAMES = 50
ACTS_WITHIN = 6
ROUTE_FRAMES, ROUTE_M = 60, 30.0
"""A keyframe is 0.5 s before the ego acts: what it did until then is not what was decided."""


@dataclass(frozen=True)
class Behaviour:
    """What the ego does after a frame."""

    longitudinal: str
    """One of LONGITUDINAL."""
    lateral: str
    """One of LATERAL: the first thing that it does sideways."""
    speed_mps: float
    """At the frame."""
    speed_later_mps: float
    """3.5 s later, or at the end of the drive."""
    stops_in_s: float
    """Until it stands; infinite if it does not within 6.4 s."""
    brakes_hard: bool
    begins_in: int
    """Frames until the sideways part begins; 0 if it is under way or there is none."""

    @property
    def side(self) -> str:
        """Return left, right or "" of the lateral behaviour."""
        return self.lateral.rpartition("_")[2] if self.lateral != "keep_lane" else ""


def behaviour_at(drive: Drive, frame: int) -> Behaviour:
    """Return what the ego does after a frame of its drive."""
    speed = drive.speed_mps
    ahead = speed[frame : frame + STOP_AHEAD + 1]
    acts_at = acts_after(drive, frame)
    longitudinal, stops_in = _longitudinal(speed[acts_at : acts_at + STOP_AHEAD + 1])
    stops_in += 0.1 * (acts_at - frame) if longitudinal == "stop" else 0.0
    lateral, begins_in = _lateral(drive, frame)
    steps = np.diff(ahead[:SLOW_AHEAD])
    return Behaviour(
        longitudinal=longitudinal,
        lateral=lateral,
        speed_mps=float(speed[frame]),
        speed_later_mps=float(ahead[min(SLOW_AHEAD, len(ahead) - 1)]),
        stops_in_s=stops_in,
        brakes_hard=bool(len(steps) >= 3 and np.convolve(steps, np.ones(3) / 3.0, "valid").min() < -0.1 * HARD_MPS2),
        begins_in=begins_in,
    )


def acts_after(drive: Drive, frame: int) -> int:
    """Return when the ego begins to speed up or slow down, if that is within the next moments; the frame itself else."""
    for segment in drive.meta_longitudinal:
        soon = frame < segment.begin_frame <= frame + ACTS_WITHIN
        begins = segment.begin_frame
        if soon and segment.action.endswith(("accelerate", "decelerate")):
            # Where the ego does something else until then, that is what comes first.
            return begins if abs(drive.speed_mps[begins] - drive.speed_mps[frame]) < LITTLE_MPS else frame
    return frame


def _longitudinal(ahead: Array) -> tuple[str, float]:
    now = float(ahead[0])
    soon = ahead[: SLOW_AHEAD + 1]
    standing = np.flatnonzero(np.abs(ahead) < STANDING_MPS)
    if float(soon.mean()) < -0.12:
        return "reverse", float("inf")
    if now < STANDING_MPS:
        starts = np.flatnonzero(ahead[: START_AHEAD + 1] > MOVING_MPS)
        return ("start", float("inf")) if len(starts) else ("stay_stopped", 0.0)
    changed = np.flatnonzero(np.abs(soon - now) >= CHANGE_MPS)
    halts = len(standing) > 0 and bool((ahead[: int(standing[0])] < now + CHANGE_MPS).all())
    if halts and (len(changed) == 0 or soon[changed[0]] < now):
        rises = ahead[: int(standing[0]) + 1] - np.minimum.accumulate(ahead[: int(standing[0]) + 1])
        if float(rises.max()) < CHANGE_MPS:
            return "stop", 0.1 * float(standing[0])
    if len(changed) == 0:
        return "keep_speed", float("inf")
    up = bool(soon[changed[0]] > now)
    if up and bool((soon[:REVERSES_AHEAD] < now - CHANGE_MPS).any()):
        # Speeding up that ends in braking at once was not what was decided.
        if len(standing) and standing[0] <= REVERSES_AHEAD + 5:
            return "stop", 0.1 * float(standing[0])
        up = False
    return ("speed_up" if up else "slow_down"), float("inf")


def _lateral(drive: Drive, frame: int) -> tuple[str, int]:
    last = min(frame + TURN_AHEAD, drive.frames - 1)
    heading = drive.heading_rad
    if drive.lanes is None:
        return _bend(float(heading[min(frame + LATERAL_AHEAD, last)] - heading[frame]), sharp=False), 0
    found: list[tuple[int, str]] = []
    crossed = crossings(drive.lanes)
    near = min(frame + LATERAL_AHEAD, drive.frames - 1)
    for place in np.flatnonzero(crossed[frame + 1 : near + 1]):
        at = frame + 1 + int(place)
        found.append((_begin_of_crossing(drive, frame, at), _crossing_name(crossed, drive, at)))
        break
    inside = drive.lanes.is_junction[frame : last + 1]
    steps = np.diff(heading[frame : last + 1])
    turned = float(steps[inside[:-1]].sum()) if len(steps) else 0.0
    if abs(turned) >= TURN_RAD:
        bends = np.flatnonzero(np.abs(np.cumsum(np.where(inside[:-1], steps, 0.0))) > 0.05)
        found.append((int(bends[0]), _bend(turned, sharp=True)))
    if found:
        begin, name = min(found)
        return name, begin
    way = lateral_way(drive.lanes)[frame : near + 1]
    moved = way - way[0]
    shifted = np.flatnonzero(np.abs(moved) >= SHIFT_M)
    if len(shifted) and not inside[: len(moved)].any():
        return f"shift_{'left' if moved[shifted[0]] > 0.0 else 'right'}", int(shifted[0])
    road = road_heading(drive, frame, near)
    bend = float(road[-1] - road[0])
    return _bend(bend, sharp=False), 0


def road_heading(drive: Drive, frame: int, last: int) -> Array:
    """Return the heading of the road along the drive's frames [frame, last], not wrapped; the ego's own where lanes are unknown.

    Unlike the ego's, it does not bend where the ego changes lanes or goes around something.
    """
    if not drive.scenes:
        return drive.heading_rad[frame : last + 1]
    error = np.array([scene.lane.heading_error_rad for scene in drive.scenes[frame : last + 1]])
    return np.unwrap(drive.heading_rad[frame : last + 1] - error, period=np.pi)


def road_bend(drive: Drive, frame: int, frames: int = BEND_FRAMES) -> float:
    """Return by how much the road turns at most within the way of the next frames, in radians, left positive."""
    heading = road_heading(drive, frame, min(frame + frames, drive.frames - 1))
    turned = heading - heading[0]
    return float(turned[int(np.argmax(np.abs(turned)))])


def _bend(turned_rad: float, *, sharp: bool) -> str:
    side = "left" if turned_rad > 0.0 else "right"
    if sharp:
        return f"turn_{side}"
    return f"curve_{side}" if abs(turned_rad) >= CURVE_RAD else "keep_lane"


def _begin_of_crossing(drive: Drive, frame: int, at: int) -> int:
    """Return in how many frames the ego begins to move towards the lane that it comes into at frame `at`."""
    assert drive.lanes is not None
    way = lateral_way(drive.lanes)[frame : at + 1]
    total = float(way[-1] - way[0])
    return int(np.flatnonzero(np.abs(way - way[0]) >= min(0.2, abs(total)))[0])


def _crossing_name(crossed: NDArray[np.int64], drive: Drive, at: int) -> str:
    side = "left" if crossed[at] > 0 else "right"
    after = crossed[at + 1 : at + 1 + RETURNS_WITHIN]
    before = crossed[max(0, at - RETURNS_WITHIN) : at]
    back = np.flatnonzero(after == -crossed[at])
    if _route_changes(drive, at, side):
        return f"change_lane_{side}"
    opposite = not _goes_with_lane(drive, at)
    if opposite or (len(back) and not (after[: back[0]] == crossed[at]).any()):
        return f"leave_lane_{side}"
    if (before == -crossed[at]).any() or not _goes_with_lane(drive, max(0, at - 1)):
        return f"return_lane_{side}"
    return f"change_lane_{side}"


def _route_changes(drive: Drive, at: int, side: str) -> bool:
    """Whether the route itself changes lanes to that side about where the ego does."""
    past = drive.scenes[max(0, at - ROUTE_FRAMES) : at + 1 : 5]
    return any(state.route_option == f"change_lane_{side}" and state.route_option_m < ROUTE_M for state in past)


def _goes_with_lane(drive: Drive, frame: int) -> bool:
    return not drive.scenes or abs(drive.scenes[frame].lane.heading_error_rad) < np.pi / 2.0
