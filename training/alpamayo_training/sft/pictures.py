"""Camera frames on the device that trains: as the patches of `alpamayo_sim.policy.patches`, and disturbed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alpamayo_sim.policy.patches import MERGE, PATCH_PX, PATCH_SIZE, TEMPORAL


def device_patches(frames: Tensor, frames_per_image: int) -> Tensor:
    """Return the patches [B x images, rows x columns, PATCH_SIZE] float32 of frames [B, camera, frame, height, width, 3].

    Frames are uint8, or float in 0 to 255; equal to `policy.patches.image_patches` of every sample, one after the other.
    """
    _, _, _, height, width, _ = frames.shape
    block = PATCH_PX * MERGE
    images = frames.reshape(-1, frames_per_image, height, width, 3)
    if frames_per_image == 1:
        images = images.repeat_interleave(TEMPORAL, dim=1)
    blocks = images.reshape(-1, TEMPORAL, height // block, MERGE, PATCH_PX, width // block, MERGE, PATCH_PX, 3)
    ordered = blocks.permute(0, 2, 5, 3, 6, 8, 1, 4, 7)
    flat = ordered.reshape(len(images), -1, PATCH_SIZE)
    return flat.float() * (1.0 / 127.5) - 1.0


@dataclass(frozen=True)
class Disturbance:
    """How far pictures are changed in training; 0 everywhere leaves them as they are."""

    brightness: float = 0.25
    """Largest relative change of all colours."""
    tint: float = 0.06
    """Largest relative change of one colour of one camera."""
    offset: float = 12.0
    """Largest change of all values, of 255."""
    shift_px: int = 4
    """Largest shift of a camera's frames, alike in time, with the border repeated."""

    def scaled(self, factor: float) -> Disturbance:
        """Return the same changes, smaller or larger."""
        return Disturbance(
            self.brightness * factor, self.tint * factor, self.offset * factor, round(self.shift_px * factor)
        )


@dataclass(frozen=True)
class Changes:
    """What is done to the pictures of B samples."""

    gain: NDArray[np.float32]
    """[B, camera, 3]"""
    offset: NDArray[np.float32]
    """[B]"""
    shift_px: NDArray[np.int64]
    """[B, camera, 2]: down and to the right."""


def draw_changes(generators: Sequence[np.random.Generator], cameras: int, how: Disturbance) -> Changes:
    """Return the changes of samples, each drawn from its own generator."""
    count = len(generators)
    gain = np.empty((count, cameras, 3), dtype=np.float32)
    offset = np.empty(count, dtype=np.float32)
    shift = np.empty((count, cameras, 2), dtype=np.int64)
    for index, own in enumerate(generators):
        gain[index] = (1.0 + how.brightness * own.uniform(-1.0, 1.0)) * (
            1.0 + how.tint * own.uniform(-1.0, 1.0, (cameras, 3))
        )
        offset[index] = how.offset * own.uniform(-1.0, 1.0)
        shift[index] = own.integers(-how.shift_px, how.shift_px + 1, (cameras, 2))
    return Changes(gain, offset, shift)


def disturbed(frames: Tensor, changes: Changes) -> Tensor:
    """Return frames [B, camera, frame, height, width, 3] as float in 0 to 255, changed.

    Light changes alike in all frames of a camera, and so do places.
    """
    where = frames.device
    values = shifted(frames, torch.from_numpy(changes.shift_px).to(where)) if changes.shift_px.any() else frames
    gain = torch.from_numpy(changes.gain).to(where)[:, :, None, None, None]
    offset = torch.from_numpy(changes.offset).to(where)[:, None, None, None, None, None]
    return (values.float() * gain + offset).clamp(0.0, 255.0)


def shifted(frames: Tensor, moves_px: Tensor) -> Tensor:
    """Return frames moved by `moves_px` [B, camera, 2] pixels down and to the right; the border is repeated."""
    batch, cameras, _, height, width, _ = frames.shape
    rows = (torch.arange(height, device=frames.device) - moves_px[..., :1]).clamp(0, height - 1)
    columns = (torch.arange(width, device=frames.device) - moves_px[..., 1:]).clamp(0, width - 1)
    sample = torch.arange(batch, device=frames.device)[:, None, None, None]
    camera = torch.arange(cameras, device=frames.device)[None, :, None, None]
    moved = frames.movedim(2, -1)[sample, camera, rows[..., :, None], columns[..., None, :]]
    return moved.movedim(-1, 2)
