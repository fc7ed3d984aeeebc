"""Parity gates: an export answers as the model does, graph by graph and from end to end, or it is not let through.

The reference is the untouched model in torch, float32; the export runs on ONNX Runtime on the CPU.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from alpamayo_sim.model.driving_model import Context, DrivingModel, ModelInputs
from alpamayo_sim.model.expert import PrefixCache
from alpamayo_sim.model.flow import integrate as integrate_torch
from alpamayo_sim.model.sampling import TokenIds, forbid_trajectory
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG
from alpamayo_sim.policy.patches import PATCH_PX, image_patches
from alpamayo_sim.policy.prompt import chat_prompt
from alpamayo_sim.policy.prompt_ids import pad_left, prompt_ids
from alpamayo_sim.policy.tokenizer import DrivingTokenizer
from alpamayo_sim.policy.trajectory_tokens import history_bins
from alpamayo_sim.policy.unicycle import denormalise, drive
from alpamayo_sim.runtime.manifest import PARITY_FILE
from alpamayo_sim.runtime.numpy_generation import integrate
from alpamayo_sim.runtime.onnx_engine import Cache, OnnxEngine
from alpamayo_sim.runtime.rope import prompt_positions

FLOAT32_BOUNDS: Mapping[str, float] = {
    "vision_features": 1e-4,
    "prefill_logits": 1e-4,
    "cache": 1e-4,
    "decode_logits": 1e-4,
    "tokens_differing": 0.0,
    "velocity": 1e-5,
    "normalised_action": 1e-5,
    "waypoint_m": 1e-3,
}
HALF_BOUNDS: Mapping[str, float] = {"confident_tokens_differing": 0.0, "waypoint_m": 0.05}
"""Half precision, fp16 or bf16: tokens agree wherever the reference prefers one by more than the noise; 5 cm at 6.4 s."""
ROUNDING: Mapping[str, float] = {"fp16": 2.0**-11, "bf16": 2.0**-8}
"""Largest error of rounding one number to a type, relative to it."""
ROUNDED_PARTS = ("vision_features", "prefill_logits", "cache", "decode_logits", "velocity")
ROUNDINGS = 24.0
"""Half precision: what a graph puts out may be off by so many roundings, relative to the largest of the same values.

Roundings of one forward pass add up like a random walk, over a few operations a layer and some tens of layers: 3 to 10 measured.
A wrong weight or a missing scale makes hundreds.
"""
NOISE_FACTOR = 6.0
"""A preference is clear when it is this many times the noise: the usual error of a logit, over all of them, and at most what so
many roundings of the type make of a logit of the usual size. The errors of the two tokens compared do not count by themselves,
or no preference that an export turns over could be a clear one."""


ONNX_EXECUTED = "the ONNX files by ONNX Runtime on the CPU against torch in float32"


def bounds_of(dtype: str) -> Mapping[str, float]:
    """Return what is allowed of an export of type fp32, fp16 or bf16, by gate; `_relative` is by the largest value."""
    if dtype == "fp32":
        return FLOAT32_BOUNDS
    return {f"{part}_relative": ROUNDINGS * ROUNDING[dtype] for part in ROUNDED_PARTS} | dict(HALF_BOUNDS)


@dataclass(frozen=True)
class Gate:
    """One comparison: the largest difference found and what is allowed."""

    name: str
    found: float
    allowed: float

    @property
    def passed(self) -> bool:
        """Whether the difference is a number within the bound."""
        return bool(np.isfinite(self.found) and self.found <= self.allowed)


@dataclass(frozen=True)
class Parity:
    """All gates of an export."""

    gates: tuple[Gate, ...]
    executed: str
    """What was run against what."""
    choices: int = 0
    """Tokens that both chose, and how many of the reference's choices were clear: only those count in half precision."""
    clear_choices: int = 0

    @property
    def passed(self) -> bool:
        """Whether every gate holds."""
        return all(gate.passed for gate in self.gates)

    def save(self, folder: Path, name: str = PARITY_FILE) -> None:
        """Write the gates into the export's folder."""
        content = {
            "passed": self.passed,
            "executed": self.executed,
            "choices": self.choices,
            "clear_choices": self.clear_choices,
            "gates": [{**asdict(gate), "passed": gate.passed} for gate in self.gates],
        }
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def describe(self) -> str:
        """Return one line per gate, and one on the choices."""
        lines = [
            f"{'pass' if gate.passed else 'FAIL'}  {gate.name}: {gate.found:.3g} (allowed {gate.allowed:g})"
            for gate in self.gates
        ]
        return "\n".join(
            [*lines, f"      {self.clear_choices} of {self.choices} choices of a token are clear of the noise"]
        )


