"""A gallery of a dataset as web pages: videos of all cameras with plans, the driver's words, labels where there are any."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from alpamayo_sim.errors import InputError
from alpamayo_sim.record.run_folder import write_text
from alpamayo_sim.record.video import VideoWriter
from alpamayo_training.coc.label import CocLabel, read_labels
from alpamayo_training.data.driving_dataset import DrivingDataset
from alpamayo_training.data.episode_info import EpisodeInfo
from alpamayo_training.data.gallery_pictures import GalleryPictures

PAGE = "index.html"
_AT_ONCE = 50


@dataclass(frozen=True)
class ShownEpisode:
    """What a page says of one episode."""

    info: EpisodeInfo
    name: str
    labels: tuple[CocLabel, ...]


def write_gallery(
    dataset: DrivingDataset,
    folder: Path,
    episodes: tuple[EpisodeInfo, ...],
    *,
    labels_version: str | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Path:
    """Write the pages and videos of some episodes into a folder and return the first page.

    Labels are those of a version, by default the newest that there is. Raises InputError for a version that is not there.
    """
    version, labels = dataset_labels(dataset.folder, labels_version)
    folder.mkdir(parents=True, exist_ok=True)
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    texts = files("alpamayo_training.data")
    style = (texts / "gallery.css").read_text(encoding="utf-8")
    template = environment.from_string((texts / "gallery_episode.html").read_text(encoding="utf-8"))
    shown: list[ShownEpisode] = []
    for number, info in enumerate(episodes):
        mine = tuple(label for label in labels if label.episode_index == info.episode_index)
        name = f"episode-{info.episode_index:05d}"
        _write_video(dataset, info, folder / f"{name}.mp4", folder / f"{name}.jpg")
        page = template.render(
            style=style,
            info=info,
            name=name,
            version=version,
            labels=mine,
            facts=_facts(info),
            # Inside of a script element, where words of a model must not end it.
            track=json.dumps(_track(dataset, info, mine)).replace("<", "\\u003c"),
        )
        write_text(folder / f"{name}.html", page)
        shown.append(ShownEpisode(info, name, mine))
        tell(f"[{number + 1}/{len(episodes)}] {info.episode_id}")
    overview = environment.from_string((texts / "gallery.html").read_text(encoding="utf-8"))
    text = overview.render(
        style=style,
        title=dataset.about.title,
        folder=str(dataset.folder),
        shown=shown,
        all_count=len(dataset.episodes),
        version=version,
        towns=sorted({one.info.town for one in shown}),
    )
    write_text(folder / PAGE, text)
    return folder / PAGE


def dataset_labels(folder: Path, version: str | None) -> tuple[str, tuple[CocLabel, ...]]:
    """Return a version's name and labels: those asked for, or the newest; "" and none where there are none."""
    there = sorted((folder / "labels" / "coc").glob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    if version is not None:
        chosen = [path for path in there if path.stem == version]
        if not chosen:
            names = ", ".join(path.stem for path in there) or "none"
            raise InputError(f"{folder} has no labels of version {version!r}; there are {names}")
        there = chosen
    return (there[-1].stem, read_labels(there[-1])) if there else ("", ())


def _write_video(dataset: DrivingDataset, info: EpisodeInfo, video: Path, still: Path) -> None:
    pictures = GalleryPictures(dataset, info.episode_index)
    writer: VideoWriter | None = None
    for begin in range(0, info.frame_count, _AT_ONCE):
        for picture in pictures.draw(np.arange(begin, min(begin + _AT_ONCE, info.frame_count))):
            if writer is None:
                writer = VideoWriter(video, width=picture.shape[1], height=picture.shape[0], crf=24)
            writer.write(picture)
    assert writer is not None, "an episode has frames"
    writer.close()
    pictures.save_still(still, info.frame_count // 2)


def _facts(info: EpisodeInfo) -> list[tuple[str, str]]:
    moved = info.perturbation
    start = (
        f"{moved.start_lateral_m:+.2f} m to the left, turned {np.degrees(moved.start_heading_rad):+.1f}°, "
        f"{moved.start_speed_mps:.1f} m/s"
    )
    verdict = f"{info.status}, {info.outcome}" + (f", score {info.driving_score:.1f}" if info.profile else "")
    counted = {kind: info.infractions.count(kind) for kind in dict.fromkeys(info.infractions)}
    facts = [
        ("split", info.split),
        ("town, route", f"{info.town}, {info.route_id}"),
        ("scenarios", ", ".join(info.scenario_types) or "none"),
        ("length", f"{info.duration_s:.1f} s, {info.frame_count} frames"),
        ("driver", f"{info.agent or info.source}, seed {info.seed}, repetition {info.repetition}"),
        ("verdict", verdict),
    ]
    if counted:
        facts.append(("infractions", ", ".join(f"{kind} ({count})" for kind, count in counted.items())))
    if moved.moves_start:
        facts.append(("start moved", start))
    if moved.bursts:
        facts.append(("noise", ", ".join(f"{b.begin_s:.1f} s ({b.lateral_mps2:+.1f} m/s²)" for b in moved.bursts)))
    return facts


def _track(dataset: DrivingDataset, info: EpisodeInfo, labels: tuple[CocLabel, ...]) -> dict[str, Any]:
    """What the page shows beside the video, frame by frame."""
    motion, scenes = dataset.motion(info.episode_index), dataset.scene(info.episode_index)
    reasons = [scene.expert for scene in scenes] or [None] * info.frame_count
    return {
        "speed": [round(float(value), 2) for value in motion.speed_mps],
        "guidance": [text or "" for text in dataset.guidance(info.episode_index)],
        "words": [reason.sentence if reason is not None else "" for reason in reasons],
        "decisions": [f"{r.longitudinal}, {r.lateral}" if r is not None else "" for r in reasons],
        "perturbed": [int(value) for value in dataset.is_perturbed(info.episode_index)],
        "labels": [
            {
                "frame": label.frame_index,
                "trace": label.trace,
                "decision": f"{label.longitudinal}, {label.lateral}",
                "verdict": label.verdict,
                "drop": label.drop_reason,
                "causes": [asdict(component)["name"] for component in label.components if component.is_cause],
            }
            for label in labels
        ],
    }
