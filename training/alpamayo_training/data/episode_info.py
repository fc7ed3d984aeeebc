"""What is known of one episode of a dataset: all that it takes to drive it again, what came of it, and where it lies."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from alpamayo_agents.collecting.perturbation import Perturbation
from alpamayo_agents.collecting.settings import CollectSettings
from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import CameraRig

ABOUT_FILE = Path("meta/alpamayo.json")
EPISODES_FILE = Path("meta/alpamayo_episodes.jsonl")
FORMAT_VERSION = 1
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class EpisodeInfo:
    """One episode."""

    episode_index: int
    episode_id: str
    """As the collecting run calls it; unique in the dataset."""
    frame_count: int
    split: str
    """train, val or test."""
    town: str
    route_id: str
    source: str = "collected"
    """collected, or how it was imported: video, carla_log, watched."""
    suite: str = ""
    route_file: str = ""
    """The copy of its route file, relative to the dataset's folder."""
    scenario_types: tuple[str, ...] = ()
    repetition: int = 0
    seed: int = 0
    agent: str = ""
    profile: str = ""
    background: bool = False
    vehicles: int = 0
    walkers: int = 0
    server: str = ""
    perturbation: Perturbation = field(default_factory=Perturbation)
    status: str = "ok"
    """As the benchmark's results have it: ok, or policy_failure(...)."""
    outcome: str = ""
    """Why it ended: completed, route_deviation, ..."""
    driving_score: float = 0.0
    infractions: tuple[str, ...] = ()
    """Kinds of the infractions, in order."""
    has_scene: bool = True
    """Whether the privileged state is known."""
    first_row: int = 0
    """Number of its first frame in the whole dataset."""
    data_file: str = ""
    scene_file: str = ""
    row_group: int = 0
    """Of both files: every episode is one."""
    video_file: int = 0
    """Number of its file under each camera's folder."""
    video_begin_s: float = 0.0
    """Where it begins in that file."""

    @property
    def is_clean(self) -> bool:
        """Whether it was driven to its end without an infraction but for minimum speed."""
        driven = self.status == "ok" and self.outcome in ("completed", "")
        return driven and not any(kind != "min_speed" for kind in self.infractions)

    @property
    def duration_s(self) -> float:
        """Time from its first frame to the time after its last."""
        return self.frame_count * 0.1


@dataclass(frozen=True)
class DatasetAbout:
    """What all episodes of a dataset have in common."""

    title: str
    rig: CameraRig
    collect: CollectSettings | None = None
    """How the episodes were collected; None for a dataset that was imported."""
    held_out_towns: tuple[str, ...] = ()
    """Towns that are all in the test split."""
    split_seed: int = 0
    code: str = ""
    """Version or commit of the program that collected."""
    dropped: tuple[str, ...] = ()
    """Episodes of the run that are not in the dataset, and why."""
    format_version: int = FORMAT_VERSION


_ABOUT = TypeAdapter(DatasetAbout)
_EPISODE = TypeAdapter(EpisodeInfo)


def write_about(folder: Path, about: DatasetAbout, episodes: tuple[EpisodeInfo, ...]) -> None:
    """Write both files below a dataset's folder."""
    (folder / "meta").mkdir(parents=True, exist_ok=True)
    (folder / ABOUT_FILE).write_text(json.dumps(asdict(about), indent=2) + "\n", encoding="utf-8")
    lines = (json.dumps(asdict(episode), separators=(",", ":"), allow_nan=False) for episode in episodes)
    (folder / EPISODES_FILE).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def read_about(folder: Path) -> tuple[DatasetAbout, tuple[EpisodeInfo, ...]]:
    """Return what a dataset says of itself and of its episodes.

    Raises InputError for a folder that is no dataset of ours, or one of another format.
    """
    about_file, episodes_file = folder / ABOUT_FILE, folder / EPISODES_FILE
    if not about_file.is_file() or not episodes_file.is_file():
        raise InputError(
            f"expected a dataset (with {ABOUT_FILE} and {EPISODES_FILE}) at {folder}; found none. Make one with `alpamayo "
            "collect`, or import one with `alpamayo dataset import`"
        )
    try:
        raw = json.loads(about_file.read_text(encoding="utf-8"))
        found = raw.get("format_version")
        if found != FORMAT_VERSION:
            raise InputError(
                f"{about_file}: expected format {FORMAT_VERSION}; found {found}; collect or import it again"
            )
        about = _ABOUT.validate_python(raw)
        lines = episodes_file.read_text(encoding="utf-8").splitlines()
        episodes = tuple(_EPISODE.validate_json(line) for line in lines)
    except (OSError, ValueError, ValidationError) as error:
        raise InputError(f"{folder} cannot be read as a dataset: {error}") from error
    wrong = [info.episode_id for number, info in enumerate(episodes) if info.episode_index != number]
    if wrong:
        raise InputError(f"{episodes_file}: episodes are numbered from 0 in order; found {wrong[0]} out of order")
    return about, episodes
