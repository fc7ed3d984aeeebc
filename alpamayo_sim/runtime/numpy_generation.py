"""Samples from an exported model, in numpy: the same order of things as `model.generation`, with numpy's generators."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.latency import Latency
from alpamayo_sim.policy.sampling import SamplingConfig
from alpamayo_sim.runtime.onnx_engine import Cache, OnnxEngine
from alpamayo_sim.runtime.rope import prompt_positions

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class SampledText:
    """What rows wrote, and when they ended."""

    token_ids: NDArray[np.int64]
    """[rows, T], padded on the right."""
    log_probs: NDArray[np.float64]
    """[rows, T] of the tokens that were chosen; 0 for those that closed a row and for padding."""
    finished: NDArray[np.bool_]
    """[rows]: ended within the limit by themselves."""


@dataclass(frozen=True)
class Samples:
    """R = prompts x samples; those of one prompt are neighbours."""

    text: SampledText
    actions: FloatArray | None
    """[R, waypoints, 2] normalised, by the flow."""
    trajectory_bins: NDArray[np.int64] | None
    """[R, 2 x waypoints] of the discrete trajectory."""
    latency: Latency


def generate(
    engine: OnnxEngine,
    pixels: FloatArray,
    ids: NDArray[np.int64],
    counted: NDArray[np.bool_],
    sampling: SamplingConfig,
    generators: Sequence[np.random.Generator],
) -> Samples:
    """Return len(generators) samples of prompts [B, S] padded on the left, as many of each.

    `pixels` [images, patches, patch size] are the prompts' images in order. Images and prompts are read once.
    """
    if sampling.flow_noise_level > 0.0:
        raise InputError("a stochastic flow has its likelihood in torch only; on ONNX Runtime flow_noise_level is 0")
    if not generators or len(generators) % len(ids):
        raise InputError(
            f"every prompt gets the same number of samples, one generator each; found {len(generators)} for {len(ids)} prompts"
        )
    own = engine.manifest
    clock = [time.perf_counter()]
    seen = engine.see(pixels)
    clock.append(time.perf_counter())
    positions = np.zeros((3, *ids.shape), dtype=np.int64)
    for row, mask in enumerate(counted):
        positions[:, row, mask] = prompt_positions(ids[row, mask], own.image_id, own.image_rows, own.image_columns)
    logits, cache = engine.read_prompts(ids, counted, positions, seen)
    samples = len(generators) // len(ids)
    room = sampling.max_reasoning_tokens + 2 + (2 * own.waypoints if sampling.use_tokens else 0)
    cache = cache.repeated(samples, room)
    clock.append(time.perf_counter())
    logits, text = _reason(engine, cache, np.repeat(logits, samples, axis=0), sampling, generators)
    clock.append(time.perf_counter())
    actions = _flow(engine, cache, sampling, generators) if sampling.use_flow else None
    clock.append(time.perf_counter())
    bins = _write_trajectory(engine, cache, logits, sampling, generators) if sampling.use_tokens else None
    clock.append(time.perf_counter())
    vision, prefill, reasoning, flow, tokens = np.diff(clock).tolist()
    return Samples(text, actions, bins, Latency(vision, prefill, reasoning, flow, tokens))


def log_softmax(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Return log-probabilities of logits [..., vocabulary] at a temperature; 0 counts as 1."""
    scaled = logits.astype(np.float64) / (temperature or 1.0)
    scaled -= scaled.max(-1, keepdims=True)
    return scaled - np.log(np.exp(scaled).sum(-1, keepdims=True))


def distribution(logits: FloatArray, temperature: float, top_p: float) -> NDArray[np.float64]:
    """Return the log-probabilities [R, vocabulary] that tokens are drawn with; -inf outside the nucleus."""
    log_probs = log_softmax(logits, temperature)
    if temperature == 0.0 or top_p >= 1.0:
        return log_probs
    order = np.argsort(-log_probs, axis=-1, kind="stable")
    ordered = np.exp(np.take_along_axis(log_probs, order, -1))
    out = np.cumsum(ordered, -1) - ordered >= top_p
    hidden = np.zeros_like(out)
    np.put_along_axis(hidden, order, out, -1)
    kept = np.where(hidden, -np.inf, log_probs)
    return kept - np.log(np.exp(kept).sum(-1, keepdims=True))


