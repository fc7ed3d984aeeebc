"""The model as three graphs for export: vision, language over a cache, one step of the action's flow.

They run the modules of transformers with their weights, written out so that every shape is plain: no boolean indexing, no
scatter, no data-dependent split. Caches come in as buffers of any capacity with a mask, and only what is new goes out; scores
over the buffer and over the new tokens are joined before the softmax, so that no buffer is ever copied.

Shapes: I images, P patches, N image tokens, R rows, T new tokens, C capacity of the cache, W waypoints, K key-value heads.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.qwen3_vl.modeling_qwen3_vl import apply_rotary_pos_emb, apply_rotary_pos_emb_vision
from transformers.vision_utils import get_vision_interpolation_indices_and_weights, get_vision_position_ids

from alpamayo_sim.model.driving_model import DrivingModel

HIDDEN_SCORE = -1e4
"""Added to a score that does not count; every half-precision type holds it."""


class VisionGraph(nn.Module):
    """Pixels [I, P, patch size] to image features [I x tokens, width] and deepstack features [D, I x tokens, width]."""

    def __init__(self, model: DrivingModel, rows: int, columns: int) -> None:
        super().__init__()
        visual: Any = model.vlm.model.visual
        self.visual = visual
        grid = torch.tensor([[1, rows, columns]])
        indices, weights = get_vision_interpolation_indices_and_weights(
            grid,
            num_grid_per_side=visual.num_grid_per_side,
            mode=visual.interpolation_mode,
            align_corners=visual.interpolation_align_corners,
            spatial_merge_size=visual.config.spatial_merge_size,
        )
        with torch.no_grad():
            places = (visual.pos_embed(indices) * weights[:, :, None]).sum(1)
            cosine, sine = visual.rotary_pos_emb(places, get_vision_position_ids(grid, visual.spatial_merge_size))
        self.places: Tensor
        self.cosine: Tensor
        self.sine: Tensor
        self.register_buffer("places", places.to(model.dtype))
        self.register_buffer("cosine", cosine)
        self.register_buffer("sine", sine)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return features and deepstack features."""
        visual = self.visual
        projection = visual.patch_embed.proj
        images = pixels.shape[0]
        embedded = functional.linear(pixels.flatten(0, 1), projection.weight.flatten(1), projection.bias)
        hidden = (embedded.view(images, *self.places.shape) + self.places).flatten(0, 1)
        deep: list[Tensor] = []
        layers = list(visual.deepstack_visual_indexes)
        for index, block in enumerate(visual.blocks):
            hidden = hidden + self._attend(block.attn, block.norm1(hidden), images)
            hidden = hidden + block.mlp(block.norm2(hidden))
            if index in layers:
                deep.append(visual.deepstack_merger_list[layers.index(index)](hidden))
        return visual.merger(hidden), torch.stack(deep)

    def _attend(self, attention: Any, hidden: Tensor, images: int) -> Tensor:
        """Return the attention [images x patches, width] of every image's patches to one another."""
        patches = self.places.shape[0]
        mixed = attention.qkv(hidden).view(images, patches, 3, attention.num_heads, -1)
        query, key = apply_rotary_pos_emb_vision(mixed[:, :, 0], mixed[:, :, 1], self.cosine, self.sine)
        seen = functional.scaled_dot_product_attention(
            query.transpose(1, 2), key.transpose(1, 2), mixed[:, :, 2].transpose(1, 2), scale=attention.scaling
        )
        return attention.proj(seen.transpose(1, 2).reshape(images * patches, -1))


