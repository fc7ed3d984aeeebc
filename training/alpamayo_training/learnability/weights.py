"""Keeping the probe's weights: a safetensors file of half precision numbers with the network's shape beside them."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from alpamayo_sim.errors import InputError
from alpamayo_training.learnability.model import Probe

_FORMAT = "alpamayo-probe-1"


def best_device() -> torch.device:
    """Return the GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def save(model: Probe, path: Path, *, height_px: int = 192, width_px: int = 320) -> None:
    """Write a probe's weights."""
    state = {
        name: value.detach().cpu().contiguous().to(torch.float16 if value.is_floating_point() else value.dtype)
        for name, value in model.state_dict().items()
    }
    shape = {"format": _FORMAT, "cameras": str(model.cameras), "height_px": str(height_px), "width_px": str(width_px)}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, path, metadata=shape)


def load_probe(path: Path, device: torch.device | None = None) -> Probe:
    """Return a probe with stored weights, ready to answer; InputError for a file that holds none."""
    try:
        with safe_open(path, framework="pt") as stored:
            shape = stored.metadata() or {}
            state = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path} holds no weights of the probe ({error}); train some with the `train` command"
        ) from error
    if shape.get("format") != _FORMAT:
        raise InputError(f"{path} holds weights of another model; expected {_FORMAT}, found {shape.get('format')}")
    model = Probe(int(shape["cameras"]), int(shape["height_px"]), int(shape["width_px"]))
    try:
        model.load_state_dict(
            {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
        )
    except RuntimeError as error:
        raise InputError(
            f"{path} holds weights of a probe of another size; train some with the `train` command"
        ) from error
    return model.to(device or torch.device("cpu")).eval()
