"""A model from whatever folder holds one: a checkpoint of ours, or a published release."""

from __future__ import annotations

from pathlib import Path

import torch

from alpamayo_sim.model.checkpoint import from_pretrained
from alpamayo_sim.model.config import is_release
from alpamayo_sim.model.driving_model import DrivingModel
from alpamayo_sim.model.published import from_release
from alpamayo_sim.policy.tokenizer import DrivingTokenizer


def from_folder(folder: Path, *, dtype: torch.dtype = torch.float32) -> tuple[DrivingModel, DrivingTokenizer]:
    """Return the model in a folder, on the CPU and ready to answer, and its tokenizer.

    The folder of a release (Alpamayo 1.5 or R1) names the Qwen3-VL whose settings and tokenizer it is built on. InputError says
    what is missing or does not fit.
    """
    return from_release(folder, dtype=dtype) if is_release(folder) else from_pretrained(folder, dtype=dtype)
