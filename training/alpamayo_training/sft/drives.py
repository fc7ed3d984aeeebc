"""Recorded drives as samples: decoded once by several processes, kept under a name that says what they were made from."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.config import ImageConfig
from alpamayo_sim.policy.observation import HISTORY_POINTS
from alpamayo_sim.policy.patches import resize_frames
from alpamayo_sim.policy.plan import PLAN_POINTS
from alpamayo_sim.policy.plan_decisions import plan_decisions
from alpamayo_sim.policy.unicycle import speed_now
from alpamayo_training.coc.drives import drive_of_dataset
from alpamayo_training.coc.label import CocLabel, labels_path, read_labels
from alpamayo_training.coc.teacher_rules import compose
from alpamayo_training.data.driving_dataset import DrivingDataset
from alpamayo_training.data.episode_info import EPISODES_FILE, EpisodeInfo
from alpamayo_training.sft.preparation import DataChoice
from alpamayo_training.sft.sample_table import FORMAT, FRAMES_FILE, SPLITS, About, SampleTable, load_table, save_arrays
from alpamayo_training.sft.targets import learnable_actions

LABEL_FRAMES = 10
"""A label holds for the second after its keyframe."""
_SALT = 11
_CAMERAS_AT_ONCE = 256
"""Pictures of a camera that are decoded in one go."""


def table_of_dataset(choice: DataChoice, images: ImageConfig) -> SampleTable:
    """Return a dataset's samples for models with such pictures; made and kept the first time.

    Errors: InputError for a folder that holds no dataset, for labels that are not there, or if nothing in it can be learned.
    """
    dataset = DrivingDataset.open(Path(choice.data))
    labels = read_labels(labels_path(dataset.folder, choice.labels)) if choice.labels else ()
    folder = (choice.cache or dataset.folder / "cache") / f"samples-{_key(dataset, choice, images)}"
    if not folder.is_dir():
        _make(folder, dataset, labels, choice, images)
    return load_table(folder)


def _key(dataset: DrivingDataset, choice: DataChoice, images: ImageConfig) -> str:
    """Return a name that changes with all that samples are made from."""
    content = hashlib.sha256(FORMAT.encode())
    content.update((dataset.folder / EPISODES_FILE).read_bytes())
    if choice.labels:
        content.update(labels_path(dataset.folder, choice.labels).read_bytes())
    content.update(json.dumps([choice.stride, asdict(images)]).encode())
    return content.hexdigest()[:16]


@dataclass(frozen=True)
class _Work:
    """What one process does: the samples of one drive."""

    dataset: DrivingDataset
    info: EpisodeInfo
    labels: tuple[CocLabel, ...]
    stride: int
    images: ImageConfig
    frames_file: Path
    first_row: int
    frames: NDArray[np.int64]
    """The drive's frames of which a sample begins."""
    shown: NDArray[np.int64]
    """The drive's frames whose pictures are kept, in order."""


def _make(
    folder: Path, dataset: DrivingDataset, labels: Sequence[CocLabel], choice: DataChoice, images: ImageConfig
) -> None:
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        works = list(_works(draft / FRAMES_FILE, dataset, labels, choice, images))
        if not works:
            raise InputError(
                f"{dataset.folder} has no drive of {PLAN_POINTS / 10 + 2:.0f} s or more without an infraction"
            )
        rows = sum(len(work.shown) for work in works)
        shape = (rows, len(dataset.cameras), images.height_px, images.width_px, 3)
        np.lib.format.open_memmap(draft / FRAMES_FILE, mode="w+", dtype=np.uint8, shape=shape).flush()
        print(
            f"decoding {len(works)} drives, {rows} moments, {np.prod(shape) / 1e9:.1f} GB", file=sys.stderr, flush=True
        )
        parts = list(_run(works, choice.jobs))
        table = _joined(parts, draft, dataset, choice, images)
        save_arrays(table, draft)
        try:
            draft.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _works(
    frames_file: Path, dataset: DrivingDataset, labels: Sequence[CocLabel], choice: DataChoice, images: ImageConfig
) -> Iterable[_Work]:
    by_episode: dict[int, list[CocLabel]] = {}
    for label in labels:
        if label.trace and not label.drop_reason:
            by_episode.setdefault(label.episode_index, []).append(label)
    first = 0
    for info in dataset.episodes:
        if info.has_scene and not info.is_clean:
            continue
        frames = dataset.learnable_frames(info.episode_index, images.frames_per_camera)[:: choice.stride]
        frames = np.union1d(frames, _keyframes(by_episode.get(info.episode_index, ()), frames)).astype(np.int64)
        if not len(frames):
            continue
        back = np.arange(1 - images.frames_per_camera, 1)
        shown = np.unique(frames[:, None] + back)
        own = tuple(by_episode.get(info.episode_index, ()))
        yield _Work(dataset, info, own, choice.stride, images, frames_file, first, frames, shown)
        first += len(shown)


