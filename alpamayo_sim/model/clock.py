"""Wall-clock times of work that a device does behind the program's back."""

from __future__ import annotations

import time

import torch


def now(device: torch.device) -> float:
    """Return the time in seconds at which all that was asked of a device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
