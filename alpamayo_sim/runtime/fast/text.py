"""A Qwen3-VL text model over a slot: a whole prompt, one further token of every row, or the waypoints of the flow.

Shapes: R rows, S tokens of a prompt, T new places, H query heads, K key-value heads, D head size, C columns of the slot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import linear, scaled_dot_product_attention

from alpamayo_sim.runtime.fast.operations import Operations, angles
from alpamayo_sim.runtime.fast.slot import Slot
from alpamayo_sim.runtime.fast.weights import Layer, TextWeights

Attend = Callable[[Slot, int, Tensor], Tensor]
"""What queries [R, T, H, D] find in a layer of a slot, behind whose used columns T new ones stand: [R, T, H x D]."""


class TextEngine:
    """Computes a text model from its joined weights."""

    def __init__(self, weights: TextWeights, operations: Operations, attend: Attend) -> None:
        self.weights = weights
        self._operations = operations
        self._attend = attend

    def prefill(
        self,
        slot: Slot,
        x: Tensor,
        rotary: tuple[Tensor, Tensor],
        mask: Tensor | None,
        deeper: Sequence[Tensor],
        places: Tensor,
    ) -> Tensor:
        """Read embedded prompts [R, S, width] into an empty slot and return the last token's hidden state [R, width].

        `rotary` are cosines and sines [R, S, D], `mask` [R, 1, S, S] what may be seen (None: everything before), `deeper`
        what the vision tower adds to the first layers at `places` of the flattened rows.
        """
        length, last = x.shape[1], len(self.weights.layers) - 1
        for index, layer in enumerate(self.weights.layers):
            query, key, value = (part.transpose(1, 2) for part in self._project(layer, x, rotary))
            slot.keys[index, :, :, :length] = key
            slot.values[index, :, :, :length] = value
            if index == last:
                x, query, mask = x[:, -1:], query[:, :, -1:], None if mask is None else mask[:, :, -1:]
            seen = scaled_dot_product_attention(
                query, key, value, attn_mask=mask, is_causal=mask is None and index < last, enable_gqa=True
            )
            x = self._finish(layer, x, seen.transpose(1, 2).flatten(2))
            if index < min(len(deeper), last):
                x.view(-1, x.shape[-1]).index_add_(0, places, deeper[index])
        return self._operations.norm(x[:, -1], self.weights.norm, self.weights.epsilon)

    def extend(self, slot: Slot, x: Tensor, position: Tensor) -> Tensor:
        """Return the normalised hidden states [R, T, width] of embedded places [R, T, width] behind what a slot holds.

        They see all that counts in the slot and each other; their keys and values are left in its free columns. `position`
        [R, T] are their rotary positions.
        """
        columns = slot.used + torch.arange(x.shape[1], device=x.device)
        rotary = angles(position, self.weights.inverse_frequencies, x.dtype)
        for index, layer in enumerate(self.weights.layers):
            query, key, value = self._project(layer, x, rotary)
            slot.keys[index].index_copy_(2, columns, key.transpose(1, 2))
            slot.values[index].index_copy_(2, columns, value.transpose(1, 2))
            x = self._finish(layer, x, self._attend(slot, index, query))
        return self._operations.norm(x, self.weights.norm, self.weights.epsilon)

    def _project(self, layer: Layer, x: Tensor, rotary: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries [R, T, H, D], keys and values [R, T, K, D], turned."""
        sizes, do = self.weights, self._operations
        hidden = do.norm(x, layer.input_norm, sizes.epsilon)
        qkv = linear(hidden, layer.qkv).unflatten(-1, (-1, sizes.head_size))
        query, key, value = qkv.split((sizes.heads, sizes.kv_heads, sizes.kv_heads), dim=2)
        return (
            do.normed_and_rotated(query, layer.query_norm, *rotary, sizes.epsilon),
            do.normed_and_rotated(key, layer.key_norm, *rotary, sizes.epsilon),
            value,
        )

    def _finish(self, layer: Layer, x: Tensor, seen: Tensor) -> Tensor:
        """Return the layer's result [R, T, width] from what its heads saw [R, T, H x D]."""
        x = x + linear(seen, layer.out)
        hidden = self._operations.norm(x, layer.post_norm, self.weights.epsilon)
        return x + linear(self._operations.gated(linear(hidden, layer.gate_up)), layer.down)


def attend(slot: Slot, index: int, query: Tensor) -> Tensor:
    """The `Attend` of any device: the heads of a group are taken for further queries, so that no key is repeated."""
    kv_heads, places = slot.keys.shape[2], query.shape[1]
    grouped = query.unflatten(2, (kv_heads, -1)).permute(0, 2, 3, 1, 4).flatten(2, 3)
    column = torch.arange(slot.columns, device=query.device)
    own = (column >= slot.used) & (column < slot.used + places)
    allowed = (slot.visible & (column < slot.used)) | own
    seen = scaled_dot_product_attention(
        grouped, slot.keys[index], slot.values[index], attn_mask=allowed[:, None, None, :]
    )
    return seen.unflatten(2, (-1, places)).permute(0, 3, 1, 2, 4).flatten(2)
