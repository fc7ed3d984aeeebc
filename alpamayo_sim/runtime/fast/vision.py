"""The vision tower over images of one size: all images side by side, tables of positions computed once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from alpamayo_sim.runtime.fast.operations import Operations


class VisionTower:
    """Runs the modules of a Qwen3-VL vision tower on [images, patches, patch size] at once instead of image by image."""

    def __init__(self, visual: Any, operations: Operations) -> None:
        self._visual = visual
        self._operations = operations
        self._tables: dict[tuple[int, int], tuple[Tensor, Tensor, Tensor, Tensor]] = {}

    def __call__(self, pixels: Tensor, grid: tuple[int, int]) -> tuple[Tensor, list[Tensor]]:
        """Return what the words see of images: features [images x tokens, width] and those of the deeper layers, alike."""
        visual, count = self._visual, pixels.shape[0]
        indices, weights, cosine, sine = self._table(grid, pixels.device)
        weight = visual.patch_embed.proj.weight
        place = (visual.pos_embed(indices) * weights[:, :, None]).sum(1).to(weight.dtype)
        bias = visual.patch_embed.proj.bias
        x = torch.nn.functional.linear(pixels.to(weight.dtype), weight.flatten(1), bias) + place
        heads = visual.config.num_heads
        deeper: list[Tensor] = []
        for index, block in enumerate(visual.blocks):
            qkv = block.attn.qkv(block.norm1(x)).unflatten(-1, (3, heads, -1))
            query = self._operations.rotated_in_float32(qkv[:, :, 0], cosine, sine).transpose(1, 2)
            key = self._operations.rotated_in_float32(qkv[:, :, 1], cosine, sine).transpose(1, 2)
            seen = scaled_dot_product_attention(query, key, qkv[:, :, 2].transpose(1, 2))
            x = x + block.attn.proj(seen.transpose(1, 2).flatten(2))
            x = x + block.mlp(block.norm2(x))
            if index in visual.deepstack_visual_indexes:
                merger = visual.deepstack_merger_list[visual.deepstack_visual_indexes.index(index)]
                deeper.append(merger(x.flatten(0, 1)))
        assert len(x) == count
        return visual.merger(x.flatten(0, 1)), deeper

    def _table(self, grid: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return what of a grid no training changes.

        Which learned places a patch stands between and their shares [patches, 4] each, and the rotary cosines and sines
        [patches, 1, head size].
        """
        if grid not in self._tables:
            from transformers import vision_utils

            visual = self._visual
            one = torch.tensor([[1, *grid]], device=device)
            indices, weights = vision_utils.get_vision_interpolation_indices_and_weights(
                one,
                num_grid_per_side=visual.num_grid_per_side,
                mode=visual.interpolation_mode,
                align_corners=visual.interpolation_align_corners,
                spatial_merge_size=visual.config.spatial_merge_size,
                kwargs={},
            )
            positions = vision_utils.get_vision_position_ids(one, visual.spatial_merge_size, kwargs={})
            cosine, sine = visual.rotary_pos_emb(visual.pos_embed.weight, positions)
            self._tables[grid] = indices, weights, cosine[:, None].float(), sine[:, None].float()
        return self._tables[grid]