@dataclass
class _Found:
    """The largest difference of each kind so far."""

    worst: dict[str, float]
    choices: int = 0
    clear_choices: int = 0

    def add(self, name: str, difference: float) -> None:
        """Take a difference into account; what is no number stays."""
        old = self.worst.get(name, 0.0)
        self.worst[name] = difference if np.isnan(difference) else (old if np.isnan(old) else max(old, difference))

    def compare(self, name: str, ours: NDArray[np.floating], theirs: torch.Tensor) -> float:
        """Take the largest difference of two arrays into account, as it is and relative to the largest value; return it."""
        reference = theirs.double().numpy()
        difference = float(np.abs(ours.astype(np.float64) - reference).max())
        self.add(name, difference)
        self.add(f"{name}_relative", difference / max(float(np.abs(reference).max()), 1e-12))
        return difference


def check_parity(
    model: DrivingModel,
    tokens: TokenIds,
    engine: OnnxEngine,
    prompts: list[ModelInputs],
    *,
    reasoning_tokens: int = 40,
    seed: int = 0,
    executed: str = ONNX_EXECUTED,
) -> Parity:
    """Return the gates of an export over prompts.

    Every prompt is read by both, both are fed the reference's greedy tokens, and both integrate the flow from the same noise
    over their own caches. `model` is in float32 on the CPU; `executed` says what the engine runs.
    """
    found = _Found({})
    random = np.random.default_rng(seed)
    with torch.no_grad():
        for inputs in prompts:
            _compare_one(model, tokens, engine, inputs, found, reasoning_tokens, random)
    bounds = bounds_of(engine.manifest.dtype)
    gates = tuple(Gate(name, found.worst.get(name, float("nan")), allowed) for name, allowed in bounds.items())
    return Parity(gates, executed, found.choices, found.clear_choices)


def _compare_one(
    model: DrivingModel,
    tokens: TokenIds,
    engine: OnnxEngine,
    inputs: ModelInputs,
    found: _Found,
    reasoning_tokens: int,
    random: np.random.Generator,
) -> None:
    own = engine.manifest
    pixels = inputs.pixel_values.numpy()
    seen = engine.see(pixels)
    grid = torch.tensor([[1, *inputs.image_grid]] * len(pixels))
    reference = model.vlm.model.visual(inputs.pixel_values.flatten(0, 1), grid_thw=grid)
    found.compare("vision_features", seen[0], reference.pooler_output)
    found.compare("vision_features", seen[1], torch.stack(reference.deepstack_features))

    ids, counted = inputs.input_ids.numpy(), inputs.attention_mask.numpy()
    positions = np.zeros((3, *ids.shape), dtype=np.int64)
    for row, mask in enumerate(counted):
        positions[:, row, mask] = prompt_positions(ids[row, mask], own.image_id, own.image_rows, own.image_columns)
    context = model.read_prompts(inputs)
    logits, cache = engine.read_prompts(ids, counted, positions, seen)
    found.compare("prefill_logits", logits, context.logits)
    cache = cache.repeated(1, reasoning_tokens)
    _compare_caches(cache, context, counted, found)

    for _ in range(reasoning_tokens):
        _compare_choice(logits, context, tokens, found, ROUNDINGS * ROUNDING.get(own.dtype, 2.0**-24))
        chosen = forbid_trajectory(context.logits, tokens).argmax(-1)
        running = torch.ones_like(chosen, dtype=torch.bool)
        model.read_tokens(context, chosen[:, None], running[:, None])
        logits = engine.read_token(chosen.numpy(), running.numpy(), cache)
        found.compare("decode_logits", logits, context.logits)
    _compare_flows(model, engine, context, cache, found, random)


