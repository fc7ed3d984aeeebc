"""Where the pictures of training lie: on disk, in memory, or on the device, whichever is asked for and fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alpamayo_training.sft.sample_table import FrameRows, SampleTable

Place = Literal["auto", "disk", "memory", "device"]
_SHARE_OF_DEVICE = 0.4
"""Of the device's free memory: what `auto` gives to pictures."""
_COPY_ROWS = 256


def gather(table: SampleTable, rows: NDArray[np.int64]) -> Tensor:
    """Return the pictures [B, camera, frame, height, width, 3] uint8 of samples, on the CPU."""
    return FrameStore(table.frames).gather(table.frame_rows[rows])


@dataclass(frozen=True)
class FrameStore:
    """Pictures by row; on a device they are one tensor there."""

    frames: FrameRows
    on_device: Tensor | None = None

    @property
    def place(self) -> str:
        """Where they lie, in words."""
        if self.on_device is not None:
            return str(self.on_device.device)
        return "mapped from disk" if isinstance(self.frames, np.memmap) else "memory"

    @classmethod
    def open(cls, frames: FrameRows, place: Place, device: torch.device) -> FrameStore:
        """Return a store; `auto` takes the device where the pictures fill 40 % of its free memory at most, else the disk."""
        size = int(np.prod(frames.shape))
        if place == "auto":
            fits = device.type == "cuda" and size < _SHARE_OF_DEVICE * torch.cuda.mem_get_info(device)[0]
            place = "device" if fits else "disk"
        if place == "device":
            held = torch.empty(frames.shape, dtype=torch.uint8, device=device)
            for first in range(0, frames.shape[0], _COPY_ROWS):
                rows = np.array(frames[first : first + _COPY_ROWS])
                held[first : first + len(rows)].copy_(torch.from_numpy(rows))
            return cls(frames, held)
        return cls(np.array(frames[0 : frames.shape[0]]) if place == "memory" else frames)

    def gather(self, rows: NDArray[np.int64]) -> Tensor:
        """Return pictures [B, camera, frame, height, width, 3] of rows [B, frame], on the CPU or where they all lie.

        A row that stands in several samples, or several times in one, is read once.
        """
        if self.on_device is not None:
            index = torch.from_numpy(rows).to(self.on_device.device)
            return self.on_device[index].transpose(1, 2)
        distinct, places = np.unique(rows, return_inverse=True)
        found = torch.from_numpy(np.ascontiguousarray(self.frames[distinct]))
        return found[torch.from_numpy(places.reshape(rows.shape))].transpose(1, 2)
