"""Batches made ahead of time by worker processes; what they hold does not depend on how many there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from alpamayo_training.sft.batches import BatchMaker, Drawn, HostBatch
from alpamayo_training.sft.frame_store import FrameStore
from alpamayo_training.sft.sampling_order import SamplingOrder


@dataclass(frozen=True)
class Part:
    """A part of an update: what one process takes at once."""

    host: HostBatch
    frames: Tensor | None
    """Its pictures, unless they lie on the device."""

    def pin_memory(self) -> Part:
        """Return the part in memory that a GPU can copy from while it computes."""
        return Part(self.host.pin_memory(), None if self.frames is None else self.frames.pin_memory())


@dataclass(frozen=True)
class Share:
    """Which part of every update is this process's."""

    rank: int = 0
    processes: int = 1


class _Updates(Dataset[list[Part]]):
    """The parts of update after update that a process computes."""

    def __init__(
        self, maker: BatchMaker, order: SamplingOrder, store: FrameStore, share: Share, first: int, count: int
    ) -> None:
        self._maker, self._order, self._share = maker, order, share
        self._frames = None if store.on_device is not None else FrameStore(store.frames)
        self._first, self._count = first, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> list[Part]:
        """Return the parts of one update."""
        settings = self._maker.settings
        own = settings.batch * settings.accumulate
        step = self._first + index
        begin = self._share.rank * own
        rows = self._order.take(step * own * self._share.processes + begin, own)
        parts: list[Part] = []
        for first in range(0, own, settings.batch):
            there = slice(first, first + settings.batch)
            drawn = Drawn(step, rows[there], begin + np.arange(own)[there])
            pictures = None if self._frames is None else self._frames.gather(self._maker.table.frame_rows[drawn.rows])
            parts.append(Part(self._maker.host(drawn), pictures))
        return parts


def updates(
    maker: BatchMaker,
    order: SamplingOrder,
    store: FrameStore,
    share: Share,
    *,
    first: int,
    workers: int,
    pinned: bool,
) -> Iterator[list[Part]]:
    """Yield the parts of updates `first` to the last of the settings."""
    count = maker.settings.steps - first
    if count <= 0:
        return
    data = _Updates(maker, order, store, share, first, count)
    if workers == 0:
        yield from (data[index] for index in range(count))
        return
    yield from DataLoader(
        data,
        batch_size=None,
        shuffle=False,
        num_workers=workers,
        prefetch_factor=2,
        pin_memory=pinned,
        worker_init_fn=_one_thread,
        multiprocessing_context="fork",
    )


def _one_thread(worker: int) -> None:
    torch.set_num_threads(1)