def _keyframes(labels: Sequence[CocLabel], frames: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the keyframes among what can be learned, so that no label is passed over by the stride."""
    found = np.array([label.frame_index for label in labels], dtype=np.int64)
    return found[(found >= frames.min()) & (found <= frames.max())] if len(frames) and len(found) else found[:0]


def _run(works: Sequence[_Work], jobs: int) -> Iterable[dict[str, Any]]:
    if jobs <= 1:
        yield from (_episode(work) for work in works)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        for done, part in enumerate(pool.map(_episode, works), start=1):
            if done % max(1, len(works) // 10) == 0:
                print(f"{done} of {len(works)} drives", file=sys.stderr, flush=True)
            yield part


def _episode(work: _Work) -> dict[str, Any]:
    """Write the pictures of a drive to their rows and return the arrays of its samples."""
    dataset, index = work.dataset, work.info.episode_index
    _write_pictures(work)
    motion, guidance = dataset.motion(index), dataset.guidance(index)
    says = _Narrator(work)
    part: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for frame in work.frames.tolist():
        future = dataset.future(index, frame)
        if not np.isfinite(future).all():
            continue
        positions, rotations = motion.in_rig(frame, np.arange(frame - HISTORY_POINTS + 1, frame + 1))
        acceleration, curvature = learnable_actions(future, speed_now(positions, rotations))
        words, decisions, is_key = says.at(frame, future)
        shown = np.searchsorted(work.shown, frame + np.arange(1 - work.images.frames_per_camera, 1))
        values = (
            work.first_row + shown, positions, rotations, future, acceleration, curvature, index, frame,
            SPLITS.index(work.info.split), is_key, guidance[frame] or "", words, decisions,
        )  # fmt: skip
        for name, value in zip(_COLUMNS, values, strict=True):
            part[name].append(value)
    return part


_COLUMNS = (
    "frame_rows", "history_xyz", "history_rotation", "future_xyz", "acceleration_mps2", "curvature_per_m", "episode",
    "frame_index", "split", "is_key", "navigation", "reasoning", "decisions",
)  # fmt: skip
_TYPES: dict[str, Any] = {
    "frame_rows": np.int64,
    "history_xyz": np.float64,
    "history_rotation": np.float64,
    "future_xyz": np.float64,
    "acceleration_mps2": np.float32,
    "curvature_per_m": np.float32,
    "episode": np.int64,
    "frame_index": np.int64,
    "split": np.int64,
    "is_key": np.bool_,
}


def _write_pictures(work: _Work) -> None:
    frames = np.lib.format.open_memmap(work.frames_file, mode="r+")
    images = work.images
    for number, camera in enumerate(work.dataset.cameras):
        for first in range(0, len(work.shown), _CAMERAS_AT_ONCE):
            wanted = work.shown[first : first + _CAMERAS_AT_ONCE]
            pictures = work.dataset.pictures(work.info.episode_index, camera, wanted)
            at = work.first_row + first
            frames[at : at + len(wanted), number] = resize_frames(pictures, images.width_px, images.height_px)
    frames.flush()


class _Narrator:
    """What is to be said at the frames of a drive: the label's words, or a sentence by the rules."""

    def __init__(self, work: _Work) -> None:
        self._labels = sorted(work.labels, key=lambda label: label.frame_index)
        self._drive = drive_of_dataset(work.dataset, work.info.episode_index) if work.info.has_scene else None
        self._index = work.info.episode_index

    def at(self, frame: int, future: NDArray[np.float64]) -> tuple[str, tuple[str, str], bool]:
        """Return words, decisions, and whether they are a label's own."""
        label = self._label(frame)
        if label is not None:
            return label.trace, (label.longitudinal, label.lateral), True
        if self._drive is not None:
            composed = compose(self._drive, frame, np.random.default_rng([_SALT, self._index, frame]))
            return composed.trace, (composed.longitudinal, composed.lateral), False
        done = plan_decisions(future)
        return "", (done["longitudinal"], done["lateral"]), False

    def _label(self, frame: int) -> CocLabel | None:
        """Return the newest label whose keyframe lies within the second before, or whose range holds the frame."""
        for label in reversed(self._labels):
            behind = frame - label.frame_index
            if 0 <= behind <= LABEL_FRAMES or label.range_begin_frame <= frame < label.range_end_frame:
                return label
        return None


def _joined(
    parts: Sequence[dict[str, Any]], draft: Path, dataset: DrivingDataset, choice: DataChoice, images: ImageConfig
) -> SampleTable:
    columns: dict[str, list[Any]] = {name: [value for part in parts for value in part[name]] for name in _COLUMNS}
    count = len(columns["frame_rows"])
    if not count:
        raise InputError(f"{dataset.folder} has no moment with a whole past and future")
    arrays: dict[str, Any] = {name: np.array(columns[name], dtype=kind) for name, kind in _TYPES.items()}
    about = About(
        dataset.about.title or dataset.folder.name,
        choice.labels,
        dataset.cameras,
        images.width_px,
        images.height_px,
        images.frames_per_camera,
        choice.stride,
        count,
    )
    frames = np.load(draft / FRAMES_FILE, mmap_mode="r", allow_pickle=False)
    texts: dict[str, Any] = {name: tuple(columns[name]) for name in ("navigation", "reasoning", "decisions")}
    return SampleTable(about=about, frames=frames, **arrays, **texts)