def _compare_choice(
    logits: NDArray[np.float32], context: Context, tokens: TokenIds, found: _Found, rounding: float
) -> None:
    """Compare what both take for the likeliest token, and count how many of the reference's choices are clear ones."""
    reference = context.logits.double().numpy()
    usual = np.sqrt(np.square(logits - reference).mean(-1))
    noise = np.fmin(usual, rounding * np.sqrt(np.square(reference).mean(-1)))
    theirs = forbid_trajectory(context.logits, tokens)
    ours = forbid_trajectory(torch.from_numpy(logits), tokens)
    differing = (ours.argmax(-1) != theirs.argmax(-1)).numpy() | ~np.isfinite(logits).all(-1)
    first, second = theirs.topk(2).values.unbind(-1)
    clear = (first - second).numpy() > NOISE_FACTOR * noise
    found.choices += len(clear)
    found.clear_choices += int(clear.sum())
    found.add("tokens_differing", float(differing.sum()))
    found.add("confident_tokens_differing", float((differing & clear).sum()))


def _compare_caches(cache: Cache, context: Context, counted: NDArray[np.bool_], found: _Found) -> None:
    layers = len(cache.past) // 2
    pairs = PrefixCache(context.cache).pairs
    for index, buffer in enumerate(cache.past):
        theirs = pairs[index % layers][index // layers]
        ours = buffer[:, :, : cache.length].transpose(0, 2, 1, 3)[counted]
        found.compare("cache", ours, theirs.transpose(1, 2)[torch.from_numpy(counted)])


def _compare_flows(
    model: DrivingModel,
    engine: OnnxEngine,
    context: Context,
    cache: Cache,
    found: _Found,
    random: np.random.Generator,
) -> None:
    own = engine.manifest
    prefix = PrefixCache(context.cache)
    noise = random.standard_normal((len(context.position), own.waypoints, 2)).astype(np.float32)

    def velocity(actions: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        return model.velocity(prefix, context.visible, context.position, actions, time)

    for time in (0.0, 0.5, 0.9):
        theirs = velocity(torch.from_numpy(noise), torch.full((len(noise),), time))
        found.compare("velocity", engine.velocity(noise, time, cache), theirs)
    ours = integrate(engine, cache, noise, own.flow_steps)
    theirs = integrate_torch(velocity, torch.from_numpy(noise), own.flow_steps).actions
    found.compare("normalised_action", ours, theirs)
    found.add("waypoint_m", waypoint_difference(model, ours, theirs.numpy()))


def random_prompts(model: DrivingModel, tokenizer: DrivingTokenizer, count: int, seed: int) -> list[ModelInputs]:
    """Return prompts of `count` made-up moments: noise for pictures, straight histories at different speeds, some guidance."""
    config = model.config
    random = np.random.default_rng(seed)
    prompts: list[ModelInputs] = []
    for index in range(count):
        images = config.images
        shape = (len(ALPAMAYO_RIG.names), images.frames_per_camera, images.height_px, images.width_px, 3)
        history = np.zeros((16, 3))
        history[:, 0] = random.uniform(0.0, 3.0) * np.arange(-15, 1)
        text = chat_prompt(
            ALPAMAYO_RIG.names,
            images.frames_per_camera // images.frames_per_image,
            navigation=(None, "Turn right in 30m", "Go straight in 120m")[index % 3],
            style=config.prompt_format,
        )
        ids, counted = pad_left(
            [prompt_ids(text, tokenizer, config.tokens_per_image, history_bins(history))], tokenizer.backbone_ids["pad"]
        )
        pixels = image_patches(random.integers(0, 256, shape, dtype=np.uint8), images.frames_per_image)
        grid = (images.height_px // PATCH_PX, images.width_px // PATCH_PX)
        prompts.append(ModelInputs(torch.from_numpy(ids), torch.from_numpy(counted), torch.from_numpy(pixels), grid))
    return prompts


def waypoint_difference(model: DrivingModel, ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """Return the largest distance in metres between the waypoints of two normalised actions, at 15 m/s to begin with."""
    points = [drive(*denormalise(own, model.config.action_statistics), 15.0)[..., :2] for own in (ours, theirs)]
    return float(np.linalg.norm(points[0] - points[1], axis=-1).max())
