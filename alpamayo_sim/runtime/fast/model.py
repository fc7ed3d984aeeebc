"""The driving model with the fast runtime's parts; `model.generation.generate` takes it in the plain model's place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.clock import now
from alpamayo_sim.model.config import ModelConfig
from alpamayo_sim.model.driving_model import DrivingModel, ModelInputs
from alpamayo_sim.model.flow import Velocity
from alpamayo_sim.runtime.fast.operations import operations
from alpamayo_sim.runtime.fast.slot import Slot, new_slot
from alpamayo_sim.runtime.fast.text import Attend, TextEngine, attend
from alpamayo_sim.runtime.fast.vision import VisionTower
from alpamayo_sim.runtime.fast.weights import text_weights
from alpamayo_sim.runtime.rope import next_position, prompt_positions

COLUMNS_STEP = 512
"""Slots are as wide as a multiple of this."""
MOST_SLOTS = 4
_WARM_UPS = 2


@dataclass
class FastContext:
    """What a slot remembers of R rows, until the next prompts of as many rows are read."""

    slot: Slot
    number: int
    columns: int
    """How many columns are in use."""
    vision_s: float
    """Wall-clock time of the vision tower."""

    @property
    def logits(self) -> Tensor:
        """[R, vocabulary] float32: what follows the last token."""
        return self.slot.logits


class FastModel:
    """Reads, writes and plans as DrivingModel does, with its weights; InputError where it cannot.

    The model's parameters become views of joined matrices (`weights.py`): their values stay, and training them in place is seen
    here at once.
    """

    def __init__(self, model: DrivingModel, *, room: int = 512, graphs: bool = True) -> None:
        """`room` columns of every slot are free behind the prompt; `graphs=False` computes step by step on a GPU too."""
        self._model = model
        self._room = room
        self._graphs = graphs and model.device.type == "cuda"
        core: Any = model.vlm.model
        self._core = core
        do = operations(model.device)
        look: Attend = attend
        self._single: Callable[[Slot], Tensor] | None = None
        backbone = text_weights(core.language_model)
        head = model.vlm.lm_head.weight.detach()
        whole = backbone.head_size & (backbone.head_size - 1) == 0
        if model.device.type == "cuda" and model.dtype == torch.bfloat16 and whole:
            from alpamayo_sim.runtime.fast import kernels
            from alpamayo_sim.runtime.fast.single import SingleRow

            look = kernels.attend
            if SingleRow.suits(backbone, head):
                self._single = SingleRow(backbone, core.language_model.embed_tokens.weight.detach(), head)
        self._vision = VisionTower(core.visual, do)
        self._text = TextEngine(backbone, do, look)
        self._expert = TextEngine(text_weights(model.expert), do, look)
        self._slots: dict[tuple[int, int], Slot] = {}
        self._contexts = 0

    @property
    def config(self) -> ModelConfig:
        """The model's settings."""
        return self._model.config

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._model.device

    @torch.no_grad()
    def read_prompts(self, inputs: ModelInputs) -> FastContext:
        """Return what the backbone makes of a batch of prompts, in a slot."""
        device, core = self.device, self._core
        ids, counted = inputs.input_ids.cpu().numpy(), inputs.attention_mask.cpu().numpy()
        positions, following = self._positions(ids, counted, inputs.image_grid)
        image_places = np.flatnonzero((ids == core.config.image_token_id) & counted)
        began = now(device)
        features, deeper = self._vision(inputs.pixel_values.to(device), inputs.image_grid)
        vision_s = now(device) - began
        if len(image_places) != len(features):
            raise InputError(f"the prompts hold places for {len(image_places)} image tokens; found {len(features)}")
        places = torch.from_numpy(image_places).to(device)
        x = core.language_model.embed_tokens(inputs.input_ids.to(device))
        x.view(-1, x.shape[-1]).index_copy_(0, places, features.to(x.dtype))
        rotary = core.language_model.rotary_emb(x, torch.from_numpy(positions).to(device))
        slot = self._slot(*ids.shape)
        visible = inputs.attention_mask.to(device)
        hidden = self._text.prefill(slot, x, rotary, None if counted.all() else _causal(visible), deeper, places)
        slot.logits.copy_(self._model.vlm.lm_head(hidden))
        slot.visible.zero_()
        slot.visible[:, : ids.shape[1]] = visible
        slot.used.fill_(ids.shape[1])
        slot.position.copy_(torch.from_numpy(following))
        return self._own(slot, ids.shape[1], vision_s)

    @torch.no_grad()
    def read_tokens(self, context: FastContext, ids: Tensor, counted: Tensor) -> Tensor:
        """Return the logits [R, 1, vocabulary] after the last of the tokens `ids` [R, T], and take them into the context."""
        slot = self._held(context)
        for token, counts in zip(ids.unbind(1), counted.unbind(1), strict=True):
            if context.columns + 1 + self.config.waypoints > slot.columns:
                raise _full(context)
            slot.token.copy_(token)
            slot.counted.copy_(counts)
            self._run(slot, "token", self._next_token)
            context.columns += 1
        return slot.logits[:, None]

    def velocity_after(self, context: FastContext) -> Velocity:
        """Return the flow's velocity behind what a context holds; InputError where the slot has no room for the waypoints.

        The context is read in place, so the velocity is that of the words it holds when the velocity is asked for.
        """
        slot = self._held(context)
        if context.columns + self.config.waypoints > slot.columns:
            raise _full(context)

        def velocity(actions: Tensor, moment: Tensor) -> Tensor:
            self._held(context)
            slot.actions.copy_(actions)
            slot.time.copy_(moment)
            with torch.no_grad():
                self._run(slot, "flow", self._next_velocity)
            return slot.velocity.clone()

        return velocity

    def repeated(self, context: FastContext, samples: int) -> FastContext:
        """Return a context with every row repeated `samples` times, side by side, in a slot of its own."""
        old = self._held(context)
        if samples == 1:
            return context
        slot = self._slot(old.rows * samples, old.columns - self._room)
        used = slice(0, context.columns)
        slot.keys[:, :, :, used] = old.keys[:, :, :, used].repeat_interleave(samples, 1)
        slot.values[:, :, :, used] = old.values[:, :, :, used].repeat_interleave(samples, 1)
        slot.visible.zero_()
        slot.visible[:, used] = old.visible[:, used].repeat_interleave(samples, 0)
        slot.used.copy_(old.used)
        slot.position.copy_(old.position.repeat_interleave(samples, 0))
        slot.logits.copy_(old.logits.repeat_interleave(samples, 0))
        return self._own(slot, context.columns, context.vision_s)

    def _next_token(self, slot: Slot) -> None:
        if self._single is not None and slot.rows == 1:
            logits = self._single(slot)
        else:
            x = self._core.language_model.embed_tokens(slot.token[:, None])
            hidden = self._text.extend(slot, x, slot.position[:, None])
            logits = self._model.vlm.lm_head(hidden[:, 0]).float()
        slot.logits.copy_(torch.where(slot.counted[:, None], logits, slot.logits))
        slot.visible.index_copy_(1, slot.used, slot.counted[:, None])
        slot.used += 1
        slot.position += slot.counted

    def _next_velocity(self, slot: Slot) -> None:
        x = self._model.action_in_proj(slot.actions, slot.time)
        place = slot.position[:, None] + torch.arange(x.shape[1], device=x.device)
        hidden = self._expert.extend(slot, x, place)
        slot.velocity.copy_(self._model.action_out_proj(hidden))

    def _run(self, slot: Slot, name: str, step: Callable[[Slot], None]) -> None:
        """Take a step, by a CUDA graph where there are some; the first one of a slot is recorded."""
        if not self._graphs:
            step(slot)
            return
        if name not in slot.graphs:
            slot.graphs[name] = _recorded(slot, step)
        slot.graphs[name].replay()

    def _positions(
        self, ids: np.ndarray[Any, Any], counted: np.ndarray[Any, Any], grid: tuple[int, int]
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return rotary positions [3, R, S] and those of the next tokens [R]."""
        merge = self._core.visual.spatial_merge_size
        positions = np.ones((3, *ids.shape), dtype=np.int64)
        following = np.empty(len(ids), dtype=np.int64)
        for row, own in enumerate(counted):
            found = prompt_positions(
                ids[row, own], self._core.config.image_token_id, grid[0] // merge, grid[1] // merge
            )
            positions[:, row, own] = found
            following[row] = next_position(found)
        return positions, following

    def _slot(self, rows: int, length: int) -> Slot:
        """Return the slot for so many rows with room behind `length` columns."""
        columns = -(-(length + self._room) // COLUMNS_STEP) * COLUMNS_STEP
        if (rows, columns) not in self._slots:
            if len(self._slots) == MOST_SLOTS:
                del self._slots[next(iter(self._slots))]
            sizes, text = self._text.weights, self._model.text_config
            self._slots[rows, columns] = new_slot(
                rows=rows, columns=columns, layers=len(sizes.layers), kv_heads=sizes.kv_heads, head_size=sizes.head_size,
                vocabulary=text.vocab_size, waypoints=self.config.waypoints, device=self.device, dtype=self._model.dtype,
            )  # fmt: skip
        return self._slots[rows, columns]

    def _own(self, slot: Slot, columns: int, vision_s: float) -> FastContext:
        self._contexts += 1
        slot.owner = self._contexts
        return FastContext(slot, self._contexts, columns, vision_s)

    def _held(self, context: FastContext) -> Slot:
        """Return a context's slot; InputError if other prompts have been read into it since."""
        if context.slot.owner != context.number:
            raise InputError(
                "this context is gone: the model has read other prompts since; use a context before the next"
            )
        return context.slot


def _full(context: FastContext) -> InputError:
    return InputError(
        f"the slot has {context.slot.columns} columns and {context.columns} are in use; give the fast model more room"
    )


def _causal(visible: Tensor) -> Tensor:
    """Return what every place of left-padded rows may see [R, 1, S, S]: what counts before it, and itself."""
    length = visible.shape[1]
    before = torch.ones(length, length, device=visible.device, dtype=torch.bool).tril()
    itself = torch.eye(length, device=visible.device, dtype=torch.bool)
    return ((before & visible[:, None, :]) | itself)[:, None]


def _recorded(slot: Slot, step: Callable[[Slot], None]) -> torch.cuda.CUDAGraph:
    """Return the graph of a step, and leave the slot as it was."""
    kept = [x.clone() for x in (slot.visible, slot.used, slot.position, slot.logits)]
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(_WARM_UPS):
            step(slot)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step(slot)
    for old, held in zip(kept, (slot.visible, slot.used, slot.position, slot.logits), strict=True):
        held.copy_(old)
    return graph
