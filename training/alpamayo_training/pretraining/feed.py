"""The pairs that training draws from, on its device: all of them at once, or the latest while more are being taken."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, CameraRig
from alpamayo_sim.policy.patches import MERGE, PATCH_PX
from alpamayo_training.learnability.labels import LABEL_DTYPE, THINGS
from alpamayo_training.learnability.training import cells_of
from alpamayo_training.pretraining.shards import Shard, read_shard, shard_paths
from alpamayo_training.pretraining.tower import patch_order

_NAMES = tuple(name for name in LABEL_DTYPE.names or () if not LABEL_DTYPE[name].shape)
_POLL_S = 0.3


@dataclass(frozen=True)
class Batch:
    """`frames` uint8 [B, camera, 2, height, width, 3]; `cells` uint8 [B, camera, cell, channel] in the order of the patches;
    `labels` float32 [B] by name; `aims` [B, THINGS, camera] tokens that things are in; `motion` [B, 2].
    """

    frames: Tensor
    cells: Tensor
    labels: dict[str, Tensor]
    aims: Tensor
    motion: Tensor


class Feed:
    """Room for a number of pairs; when it is full, new ones take the place of the oldest."""

    def __init__(self, capacity: int, like: Shard, device: torch.device) -> None:
        """`like` tells cameras and picture size; InputError for a rig that is not known."""
        self.rig = rig_of(like)
        rows, columns = self.rig.height_px // PATCH_PX, self.rig.width_px // PATCH_PX
        self._order = patch_order(rows, columns).numpy()
        self._frames = torch.empty((capacity, *like.frames.shape[1:]), dtype=torch.uint8, device=device)
        self._cells = torch.empty((capacity, *like.cells.shape[1:]), dtype=torch.uint8, device=device)
        self._labels = torch.empty((capacity, len(_NAMES)), dtype=torch.float32, device=device)
        self._aims = torch.empty((capacity, len(THINGS), len(self.rig.cameras)), dtype=torch.int64, device=device)
        self._motion = torch.empty((capacity, 2), dtype=torch.float32, device=device)
        self.capacity, self.device = capacity, device
        self.count, self.taken = 0, 0
        """Pairs there are, and pairs that ever came in."""
        self._changing = (0, 0)
        """First row and number of those that are being replaced."""
        self._lock = threading.Lock()

    def add(self, shard: Shard) -> None:
        """Take a shard's pairs in; InputError for another rig or size."""
        if shard.frames.shape[1:] != self._frames.shape[1:] or shard.about.rig != self.rig.name:
            raise InputError(f"{shard.path} holds pairs of other cameras or sizes than the ones before")
        aims = cells_of(shard.labels, self.rig, PATCH_PX * MERGE)
        labels = np.stack([shard.labels[name].astype(np.float32) for name in _NAMES], axis=1)
        cells = shard.cells[:, :, self._order]
        begin = 0
        while begin < len(shard):
            at = self.taken % self.capacity
            rows = slice(begin, begin + min(len(shard) - begin, self.capacity - at))
            if at < self.count:
                with self._lock:
                    self._changing = at, rows.stop - rows.start
            for room, values in (
                (self._frames, shard.frames), (self._cells, cells), (self._labels, labels), (self._aims, aims),
                (self._motion, shard.motion),
            ):  # fmt: skip
                room[at : at + rows.stop - rows.start].copy_(torch.from_numpy(np.array(values[rows])))
            self.taken += rows.stop - rows.start
            self.count = min(self.taken, self.capacity)
            self._changing = 0, 0
            begin = rows.stop

    def draw(self, size: int, generator: torch.Generator) -> Batch:
        """Return pairs drawn at random, none that is being replaced meanwhile."""
        with self._lock:
            # What is asked of the device here is done before what `add` asks of it next.
            first, changing = self._changing
            rows = torch.randint(max(1, self.count - changing), (size,), generator=generator)
            return self.batch(rows + changing * (rows >= first))

    def batch(self, rows: Tensor) -> Batch:
        """Return the pairs of some rows."""
        rows = rows.to(self.device)
        labels = self._labels[rows]
        return Batch(
            self._frames[rows],
            self._cells[rows],
            {name: labels[:, k] for k, name in enumerate(_NAMES)},
            self._aims[rows],
            self._motion[rows],
        )


def rig_of(shard: Shard) -> CameraRig:
    """Return the rig of a shard's cameras at its pictures' size; InputError for one that is not known."""
    if shard.about.rig != ALPAMAYO_RIG.name or shard.frames.shape[1] != len(ALPAMAYO_RIG.cameras):
        raise InputError(f"the pairs come from the rig {shard.about.rig!r}; expected {ALPAMAYO_RIG.name!r}")
    height, width = shard.frames.shape[3:5]
    return replace(ALPAMAYO_RIG, width_px=width, height_px=height)


def load(folder: Path, split: str, device: torch.device, capacity: int | None = None) -> Feed:
    """Return all pairs of a split below a data folder; InputError if there are none."""
    shards = [read_shard(path) for path in shard_paths(folder, split)]
    if not shards:
        raise InputError(f"{folder} holds no {split} pairs; take some first (`alpamayo pretrain` without --data does)")
    feed = Feed(capacity or sum(len(shard) for shard in shards), shards[0], device)
    for shard in shards:
        feed.add(shard)
    return feed


class Stream:
    """Moves shards into a feed as they appear, in a thread of its own, and removes them from the disk; a context manager."""

    def __init__(self, feed: Feed, folder: Path, *, remove: bool) -> None:
        self._feed, self._folder, self._remove = feed, folder, remove
        self._seen: set[Path] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self.error: Exception | None = None
        """What ended it before its time."""

    def __enter__(self) -> Stream:
        self._thread.start()
        return self

    def _follow(self) -> None:
        try:
            while not self._end.is_set():
                fresh = [path for path in shard_paths(self._folder, "train") if path not in self._seen]
                self._take(fresh)
                if not fresh:
                    self._end.wait(_POLL_S)
        except (InputError, OSError, RuntimeError) as error:
            self.error = error

    def _take(self, fresh: Sequence[Path]) -> None:
        for path in fresh:
            if self._end.is_set():
                return
            self._feed.add(read_shard(path))
            self._seen.add(path)
            if self._remove:
                shutil.rmtree(path)

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join()
