"""What a stage trains, in which type, and at which rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.driving_model import DrivingModel
from alpamayo_training.sft.lora import add_adapters, is_adapter
from alpamayo_training.sft.settings import Settings

_LARGE = 1_000_000_000
"""Parameters above which what does not train is kept in bfloat16."""
_VISION = "vlm.model.visual."
_BACKBONE = "vlm."


def prepare(model: DrivingModel, settings: Settings) -> None:
    """Set up adapters and say which parameters train: those in float32, the rest of a large model in bfloat16."""
    if settings.lora.rank:
        add_adapters(model, settings.lora, settings.seed)
    large = model.parameter_count() > _LARGE
    for name, value in model.named_parameters():
        value.requires_grad_(_trains(name, settings))
        if value.requires_grad:
            value.data = value.data.float()
        elif large and settings.precision == "bf16":
            value.data = value.data.bfloat16()
    if not any(value.requires_grad for value in model.parameters()):
        raise InputError("these settings train nothing")


def _trains(name: str, settings: Settings) -> bool:
    if not name.startswith(_BACKBONE):
        return settings.stage != "vlm"
    if settings.stage == "expert":
        return False
    if settings.lora.rank:
        return is_adapter(name)
    return not (name.startswith(_VISION) and settings.vision_rate == 0.0)


@dataclass(frozen=True)
class Rates:
    """The learning rate over a run: up in a line, then down in half a cosine to a share of it."""

    highest: float
    least_share: float
    warm_up: int
    steps: int

    def at(self, step: int, share: float | None = None) -> float:
        """Return the rate of update `step`; `share` is how much of the run is over, where time rather than updates ends it."""
        done = step / max(self.steps, 1) if share is None else max(share, step / max(self.steps, 1))
        warm = min(1.0, (step + 1) / (self.warm_up + 1))
        falling = 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))
        return self.highest * warm * (self.least_share + (1.0 - self.least_share) * falling)


def optimizer_for(model: nn.Module, settings: Settings) -> torch.optim.AdamW:
    """Return AdamW over what trains: rates by part, no decay of vectors. Groups carry their factor on the rate as `factor`."""
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, value in model.named_parameters():
        if value.requires_grad:
            groups.setdefault((_factor(name, settings), value.ndim > 1), []).append(value)
    on_gpu = any(value.is_cuda for value in model.parameters())
    return torch.optim.AdamW(
        [
            {"params": values, "factor": factor, "weight_decay": settings.weight_decay if decays else 0.0}
            for (factor, decays), values in groups.items()
        ],
        lr=settings.rate,
        betas=(0.9, 0.98),
        eps=1e-8,
        fused=on_gpu,
        foreach=False if not on_gpu else None,
    )


def _factor(name: str, settings: Settings) -> float:
    if name.startswith("auxiliary."):
        return 1.0
    bare = name.removeprefix("objective.").removeprefix("model.")
    if bare.startswith(_VISION):
        return settings.vision_rate
    return 1.0 if bare.startswith(_BACKBONE) else settings.expert_rate


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group its rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
