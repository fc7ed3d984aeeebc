"""Samples as the model's tensors: prompts, answers, pictures, actions, and everything that is drawn for them.

All that is random of a sample is drawn from the run's seed, the update and its place in it, so that it does not matter how the
samples of an update are divided among processes and parts, or where a run was interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alpamayo_sim.model.config import ModelConfig
from alpamayo_sim.model.flow import BETA_ALPHA, LAST_TRAINED_TIME
from alpamayo_sim.policy.action_statistics import ActionStatistics
from alpamayo_sim.policy.patches import MERGE, PATCH_PX
from alpamayo_sim.policy.prompt import HISTORY_TOKENS, chat_prompt
from alpamayo_sim.policy.prompt_ids import HISTORY_PLACE, pad_left, prompt_ids
from alpamayo_sim.policy.tokenizer import TRAJECTORY_TOKENS, DrivingTokenizer
from alpamayo_sim.policy.trajectory_tokens import FUTURE_BINS, action_bins, history_bins
from alpamayo_sim.runtime.rope import next_position, prompt_positions
from alpamayo_training.sft.objective import Batch, Totals
from alpamayo_training.sft.pictures import Changes, Disturbance, device_patches, disturbed, draw_changes
from alpamayo_training.sft.sample_table import SampleTable
from alpamayo_training.sft.settings import Settings

_FLOW, _WORDS, _BINS, _LIGHT = 1, 2, 3, 4
"""What is drawn from a sample's seed."""
_LARGEST_ACTION = 10.0
"""Normalised actions beyond what tokens can say are clipped for the flow too."""


@dataclass(frozen=True)
class Drawn:
    """Which samples an update takes, and which numbers of its draws they are."""

    step: int
    rows: NDArray[np.int64]
    """[B] of the table."""
    places: NDArray[np.int64]
    """[B] within the update."""


@dataclass(frozen=True)
class HostBatch:
    """A batch without its pictures, on the CPU."""

    drawn: Drawn
    tensors: dict[str, Tensor]
    """What `Batch` holds besides pictures, by its names."""
    changes: Changes | None
    """Of the pictures; None leaves them."""
    totals: Totals

    def pin_memory(self) -> HostBatch:
        """Return the batch in memory that a GPU can copy from while it computes."""
        return replace(self, tensors={name: value.pin_memory() for name, value in self.tensors.items()})


