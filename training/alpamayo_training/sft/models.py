"""The model that a training begins with: a checkpoint, a Qwen3-VL, or random weights of a preset."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.checkpoint import from_pretrained
from alpamayo_sim.model.driving_model import DrivingModel, new_model
from alpamayo_sim.model.presets import PRESETS, preset
from alpamayo_sim.model.tiny_tokenizer import tiny_tokenizer
from alpamayo_sim.policy.action_statistics import ActionStatistics
from alpamayo_sim.policy.tokenizer import DrivingTokenizer
from alpamayo_training.sft.checkpoints import model_folder
from alpamayo_training.sft.sample_table import SampleTable

RANDOM = "random"
_LARGE_VOCABULARY = 155_697
"""Of the published models: random ones of the large presets have as many rows, though the tiny tokenizer names only the first."""


@dataclass(frozen=True)
class Beginning:
    """A model before its training."""

    model: DrivingModel
    tokenizer: DrivingTokenizer
    origin: str


def begin(name: str, start: str, seed: int, device: torch.device) -> Beginning:
    """Return the model of a preset to train, on the CPU or, if it is large and random, on the device.

    `start` is "random", a checkpoint or run folder, or for `2b` and `8b` a folder or hub id of a Qwen3-VL. InputError where it
    does not fit the preset.
    """
    if name not in PRESETS:
        raise InputError(f"there is no model preset {name!r}; expected one of {', '.join(PRESETS)}")
    if start == RANDOM:
        return Beginning(*_random(name, seed, device), "random weights")
    place = Path(start)
    if place.is_dir() and not _is_qwen(place):
        folder = model_folder(place)
        model, tokenizer = from_pretrained(folder)
        if model.config.preset != name and not (name == "8b" and model.config.preset in ("alpamayo-1.5", "qwen3-vl")):
            raise InputError(f"{folder} is a model of the preset {model.config.preset!r}; expected {name!r}")
        return Beginning(model, tokenizer, str(folder))
    if name == "tiny":
        raise InputError(f"`tiny` begins from a checkpoint's folder or {RANDOM!r}; there is no folder {start!r}")
    from alpamayo_sim.model.graft import from_qwen

    model, tokenizer = from_qwen(start, seed=seed)
    return Beginning(model, tokenizer, f"Qwen3-VL {start}")


def _is_qwen(folder: Path) -> bool:
    settings = folder / "config.json"
    return settings.is_file() and '"qwen3_vl"' in settings.read_text(encoding="utf-8")


def _random(name: str, seed: int, device: torch.device) -> tuple[DrivingModel, DrivingTokenizer]:
    tokenizer = tiny_tokenizer()
    if name == "tiny":
        return new_model(preset(name, len(tokenizer), tokenizer.backbone_ids), seed), tokenizer
    config = preset(name, _LARGE_VOCABULARY, tokenizer.backbone_ids)
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.bfloat16)
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            with device:
                model = DrivingModel(config)
    finally:
        torch.set_default_dtype(before)
    model.restore_buffers()
    return model, tokenizer


def with_statistics(model: DrivingModel, table: SampleTable) -> ActionStatistics:
    """Give a model the mean and spread of the training samples' actions, and return them."""
    rows = table.rows_of("train")
    found = ActionStatistics.fit(
        table.acceleration_mps2[rows].astype("float64"), table.curvature_per_m[rows].astype("float64")
    )
    model.config = replace(model.config, action_statistics=asdict(found))
    return found
