"""The driving model: cameras, words and past motion go through Qwen3-VL, and the action expert reads its cache.

Shapes: B observations, R rows (B times the samples of each), S tokens of a prompt, T tokens of a completion, C cached tokens,
W waypoints. Prompts are padded on the left, completions on the right. Modules carry the names of Alpamayo's published tensors.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import DynamicCache, Qwen3VLConfig, Qwen3VLForConditionalGeneration
from transformers.models.qwen3_vl.configuration_qwen3_vl import Qwen3VLTextConfig

from alpamayo_sim.model.action_embedding import ACTION_SIZE, ActionEmbedding, FourierFeatures
from alpamayo_sim.model.clock import now
from alpamayo_sim.model.config import ModelConfig
from alpamayo_sim.model.expert import PrefixCache, build_expert, run_expert
from alpamayo_sim.model.flow import Velocity

UNTRAINED_VELOCITY = 0.002
"""Spread of the last layer's first weights: a velocity near zero to begin with."""


@dataclass(frozen=True)
class ModelInputs:
    """A batch of prompts."""

    input_ids: Tensor
    """[B, S] int64, padded on the left."""
    attention_mask: Tensor
    """[B, S] bool: what is no padding."""
    pixel_values: Tensor
    """[images, patches, patch size] float: the images of all prompts in order, all of one size."""
    image_grid: tuple[int, int]
    """Rows and columns of patches of an image."""

    def to(self, device: torch.device) -> ModelInputs:
        """Return the batch on a device."""
        return ModelInputs(
            self.input_ids.to(device), self.attention_mask.to(device), self.pixel_values.to(device), self.image_grid
        )


@dataclass
class Context:
    """What the backbone remembers of R rows: read by the expert, extended by further tokens."""

    cache: DynamicCache
    visible: Tensor
    """[R, C] bool: which cached tokens count."""
    position: Tensor
    """[R] int64: rotary position of the next token."""
    logits: Tensor
    """[R, vocabulary] float32: what follows the last token."""
    vision_s: float = 0.0
    """Wall-clock time that the vision tower took for it."""

    def repeated(self, samples: int) -> Context:
        """Return a copy with every row repeated `samples` times, side by side; this one stays as it is."""
        cache = copy.copy(self.cache)
        cache.layers = [copy.copy(layer) for layer in self.cache.layers]
        if samples > 1:
            cache.batch_repeat_interleave(samples)
        return Context(
            cache,
            self.visible.repeat_interleave(samples, 0),
            self.position.repeat_interleave(samples, 0),
            self.logits.repeat_interleave(samples, 0),
            self.vision_s,
        )


