"""The next token of a single row on a GPU, by matrix-vector kernels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from alpamayo_sim.runtime.fast import kernels
from alpamayo_sim.runtime.fast.slot import Slot
from alpamayo_sim.runtime.fast.weights import TextWeights


@dataclass(frozen=True)
class SingleRow:
    """Computes the logits after one token; every call uses the same memory."""

    weights: TextWeights
    embedding: Tensor
    head: Tensor
    """[vocabulary, width]"""

    @staticmethod
    def suits(weights: TextWeights, head: Tensor) -> bool:
        """Whether the kernels know such matrices: bfloat16 on a GPU, in whole steps."""
        widths = {head.shape[1], weights.layers[0].out.shape[1], weights.layers[0].down.shape[1]}
        return head.is_cuda and head.dtype == torch.bfloat16 and not any(width % kernels.STEP for width in widths)

    def __call__(self, slot: Slot) -> Tensor:
        """Return the logits [1, vocabulary], float32, after the slot's token, whose keys and values go to the free column."""
        sizes, device = self.weights, self.head.device
        x = self.embedding.index_select(0, slot.token)[0]
        query = torch.empty((sizes.heads, sizes.head_size), device=device, dtype=x.dtype)
        first = sizes.layers[0]
        qkv = torch.empty(first.qkv.shape[0], device=device, dtype=x.dtype)
        opened = torch.empty(first.down.shape[1], device=device, dtype=x.dtype)
        for index, layer in enumerate(sizes.layers):
            kernels.product(x, layer.qkv, qkv, norm=layer.input_norm, epsilon=sizes.epsilon)
            kernels.place_heads(
                qkv, layer.query_norm, layer.key_norm, sizes.inverse_frequencies, slot, index, query, sizes.epsilon
            )
            seen = kernels.attend(slot, index, query[None, None])[0, 0]
            x = kernels.product(seen, layer.out, torch.empty_like(x), residual=x)
            kernels.gated_product(x, layer.post_norm, layer.gate_up, opened, sizes.epsilon)
            x = kernels.product(opened, layer.down, torch.empty_like(x), residual=x)
        logits = torch.empty(self.head.shape[0], device=device, dtype=torch.float32)
        kernels.product(x, self.head, logits, norm=sizes.norm, epsilon=sizes.epsilon)
        return logits[None]
