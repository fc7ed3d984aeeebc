"""Samples of the model: reasoning, and after it a trajectory by flow, by tokens, or both; images and prompt are read once.

Every row draws from its own generator, first its tokens in order, then the flow's noise, then the tokens of its trajectory, so
a sample does not depend on what is sampled beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.clock import now
from alpamayo_sim.model.config import ModelConfig
from alpamayo_sim.model.driving_model import DrivingModel, ModelInputs
from alpamayo_sim.model.flow import FlowSample, Velocity, initial_noise, integrate, integrate_with_noise
from alpamayo_sim.model.sampling import TokenIds, distribution, draw, forbid_trajectory, only_future
from alpamayo_sim.policy.latency import Latency
from alpamayo_sim.policy.sampling import SamplingConfig

FREE, FORCED, TRAJECTORY, PADDING = 0, 1, 2, 3
"""What a token of a completion is: chosen, put there to close the reasoning, a bin of the trajectory, nothing."""


class Remembered(Protocol):
    """What a model remembers of R rows."""

    @property
    def logits(self) -> Tensor:
        """[R, vocabulary] float32: what follows the last token."""
        ...

    @property
    def vision_s(self) -> float:
        """Wall-clock time that the vision tower took for it."""
        ...


Memory = TypeVar("Memory", bound=Remembered)


class Writer(Protocol[Memory]):
    """A model that can be sampled: `DrivingModel`, or the fast runtime's over the same weights."""

    @property
    def config(self) -> ModelConfig:
        """Its settings."""
        ...

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    def read_prompts(self, inputs: ModelInputs) -> Memory:
        """Return what it remembers of a batch of prompts."""
        ...

    def repeated(self, context: Memory, samples: int) -> Memory:
        """Return a memory with every row repeated, side by side."""
        ...

    def read_tokens(self, context: Memory, ids: Tensor, counted: Tensor) -> Tensor:
        """Take tokens [R, T] into a memory."""
        ...

    def velocity_after(self, context: Memory) -> Velocity:
        """Return the flow's velocity behind a memory."""
        ...


@dataclass(frozen=True)
class Generation:
    """R = B x samples completions; those of one observation are neighbours."""

    token_ids: Tensor
    """[R, T] int64: reasoning, closing tokens, `<|traj_future_start|>` and, with tokens, the trajectory and its end."""
    token_kinds: Tensor
    """[R, T] int64: FREE, FORCED, TRAJECTORY or PADDING."""
    log_probs: Tensor
    """[R, T] float32: of each FREE or TRAJECTORY token under the distribution it was drawn from; 0 elsewhere."""
    finished: Tensor
    """[R] bool: the model ended its reasoning itself within the limit."""
    flow: FlowSample | None
    """The flow's actions [R, waypoints, 2]."""
    flow_step: Tensor | None
    """[R] int64: the stochastic step of each row's flow, if there was one."""
    trajectory_bins: Tensor | None
    """[R, 2 x waypoints] int64: bins of the discrete trajectory, acceleration before curvature."""
    latency: Latency
    """The wall-clock time of every part."""


@dataclass
class _Written:
    """Tokens of a completion as they come."""

    ids: list[Tensor]
    kinds: list[Tensor]
    log_probs: list[Tensor]

    def add(self, ids: Tensor, kinds: Tensor, log_probs: Tensor) -> None:
        self.ids.append(ids)
        self.kinds.append(kinds)
        self.log_probs.append(torch.where(kinds % 2 == 0, log_probs, 0.0))