class DrivingModel(nn.Module):
    """Qwen3-VL with trajectory tokens in its vocabulary and an action expert beside it."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        backbone = Qwen3VLConfig(**_copied(config.backbone))
        self.vlm = Qwen3VLForConditionalGeneration(backbone)
        self.expert = build_expert(self.text_config, config.expert)
        self.action_in_proj = ActionEmbedding(config.action_embedding, config.expert.hidden_size)
        self.action_out_proj = action_output(config.expert.hidden_size)

    @property
    def text_config(self) -> Qwen3VLTextConfig:
        """The backbone's text settings as transformers holds them."""
        return cast("Qwen3VLTextConfig", self.vlm.config.text_config)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.action_out_proj.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """The weights' type."""
        return self.action_out_proj.weight.dtype

    def parameter_count(self) -> int:
        """Return how many numbers were learnt; tied ones count once."""
        return sum(parameter.numel() for parameter in self.parameters())

    def restore_buffers(self) -> None:
        """Compute the tables that no checkpoint holds (rotary and Fourier frequencies), in float32 on the weights' device."""
        device = self.device
        text, visual = self.vlm.model.language_model, self.vlm.model.visual
        for owner, name in ((text, "rotary_emb"), (self.expert, "rotary_emb"), (visual, "rotary_pos_emb")):
            old: Any = getattr(owner, name)
            setattr(owner, name, type(old)(config=old.config).to(device))
        for module in self.modules():
            if isinstance(module, FourierFeatures):
                module.reset_frequencies(device)

    def read_prompts(self, inputs: ModelInputs) -> Context:
        """Return what the backbone makes of a batch of prompts: images and text once, however many samples follow."""
        core: Any = self.vlm.model
        ids, mask = inputs.input_ids, inputs.attention_mask
        rows, columns = inputs.image_grid
        grid = torch.tensor([[1, rows, columns]] * inputs.pixel_values.shape[0], device=ids.device)
        is_image = (ids == core.config.image_token_id).int()
        positions, _ = core.get_rope_index(ids, is_image, image_grid_thw=grid, attention_mask=mask.long())
        cache = DynamicCache(config=self.text_config)
        began, seen = now(ids.device), [0.0]
        hook = core.visual.register_forward_hook(lambda *_: seen.append(now(ids.device)))
        try:
            result = core(
                input_ids=ids,
                attention_mask=mask.long(),
                position_ids=positions,
                pixel_values=inputs.pixel_values.flatten(0, 1).to(self.dtype),
                image_grid_thw=grid,
                mm_token_type_ids=is_image,
                past_key_values=cache,
                use_cache=True,
            )
        finally:
            hook.remove()
        following = positions.masked_fill(~mask[None], -1).amax((0, 2)) + 1
        logits = self.vlm.lm_head(result.last_hidden_state[:, -1]).float()
        return Context(cache, mask, following, logits, seen[-1] - began)

    def repeated(self, context: Context, samples: int) -> Context:
        """Return a context with every row repeated `samples` times, side by side; the given one stays as it is."""
        return context.repeated(samples)

    def read_tokens(self, context: Context, ids: Tensor, counted: Tensor) -> Tensor:
        """Return the logits [R, T, vocabulary] after each of the tokens `ids` [R, T], and take the tokens into the context.

        `counted` [R, T] is false where a row has ended and holds padding, which nothing after it sees.
        """
        steps = counted.long().cumsum(1) - 1
        positions = context.position[:, None] + steps.clamp_min(0)
        context.visible = torch.cat([context.visible, counted], dim=1)
        result = self.vlm.model.language_model(
            input_ids=ids,
            attention_mask=context.visible.long(),
            position_ids=positions[None].expand(3, -1, -1),
            past_key_values=context.cache,
            use_cache=True,
        )
        context.position = context.position + counted.long().sum(1)
        logits = self.vlm.lm_head(result.last_hidden_state).float()
        last = counted.long().sum(1).clamp_min(1) - 1
        latest = logits[torch.arange(len(ids), device=ids.device), last]
        context.logits = torch.where(counted.any(1)[:, None], latest, context.logits)
        return logits

    def velocity(self, prefix: PrefixCache, visible: Tensor, start: Tensor, actions: Tensor, time: Tensor) -> Tensor:
        """Return the flow's velocity [R, W, 2] at noisy actions [R, W, 2] and times [R].

        `visible` [R, C] are the cached tokens that count and `start` [R] the rotary position after the last of them.
        """
        hidden = run_expert(self.expert, self.action_in_proj(actions, time), prefix, visible, start)
        return self.action_out_proj(hidden)

    def velocity_after(self, context: Context) -> Velocity:
        """Return the flow's velocity behind what a context holds."""
        prefix, visible, start = PrefixCache(context.cache), context.visible, context.position
        return lambda actions, time: self.velocity(prefix, visible, start, actions, time)


def action_output(width: int) -> nn.Linear:
    """Return the untrained layer that turns the expert's hidden states into velocities."""
    layer = nn.Linear(width, ACTION_SIZE)
    nn.init.normal_(layer.weight, std=UNTRAINED_VELOCITY)
    nn.init.zeros_(layer.bias)
    return layer


def new_model(config: ModelConfig, seed: int) -> DrivingModel:
    """Return a model with random weights, the same for the same seed, on the CPU and ready to answer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DrivingModel(config).eval()


def _copied(backbone: Any) -> dict[str, Any]:
    """Return settings that transformers may change as it likes."""
    return cast("dict[str, Any]", copy.deepcopy(dict(backbone)))
