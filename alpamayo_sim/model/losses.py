"""The losses of supervised training: next tokens of the completion, and flow matching of the expert over the cache it leaves."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from alpamayo_sim.model.driving_model import Context, DrivingModel, ModelInputs
from alpamayo_sim.model.expert import PrefixCache
from alpamayo_sim.model.flow import training_times
from alpamayo_sim.model.sampling import TokenIds


@dataclass(frozen=True)
class Lesson:
    """What the model ought to have written and driven, of a batch of B prompts."""

    token_ids: Tensor
    """[B, T] int64: reasoning, `<|cot_end|>`, `<|traj_future_start|>`, bins, `<|traj_future_end|>`; padded on the right."""
    counted: Tensor
    """[B, T] bool: what is no padding."""
    actions: Tensor
    """[B, waypoints, 2] float32: normalised acceleration and curvature."""


@dataclass(frozen=True)
class Losses:
    """Means over a batch, each with its gradient."""

    reasoning: Tensor
    """Cross-entropy of the tokens that are no bins, nats."""
    trajectory: Tensor
    """Cross-entropy of the bins, nats; 0 without any."""
    flow: Tensor
    """Mean squared error of the velocity."""


def sft_losses(
    model: DrivingModel,
    inputs: ModelInputs,
    lesson: Lesson,
    tokens: TokenIds,
    generator: torch.Generator,
    *,
    flow_draws: int = 1,
    stop_gradient: bool = True,
) -> Losses:
    """Return next-token and flow losses of a batch.

    `flow_draws` noises and times are drawn per observation over the same cache. With `stop_gradient` the flow's gradient ends
    at the expert, as published; without it reaches the backbone.
    """
    context = model.read_prompts(inputs)
    reasoning, trajectory = token_losses(model, context, lesson, tokens)
    visible, start = before_trajectory(context, lesson, tokens)
    flow = flow_loss(
        model, context, visible, start, lesson.actions, generator, draws=flow_draws, stop_gradient=stop_gradient
    )
    return Losses(reasoning, trajectory, flow)


def token_losses(model: DrivingModel, context: Context, lesson: Lesson, tokens: TokenIds) -> tuple[Tensor, Tensor]:
    """Return the cross-entropies of words and of bins, and take the lesson's tokens into the context."""
    first = context.logits[:, None]
    logits = torch.cat([first, model.read_tokens(context, lesson.token_ids, lesson.counted)[:, :-1]], dim=1)
    each = functional.cross_entropy(logits.flatten(0, 1), lesson.token_ids.flatten(), reduction="none")
    ids = lesson.token_ids.flatten()
    is_bin = (ids >= tokens.trajectory_start) & (ids < tokens.trajectory_start + tokens.trajectory_tokens)
    counted = lesson.counted.flatten()

    def mean(of: Tensor) -> Tensor:
        return torch.where(of, each, 0.0).sum() / of.sum().clamp_min(1)

    return mean(counted & ~is_bin), mean(counted & is_bin)


def before_trajectory(context: Context, lesson: Lesson, tokens: TokenIds) -> tuple[Tensor, Tensor]:
    """Return what the expert may see [B, C] and where its waypoints begin [B]: all up to and with `<|traj_future_start|>`.

    `context` holds the prompt and the lesson's tokens; the bins behind the start are hidden, else the expert would copy them.
    """
    ids, counted = lesson.token_ids, lesson.counted
    is_start = ids == tokens.future_start
    ahead = is_start.long().cumsum(1) - is_start.long() == 0
    seen = ahead & counted
    prompt = context.visible[:, : context.visible.shape[1] - ids.shape[1]]
    behind = (counted & ~seen).long().sum(1)
    return torch.cat([prompt, seen], dim=1), context.position - behind


def flow_loss(
    model: DrivingModel,
    context: Context,
    visible: Tensor,
    start: Tensor,
    actions: Tensor,
    generator: torch.Generator,
    *,
    draws: int = 1,
    stop_gradient: bool = True,
) -> Tensor:
    """Return the mean squared error of the velocity towards `actions` [B, waypoints, 2] from fresh noise at fresh times."""
    repeated = context.repeated(draws)
    target = actions.float().repeat_interleave(draws, 0)
    noise = torch.randn(target.shape, generator=generator, device=generator.device).to(target.device)
    time = training_times(len(target), generator, target.device)
    mixed = time[:, None, None] * target + (1.0 - time[:, None, None]) * noise
    prefix = PrefixCache(repeated.cache, detach=stop_gradient)
    found = model.velocity(prefix, visible.repeat_interleave(draws, 0), start.repeat_interleave(draws, 0), mixed, time)
    return functional.mse_loss(found.float(), target - noise)