def _draw(
    log_probs: NDArray[np.float64], temperature: float, generators: Sequence[np.random.Generator]
) -> NDArray[np.int64]:
    if temperature == 0.0:
        return log_probs.argmax(-1)
    waits = np.stack([own.exponential(size=log_probs.shape[1]) for own in generators])
    return (log_probs - np.log(waits)).argmax(-1)


def _reason(
    engine: OnnxEngine,
    cache: Cache,
    logits: FloatArray,
    sampling: SamplingConfig,
    generators: Sequence[np.random.Generator],
) -> tuple[FloatArray, SampledText]:
    own = engine.manifest
    rows = len(generators)
    trajectory = slice(own.trajectory_start_id, own.trajectory_start_id + own.trajectory_tokens)
    closed, thought, finished = (np.zeros(rows, dtype=np.bool_) for _ in range(3))
    ids: list[NDArray[np.int64]] = []
    worths: list[NDArray[np.float64]] = []
    for index in range(sampling.max_reasoning_tokens + 2):
        forced = index >= sampling.max_reasoning_tokens
        chosen = np.full(rows, own.pad_id, dtype=np.int64)
        worth = np.zeros(rows)
        if forced:
            chosen = np.where(closed, chosen, np.where(thought, own.future_start_id, own.reasoning_end_id))
        else:
            allowed = logits[~closed].copy()
            allowed[:, trajectory] = -np.inf
            log_probs = distribution(allowed, sampling.temperature, sampling.top_p)
            running = [generator for generator, done in zip(generators, closed, strict=True) if not done]
            drawn = _draw(log_probs, sampling.temperature, running)
            chosen[~closed] = drawn
            worth[~closed] = log_probs[np.arange(len(drawn)), drawn]
        logits_now = engine.read_token(chosen, ~closed, cache)
        logits = np.where(closed[:, None], logits, logits_now)
        ids.append(chosen)
        worths.append(worth)
        thought |= chosen == own.reasoning_end_id
        ends = (chosen == own.future_start_id) & ~closed
        finished |= ends & (not forced)
        closed |= ends
        if closed.all():
            break
    return logits, SampledText(np.stack(ids, 1), np.stack(worths, 1), finished)


def _flow(
    engine: OnnxEngine, cache: Cache, sampling: SamplingConfig, generators: Sequence[np.random.Generator]
) -> FloatArray:
    own = engine.manifest
    steps = sampling.flow_steps or own.flow_steps
    noise = np.stack([generator.standard_normal((own.waypoints, 2)) for generator in generators])
    return integrate(engine, cache, (noise * sampling.noise_scale).astype(np.float32), steps)


def integrate(engine: OnnxEngine, cache: Cache, noise: FloatArray, steps: int) -> FloatArray:
    """Return the end [rows, waypoints, 2] of `steps` Euler steps of the flow from `noise`."""
    if steps < 1:
        raise InputError(f"a flow takes one step or more; found {steps}")
    actions = noise.copy()
    for index in range(steps):
        actions += engine.velocity(actions, index / steps, cache) / np.float32(steps)
    return actions


def _write_trajectory(
    engine: OnnxEngine,
    cache: Cache,
    logits: FloatArray,
    sampling: SamplingConfig,
    generators: Sequence[np.random.Generator],
) -> NDArray[np.int64]:
    own = engine.manifest
    counted = np.ones(len(generators), dtype=np.bool_)
    bins: list[NDArray[np.int64]] = []
    for _ in range(2 * own.waypoints):
        allowed = logits[:, own.trajectory_start_id : own.trajectory_start_id + own.future_tokens]
        chosen = _draw(distribution(allowed, sampling.temperature, sampling.top_p), sampling.temperature, generators)
        bins.append(chosen)
        logits = engine.read_token(chosen + own.trajectory_start_id, counted, cache)
    return np.stack(bins, 1)
