"""Pairs of frames with their labels on disk, in shards that are there whole or not at all, so that training can follow taking."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import CameraRig
from alpamayo_training.learnability.labels import LABEL_DTYPE, Condition
from alpamayo_training.pretraining.cells import CELL_PX, CHANNELS
from alpamayo_training.pretraining.pair_stage import Pair

FRAMES, CELLS, LABELS, MOTION, ABOUT = "frames.npy", "cells.npy", "labels.npy", "motion.npy", "about.json"
PREFIX = "shard-"
COMPLETE = "_complete"
"""Marks a set that was taken to its end."""
FORMAT = "alpamayo-pretraining-shard-1"


@dataclass(frozen=True)
class About:
    """Where a shard's pairs come from."""

    split: str
    town: str
    weathers: tuple[str, ...]
    """Names that the labels' `weather` counts in."""
    seed: int
    rig: str
    format: str = FORMAT
    channels: tuple[str, ...] = CHANNELS


@dataclass(frozen=True)
class Shard:
    """`frames` uint8 [N, camera, 2, height, width, 3] (memory-mapped), `cells` uint8 [N, camera, cell, channel], `labels` [N] of
    LABEL_DTYPE and `motion` float32 [N, 2]: the ego's speed in m/s and yaw rate in rad/s.
    """

    path: Path
    about: About
    frames: NDArray[np.uint8]
    cells: NDArray[np.uint8]
    labels: NDArray[np.void]
    motion: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)


class ShardWriter:
    """Writes a set's pairs as shards of `pairs` each; the last one may be shorter. A context manager.

    What an earlier process left of the set is removed.
    """

    def __init__(self, folder: Path, about: About, rig: CameraRig, pairs: int) -> None:
        self._folder, self._about, self._pairs = folder, about, pairs
        cameras, cells = len(rig.cameras), (rig.height_px // CELL_PX) * (rig.width_px // CELL_PX)
        self._frame_shape = (cameras, 2, rig.height_px, rig.width_px, 3)
        self._cells = np.zeros((pairs, cameras, cells, len(CHANNELS)), dtype=np.uint8)
        self._labels = np.zeros(pairs, dtype=LABEL_DTYPE)
        self._motion = np.zeros((pairs, 2), dtype=np.float32)
        self._frames: NDArray[np.uint8] | None = None
        self._draft = folder / ".draft"
        self._count, self._written = 0, 0

    def __enter__(self) -> ShardWriter:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        return self

    def add(self, pair: Pair, weather: int, condition: Condition) -> None:
        """Add a pair, taken in the weather of that number."""
        if self._frames is None:
            self._draft.mkdir()
            shape = (self._pairs, *self._frame_shape)
            self._frames = np.lib.format.open_memmap(self._draft / FRAMES, mode="w+", dtype=np.uint8, shape=shape)
        self._frames[self._count] = pair.frames
        self._cells[self._count] = pair.cells
        self._labels[self._count] = pair.labels.row(0, weather, condition)
        self._motion[self._count] = pair.speed_mps, pair.yaw_rate_radps
        self._count += 1
        if self._count == self._pairs:
            self._finish()

    def _finish(self) -> None:
        count = self._count
        self._frames = None
        for name, values in ((CELLS, self._cells), (LABELS, self._labels), (MOTION, self._motion)):
            np.save(self._draft / name, values[:count])
        (self._draft / ABOUT).write_text(json.dumps(asdict(self._about), indent=1), encoding="utf-8")
        os.replace(self._draft, self._folder / f"{PREFIX}{self._written:04d}")
        self._count, self._written = 0, self._written + 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            if self._count:
                self._finish()
            (self._folder / COMPLETE).touch()
        shutil.rmtree(self._draft, ignore_errors=True)


def read_shard(path: Path) -> Shard:
    """Return a shard; InputError for a folder that holds none, or one of another version."""
    try:
        text: dict[str, Any] = json.loads((path / ABOUT).read_text(encoding="utf-8"))
        values: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in text.items()}
        about = About(**values)
        labels = np.load(path / LABELS, allow_pickle=False)
        cells, motion = np.load(path / CELLS, allow_pickle=False), np.load(path / MOTION, allow_pickle=False)
        frames = np.load(path / FRAMES, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} holds no whole shard ({error}); take the data again") from error
    if about.format != FORMAT or about.channels != CHANNELS or labels.dtype != LABEL_DTYPE:
        raise InputError(f"{path} holds pairs with labels of another version; take the data again")
    return Shard(path, about, frames[: len(labels)], cells, labels, motion)


def shard_paths(folder: Path, split: str) -> list[Path]:
    """Return the whole shards of a split ("train" or "test") below a data folder, by name."""
    return sorted(path for path in (folder / split).glob(f"*/{PREFIX}*") if path.is_dir())
