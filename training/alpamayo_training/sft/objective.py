"""The losses of a batch as sums over its tokens and rows, so that any division into parts adds up to the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from alpamayo_sim.model.driving_model import Context, DrivingModel
from alpamayo_sim.model.expert import PrefixCache
from alpamayo_sim.model.losses import Lesson, before_trajectory
from alpamayo_sim.model.sampling import TokenIds
from alpamayo_training.sft.forward import Passed, read_whole
from alpamayo_training.sft.settings import LossWeights, Stage


@dataclass(frozen=True)
class Batch:
    """B samples as tensors: prompts padded on the left, answers of T tokens on the right, L = S + T."""

    ids: Tensor
    """[B, L] int64 as the model reads them."""
    counted: Tensor
    """[B, L] bool: what is no padding."""
    positions: Tensor
    """[3, B, L] int64 rotary positions."""
    patches: Tensor
    """[images, patches, patch size] float32."""
    grid: tuple[int, int]
    targets: Tensor
    """[B, T] int64: the answer that is right; `ids` may hold another where it was disturbed."""
    token_weights: Tensor
    """[B, T] float32: of each target's loss; 0 for padding and for what is not to be learned."""
    actions: Tensor
    """[B, W, 2] float32, normalised."""
    row_weights: Tensor
    """[B] float32 of the flow's loss."""
    noise: Tensor
    """[B, draws, W, 2] float32."""
    times: Tensor
    """[B, draws] float32."""

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        moved = {name: value.to(device, non_blocking=True) for name, value in vars(self).items() if name != "grid"}
        return Batch(grid=self.grid, **moved)


class LossSums(NamedTuple):
    """Weighted sums over a batch, and what was summed; `total` has the gradient."""

    total: Tensor
    """What is minimised: each sum divided by the weight of all parts of the step, times the loss's weight."""
    reasoning: Tensor
    trajectory: Tensor
    flow: Tensor


class Totals(NamedTuple):
    """Weights of all tokens and rows of a step, over all its parts: what sums are divided by."""

    reasoning: float
    trajectory: float
    flow: float


class Objective(nn.Module):
    """The model under its losses: what is wrapped for several processes."""

    def __init__(self, model: DrivingModel, tokens: TokenIds, stage: Stage, weights: LossWeights) -> None:
        super().__init__()
        self.model = model
        self.tokens, self.stage, self.weights = tokens, stage, weights

    def forward(self, batch: Batch, totals: Totals, scale: float = 1.0) -> LossSums:
        """Return the losses of a part of a step whose weights add up to `totals`; `scale` multiplies what is minimised."""
        read = torch.no_grad() if self.stage == "expert" else torch.enable_grad()
        with read:
            passed = read_whole(self.model, batch.ids, batch.counted, batch.positions, batch.patches, batch.grid)
            reasoning, trajectory = self._tokens(passed, batch)
        zero = batch.actions.new_zeros(())
        flow = zero if self.stage == "vlm" else self._flow(passed, batch)
        total = zero
        for loss, share, weight in (
            (reasoning, totals.reasoning, self.weights.reasoning),
            (trajectory, totals.trajectory, self.weights.trajectory),
            (flow, totals.flow, self.weights.flow),
        ):
            if loss.requires_grad:
                total = total + loss * (scale * weight / max(share, 1e-9))
        return LossSums(total, reasoning.detach(), trajectory.detach(), flow.detach())

    def _tokens(self, passed: Passed, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the weighted sums of the cross-entropies of words and of bins."""
        length = batch.targets.shape[1]
        before = passed.hidden[:, -length - 1 : -1]
        logits = self.model.vlm.lm_head(before).float()
        each = functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), reduction="none")
        each = each * batch.token_weights.flatten()
        is_bin = is_trajectory(batch.targets, self.tokens).flatten()
        return each.masked_fill(is_bin, 0.0).sum(), each.masked_fill(~is_bin, 0.0).sum()

    def _flow(self, passed: Passed, batch: Batch) -> Tensor:
        """Return the weighted sum of each row's mean squared error of the velocity."""
        length, draws = batch.targets.shape[1], batch.times.shape[1]
        context = Context(
            passed.cache, batch.counted, batch.positions[0].amax(1) + 1, passed.hidden.new_zeros(len(batch.ids), 0)
        )
        lesson = Lesson(batch.targets, batch.counted[:, -length:], batch.actions)
        visible, start = before_trajectory(context, lesson, self.tokens)
        target = batch.actions.repeat_interleave(draws, 0)
        noise, time = batch.noise.flatten(0, 1), batch.times.flatten()
        mixed = time[:, None, None] * target + (1.0 - time[:, None, None]) * noise
        prefix = PrefixCache(passed.cache.repeated(draws), detach=self.weights.stop_gradient)
        seen, begin = visible.repeat_interleave(draws, 0), start.repeat_interleave(draws, 0)
        found = self.model.velocity(prefix, seen, begin, mixed, time).float()
        each = (found - (target - noise)).square().flatten(1).mean(1)
        return (each * batch.row_weights.repeat_interleave(draws, 0)).sum() / draws


class Trained(nn.Module):
    """All that trains: what a checkpoint of training holds."""

    def __init__(self, objective: Objective, auxiliary: nn.Module | None = None) -> None:
        super().__init__()
        self.objective = objective
        if auxiliary is not None:
            self.auxiliary = auxiliary


def is_trajectory(ids: Tensor, tokens: TokenIds) -> Tensor:
    """Return which ids are bins of the trajectory."""
    return (ids >= tokens.trajectory_start) & (ids < tokens.trajectory_start + tokens.trajectory_tokens)
