"""What a critic is asked about an explanation: rubric, motion, what was in view, the explanation, the form of the grades."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict

from alpamayo_training.coc.drives import action_at
from alpamayo_training.coc.label import HISTORY_FRAMES, CocLabel
from alpamayo_training.coc.teacher_prompt import FRAME_STEP, motion_text
from alpamayo_training.coc.teaching import Case, Drive
from alpamayo_training.coc.things import Signal, Thing, scene_at
from alpamayo_training.endpoint.parsing import clean_text
from alpamayo_training.endpoint.pictures import picture_part, text_part

PROMPT_VERSION = "1"
RUBRIC = Path(__file__).with_name("critic_rubric.txt").read_text(encoding="utf-8").strip()
MOST_REMARKS, MOST_THINGS, SEEN_M = 300, 12, 60.0
SEES = ("pictures", "state", "both")
"""What a critic is shown of the scene; models without eyes take the state."""


def _grade(number: int) -> int:
    if not 0 <= number <= 5:
        raise ValueError("a grade is a whole number from 0 to 5")
    return number


class GradesAnswer(BaseModel):
    """The grades of an explanation."""

    model_config = ConfigDict(extra="forbid")
    behaviour_consistency: Annotated[int, AfterValidator(_grade)]
    causal_quality: Annotated[int, AfterValidator(_grade)]
    remarks: Annotated[str, AfterValidator(lambda text: clean_text(text, MOST_REMARKS))]


@dataclass(frozen=True)
class Evidence:
    """What a critic judges an explanation by, wherever it comes from: a label, or a model's output in training."""

    trace: str
    decision: str
    """In words; "" where there is none but the trace."""
    motion: str
    """What the vehicle really did, as text."""
    scene: str = ""
    """What was there, as text; "" where it is not known or not to be told."""
    reference: str = ""
    """A trace that is known to be right for the moment; "" where there is none."""
    pictures: tuple[tuple[str, NDArray[np.uint8]], ...] = ()
    """(caption, picture [h, w, 3]), oldest first."""


def messages_of(evidence: Evidence, longest_px: int) -> list[dict[str, Any]]:
    """Return the messages that ask for the grades of an explanation.

    The explanation is handed over as a JSON string, so that nothing in it can pass for a part of the question.
    """
    parts = [text_part(f"What the vehicle did:\n{evidence.motion}")]
    if evidence.scene:
        parts.append(text_part(f"What was there at t = 0.0 s, by the simulator:\n{evidence.scene}"))
    for caption, picture in evidence.pictures:
        parts += [text_part(caption), picture_part(picture, longest_px)]
    if evidence.reference:
        parts.append(text_part(f"An explanation that is known to be right:\n{json.dumps(evidence.reference)}"))
    graded = {"trace": evidence.trace, **({"decision": evidence.decision} if evidence.decision else {})}
    parts.append(text_part(f"The explanation to be graded:\n{json.dumps(graded)}"))
    if not evidence.pictures:
        # Servers of models without eyes often take nothing but a string.
        return [
            {"role": "system", "content": RUBRIC},
            {"role": "user", "content": "\n\n".join(str(part["text"]) for part in parts)},
        ]
    return [{"role": "system", "content": RUBRIC}, {"role": "user", "content": parts}]


def evidence_of(case: Case, label: CocLabel, sees: str, cameras: tuple[str, ...]) -> Evidence:
    """Return what a label is judged by: the first camera at 2 Hz up to the keyframe, others at it, or the scene in words."""
    drive, frame = case.drive, label.frame_index
    return Evidence(
        trace=label.trace,
        decision=f"along the road: {label.longitudinal}; sideways: {label.lateral}",
        motion=motion_text(drive, frame),
        scene=scene_text(drive, frame) if sees in ("state", "both") else "",
        pictures=_pictures(drive, frame, cameras) if sees in ("pictures", "both") else (),
    )


def scene_text(drive: Drive, frame: int) -> str:
    """Return the privileged state at a frame in words; "" for drives without it."""
    if not drive.scenes:
        return ""
    scene = scene_at(drive.scenes, frame)
    now = scene.now
    rows = [
        f"speed limit {now.speed_limit_mps:.1f} m/s; the route: {now.route_option} in {now.route_option_m:.0f} m"
        + ("; in a junction" if now.lane.is_junction else "")
    ]
    rows += [_signal_row(signal) for signal in scene.signals]
    near = sorted((thing for thing in scene.things if thing.distance_m < SEEN_M), key=lambda thing: thing.distance_m)
    rows += [_thing_row(thing, seen=thing.is_visible or not scene.has_masks) for thing in near[:MOST_THINGS]]
    if not near:
        rows.append(f"nobody and nothing within {SEEN_M:.0f} m")
    return "\n".join(f"- {row}" for row in rows)


def _signal_row(signal: Signal) -> str:
    was = f", was {', '.join(signal.was)} in the last 2 s" if signal.was else ""
    return f"{signal.kind} {signal.state}{was}, stop line {signal.distance_m:.0f} m ahead".replace("  ", " ")


def _thing_row(thing: Thing, *, seen: bool) -> str:
    where = f"{thing.distance_m:.0f} m away"
    if math.isfinite(thing.gap_m):
        where += (
            f" ({thing.gap_m:.0f} m along the route" + (f", on its {thing.side}" if thing.side else ", on it") + ")"
        )
    comes = f" from the {thing.comes_from}" if thing.comes_from else ""
    unseen = "" if seen else ", not visible to a camera"
    return f"{thing.category}, {thing.relation}, {thing.doing}{comes}, {thing.speed_mps:.1f} m/s, {where}{unseen}"


def _pictures(drive: Drive, frame: int, cameras: tuple[str, ...]) -> tuple[tuple[str, NDArray[np.uint8]], ...]:
    shown: list[tuple[str, NDArray[np.uint8]]] = []
    for place, camera in enumerate(cameras):
        first = max(frame % FRAME_STEP, frame - HISTORY_FRAMES)
        frames = range(first, frame + 1, FRAME_STEP) if place == 0 else (frame,)
        pictures = drive.pictures(camera, np.array(frames, dtype=np.int64))
        for one, picture in zip(frames, pictures, strict=True):
            doing = action_at(drive.meta_longitudinal, one)
            shown.append((f"t = {0.1 * (one - frame):+.1f} s, {camera}, {doing}", picture))
    return tuple(shown)
