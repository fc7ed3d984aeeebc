"""What a vision language model is asked about a keyframe: frames at 2 Hz, the driver's meta-actions, the form of the answer.

After the description of the published labeller: 2 s of history and 6 s of future of the front camera, ego states and meta-actions
as the answer that is to be explained, one sentence, at most one decision along the road and one sideways, evidence from the
history only (Alpamayo's paper, arXiv 2511.00088, sections 4.1 and 4.2). The words are in teacher_prompt.txt; whoever changes
them, or what is shown, counts PROMPT_VERSION up.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict

from alpamayo_training.coc.drives import action_at, segments_around
from alpamayo_training.coc.label import FUTURE_FRAMES, HISTORY_FRAMES, Segment
from alpamayo_training.coc.teaching import Case, Drive
from alpamayo_training.endpoint.parsing import clean_text
from alpamayo_training.endpoint.pictures import picture_part, text_part

PROMPT_VERSION = "1"
FRAME_STEP = 5
"""Frames at 10 Hz between two that are shown: 2 Hz."""
MOST_TRACE, MOST_NAME, MOST_EVIDENCE, MOST_COMPONENTS = 400, 80, 300, 8
TURNED_DEG = 0.5

Longitudinal = Literal[
    "set_speed_tracking",
    "lead_obstacle_following",
    "speed_adaptation",
    "gap_searching",
    "acceleration_for_passing",
    "yield",
    "stop_for_static_constraint",
    "none",
]
Lateral = Literal[
    "lane_keeping",
    "merge_split",
    "out_of_lane_nudge",
    "in_lane_nudge",
    "lane_change",
    "pull_over",
    "turn",
    "lateral_maneuver_abort",
    "none",
]
Scenario = Literal[
    "slow_for_lead",
    "stop_for_lead",
    "stop_for_control",
    "resume_at_control",
    "lane_change",
    "yield_to_vulnerable",
    "cut_in",
    "speed_bump",
    "nudge",
    "bypass_construction",
    "risky_driving",
    "curvy_road",
    "lane_change_preparation",
    "nudge_preparation",
    "passing_intersection",
    "no_yield_to_vulnerable",
    "other",
]
ComponentKind = Literal[
    "critical_object",
    "traffic_light",
    "yield_stop_control",
    "road_event",
    "lane",
    "routing_intent",
    "odd_constraint",
]


def _line(most: int) -> AfterValidator:
    def checked(text: str) -> str:
        cleaned = clean_text(text, most + 1)
        if not cleaned or len(cleaned) > most:
            raise ValueError(f"has {len(cleaned)} characters; between 1 and {most} are wanted")
        return cleaned

    return AfterValidator(checked)


def _in_history(seconds: float) -> float:
    if not -2.0 <= seconds <= 0.0:
        raise ValueError("evidence lies between -2.0 and 0.0 s")
    return seconds


class ComponentAnswer(BaseModel):
    """Something that the decision depends on."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    kind: ComponentKind
    name: Annotated[str, _line(MOST_NAME)]
    evidence: Annotated[str, _line(MOST_EVIDENCE)]
    evidence_time_s: Annotated[float, AfterValidator(_in_history)]
    is_cause: bool


class TeacherAnswer(BaseModel):
    """The reasoning for one keyframe."""

    model_config = ConfigDict(extra="forbid")
    components: list[ComponentAnswer]
    scenario: Scenario
    longitudinal: Longitudinal
    lateral: Lateral
    trace: Annotated[str, _line(MOST_TRACE)]


SYSTEM = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").strip()


def messages_of(case: Case, cameras: Sequence[str], longest_px: int) -> list[dict[str, Any]]:
    """Return the messages that ask about a case; the first camera is shown at all times, others up to the keyframe.

    Reads the pictures from the drive.
    """
    drive, frame = case.drive, case.keyframe.frame_index
    times = shown_frames(drive, frame)
    parts = [text_part(_introduction(case))]
    for place, camera in enumerate(cameras):
        frames = times if place == 0 else [time for time in times if time <= frame]
        pictures = drive.pictures(camera, np.array(frames, dtype=np.int64))
        for time, picture in zip(frames, pictures, strict=True):
            parts.append(text_part(_caption(drive, frame, time, camera)))
            parts.append(picture_part(picture, longest_px))
    parts.append(text_part("Now explain what the vehicle does right after t = 0.0 s. One JSON object."))
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": parts}]


def shown_frames(drive: Drive, frame: int) -> list[int]:
    """Return the frames at 2 Hz of the 2 s before and the 6 s after a frame that the drive has."""
    around = range(frame - HISTORY_FRAMES, frame + FUTURE_FRAMES + 1, FRAME_STEP)
    return [one for one in around if 0 <= one < drive.frames]


def motion_text(drive: Drive, frame: int) -> str:
    """Return what the vehicle did around a frame: its meta-actions, and speed and heading at 2 Hz."""
    rows = [
        f"longitudinal meta-actions: {_told(segments_around(drive.meta_longitudinal, frame), frame)}",
        f"lateral meta-actions: {_told(segments_around(drive.meta_lateral, frame), frame)}",
    ]
    if drive.meta_lane:
        rows.append(f"in its lane: {_told(segments_around(drive.meta_lane, frame), frame)}")
    rows.append("time, speed, heading relative to the keyframe, distance driven since the keyframe:")
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(drive.position_m[:, :2], axis=0), axis=1))])
    for one in shown_frames(drive, frame):
        turned = float(np.degrees(drive.heading_rad[one] - drive.heading_rad[frame]))
        side = (
            "straight" if abs(turned) < TURNED_DEG else f"{abs(turned):.0f} deg {'left' if turned > 0.0 else 'right'}"
        )
        driven = along[one] - along[frame]
        rows.append(f"{0.1 * (one - frame):+.1f} s  {drive.speed_mps[one]:.1f} m/s  {side}  {driven:+.1f} m")
    return "\n".join(rows)


def _introduction(case: Case) -> str:
    keyframe = case.keyframe
    how = (
        "The vehicle is about to act (a reactive keyframe)."
        if keyframe.kind == "reactive"
        else "The vehicle need not react to anybody right now (a proactive keyframe)."
    )
    return (
        f"{how}\nWhat it did, the answer to be explained:\n{motion_text(case.drive, keyframe.frame_index)}\n\nFrames:"
    )


def _caption(drive: Drive, frame: int, time: int, camera: str) -> str:
    doing = f"{action_at(drive.meta_longitudinal, time)}, {action_at(drive.meta_lateral, time)}"
    when = "keyframe" if time == frame else "history" if time < frame else "future"
    return f"t = {0.1 * (time - frame):+.1f} s ({when}), {camera}, {drive.speed_mps[time]:.1f} m/s, {doing}"


def _told(segments: Sequence[Segment], frame: int) -> str:
    return ", ".join(
        f"{segment.action} from {0.1 * (segment.begin_frame - frame):+.1f} to {0.1 * (segment.end_frame - frame):+.1f} s"
        for segment in segments
    )
