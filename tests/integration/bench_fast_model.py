"""Measures the fast runtime against transformers' own code: `bench_fast_model.py --preset 8b --device cuda --dtype bfloat16`.

Random weights, one prompt of 16 images (the preset's own number and size) and about 120 words, 40 tokens of reasoning (and the
two that close it), 10 flow steps. Prints the median of every part and checks that both ways agree: logits after the same tokens,
and the trajectory behind them from the same noise. Ends with code 1 when they do not.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alpamayo_sim.model.config import ModelConfig
from alpamayo_sim.model.driving_model import DrivingModel, ModelInputs
from alpamayo_sim.model.flow import initial_noise, integrate
from alpamayo_sim.model.generation import generate
from alpamayo_sim.model.presets import preset
from alpamayo_sim.model.sampling import TokenIds
from alpamayo_sim.model.tiny_tokenizer import tiny_tokenizer
from alpamayo_sim.policy.patches import PATCH_PX
from alpamayo_sim.policy.sampling import SamplingConfig
from alpamayo_sim.policy.unicycle import waypoints
from alpamayo_sim.runtime.fast.model import FastModel

QWEN_TOKENS = {
    "image": 151655,
    "video": 151656,
    "vision_start": 151652,
    "vision_end": 151653,
    "pad": 151643,
    "end": 151645,
}
VOCABULARY = 155_697
CAMERAS, WORDS = 4, 6
FLOORS_MS = {"vision_s": 15.0, "prefill_s": 60.0, "reasoning_s": 202.0, "flow_s": 17.0}
"""Of `8b` in bfloat16 on an H100: arithmetic at its peak, or the weights read once."""
MOST_OFF_M = 0.05


def build(options: argparse.Namespace) -> tuple[DrivingModel, TokenIds]:
    """Return a random model on the device, and the ids that steer it."""
    if options.preset == "tiny":
        tokenizer = tiny_tokenizer()
        config, ids = preset("tiny", len(tokenizer), tokenizer.backbone_ids), TokenIds.of(tokenizer)
    else:
        config = preset(options.preset, VOCABULARY, QWEN_TOKENS)
        ids = TokenIds(151669, 4000, 3000, 155670, 155681, 155682, QWEN_TOKENS["pad"])
    torch.manual_seed(options.seed)
    torch.set_default_dtype(getattr(torch, options.dtype))
    with torch.device(options.device):
        model = DrivingModel(config).eval()
    torch.set_default_dtype(torch.float32)
    model.restore_buffers()
    return model, ids


def prompt(config: ModelConfig, device: str, seed: int) -> ModelInputs:
    """Return one prompt of random words and pictures."""
    random = np.random.default_rng(seed)
    images = CAMERAS * config.images.frames_per_camera // config.images.frames_per_image
    tokens = {name: int(config.backbone[f"{name}_token_id"]) for name in ("image", "vision_start", "vision_end")}
    words = lambda: random.integers(10, 200, WORDS).tolist()  # noqa: E731
    ids: list[int] = words()
    for _ in range(images):
        ids += [
            tokens["vision_start"],
            *[tokens["image"]] * config.tokens_per_image,
            tokens["vision_end"],
            *words()[:5],
        ]
    grid = (config.images.height_px // PATCH_PX, config.images.width_px // PATCH_PX)
    pixels = random.normal(0.0, 1.0, (images, grid[0] * grid[1], 3 * 2 * PATCH_PX**2)).astype(np.float32)
    row = torch.tensor([ids])
    return ModelInputs(row, torch.ones_like(row, dtype=torch.bool), torch.from_numpy(pixels), grid).to(
        torch.device(device)
    )


def measure(model: Any, inputs: ModelInputs, ids: TokenIds, options: argparse.Namespace) -> dict[str, float]:
    """Return the median milliseconds by part."""
    config = SamplingConfig(max_reasoning_tokens=options.tokens, flow_steps=10)
    found: list[dict[str, float]] = []
    for number in range(options.warm_up + options.plans):
        own = [torch.Generator(options.device).manual_seed(number)]
        began = time.perf_counter()
        result = generate(model, inputs, ids, config, own)
        if number >= options.warm_up:
            found.append({**asdict(result.latency), "tokens": float(result.token_ids.shape[1]) / 1000.0})
        else:
            print(f"  warm-up {number}: {time.perf_counter() - began:.1f} s", flush=True)
    medians = {part: 1000.0 * statistics.median(one[part] for one in found) for part in found[0]}
    medians["total"] = 1000.0 * statistics.median(
        sum(value for part, value in one.items() if part != "tokens") for one in found
    )
    return medians


@torch.no_grad()
def compare(plain: DrivingModel, fast: FastModel, inputs: ModelInputs, tokens: int) -> dict[str, float]:
    """Return how far the fast way is off behind the same words, and from the same noise."""
    one, other = plain.read_prompts(inputs), fast.read_prompts(inputs)
    worst, agreed, clear, spread = 0.0, 0, 0, 0.0
    counted = torch.ones(1, 1, dtype=torch.bool, device=plain.device)
    rows: list[tuple[torch.Tensor, torch.Tensor]] = []
    for _ in range(tokens):
        rows.append((one.logits.clone(), other.logits.clone()))
        chosen = one.logits.argmax(-1, keepdim=True)
        plain.read_tokens(one, chosen, counted)
        fast.read_tokens(other, chosen, counted)
    worst = max(float((a - b).abs().max()) for a, b in rows)
    spread = float(rows[0][0].std())
    for a, b in rows:
        top = a.topk(2).values[0]
        if float(top[0] - top[1]) > 2.0 * worst:
            clear += 1
            agreed += int(a.argmax() == b.argmax())
    same = sum(int(a.argmax() == b.argmax()) for a, b in rows)
    noise = initial_noise([torch.Generator(plain.device).manual_seed(3)], plain.config.waypoints, plain.device)
    ends = [
        integrate(model.velocity_after(memory), noise, 10).actions for model, memory in ((plain, one), (fast, other))
    ]  # type: ignore[arg-type]
    history = np.zeros((16, 3))
    history[:, 0] = np.linspace(-12.0, 0.0, 16)
    still = np.broadcast_to(np.eye(3), (16, 3, 3))
    paths = [waypoints(end[0].float().cpu().numpy(), plain.config.action_statistics, history, still) for end in ends]
    return {
        "worst_logit": worst, "logit_spread": spread, "same_top": same / tokens, "clear": clear, "clear_agreed": agreed,
        "worst_action": float((ends[0] - ends[1]).abs().max()),
        "worst_waypoint_m": float(np.linalg.norm(paths[0] - paths[1], axis=-1).max()),
    }  # fmt: skip


def profile(fast: FastModel, inputs: ModelInputs, ids: TokenIds, folder: Path) -> None:
    """Write which kernels the time goes to."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as recording

    own = [torch.Generator(inputs.input_ids.device).manual_seed(0)]
    with recording(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as found:
        generate(fast, inputs, ids, SamplingConfig(max_reasoning_tokens=8, flow_steps=10), own)
    table = found.key_averages().table(sort_by="cuda_time_total", row_limit=45, max_name_column_width=80)
    (folder / "profile.txt").write_text(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--plans", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--skip-plain", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    began = time.perf_counter()
    model, ids = build(options)
    inputs = prompt(model.config, options.device, options.seed)
    print(f"{options.preset}: {model.parameter_count():,} parameters, {inputs.input_ids.shape[1]} tokens, "
          f"{time.perf_counter() - began:.0f} s to build", flush=True)  # fmt: skip
    plain = None if options.skip_plain else measure(model, inputs, ids, options)
    if plain:
        print("plain", {part: round(value, 1) for part, value in plain.items()}, flush=True)
    fast = FastModel(model)
    quick = measure(fast, inputs, ids, options)
    print("fast ", {part: round(value, 1) for part, value in quick.items()}, flush=True)
    off = compare(model, fast, inputs, options.tokens)
    print("off  ", {name: round(value, 5) for name, value in off.items()}, flush=True)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        content = {"preset": options.preset, "plain_ms": plain, "fast_ms": quick, "floors_ms": FLOORS_MS, "off": off}
        (options.out / "fast_model.json").write_text(json.dumps(content, indent=1))
        if options.device == "cuda":
            profile(fast, inputs, ids, options.out)
    return int(off["worst_waypoint_m"] > MOST_OFF_M or off["clear"] != off["clear_agreed"])


if __name__ == "__main__":
    sys.exit(main())
