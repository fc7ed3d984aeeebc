"""Labels with one error each, of ten kinds, made from true labels: what the filters are measured on.

`python -m alpamayo_training.coc.seeded_errors DATASET --version NAME` prints the recall of every kind and the false drops.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from alpamayo_training.coc.behaviour import behaviour_at
from alpamayo_training.coc.filters import filter_results
from alpamayo_training.coc.label import CocLabel, Component, labels_path, read_labels
from alpamayo_training.coc.teaching import Drive
from alpamayo_training.coc.things import scene_at

Random = np.random.Generator
AHEAD_FRAMES = (10, 60)
CROSSINGS = ("a pedestrian is crossing from the {side}", "the pedestrian ahead is crossing from the {side}")
HEDGES = ("Maybe {}", "Perhaps {}", "Possibly {}")
OPPOSITES = {
    "stop": "speed up",
    "slow_down": "speed up",
    "stay_stopped": "start moving",
    "start": "stay stopped",
    "speed_up": "slow down",
    "keep_speed": "stop",
}
HEADS = re.compile(
    r"\b(?:slow down and stop|slow down and give way|come to a stop|brake to a stop|slow down gently|slow down immediately|"
    r"slow down|brake hard|brake firmly|brake gently|reduce the speed|stay stopped|keep waiting|remain stopped|wait\b|"
    r"start moving again|start moving|accelerate gently from the stop|accelerate gently|accelerate|proceed|speed up|"
    r"resume speed|keep a steady speed|keep the speed|maintain speed|keep distance|follow at a steady speed|yield\b|stop\b"
    r"(?! line| sign))",
    re.IGNORECASE,
)
PAST = {
    "slow down": "slowed down",
    "come to": "came to",
    "brake": "braked",
    "reduce": "reduced",
    "stay": "stayed",
    "keep": "kept",
    "remain": "remained",
    "wait": "waited",
    "start": "started",
    "accelerate": "accelerated",
    "proceed": "proceeded",
    "speed up": "sped up",
    "resume": "resumed",
    "maintain": "maintained",
    "follow": "followed",
    "yield": "yielded",
    "stop": "stopped",
}


@dataclass(frozen=True)
class Subject:
    """A true label with what errors are made from."""

    label: CocLabel
    drive: Drive
    others: Sequence[tuple[CocLabel, str]]
    """Labels of other scenes, each with its behaviour in words."""


Error = Callable[[Subject, Random], CocLabel | None]


def wrong_side(subject: Subject, random: Random) -> CocLabel | None:
    """Left for right and right for left."""
    other = {"left": "right", "right": "left"}
    swapped = re.sub(r"\b(left|right)\b(?! of way)", lambda found: other[found.group(1)], subject.label.trace)
    return _with_trace(subject, swapped)


def wrong_light(subject: Subject, random: Random) -> CocLabel | None:
    """Green for red, red for green."""
    other = {"red": "green", "green": "red", "yellow": "green"}
    return _with_trace(
        subject, re.sub(r"\b(red|green|yellow)\b", lambda found: other[found.group(1)], subject.label.trace)
    )


def negation(subject: Subject, random: Random) -> CocLabel | None:
    """A statement or the decision turned into its opposite by a "not"."""
    text = subject.label.trace
    facts = [found for found in re.finditer(r"\b(is|are|has|applies|turns|continues|curves|requires|needs)\b", text)]
    if facts and random.random() < 0.5:
        found = facts[int(random.integers(len(facts)))]
        verb = found.group(1)
        base = {"applies": "does not apply", "turns": "does not turn", "continues": "does not continue"}
        base |= {"curves": "does not curve", "requires": "does not require", "needs": "does not need"}
        return _with_trace(subject, text[: found.start()] + base.get(verb, f"{verb} not") + text[found.end() :])
    head = HEADS.search(text)
    return None if head is None else _with_trace(subject, _cased(text, head, f"do not {head.group(0).lower()}"))


def wrong_tense(subject: Subject, random: Random) -> CocLabel | None:
    """A decision told as something done, or a cause as something that is still to come."""
    text = subject.label.trace
    if random.random() < 0.5:
        found = re.search(r"\b(?:is|are|has)\b", text)
        if found:
            return _with_trace(subject, text[: found.start()] + "will be" + text[found.end() :])
    head = HEADS.search(text)
    if head is None:
        return None
    phrase = head.group(0).lower()
    begin = next((word for word in PAST if phrase.startswith(word)), None)
    return None if begin is None else _with_trace(subject, _cased(text, head, PAST[begin] + phrase[len(begin) :]))


def invented_pedestrian(subject: Subject, random: Random) -> CocLabel | None:
    """A pedestrian as the cause, where nobody on foot is within 60 m."""
    scene = scene_at(subject.drive.scenes, subject.label.frame_index)
    if any(thing.category == "pedestrian" and thing.distance_m < 60.0 for thing in scene.things):
        return None
    clause = CROSSINGS[int(random.integers(2))].format(side=("left", "right")[int(random.integers(2))])
    text = re.split(r"\b(?:because|since|as)\b", subject.label.trace)[0].strip(" .,")
    return _with_trace(subject, f"{text} because {clause}.") if len(text.split()) > 1 and "so" not in text else None


def wrong_decision(subject: Subject, random: Random) -> CocLabel | None:
    """The opposite of what the ego does."""
    done = behaviour_at(subject.drive, subject.label.frame_index).longitudinal
    head = HEADS.search(subject.label.trace)
    if head is None or done not in OPPOSITES:
        return None
    return _with_trace(subject, _cased(subject.label.trace, head, OPPOSITES[done]))


def hedging(subject: Subject, random: Random) -> CocLabel | None:
    """Words that commit to nothing."""
    text = subject.label.trace
    kind = int(random.integers(3))
    if kind == 0:
        return _with_trace(subject, HEDGES[int(random.integers(3))].format(text[0].lower() + text[1:]))
    if kind == 1 and re.search(r"\bis\b", text):
        return _with_trace(subject, re.sub(r"\bis\b", "might be", text, count=1))
    head = HEADS.search(text)
    if head is None:
        return None
    return _with_trace(subject, _cased(text, head, f"{head.group(0).lower()} or keep the speed"))


def future_evidence(subject: Subject, random: Random) -> CocLabel | None:
    """What is only seen later: a light's later state, or evidence dated after the keyframe."""
    label, scenes = subject.label, subject.drive.scenes
    lights = {one.actor_id: one.state for one in scenes[label.frame_index].signals if one.kind == "traffic_light"}
    for later in scenes[label.frame_index + AHEAD_FRAMES[0] : label.frame_index + AHEAD_FRAMES[1]]:
        for one in later.signals:
            if lights.get(one.actor_id, one.state) != one.state and one.state in ("red", "green", "yellow"):
                text = re.split(r"\b(?:because|since|as)\b", label.trace)[0].strip(" .,")
                if len(text.split()) > 1:
                    return _with_trace(subject, f"{text} because the traffic light ahead has turned {one.state}.")
    causes = [component for component in label.components if component.is_cause]
    if not causes:
        return None
    late = label.frame_index + int(random.integers(*AHEAD_FRAMES))
    moved = tuple(replace(one, frame_index=late) if one is causes[0] else one for one in label.components)
    return replace(label, components=moved)