@dataclass
class BatchMaker:
    """Makes batches of a table for a model."""

    table: SampleTable
    config: ModelConfig
    tokenizer: DrivingTokenizer
    settings: Settings
    _templates: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=dict, repr=False)
    _texts: dict[str, list[int]] = field(default_factory=dict, repr=False)

    def host(self, drawn: Drawn) -> HostBatch:
        """Return everything of a batch but its pictures."""
        settings = self.settings
        dropped = [self._random(_WORDS, drawn.step, place).random() for place in drawn.places.tolist()]
        silent = np.array(dropped) < settings.drop_reasoning
        actions = self.normalised(drawn.rows)
        prompts = [self.prompt(int(row)) for row in drawn.rows]
        words = [
            "" if hush else self.table.reasoning[row] for row, hush in zip(drawn.rows.tolist(), silent, strict=True)
        ]
        bins = action_bins(actions)
        answers = [self.answer(text, own) for text, own in zip(words, bins, strict=True)]
        targets, known = _pad_right(answers, self.tokenizer.backbone_ids["pad"])
        ids, counted = pad_left(prompts, self.tokenizer.backbone_ids["pad"])
        read = self._with_errors(targets, drawn)
        weights = known.astype(np.float32)
        self._leave_out(weights, targets, silent, words)
        noise, times = self._flow(drawn)
        arrays = {
            "ids": np.concatenate([ids, read], 1),
            "counted": np.concatenate([counted, known], 1),
            "positions": self._positions(drawn.rows, known, ids.shape[1]),
            "targets": targets,
            "token_weights": weights,
            "actions": actions.astype(np.float32),
            "row_weights": np.ones(len(actions), dtype=np.float32),
            "noise": noise,
            "times": times,
        }
        return HostBatch(
            drawn,
            {name: torch.from_numpy(value) for name, value in arrays.items()},
            self._changes(drawn),
            self._totals(targets, weights),
        )

    def device(self, host: HostBatch, frames: Tensor) -> Batch:
        """Return a batch with its pictures [B, camera, frame, height, width, 3] uint8, on the pictures' device."""
        if host.changes is not None:
            frames = disturbed(frames, host.changes)
        images = self.config.images
        return Batch(
            patches=device_patches(frames, images.frames_per_image),
            grid=(images.height_px // PATCH_PX, images.width_px // PATCH_PX),
            **{name: value.to(frames.device, non_blocking=True) for name, value in host.tensors.items()},
        )

    def prompt(self, row: int) -> NDArray[np.int64]:
        """Return the ids of a sample's prompt."""
        template, _ = self._template(self.table.navigation[row])
        ids = template.copy()
        ids[ids == self._history_place] = self.tokenizer.history_start + history_bins(self.table.history_xyz[row])
        return ids

    def _template(self, navigation: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return ids and positions of the prompts with some guidance; past motion still stands as its places."""
        if navigation not in self._templates:
            images = self.config.images
            text = chat_prompt(
                self.table.about.cameras,
                images.frames_per_camera // images.frames_per_image,
                navigation=navigation or None,
                style=self.config.prompt_format,
            )
            bins = np.full(HISTORY_TOKENS, self._history_place - self.tokenizer.history_start)
            ids = prompt_ids(text, self.tokenizer, self.config.tokens_per_image, bins)
            cell = PATCH_PX * MERGE
            places = prompt_positions(
                ids, self.tokenizer.backbone_ids["image"], images.height_px // cell, images.width_px // cell
            )
            self._templates[navigation] = ids, places
        return self._templates[navigation]

    @cached_property
    def _history_place(self) -> int:
        return self.tokenizer.id(HISTORY_PLACE)

    def normalised(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the actions [B, W, 2] of samples in the model's units."""
        statistics = ActionStatistics(**self.config.action_statistics)
        table = self.table
        actions = statistics.normalise(
            table.acceleration_mps2[rows].astype(np.float64), table.curvature_per_m[rows].astype(np.float64)
        )
        return np.clip(actions, -_LARGEST_ACTION, _LARGEST_ACTION)

    def answer(self, words: str, bins: NDArray[np.int64]) -> list[int]:
        """Return the ids of an answer: words, closing tokens, and unless the expert alone learns, the trajectory's bins."""
        if words not in self._texts:
            self._texts[words] = self.tokenizer.encode(f"{words}<|cot_end|><|traj_future_start|>")
        if self.settings.stage == "expert":
            return self._texts[words]
        bin_ids = (self.tokenizer.trajectory_start + bins).tolist()
        return [*self._texts[words], *bin_ids, self._future_end]

    @cached_property
    def _future_end(self) -> int:
        return self.tokenizer.id("<|traj_future_end|>")

    def _leave_out(
        self,
        weights: NDArray[np.float32],
        targets: NDArray[np.int64],
        silent: NDArray[np.bool_],
        words: Sequence[str],
    ) -> None:
        """Take from what is learned the closing tokens of samples without words: that nothing is said is no lesson."""
        start = targets == self.tokenizer.id("<|traj_future_start|>")
        mute = silent | np.array([not text for text in words])
        closing = np.cumsum(start, 1) - start == 0
        weights[mute[:, None] & closing] = 0.0

    def _with_errors(self, targets: NDArray[np.int64], drawn: Drawn) -> NDArray[np.int64]:
        """Return answers in which some samples' bins are others than the right ones, by up to half of the range."""
        read = targets.copy()
        if not self.settings.disturb_bins:
            return read
        first = self.tokenizer.trajectory_start
        for index, place in enumerate(drawn.places.tolist()):
            own = self._random(_BINS, drawn.step, place)
            if own.random() >= self.settings.disturb_bins:
                continue
            places = np.flatnonzero((read[index] >= first) & (read[index] < first + FUTURE_BINS))
            spread = FUTURE_BINS / 2 * own.random() ** 3
            moved = (
                read[index, places] - first + np.rint(own.normal(0.0, max(spread, 1.0), len(places))).astype(np.int64)
            )
            read[index, places] = first + np.clip(moved, 0, FUTURE_BINS - 1)
        return read

    def _positions(self, rows: NDArray[np.int64], known: NDArray[np.bool_], length: int) -> NDArray[np.int64]:
        positions = np.zeros((3, len(rows), length + known.shape[1]), dtype=np.int64)
        behind = np.maximum(np.cumsum(known, 1) - 1, 0)
        for index, row in enumerate(rows.tolist()):
            _, own = self._template(self.table.navigation[row])
            positions[:, index, length - own.shape[1] : length] = own
            positions[:, index, length:] = next_position(own) + behind[index]
        return positions

    def _totals(self, targets: NDArray[np.int64], weights: NDArray[np.float32]) -> Totals:
        first = self.tokenizer.trajectory_start
        is_bin = (targets >= first) & (targets < first + TRAJECTORY_TOKENS)
        return Totals(float(weights[~is_bin].sum()), float(weights[is_bin].sum()), float(len(targets)))

    def _flow(self, drawn: Drawn) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        draws, waypoints = self.settings.flow_draws, self.config.waypoints
        noise = np.empty((len(drawn.rows), draws, waypoints, 2), dtype=np.float32)
        times = np.empty((len(drawn.rows), draws), dtype=np.float32)
        for index, place in enumerate(drawn.places.tolist()):
            own = self._random(_FLOW, drawn.step, place)
            noise[index] = own.standard_normal(noise.shape[1:], dtype=np.float32)
            times[index] = LAST_TRAINED_TIME * (1.0 - own.random(draws) ** (1.0 / BETA_ALPHA))
        return noise, times

    def _changes(self, drawn: Drawn) -> Changes | None:
        if not self.settings.disturb_pictures:
            return None
        own = [self._random(_LIGHT, drawn.step, place) for place in drawn.places.tolist()]
        return draw_changes(own, len(self.table.about.cameras), Disturbance().scaled(self.settings.disturb_pictures))

    def _random(self, what: int, step: int, place: int) -> np.random.Generator:
        return np.random.default_rng([self.settings.seed, what, step, place])


def _pad_right(rows: Sequence[Sequence[int]], pad: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    length = max(len(row) for row in rows)
    ids = np.full((len(rows), length), pad, dtype=np.int64)
    known = np.zeros((len(rows), length), dtype=np.bool_)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        known[index, : len(row)] = True
    return ids, known