class RotaryTable(nn.Module):
    """Cosines and sines of Qwen3-VL's text positions, in float32: each frequency turns with time, row or column."""

    def __init__(self, rotary: Any) -> None:
        super().__init__()
        half = rotary.inv_freq.shape[0]
        axes = torch.zeros(half, dtype=torch.int64)
        for axis in (1, 2):
            axes[axis : rotary.mrope_section[axis] * 3 : 3] = axis
        self.frequencies: Tensor
        self.axes: Tensor
        self.register_buffer("frequencies", rotary.inv_freq.detach().float().clone())
        self.register_buffer("axes", axes)
        self.scaling = float(rotary.attention_scaling)

    def forward(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Return cosines and sines [R, T, head width] of positions [3, R, T]."""
        angles = positions.index_select(0, self.axes).permute(1, 2, 0).float() * self.frequencies
        angles = torch.cat([angles, angles], dim=-1)
        return (angles.cos() * self.scaling).to(dtype), (angles.sin() * self.scaling).to(dtype)


def cached_attention(
    attention: Any,
    hidden: Tensor,
    rotary: tuple[Tensor, Tensor],
    past: tuple[Tensor, Tensor],
    hides: tuple[Tensor, Tensor],
) -> tuple[Tensor, Tensor, Tensor]:
    """Return a layer's attention [R, T, width] and its new keys and values [R, K, T, head width].

    `past` are buffers [R, K, C, head width]; `hides` are what is added to the scores over them [R, 1, 1, 1, C] and over the new
    tokens [R, 1, 1, T, T].
    """
    rows, new, _ = hidden.shape
    size, groups = attention.head_dim, attention.num_key_value_groups
    shape = (rows, new, -1, size)
    query = attention.q_norm(attention.q_proj(hidden).view(shape)).transpose(1, 2)
    key = attention.k_norm(attention.k_proj(hidden).view(shape)).transpose(1, 2)
    value = attention.v_proj(hidden).view(shape).transpose(1, 2)
    query, key = apply_rotary_pos_emb(query, key, *rotary)
    heads = key.shape[1]
    grouped = (query * attention.scaling).reshape(rows, heads, groups * new, size)
    of_past = (grouped @ past[0].transpose(2, 3)).view(rows, heads, groups, new, -1) + hides[0]
    of_new = (grouped @ key.transpose(2, 3)).view(rows, heads, groups, new, new) + hides[1]
    weights = torch.cat([of_past, of_new], dim=-1).float().softmax(-1).to(value.dtype)
    capacity = past[0].shape[2]
    on_past = weights[..., :capacity].reshape(rows, heads, groups * new, capacity)
    on_new = weights[..., capacity:].reshape(rows, heads, groups * new, new)
    seen = (on_past @ past[1] + on_new @ value).view(rows, heads * groups, new, size)
    return attention.o_proj(seen.transpose(1, 2).reshape(rows, new, -1)), key, value


def hidden_scores(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """Return what is added to scores: nothing where `visible`, much less than nothing elsewhere."""
    return (~visible).to(dtype) * HIDDEN_SCORE


class LanguageGraph(nn.Module):
    """New tokens over a cache: a whole prompt with its images, or one more token of every row.

    Inputs: ids [R, T]; place [R, T], each token's row of `features` (the last row, of zeros, for words); features and deepstack
    as the vision graph gives them; positions [3, R, T]; counted [R, T] and visible [R, C] bool; last [R], the token whose
    logits are wanted; then keys and values of all layers, [R, K, C, head width] each. Outputs: logits [R, vocabulary] in
    float32, then new keys and values [R, K, T, head width] of all layers.
    """

    def __init__(self, model: DrivingModel) -> None:
        super().__init__()
        text: Any = model.vlm.model.language_model
        self.text = text
        self.head = model.vlm.lm_head
        self.rotary = RotaryTable(text.rotary_emb)
        self.layers = len(text.layers)

    def forward(
        self,
        ids: Tensor,
        place: Tensor,
        features: Tensor,
        deepstack: Tensor,
        positions: Tensor,
        counted: Tensor,
        visible: Tensor,
        last: Tensor,
        past: tuple[Tensor, ...],
    ) -> tuple[Tensor, ...]:
        """Return logits, then keys and values."""
        rows, new = ids.shape
        words = self.text.embed_tokens(ids)
        count = features.shape[0]
        is_image = (place < count)[..., None]
        flat = place.flatten()

        def placed(table: Tensor) -> Tensor:
            with_zeros = torch.cat([table, torch.zeros_like(table[:1])])
            return with_zeros.index_select(0, flat).view(rows, new, -1)

        hidden = torch.where(is_image, placed(features), words)
        rotary = self.rotary(positions, hidden.dtype)
        line = torch.arange(new, device=ids.device)
        causal = (line[None] <= line[:, None])[None] & counted[:, None]
        hides = (
            hidden_scores(visible, hidden.dtype)[:, None, None, None],
            hidden_scores(causal, hidden.dtype)[:, None, None],
        )
        fresh: list[Tensor] = []
        for index, layer in enumerate(self.text.layers):
            own = (past[index], past[self.layers + index])
            seen, key, value = cached_attention(layer.self_attn, layer.input_layernorm(hidden), rotary, own, hides)
            hidden = hidden + seen
            hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
            if index < deepstack.shape[0]:
                hidden = hidden + placed(deepstack[index])
            fresh.insert(index, key)
            fresh.append(value)
        chosen = hidden.gather(1, last[:, None, None].expand(-1, 1, hidden.shape[2]))[:, 0]
        return self.head(self.text.norm(chosen)).float(), *fresh


class ActionGraph(nn.Module):
    """One velocity of the flow: actions [R, W, 2] at times [R] over the language's cache, in float32 outside.

    Inputs: actions, time, visible [R, C] bool, start [R] (position of the first waypoint), keys and values of all layers.
    Output: velocity [R, W, 2].
    """

    def __init__(self, model: DrivingModel) -> None:
        super().__init__()
        self.expert: Any = model.expert
        self.embed = model.action_in_proj
        self.out = model.action_out_proj
        self.rotary = RotaryTable(cast("Any", model.expert).rotary_emb)
        self.layers = len(model.expert.layers)

    def forward(
        self, actions: Tensor, time: Tensor, visible: Tensor, start: Tensor, past: tuple[Tensor, ...]
    ) -> tuple[Tensor]:
        """Return the velocity."""
        hidden = self.embed(actions, time)
        line = start[:, None] + torch.arange(actions.shape[1], device=start.device)
        rotary = self.rotary(line[None].expand(3, -1, -1), hidden.dtype)
        none = torch.zeros(1, 1, 1, 1, 1, dtype=hidden.dtype, device=hidden.device)
        hides = (hidden_scores(visible, hidden.dtype)[:, None, None, None], none)
        for index, layer in enumerate(self.expert.layers):
            own = (past[index], past[self.layers + index])
            seen, _, _ = cached_attention(layer.self_attn, layer.input_layernorm(hidden), rotary, own, hides)
            hidden = hidden + seen
            hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
        return (self.out(self.expert.norm(hidden)).float(),)
