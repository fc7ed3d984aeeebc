"""The vision tower as it is trained: the modules of Qwen3-VL, untouched, over all images of a batch at once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from alpamayo_sim.model.driving_model import DrivingModel
from alpamayo_sim.policy.patches import MERGE, PATCH_PX, PATCH_SIZE, TEMPORAL
from alpamayo_sim.runtime.fast.operations import (
    Operations,
    gated,
    normed_and_rotated,
    root_mean_square_norm,
    rotated_in_float32,
)
from alpamayo_sim.runtime.fast.vision import VisionTower

_BLOCK_PX = PATCH_PX * MERGE


class Tower(nn.Module):
    """A model's own vision tower: what trains here is the model's."""

    def __init__(self, model: DrivingModel) -> None:
        super().__init__()
        visual: Any = model.vlm.model.visual
        self.visual: nn.Module = visual
        plain = Operations(root_mean_square_norm, gated, normed_and_rotated, rotated_in_float32)
        self._run = VisionTower(visual, plain)
        self.width = int(visual.config.out_hidden_size)
        self.depths = len(visual.config.deepstack_visual_indexes)

    def forward(self, pixels: Tensor, grid: tuple[int, int]) -> tuple[Tensor, list[Tensor]]:
        """Return what the words would see of images [I, patches, PATCH_SIZE]: tokens [I, N, width], and deeper layers' ones."""
        images = len(pixels)
        tokens, deeper = self._run(pixels, grid)
        return tokens.unflatten(0, (images, -1)), [one.unflatten(0, (images, -1)) for one in deeper]


def patches_of(pictures: Tensor) -> Tensor:
    """Return the patches [I, patches, PATCH_SIZE] of pairs of pictures [I, TEMPORAL, 3, height, width] in [0, 1].

    The order and the scale are those of `alpamayo_sim.policy.patches.image_patches`.
    """
    images, _, _, height, width = pictures.shape
    rows, columns = height // _BLOCK_PX, width // _BLOCK_PX
    blocks = pictures.reshape(images, TEMPORAL, 3, rows, MERGE, PATCH_PX, columns, MERGE, PATCH_PX)
    ordered = blocks.permute(0, 3, 6, 4, 7, 2, 1, 5, 8)
    return ordered.reshape(images, -1, PATCH_SIZE) * 2.0 - 1.0


def patch_order(rows: int, columns: int) -> Tensor:
    """Return for cells of a picture [rows x columns], in the order of the patches, their index row by row."""
    index = torch.arange(rows * columns).reshape(rows // MERGE, MERGE, columns // MERGE, MERGE)
    return index.permute(0, 2, 1, 3).reshape(-1)
