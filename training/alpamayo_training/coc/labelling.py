"""Labelling a dataset: keyframes, teacher, rules and critic, episode by episode, resumable after any kill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_training.coc.drives import drive_of_dataset
from alpamayo_training.coc.filters import examine
from alpamayo_training.coc.keyframes import keyframes_of
from alpamayo_training.coc.label import CocLabel, labels_path, read_labels, read_metadata, write_labels
from alpamayo_training.coc.teaching import Case, Critic, Drive, Keyframe, Teacher
from alpamayo_training.data.driving_dataset import DrivingDataset
from alpamayo_training.endpoint.outcome import INFRASTRUCTURE

Told = Callable[[int, int, int], None]
"""(episodes done, episodes in all, labels so far)."""
UNANSWERED = frozenset(f"{who}_{kind}" for who in ("teacher", "critic") for kind in INFRASTRUCTURE)
"""Drop reasons that say nothing of a label: whoever was asked was not heard."""


@dataclass(frozen=True)
class LabellingPlan:
    """What is labelled, and by whom."""

    dataset: Path
    version: str
    teacher: Teacher
    critic: Critic | None
    episodes_at_once: int = 1
    """A teacher behind a network has the cases of so many episodes to work on at a time."""
    most_per_episode: int = 0
    """Keyframes of an episode that are labelled, evenly spread; 0 for all."""
    accepts_unanswered: bool = False
    """Whether labels that a server gave no answer for are kept as dropped ones, instead of being asked for again."""

    @property
    def path(self) -> Path:
        """Where the labels lie in the end."""
        return labels_path(self.dataset, self.version)

    @property
    def parts(self) -> Path:
        """Where the labels of finished episodes wait."""
        return self.path.with_name(f"{self.version}.parts")

    @property
    def about(self) -> dict[str, str]:
        """What belongs to the labels: another teacher or critic makes another version."""
        critic = f"{self.critic.name} {self.critic.version}" if self.critic is not None else "none"
        return {
            "teacher": f"{self.teacher.name} {self.teacher.version}",
            "critic": critic,
            "most_per_episode": str(self.most_per_episode),
        }


def label_dataset(plan: LabellingPlan, told: Told | None = None) -> tuple[CocLabel, ...]:
    """Return the labels of all episodes, made or found from an earlier run, and leave them in the dataset.

    Errors: InputError if the version is there already, by another teacher or critic, or the dataset is none;
    InfrastructureError if a teacher or critic was not heard for some keyframes: the next run asks for their episodes again.
    """
    dataset = DrivingDataset.open(plan.dataset)
    _check_parts(plan)
    episodes = [info.episode_index for info in dataset.episodes]
    if plan.path.is_file() and read_metadata(plan.path).get("episodes") == str(len(episodes)):
        return read_labels(plan.path)
    waiting = [index for index in episodes if not _part(plan, index).is_file()]
    labels, unanswered = 0, Counter[str]()
    for group in _groups(waiting, plan.episodes_at_once):
        found = label_drives(plan, [drive_of_dataset(dataset, index) for index in group])
        for index in group:
            own = [label for label in found if label.episode_index == index]
            lost = [label.drop_reason for label in own if label.drop_reason in UNANSWERED]
            if lost and not plan.accepts_unanswered:
                unanswered.update(lost)
                continue
            write_labels(_part(plan, index), own, plan.about)
            labels += len(own)
        if told is not None:
            done = sum(_part(plan, index).is_file() for index in episodes)
            told(done, len(episodes), labels)
    if unanswered:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(unanswered.items()))
        raise InfrastructureError(
            f"no answer for {unanswered.total()} keyframes ({kinds}); everything else is kept: run the same command again, or "
            "give --accept-unanswered to drop those keyframes"
        )
    whole = tuple(label for index in episodes for label in read_labels(_part(plan, index)))
    save(plan, whole, len(episodes))
    _remove_parts(plan)
    return whole


def save(plan: LabellingPlan, labels: Sequence[CocLabel], episodes: int) -> None:
    """Put the labels of all of a dataset's episodes in their place."""
    write_labels(plan.path, labels, {**plan.about, "episodes": str(episodes)})


def label_drives(plan: LabellingPlan, drives: Sequence[Drive]) -> list[CocLabel]:
    """Return the labels of the keyframes of drives, examined and graded."""
    by_episode = {drive.episode_index: drive for drive in drives}
    cases = [Case(drive, keyframe) for drive in drives for keyframe in _chosen(drive, plan.most_per_episode)]
    taught = [examine(by_episode[label.episode_index], label) for label in plan.teacher.teach(cases)]
    if plan.critic is None:
        return taught
    return list(plan.critic.grade(_with_cases(taught, cases)))


def _remove_parts(plan: LabellingPlan) -> None:
    for path in sorted(plan.parts.glob("*.parquet")):
        path.unlink()
    if plan.parts.is_dir() and not any(plan.parts.iterdir()):
        plan.parts.rmdir()


def _chosen(drive: Drive, most: int) -> list[Keyframe]:
    keyframes = keyframes_of(drive)
    if not most or len(keyframes) <= most:
        return list(keyframes)
    return [keyframes[round(place * (len(keyframes) - 1) / max(1, most - 1))] for place in range(most)]


def _with_cases(labels: Sequence[CocLabel], cases: Sequence[Case]) -> Iterator[tuple[Case, CocLabel]]:
    """Yield labels with their cases: a label lies at its case's keyframe, or shortly after it."""
    for label in labels:
        own = [case for case in cases if case.drive.episode_index == label.episode_index]
        yield min(own, key=lambda case: abs(case.keyframe.frame_index - label.frame_index)), label


def _part(plan: LabellingPlan, episode_index: int) -> Path:
    return plan.parts / f"episode-{episode_index:06d}.parquet"


def _check_parts(plan: LabellingPlan) -> None:
    others = [path for path in (plan.path, *sorted(plan.parts.glob("*.parquet"))[:1]) if path.is_file()]
    for path in others:
        found = read_metadata(path)
        differs = [key for key, value in plan.about.items() if found.get(key) != value]
        if differs:
            raise InputError(
                f"labels {plan.version!r} of {plan.dataset} were made with {differs[0]} {found.get(differs[0])!r}; found "
                f"{plan.about[differs[0]]!r}: choose another --version, or remove {path}"
            )


def _groups(waiting: Sequence[int], at_once: int) -> Iterator[Sequence[int]]:
    for first in range(0, len(waiting), max(1, at_once)):
        yield waiting[first : first + max(1, at_once)]
