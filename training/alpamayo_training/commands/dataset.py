"""`alpamayo dataset`: look at a dataset of driving, check it, bring drives of others into one."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Union

import tyro
from tyro.conf import OmitArgPrefixes, OmitSubcommandPrefixes, Positional

from alpamayo_sim.errors import InputError
from alpamayo_training.data.checking import check_dataset
from alpamayo_training.data.driving_dataset import DrivingDataset
from alpamayo_training.data.episode_info import SPLITS
from alpamayo_training.data.gallery import dataset_labels, write_gallery
from alpamayo_training.data.importing.arguments import ImportDrives


@dataclass(frozen=True)
class Info:
    """Say what a dataset holds."""

    folder: Annotated[Path, Positional]
    """The dataset's folder."""
    json: bool = False
    """Print one JSON line and nothing else."""

    def run(self) -> int:
        """Return 0."""
        dataset = DrivingDataset.open(self.folder)
        figures = dataset_figures(dataset)
        print(json.dumps(figures) if self.json else _text(dataset, figures))
        return 0


@dataclass(frozen=True)
class Show:
    """Write a gallery of web pages: videos with plans, the driver's words, labels."""

    folder: Annotated[Path, Positional]
    """The dataset's folder."""
    out: Path | None = None
    """Where the pages go; by default gallery/ in the dataset's folder."""
    episodes: tuple[int, ...] = ()
    """Numbers of the episodes to show; by default the first --most of every split."""
    most: int = 12
    """Episodes of each split that are shown."""
    labels: str | None = None
    """Version of the labels; by default the newest."""

    def run(self) -> int:
        """Return 0."""
        if self.most < 1:
            raise InputError(f"--most is 1 or more; found {self.most}")
        dataset = DrivingDataset.open(self.folder)
        chosen = tuple(dataset.episode(number) for number in self.episodes) or tuple(
            info for split in SPLITS for info in dataset.of_split(split)[: self.most]
        )
        out = self.out or self.folder / "gallery"
        page = write_gallery(
            dataset, out, chosen, labels_version=self.labels, tell=lambda text: print(text, file=sys.stderr)
        )
        print(page)
        return 0


@dataclass(frozen=True)
class Check:
    """Read everything once: are all files there and whole, do they fit each other?"""

    folder: Annotated[Path, Positional]
    """The dataset's folder."""

    def run(self) -> int:
        """Return 0 if nothing is wrong; InputError that names the first file that is broken."""
        checked = check_dataset(self.folder, tell=lambda text: print(text, file=sys.stderr))
        print(f"{checked.episodes} episodes, {checked.frames} frames, {checked.pictures} pictures decoded: whole")
        return 0


@dataclass(frozen=True)
class Arguments:
    """Look at a dataset, check it, or make one of drives that others have recorded."""

    command: OmitArgPrefixes[
        OmitSubcommandPrefixes[
            Union[
                Annotated[Info, tyro.conf.subcommand("info")],
                Annotated[Show, tyro.conf.subcommand("show")],
                Annotated[Check, tyro.conf.subcommand("check")],
                Annotated[ImportDrives, tyro.conf.subcommand("import")],
            ]
        ]
    ]

    def run(self) -> int:
        """Run the subcommand."""
        return self.command.run()


def dataset_figures(dataset: DrivingDataset) -> dict[str, object]:
    """Return a dataset's figures, flat but for splits, towns, scenarios and infractions."""
    infos = dataset.episodes
    version, labels = dataset_labels(dataset.folder, None)
    speeds = [dataset.motion(info.episode_index).speed_mps for info in infos]
    distance_m = sum(float(abs(speed).sum()) * 0.1 for speed in speeds)
    return {
        "title": dataset.about.title,
        "episodes": len(infos),
        "frames": sum(info.frame_count for info in infos),
        "hours": round(sum(info.duration_s for info in infos) / 3600.0, 4),
        "distance_km": round(distance_m / 1000.0, 3),
        "cameras": list(dataset.cameras),
        "width_px": dataset.rig.width_px,
        "height_px": dataset.rig.height_px,
        "splits": {
            split: {
                "episodes": len(of),
                "frames": sum(info.frame_count for info in of),
                "routes": len({(info.town, info.route_id) for info in of}),
            }
            for split in SPLITS
            if (of := dataset.of_split(split))
        },
        "towns": dict(Counter(info.town for info in infos)),
        "scenarios": dict(sorted(Counter(kind for info in infos for kind in info.scenario_types).items())),
        "infractions": dict(Counter(kind for info in infos for kind in info.infractions)),
        "episodes_clean": sum(info.is_clean for info in infos),
        "episodes_start_moved": sum(info.perturbation.moves_start for info in infos),
        "bursts_of_noise": sum(len(info.perturbation.bursts) for info in infos),
        "frames_perturbed": sum(int(dataset.is_perturbed(info.episode_index).sum()) for info in infos),
        "frames_learnable": sum(len(dataset.learnable_frames(info.episode_index)) for info in infos),
        "labels_version": version,
        "labels": len(labels),
        "labels_kept": sum(not label.drop_reason for label in labels),
        "size_mib": round(sum(path.stat().st_size for path in dataset.folder.rglob("*") if path.is_file()) / 2**20, 1),
    }  # fmt: skip


def _text(dataset: DrivingDataset, figures: dict[str, object]) -> str:
    lines = [f"{dataset.folder}: {dataset.about.title}"]
    for name, value in figures.items():
        if name == "title" or value in ({}, ""):
            continue
        if isinstance(value, dict):
            value = ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
        elif isinstance(value, list):
            value = ", ".join(str(item) for item in value)
        lines.append(f"  {name:<22} {value}")
    return "\n".join([*lines, *(f"  left out: {reason}" for reason in dataset.about.dropped)])


def _plain(item: object) -> str:
    return (
        "(" + ", ".join(f"{value} {key}" for key, value in item.items()) + ")" if isinstance(item, dict) else str(item)
    )
