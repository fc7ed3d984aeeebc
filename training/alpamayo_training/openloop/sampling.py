"""Plans and words of a model at many moments, as it is or with something taken away from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alpamayo_sim.model.driving_model import DrivingModel, ModelInputs
from alpamayo_sim.model.flow import initial_noise, integrate
from alpamayo_sim.model.generation import _write_trajectory, _Written, generate
from alpamayo_sim.model.sampling import TokenIds
from alpamayo_sim.policy.patches import PATCH_PX
from alpamayo_sim.policy.prompt_ids import pad_left
from alpamayo_sim.policy.sampling import SamplingConfig
from alpamayo_sim.policy.tokenizer import DrivingTokenizer
from alpamayo_sim.policy.trajectory_tokens import actions_of_bins
from alpamayo_sim.policy.unicycle import denormalise, drive, speed_now
from alpamayo_training.sft.pictures import device_patches

Pictures = Literal["own", "blank", "others"]
Words = Literal["own", "none", "true", "others"]
GREY = 128


@dataclass(frozen=True)
class Condition:
    """What the model is given instead of its own."""

    name: str
    pictures: Pictures = "own"
    """`blank` is grey, `others` are those of another moment."""
    words: Words = "own"
    """`own` are written by the model; `true` are the label's, `others` another moment's label's."""


FULL = Condition("full")
CONDITIONS: tuple[Condition, ...] = (
    FULL,
    Condition("blank_pictures", pictures="blank"),
    Condition("other_pictures", pictures="others"),
    Condition("no_reasoning", words="none"),
    Condition("true_reasoning", words="true"),
    Condition("other_reasoning", words="others"),
)


@dataclass(frozen=True)
class Prompts:
    """B moments."""

    ids: Sequence[NDArray[np.int64]]
    frames: Tensor
    """[B, camera, frame, height, width, 3] uint8."""
    history_xyz: NDArray[np.float64]
    history_rotation: NDArray[np.float64]
    words: Sequence[str]
    """The labels', or another moment's."""


@dataclass(frozen=True)
class Answers:
    """K samples at each of B moments."""

    flow: NDArray[np.float64]
    """[B, K, W, 3] x, y, heading by the action expert."""
    tokens: NDArray[np.float64] | None
    """The same by the discrete trajectory, if it was asked for."""
    said: tuple[tuple[str, ...], ...]
    """[B][K]"""
    ended: NDArray[np.bool_]
    """[B, K]: the model ended its reasoning itself."""


@torch.no_grad()
def answers(
    model: DrivingModel,
    tokenizer: DrivingTokenizer,
    prompts: Prompts,
    condition: Condition,
    config: SamplingConfig,
    seeds: Sequence[Sequence[int]],
) -> Answers:
    """Return the answers at B moments; `seeds` [B][K] are of the samples, so that they do not depend on the batch."""
    device = model.device
    inputs = _inputs(model, tokenizer, prompts, condition)
    own = [torch.Generator(device).manual_seed(seed) for row in seeds for seed in row]
    samples = len(seeds[0])
    tokens = TokenIds.of(tokenizer)
    if condition.words == "own":
        found = generate(model, inputs, tokens, config, own)
        assert found.flow is not None
        actions, bins = found.flow.actions, found.trajectory_bins
        said = [tokenizer.reasoning(row) for row in found.token_ids.tolist()]
        ended = found.finished.cpu().numpy()
    else:
        words = ["" if condition.words == "none" else text for text in prompts.words]
        actions, bins = _after(model, inputs, tokens, tokenizer, config, own, words, samples)
        said = [text for text in words for _ in range(samples)]
        ended = np.ones(len(own), dtype=np.bool_)
    by_moment = tuple(tuple(said[first : first + samples]) for first in range(0, len(said), samples))
    flow = _paths(model, prompts, actions.float().cpu().numpy().reshape(len(seeds), samples, -1, 2))
    discrete = None
    if bins is not None:
        discrete = _paths(model, prompts, actions_of_bins(bins.cpu().numpy()).reshape(len(seeds), samples, -1, 2))
    return Answers(flow, discrete, by_moment, ended.reshape(len(seeds), samples))


def _inputs(model: DrivingModel, tokenizer: DrivingTokenizer, prompts: Prompts, condition: Condition) -> ModelInputs:
    images = model.config.images
    frames = prompts.frames.to(model.device)
    if condition.pictures == "blank":
        frames = torch.full_like(frames, GREY)
    ids, counted = pad_left(prompts.ids, tokenizer.backbone_ids["pad"])
    return ModelInputs(
        torch.from_numpy(ids).to(model.device),
        torch.from_numpy(counted).to(model.device),
        device_patches(frames, images.frames_per_image),
        (images.height_px // PATCH_PX, images.width_px // PATCH_PX),
    )


def _after(
    model: DrivingModel,
    inputs: ModelInputs,
    tokens: TokenIds,
    tokenizer: DrivingTokenizer,
    config: SamplingConfig,
    generators: Sequence[torch.Generator],
    words: Sequence[str],
    samples: int,
) -> tuple[Tensor, Tensor | None]:
    """Return actions and bins behind words that are put into the model's mouth."""
    device = model.device
    context = model.repeated(model.read_prompts(inputs), samples)
    rows = [tokenizer.encode(f"{text}<|cot_end|><|traj_future_start|>") for text in words]
    length = max(len(row) for row in rows)
    ids = torch.tensor([row + [tokens.pad] * (length - len(row)) for row in rows], device=device)
    counted = torch.tensor([[place < len(row) for place in range(length)] for row in rows], device=device)
    model.read_tokens(context, ids.repeat_interleave(samples, 0), counted.repeat_interleave(samples, 0))
    noise = initial_noise(generators, model.config.waypoints, device) * config.noise_scale
    flow = integrate(model.velocity_after(context), noise, config.flow_steps or model.config.flow_steps)
    bins = None
    if config.use_tokens:
        bins = _write_trajectory(model, context, tokens, config, generators, _Written([], [], []))
    return flow.actions, bins


def _paths(model: DrivingModel, prompts: Prompts, actions: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return paths [B, K, W, 3] of normalised actions [B, K, W, 2]."""
    acceleration, curvature = denormalise(actions, model.config.action_statistics)
    speeds = [speed_now(xyz, turned) for xyz, turned in zip(prompts.history_xyz, prompts.history_rotation, strict=True)]
    return np.stack([drive(acceleration[row], curvature[row], speed) for row, speed in enumerate(speeds)])
