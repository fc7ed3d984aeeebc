"""What a later call needs to go on exactly: weights, heads, the optimiser's moments and the step, in files of limited size."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.checkpoint import new_folder
from alpamayo_training.pretraining.training import Plan, Trainer

PIECE_BYTES = 15_000_000
STATE, PLACE = "state", "training.json"
_FORMAT = "alpamayo-pretraining-1"
_MOMENTS = ("exp_avg", "exp_avg_sq")


def save(trainer: Trainer, folder: Path, about: dict[str, Any]) -> None:
    """Write a checkpoint folder, whole or not at all; `about` is kept with it. Files are no larger than PIECE_BYTES.

    Moments are stored in bfloat16, and rounded to it in the trainer too: it goes on as one does that reads this checkpoint.
    """
    state = {f"network.{name}": value for name, value in trainer.network.state_dict().items()}
    for name, moments in _moments(trainer).items():
        for kind in _MOMENTS:
            rounded = moments[kind].bfloat16()
            moments[kind].copy_(rounded)
            state[f"{kind}.{name}"] = rounded
    pieces: list[dict[str, Tensor]] = [{}]
    filled = 0
    for name, value in state.items():
        stored = value.detach().cpu().contiguous()
        size = stored.numel() * stored.element_size()
        if filled + size > PIECE_BYTES and pieces[-1]:
            pieces.append({})
            filled = 0
        pieces[-1][name] = stored
        filled += size
    with new_folder(folder) as unfinished:
        for number, piece in enumerate(pieces, start=1):
            save_file(piece, unfinished / f"{STATE}-{number}-of-{len(pieces)}.safetensors")
        place = {
            "format": _FORMAT,
            "step": trainer.course.step,
            "share": trainer.course.share,
            "plan": asdict(trainer.plan),
        }
        (unfinished / PLACE).write_text(json.dumps({**place, "about": about}, indent=1), encoding="utf-8")


def read_place(folder: Path) -> dict[str, Any]:
    """Return what a checkpoint says of itself: step, share, plan, about. InputError if there is none."""
    try:
        place: dict[str, Any] = json.loads((folder / PLACE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder} holds no checkpoint of a pretraining ({error})") from error
    if place.get("format") != _FORMAT:
        raise InputError(
            f"{folder} holds a checkpoint of another kind: expected {_FORMAT}, found {place.get('format')!r}"
        )
    return place


def plan_of(place: dict[str, Any]) -> Plan:
    """Return the plan of a checkpoint."""
    return Plan(**place["plan"])


def restore(trainer: Trainer, folder: Path) -> None:
    """Bring a trainer to where a checkpoint was written; InputError if the weights do not fit."""
    place, state = read_place(folder), read_state(folder)
    own = {name.removeprefix("network."): value for name, value in state.items() if name.startswith("network.")}
    try:
        trainer.network.load_state_dict(own)
    except RuntimeError as error:
        raise InputError(f"the checkpoint {folder} is one of another network: {error}") from error
    device = next(trainer.network.parameters()).device
    if place["step"]:
        for name, parameter in trainer.network.named_parameters():
            moments = {kind: state[f"{kind}.{name}"].to(device, torch.float32) for kind in _MOMENTS}
            trainer.optimizer.state[parameter] = {"step": _step_count(trainer, place["step"], device), **moments}
    trainer.course.step, trainer.course.share = int(place["step"]), float(place["share"])


def read_state(folder: Path) -> dict[str, Tensor]:
    """Return all tensors of a checkpoint; InputError for missing or damaged pieces."""
    paths = sorted(folder.glob(f"{STATE}-*-of-*.safetensors"))
    if not paths or len(paths) != int(paths[0].stem.rsplit("-", 1)[1]):
        raise InputError(f"{folder} lacks pieces of its state; found {[path.name for path in paths]}")
    state: dict[str, Tensor] = {}
    for path in paths:
        try:
            state |= load_file(path)
        except (OSError, SafetensorError) as error:
            raise InputError(f"{path} cannot be read as safetensors: {error}") from error
    return state


def _moments(trainer: Trainer) -> dict[str, dict[str, Tensor]]:
    found = {name: trainer.optimizer.state.get(parameter) for name, parameter in trainer.network.named_parameters()}
    return {name: state for name, state in found.items() if state}


def _step_count(trainer: Trainer, step: int, device: torch.device) -> Tensor:
    """Return the optimiser's own count, where it wants it: on the device if its kernels are fused."""
    fused = bool(trainer.optimizer.param_groups[0].get("fused"))
    return torch.tensor(float(step), device=device if fused else torch.device("cpu"))