@torch.no_grad()
def generate(
    model: Writer[Memory],
    inputs: ModelInputs,
    tokens: TokenIds,
    config: SamplingConfig,
    generators: Sequence[torch.Generator],
) -> Generation:
    """Return len(generators) samples of a batch of prompts: as many of each, the same number for all.

    InputError if the generators cannot be shared out evenly among the prompts.
    """
    prompts = inputs.input_ids.shape[0]
    if not generators or len(generators) % prompts:
        raise InputError(
            f"every prompt gets the same number of samples, one generator each; found {len(generators)} for {prompts} prompts"
        )
    clock = [now(model.device)]
    context = model.repeated(model.read_prompts(inputs), len(generators) // prompts)
    clock.append(now(model.device))
    written = _Written([], [], [])
    finished = _reason(model, context, tokens, config, generators, written)
    clock.append(now(model.device))
    flow, flow_step = _flow(model, context, config, generators) if config.use_flow else (None, None)
    clock.append(now(model.device))
    bins = _write_trajectory(model, context, tokens, config, generators, written) if config.use_tokens else None
    clock.append(now(model.device))
    prefill, reasoning, flowing, writing = (after - before for before, after in pairwise(clock))
    return Generation(
        torch.stack(written.ids, 1),
        torch.stack(written.kinds, 1),
        torch.stack(written.log_probs, 1),
        finished,
        flow,
        flow_step,
        bins,
        Latency(context.vision_s, prefill - context.vision_s, reasoning, flowing, writing),
    )


def _reason(
    model: Writer[Memory],
    context: Memory,
    tokens: TokenIds,
    config: SamplingConfig,
    generators: Sequence[torch.Generator],
    written: _Written,
) -> Tensor:
    """Write every row's reasoning up to and with `<|traj_future_start|>`; return which rows ended by themselves [R].

    A row at the limit is closed with the tokens it lacks, so that the expert always reads the end it was trained on.
    """
    rows = len(generators)
    device = context.logits.device
    closed = torch.zeros(rows, dtype=torch.bool, device=device)
    thought = torch.zeros(rows, dtype=torch.bool, device=device)
    finished = torch.zeros(rows, dtype=torch.bool, device=device)
    for index in range(config.max_reasoning_tokens + 2):
        log_probs = distribution(forbid_trajectory(context.logits, tokens), config.temperature, config.top_p)
        running = [own for own, done in zip(generators, closed.tolist(), strict=True) if not done]
        chosen = torch.full((rows,), tokens.pad, device=device)
        kinds = torch.full((rows,), PADDING, device=device)
        forced = index >= config.max_reasoning_tokens
        if forced:
            closing = torch.where(thought, tokens.future_start, tokens.reasoning_end)
            chosen = torch.where(closed, chosen, closing)
        else:
            chosen[~closed] = draw(log_probs[~closed], config.temperature, running)
        kinds[~closed] = FORCED if forced else FREE
        worth = log_probs.gather(1, chosen[:, None])[:, 0]
        written.add(chosen, kinds, worth)
        model.read_tokens(context, chosen[:, None], ~closed[:, None])
        thought = thought | (chosen == tokens.reasoning_end)
        ends = (chosen == tokens.future_start) & ~closed
        finished = finished | (ends & (not forced))
        closed = closed | ends
        if bool(closed.all()):
            break
    return finished


def _flow(
    model: Writer[Memory], context: Memory, config: SamplingConfig, generators: Sequence[torch.Generator]
) -> tuple[FlowSample, Tensor | None]:
    waypoints, steps = model.config.waypoints, config.flow_steps or model.config.flow_steps
    velocity = model.velocity_after(context)
    noise = initial_noise(generators, waypoints, context.logits.device) * config.noise_scale
    if config.flow_noise_level == 0.0:
        return integrate(velocity, noise, steps), None
    chosen = [int(torch.randint(steps - 1, (1,), generator=own, device=own.device)) for own in generators]
    flow_step = torch.tensor(chosen, device=noise.device)
    return (
        integrate_with_noise(velocity, noise, steps, config.flow_noise_level, flow_step, generators),
        flow_step,
    )


def _write_trajectory(
    model: Writer[Memory],
    context: Memory,
    tokens: TokenIds,
    config: SamplingConfig,
    generators: Sequence[torch.Generator],
    written: _Written,
) -> Tensor:
    """Write every row's trajectory as tokens and return their bins [R, 2 x waypoints]."""
    rows = len(generators)
    counted = torch.ones(rows, 1, dtype=torch.bool, device=context.logits.device)
    kind = torch.full((rows,), TRAJECTORY, device=context.logits.device)
    bins: list[Tensor] = []
    for _ in range(2 * model.config.waypoints):
        log_probs = distribution(only_future(context.logits, tokens), config.temperature, config.top_p)
        chosen = draw(log_probs, config.temperature, generators)
        bins.append(chosen - tokens.trajectory_start)
        written.add(chosen, kind, log_probs.gather(1, chosen[:, None])[:, 0])
        model.read_tokens(context, chosen[:, None], counted)
    end = torch.full_like(kind, tokens.future_end)
    written.add(end, torch.full_like(kind, FORCED), torch.zeros(rows, device=end.device))
    return torch.stack(bins, 1)


def score(
    model: DrivingModel,
    inputs: ModelInputs,
    tokens: TokenIds,
    token_ids: Tensor,
    token_kinds: Tensor,
    temperature: float = 1.0,
) -> Tensor:
    """Return the log-probabilities [R, T] of completions under the model as it is now, with their gradient.

    Masks are those of `generate`, the nucleus is the whole vocabulary; FORCED and PADDING tokens count 0. For a Generation
    drawn with the same temperature and top_p 1 the result equals its `log_probs`.
    """
    context = model.repeated(model.read_prompts(inputs), token_ids.shape[0] // inputs.input_ids.shape[0])
    first = context.logits[:, None]
    logits = torch.cat([first, model.read_tokens(context, token_ids, token_kinds != PADDING)[:, :-1]], dim=1)
    is_bin = (token_kinds == TRAJECTORY)[..., None]
    masked = torch.where(is_bin, only_future(logits, tokens), forbid_trajectory(logits, tokens))
    log_probs = distribution(masked, temperature, 1.0).gather(2, token_ids[..., None])[..., 0]
    return torch.where(token_kinds % 2 == 0, log_probs, 0.0)
