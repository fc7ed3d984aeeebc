"""Low-rank adapters in a backbone that stays as it is (`peft`); checkpoints hold the sum of both, as plain weights."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from alpamayo_sim.errors import MissingExtraError
from alpamayo_sim.model.checkpoint import own_tensors
from alpamayo_sim.model.driving_model import DrivingModel
from alpamayo_training.sft.settings import LoraSettings

_TEXT = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_VISION = ("qkv", "proj", "linear_fc1", "linear_fc2")
_BASE, _ADAPTER = ".base_layer.", ".lora_"


def add_adapters(model: DrivingModel, settings: LoraSettings, seed: int) -> None:
    """Put adapters beside every projection of the language model, and of the vision tower if asked for.

    An adapter begins as no change at all. MissingExtraError without `peft`.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise MissingExtraError("train", "peft") from error
    core: Any = model.vlm.model
    parts = [(core.language_model, _TEXT)] + ([(core.visual.blocks, _VISION)] if settings.vision else [])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for part, names in parts:
            inject_adapter_in_model(
                LoraConfig(r=settings.rank, lora_alpha=cast("int", settings.alpha), target_modules=list(names)), part
            )


def is_adapter(name: str) -> bool:
    """Return whether a parameter of that name belongs to an adapter."""
    return _ADAPTER in name


def plain_tensors(model: DrivingModel) -> dict[str, Tensor]:
    """Return the weights by the names of a model without adapters, what adapters add included."""
    state = own_tensors(model)
    if not any(is_adapter(name) for name in state):
        return state
    layers = {name: module for name, module in model.named_modules() if hasattr(module, "get_delta_weight")}
    plain = {name.replace(_BASE, "."): value for name, value in state.items() if not is_adapter(name)}
    for name, module in layers.items():
        base = plain[f"{name}.weight"]
        change = cast("Any", module).get_delta_weight("default")
        plain[f"{name}.weight"] = (base.float() + change.float().to(base.device)).to(base.dtype)
    return plain
