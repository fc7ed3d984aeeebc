"""Flow matching: from noise at time 0 to an action at time 1 along x_t = t x + (1 - t) e, whose velocity is x - e."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from alpamayo_sim.errors import InputError

LAST_TRAINED_TIME = 0.999
BETA_ALPHA = 1.5

Velocity = Callable[[Tensor, Tensor], Tensor]
"""Velocity [rows, waypoints, 2] of noisy actions [rows, waypoints, 2] at times [rows]."""


def training_times(rows: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Return flow times [rows] drawn as 0.999 (1 - b) with b from Beta(1.5, 1): near the noise more often than near the data.

    Beta(a, 1) has the distribution function b^a, so b = u^(1/a) for a uniform u.
    """
    uniform = torch.rand(rows, generator=generator, device=generator.device).to(device)
    return LAST_TRAINED_TIME * (1.0 - uniform.pow(1.0 / BETA_ALPHA))


@dataclass(frozen=True)
class FlowSample:
    """Actions at the end of the flow and, of a stochastic one, its states and what they were worth."""

    actions: Tensor
    """[rows, waypoints, 2], float32, normalised."""
    states: Tensor
    """[rows, steps + 1, waypoints, 2]: the actions before every step and after the last."""
    log_probs: Tensor
    """[rows, steps] log-density of every step, summed over its numbers; zero where the step had no noise."""


def initial_noise(generators: Sequence[torch.Generator], waypoints: int, device: torch.device) -> Tensor:
    """Return standard normal noise [rows, waypoints, 2]; every row draws from its own generator."""
    rows = [torch.randn(waypoints, 2, generator=own, device=own.device) for own in generators]
    return torch.stack(rows).to(device)


def integrate(velocity: Velocity, noise: Tensor, steps: int) -> FlowSample:
    """Return the end of `steps` equal Euler steps from `noise` [rows, waypoints, 2] at time 0."""
    if steps < 1:
        raise InputError(f"a flow takes one step or more; found {steps}")
    states = [noise]
    for index in range(steps):
        time = noise.new_full((noise.shape[0],), index / steps)
        states.append(states[-1] + velocity(states[-1], time).float() / steps)
    return FlowSample(states[-1], torch.stack(states, dim=1), noise.new_zeros(noise.shape[0], steps))


def step_distribution(state: Tensor, speed: Tensor, time: float, step: float, level: float) -> tuple[Tensor, float]:
    """Return mean [rows, waypoints, 2] and deviation of a stochastic step that keeps the flow's own marginals.

    Flow-SDE with s = 1 - t: rate d = level sqrt(s / (1 - s)), where 1 - s counts as `step` at least so that the first step has
    one; mean = x (1 - d^2 / (2 s) dt) + v (1 + d^2 (1 - s) / (2 s)) dt, deviation d sqrt(dt). Source: Flow-GRPO (arXiv
    2505.05470) with noise at time 0.
    """
    sigma = 1.0 - time
    rate = level * math.sqrt(sigma / max(time, step))
    mean = state * (1.0 - rate**2 / (2.0 * sigma) * step)
    mean = mean + speed * (1.0 + rate**2 * (1.0 - sigma) / (2.0 * sigma)) * step
    return mean, rate * math.sqrt(step)


def log_density(value: Tensor, mean: Tensor, deviation: float) -> Tensor:
    """Return the log-density [rows] of values [rows, waypoints, 2] under a normal distribution, summed over their numbers."""
    scaled = (value - mean) / deviation
    each = -0.5 * scaled.square() - math.log(deviation) - 0.5 * math.log(2.0 * math.pi)
    return each.flatten(1).sum(1)


def integrate_with_noise(
    velocity: Velocity,
    noise: Tensor,
    steps: int,
    level: float,
    noisy_step: Tensor,
    generators: Sequence[torch.Generator],
) -> FlowSample:
    """Return the end of a flow of which one step per row, `noisy_step` [rows], is stochastic and all others are Euler steps.

    One such step keeps the likelihood ratio of training by reward in bounds though the log-density sums 128 numbers. The last
    step is never it: its noise would stay in the action. InputError for other settings.
    """
    if level <= 0.0 or steps < 2 or not bool(((noisy_step >= 0) & (noisy_step < steps - 1)).all()):
        raise InputError(
            f"the stochastic step is one of the flow's {steps} but not its last, and its level is positive; "
            f"found steps {noisy_step.tolist()}, level {level:g}"
        )
    step = 1.0 / steps
    states = [noise]
    log_probs = noise.new_zeros(noise.shape[0], steps)
    jolts = initial_noise(generators, noise.shape[1], noise.device)
    for index in range(steps):
        state, time = states[-1], index / steps
        speed = velocity(state, noise.new_full((noise.shape[0],), time)).float()
        mean, deviation = step_distribution(state, speed, time, step, level)
        jolted = mean + deviation * jolts
        here = noisy_step == index
        states.append(torch.where(here[:, None, None], jolted, state + speed * step))
        log_probs[:, index] = torch.where(here, log_density(jolted, mean, deviation), 0.0)
    return FlowSample(states[-1], torch.stack(states, dim=1), log_probs)


def step_log_density(velocity: Velocity, sample: FlowSample, noisy_step: Tensor, level: float) -> Tensor:
    """Return the log-density [rows] of each row's stochastic step under a velocity as it is now, with its gradient."""
    steps = sample.log_probs.shape[1]
    rows = torch.arange(len(noisy_step), device=noisy_step.device)
    before, after = sample.states[rows, noisy_step], sample.states[rows, noisy_step + 1]
    time = noisy_step.to(before.dtype) / steps
    speed = velocity(before, time).float()
    results: list[Tensor] = []
    for row, moment in enumerate(time.tolist()):
        own = slice(row, row + 1)
        mean, deviation = step_distribution(before[own], speed[own], moment, 1.0 / steps, level)
        results.append(log_density(after[own], mean, deviation))
    return torch.cat(results)
