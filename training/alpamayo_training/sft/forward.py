"""One pass of the backbone over prompt and answer together, for training: the same numbers as reading one after the other.

All images of a batch go through the vision tower side by side (transformers takes them one by one), positions come ready, and
every layer may be computed anew in the backward pass instead of being remembered. Weights and modules are transformers' own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MethodType, SimpleNamespace
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.functional import linear, scaled_dot_product_attention
from torch.utils.checkpoint import checkpoint
from transformers import DynamicCache

from alpamayo_sim.model.driving_model import DrivingModel


class CollectedCache(DynamicCache):
    """Keys and values of every layer as they pass by; unlike a growing cache it may see a layer computed twice."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layers: Any = [SimpleNamespace(keys=None, values=None) for _ in range(layers)]

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Keep a layer's keys and values the first time, and hand them back."""
        layer = self.layers[layer_idx]
        if layer.keys is None:
            layer.keys, layer.values = key_states, value_states
        return key_states, value_states

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Return 0: what is read stands at the beginning."""
        return 0

    def get_mask_sizes(self, query_length: int, layer_idx: int) -> tuple[int, int]:
        """Return the number of keys and where they begin."""
        return query_length, 0

    def repeated(self, times: int) -> CollectedCache:
        """Return a cache with every row repeated side by side; itself for 1."""
        if times == 1:
            return self
        other = CollectedCache(len(self.layers))
        for own, layer in zip(other.layers, self.layers, strict=True):
            own.keys, own.values = layer.keys.repeat_interleave(times, 0), layer.values.repeat_interleave(times, 0)
        return other


@dataclass(frozen=True)
class Passed:
    """What one pass leaves."""

    hidden: Tensor
    """[B, L, width] after the last norm."""
    cache: CollectedCache
    image_features: Tensor
    """[images, tokens, width]: what the words see of every image."""


def read_whole(
    model: DrivingModel, ids: Tensor, counted: Tensor, positions: Tensor, patches: Tensor, grid: tuple[int, int]
) -> Passed:
    """Return the backbone's states of prompts and answers.

    `ids` and `counted` [B, L] (false: padding), `positions` [3, B, L] rotary positions, `patches` [images, patches, size] of all
    images in order, all of a `grid` of rows and columns.
    """
    core: Any = model.vlm.model
    features, deeper = see(core.visual, patches, grid)
    embedded = core.language_model.embed_tokens(ids)
    is_image = ids == core.config.image_token_id
    embedded = embedded.masked_scatter(is_image[..., None], features.to(embedded.dtype))
    cache = CollectedCache(len(core.language_model.layers))
    result = core.language_model(
        inputs_embeds=embedded,
        attention_mask=counted.long(),
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        visual_pos_masks=is_image,
        deepstack_visual_embeds=deeper,
    )
    return Passed(result.last_hidden_state, cache, features.unflatten(0, (len(patches), -1)))


def see(visual: Any, patches: Tensor, grid: tuple[int, int]) -> tuple[Tensor, list[Tensor]]:
    """Return what the words see of images [images x tokens, width], and what deeper layers are given besides."""
    places, shares, cosine, sine = _tables(visual, grid, patches.device)
    stem = visual.patch_embed.proj
    x = linear(patches.to(stem.weight.dtype), stem.weight.flatten(1), stem.bias)
    x = x + (visual.pos_embed(places) * shares[:, :, None]).sum(1).to(x.dtype)
    x = x.flatten(0, 1)
    deeper: list[Tensor] = []
    for index, block in enumerate(visual.blocks):
        _attend_side_by_side(block.attn)
        x = block(x, cu_seqlens=None, position_embeddings=(cosine, sine))
        if index in visual.deepstack_visual_indexes:
            deeper.append(visual.deepstack_merger_list[visual.deepstack_visual_indexes.index(index)](x))
    return visual.merger(x), deeper


def _attend_side_by_side(attention: Any) -> None:
    """Let an attention of the vision tower take images of one size at once where it is given no bounds between them."""
    if "forward" not in vars(attention):
        attention.forward = MethodType(_vision_attention, attention)


def _vision_attention(
    self: Any,
    hidden_states: Tensor,
    cu_seqlens: Tensor | None = None,
    position_embeddings: tuple[Tensor, Tensor] | None = None,
    **kwargs: Any,
) -> Tensor:
    if cu_seqlens is not None or position_embeddings is None:
        return type(self).forward(self, hidden_states, cu_seqlens, position_embeddings, **kwargs)
    cosine, sine = position_embeddings
    qkv = self.qkv(hidden_states).reshape(-1, len(cosine), 3, self.num_heads, self.head_dim)
    query, key, value = qkv.unbind(2)
    query, key = (_rotated(each, cosine[:, None], sine[:, None]).transpose(1, 2) for each in (query, key))
    seen = scaled_dot_product_attention(query, key, value.transpose(1, 2))
    return self.proj(seen.transpose(1, 2).reshape(len(hidden_states), -1))


def _rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Return x [..., size] turned by its position, computed in float32 as transformers does."""
    wide = x.float()
    first, second = wide.chunk(2, dim=-1)
    return (wide * cosine.float() + torch.cat([-second, first], dim=-1) * sine.float()).to(x.dtype)


def _tables(visual: Any, grid: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return what of a grid no training changes: places and shares [patches, 4] of the learned grid, cosines and sines."""
    known: dict[tuple[int, int], tuple[Tensor, Tensor, Tensor, Tensor]] = vars(visual).setdefault("_grid_tables", {})
    if grid not in known or known[grid][0].device != device:
        from transformers import vision_utils

        one = torch.tensor([[1, *grid]], device=device)
        places, shares = vision_utils.get_vision_interpolation_indices_and_weights(
            one,
            num_grid_per_side=visual.num_grid_per_side,
            mode=visual.interpolation_mode,
            align_corners=visual.interpolation_align_corners,
            spatial_merge_size=visual.config.spatial_merge_size,
            kwargs={},
        )
        positions = vision_utils.get_vision_position_ids(one, visual.spatial_merge_size, kwargs={})
        cosine, sine = visual.rotary_pos_emb(torch.zeros(1, dtype=torch.float32, device=device), positions)
        known[grid] = places, shares, cosine.detach(), sine.detach()
    return known[grid]


def compute_layers_anew(model: DrivingModel) -> None:
    """Let every block of vision tower, backbone and expert be computed a second time in the backward pass, to save memory."""
    core: Any = model.vlm.model
    for block in (*core.visual.blocks, *core.language_model.layers, *cast("Any", model.expert).layers):
        if "forward" not in vars(block):
            block.forward = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
