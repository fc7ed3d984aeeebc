"""How much of a device's arithmetic a training uses: model FLOPs counted from the shapes, without what is computed anew."""

from __future__ import annotations

from typing import Any

import torch

from alpamayo_sim.model.driving_model import DrivingModel
from alpamayo_training.sft.batches import BatchMaker, Drawn
from alpamayo_training.sft.distribution import Processes

PEAK_BF16 = {"H100 PCIe": 756e12, "H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12}
"""Dense bfloat16 products a second by the cards' data sheets; the first name that fits counts."""


def update_flops(model: DrivingModel, maker: BatchMaker, tokens: int, answer: int, images: int) -> float:
    """Return the model FLOPs of one sample in training: 2 a weight and token forward, and backward what is needed.

    A weight costs 2 more backward where the gradient passes through its layer, and 2 more where it trains itself. Attention
    counts half the square of causal sequences and the whole of the vision tower's and the expert's.
    """
    settings, config = maker.settings, model.config
    core: Any = model.vlm.model
    patches = config.tokens_per_image * 4
    text, vision = config.text, config.vision
    causal = 2.0 * tokens**2 * int(text["num_attention_heads"]) * int(text["head_dim"]) * int(text["num_hidden_layers"])
    seeing = 4.0 * patches**2 * int(vision["hidden_size"]) * int(vision["depth"]) * images
    planning = 4.0 * config.waypoints * tokens * config.expert.attention_heads * int(text["head_dim"])
    planning *= int(text["num_hidden_layers"]) * settings.flow_draws
    backbone_trains = settings.stage != "expert"
    parts = (
        (core.visual.blocks, patches * images, seeing, backbone_trains),
        (core.language_model.layers, tokens, causal, backbone_trains),
        (model.vlm.lm_head, answer, 0.0, backbone_trains),
        (model.expert, config.waypoints * settings.flow_draws, planning, settings.stage != "vlm"),
    )
    total = 0.0
    for part, places, attention, reached in parts:
        trained = sum(value.numel() for value in part.parameters() if value.requires_grad)
        weights = sum(value.numel() for value in part.parameters() if value.ndim > 1)
        passes = reached and (trained > 0 or part is model.vlm.lm_head)
        total += 2.0 * places * weights * (2.0 if passes else 1.0) + 2.0 * places * trained
        total += attention * (3.0 if passes else 1.0)
    return total


def describe_throughput(
    maker: BatchMaker, figures: dict[str, float], processes: Processes, model: DrivingModel
) -> dict[str, Any]:
    """Return speed and use of the device in the last interval of figures, by the names of the summary."""
    if "samples_per_s" not in figures:
        return {}
    host = maker.host(Drawn(0, maker.table.rows_of("train")[:1], torch.zeros(1, dtype=torch.long).numpy()))
    tokens, answer = host.tensors["ids"].shape[1], host.tensors["targets"].shape[1]
    images = maker.config.images
    pictures = len(maker.table.about.cameras) * images.frames_per_camera // images.frames_per_image
    flops = update_flops(model, maker, tokens, answer, pictures)
    reached = flops * figures["samples_per_s"] / processes.count
    found: dict[str, Any] = {
        "model_tflop_per_sample": flops / 1e12,
        "model_tflops_per_s": reached / 1e12,
        "tokens_per_sample": tokens,
    }
    if processes.device.type == "cuda":
        name = torch.cuda.get_device_name(processes.device)
        found["device"] = name
        found["memory_peak_gib"] = torch.cuda.max_memory_allocated(processes.device) / 2**30
        peak = next((value for card, value in PEAK_BF16.items() if all(word in name for word in card.split())), None)
        if peak is not None:
            found["model_flop_utilisation"] = reached / peak
    return found