def invisible_cause(subject: Subject, random: Random) -> CocLabel | None:
    """Somebody whom no camera shows, as the cause."""
    label = subject.label
    scene = scene_at(subject.drive.scenes, label.frame_index)
    if not scene.has_masks:
        return None
    hidden = [thing for thing in scene.things if thing.visible_px == 0 and thing.distance_m < 70.0]
    if not hidden:
        return None
    thing = hidden[int(random.integers(len(hidden)))]
    text = re.split(r"\b(?:because|since|as)\b", label.trace)[0].strip(" .,")
    if len(text.split()) < 2:
        return None
    component = Component(
        kind="critical_object",
        name=thing.category,
        actor_id=thing.actor_id,
        evidence=f"{thing.category} at {thing.distance_m:.0f} m.",
        frame_index=label.frame_index,
        visible_px=0,
    )
    trace = f"{text} because the {thing.category} {thing.distance_m:.0f} m away is near."
    return replace(label, trace=trace, components=(component,))


def copied_trace(subject: Subject, random: Random) -> CocLabel | None:
    """The trace of another scene in which the ego did something else."""
    own = _words_of(subject.drive, subject.label)
    others = [label for label, words in subject.others if words != own and label.trace != subject.label.trace]
    if not others:
        return None
    return _with_trace(subject, others[int(random.integers(len(others)))].trace)


