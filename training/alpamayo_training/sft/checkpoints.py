"""A run's checkpoints: a model that anything can load, and beside it all that training needs to go on bit for bit.

checkpoints/<step>/
  model/            as `alpamayo_sim.model.checkpoint` writes it, with its card README.md
  training_state/   state.json, and per process rank-<n>.safetensors: what trains in float32 and the optimiser's moments
checkpoints/last    a link to the newest

Folders are written under a temporary name and renamed; nothing is pickled. Random numbers need no place here: all are drawn from
the seed and the number of the update.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.checkpoint import new_folder
from alpamayo_sim.model.config import read_json
from alpamayo_training.sft.distribution import Processes, local

LAST = "last"
MODEL, STATE = "model", "training_state"
STATE_FILE = "state.json"
FORMAT = "alpamayo-sim-training-1"
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass(frozen=True)
class Progress:
    """Where a run stands."""

    step: int
    """Updates done."""
    samples: int
    seconds: float
    """Of training, all sessions together."""
    processes: int
    """That its weights are divided among; 1 where each process has all of them."""


def folder_of(run: Path, step: int) -> Path:
    """Return where the checkpoint after so many updates lies."""
    return run / "checkpoints" / f"{step:07d}"


def save(
    run: Path,
    progress: Progress,
    objective: nn.Module,
    optimizer: torch.optim.Optimizer,
    processes: Processes,
    write_model: Callable[[Path], None],
    keep: int,
) -> Path:
    """Write a checkpoint by all processes together and return its folder; the `keep` newest stay.

    `write_model` writes the model's own folder; it is called in every process and writes in the leading one.
    """
    target = folder_of(run, progress.step)
    draft = target.parent / f".{target.name}.writing"
    if processes.leads:
        shutil.rmtree(draft, ignore_errors=True)
        (draft / STATE).mkdir(parents=True)
    processes.wait()
    if processes.leads or processes.kind == "fsdp":
        save_file(_state(objective, optimizer), draft / STATE / _file(processes))
    write_model(draft / MODEL)
    processes.wait()
    if processes.leads:
        content = {"format": FORMAT, **asdict(progress)}
        (draft / STATE / STATE_FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        _put(draft, target)
        _link(target)
        for old in checkpoints(run)[:-keep] if keep else []:
            shutil.rmtree(old)
    processes.wait()
    return target


def restore(folder: Path, objective: nn.Module, optimizer: torch.optim.Optimizer, processes: Processes) -> Progress:
    """Give a model and its optimiser back what `save` wrote; InputError for what does not fit."""
    progress = read_progress(folder)
    wanted = processes.count if processes.kind == "fsdp" else 1
    if progress.processes != wanted:
        raise InputError(
            f"{folder} holds a state divided among {progress.processes} processes (1: in one piece); this run has {wanted}. "
            f"Go on with as many, or begin anew from {folder / MODEL}"
        )
    path = folder / STATE / _file(processes)
    try:
        stored = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} cannot be read as safetensors: {error}") from error
    moments: dict[nn.Parameter, dict[str, Tensor]] = {}
    names = [name for name, value in objective.named_parameters() if value.requires_grad]
    missing = [name for name in names if f"weight/{name}" not in stored]
    if missing:
        raise InputError(f"{path} lacks {len(missing)} of the weights that train ({missing[0]}, ...): other settings?")
    with torch.no_grad():
        for name, value in objective.named_parameters():
            if not value.requires_grad:
                continue
            local(value).copy_(stored[f"weight/{name}"])
            own: dict[str, Tensor] = {}
            for moment in _MOMENTS:
                if (kept := stored.get(f"{moment}/{name}")) is not None:
                    own[moment] = kept if moment == "step" else _like(value, kept)
            if own:
                moments[value] = own
    on_gpu = processes.device.type == "cuda"
    for value, own in moments.items():
        own["step"] = own["step"].to(processes.device if on_gpu else "cpu")
        optimizer.state[value] = own
    return progress


def _like(value: nn.Parameter, part: Tensor) -> Tensor:
    """Return a moment as the optimiser holds it: divided as its weight is."""
    fresh = torch.zeros_like(value)
    local(fresh).copy_(part)
    return fresh


def _state(objective: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for name, value in objective.named_parameters():
        if not value.requires_grad:
            continue
        state[f"weight/{name}"] = local(value.detach()).cpu().contiguous().clone()
        for moment, number in optimizer.state.get(value, {}).items():
            state[f"{moment}/{name}"] = local(number).detach().cpu().contiguous().clone()
    return state


def _file(processes: Processes) -> str:
    return f"rank-{processes.rank if processes.kind == 'fsdp' else 0:05d}.safetensors"


def read_progress(folder: Path) -> Progress:
    """Return where the run stood; InputError for a folder that is no checkpoint."""
    content: dict[str, Any] = read_json(folder / STATE / STATE_FILE)
    if content.pop("format", None) != FORMAT:
        raise InputError(f"{folder} is no checkpoint of `alpamayo sft`")
    try:
        return Progress(**content)
    except TypeError as error:
        raise InputError(f"{folder / STATE / STATE_FILE} lacks a number or has one too many: {error}") from error


def checkpoints(run: Path) -> list[Path]:
    """Return a run's whole checkpoints, oldest first."""
    found = (run / "checkpoints").glob("[0-9]*")
    return sorted(path for path in found if (path / STATE / STATE_FILE).is_file())


def latest(run: Path) -> Path | None:
    """Return a run's newest whole checkpoint."""
    found = checkpoints(run)
    return found[-1] if found else None


def model_folder(place: Path) -> Path:
    """Return the model's folder of a run, a checkpoint of one, or the folder itself; InputError for none of these."""
    for folder in (place, place / MODEL, place / "checkpoints" / LAST / MODEL):
        if (folder / "config.json").is_file():
            return folder
    raise InputError(f"expected a model's folder, a checkpoint or a run of `alpamayo sft`; found none at {place}")


def _put(draft: Path, target: Path) -> None:
    if target.exists():
        with new_folder(target) as fresh:
            for part in draft.iterdir():
                part.rename(fresh / part.name)
        draft.rmdir()
    else:
        draft.rename(target)


def _link(target: Path) -> None:
    link = target.parent / f".{LAST}.{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(target.name)
    link.replace(target.parent / LAST)