ERRORS: dict[str, Error] = {
    "wrong_side": wrong_side,
    "wrong_light": wrong_light,
    "negation": negation,
    "wrong_tense": wrong_tense,
    "invented_pedestrian": invented_pedestrian,
    "wrong_decision": wrong_decision,
    "hedging": hedging,
    "future_evidence": future_evidence,
    "invisible_cause": invisible_cause,
    "copied_trace": copied_trace,
}


def measure(drives: Mapping[int, Drive], labels: Sequence[CocLabel], seed: int = 0) -> dict[str, Any]:
    """Return {"recall": share by kind and "all", "made": errors by kind, "missed": traces, "false_drops", "true_labels"}.

    `labels` are true ones: those that the rules drop among them are the false drops. An error of each kind is made of every
    label that allows it.
    """
    random = np.random.default_rng(seed)
    told = [(label, _words_of(drives[label.episode_index], label)) for label in labels]
    made: dict[str, int] = dict.fromkeys(ERRORS, 0)
    found: dict[str, int] = dict.fromkeys(ERRORS, 0)
    missed: dict[str, list[str]] = {name: [] for name in ERRORS}
    for label in labels:
        subject = Subject(label, drives[label.episode_index], told)
        for name, error in ERRORS.items():
            wrong = error(subject, random)
            if wrong is None:
                continue
            made[name] += 1
            if any(not result.passed for result in filter_results(subject.drive, wrong)):
                found[name] += 1
            else:
                missed[name].append(f"{label.episode_index}:{label.frame_index} {wrong.trace} [{label.trace}]")
    dropped = [
        f"{label.episode_index}:{label.frame_index} {label.trace}"
        for label in labels
        if any(not result.passed for result in filter_results(drives[label.episode_index], label))
    ]
    recall: dict[str, float | None] = {name: found[name] / made[name] if made[name] else None for name in ERRORS}
    recall["all"] = sum(found.values()) / max(1, sum(made.values()))
    return {
        "recall": recall,
        "made": made,
        "missed": missed,
        "true_labels": len(labels),
        "false_drops": len(dropped) / max(1, len(labels)),
        "dropped": dropped,
    }


def _with_trace(subject: Subject, text: str) -> CocLabel | None:
    return replace(subject.label, trace=text) if text != subject.label.trace else None


def _cased(text: str, found: re.Match[str], phrase: str) -> str:
    if found.group(0)[0].isupper():
        phrase = phrase[0].upper() + phrase[1:]
    return text[: found.start()] + phrase + text[found.end() :]


def _words_of(drive: Drive, label: CocLabel) -> str:
    behaviour = behaviour_at(drive, label.frame_index)
    return f"{behaviour.longitudinal} {behaviour.lateral}"


def main(dataset: Path, version: str = "rules", seed: int = 0, most: int = 2000) -> None:
    """Print the measurement of a dataset's labels as JSON; those that were dropped by the teacher itself are left out."""
    from alpamayo_training.coc.drives import drive_of_dataset
    from alpamayo_training.data.driving_dataset import DrivingDataset

    opened = DrivingDataset.open(dataset)
    labels = read_labels(labels_path(dataset, version))
    # What a filter has dropped counts: it may have been dropped falsely.
    labels = [label for label in labels if not label.drop_reason.startswith(("teacher_", "critic_"))][:most]
    drives = {index: drive_of_dataset(opened, index) for index in {label.episode_index for label in labels}}
    print(json.dumps(measure(drives, labels, seed), indent=1))


if __name__ == "__main__":
    import tyro

    tyro.cli(main)
