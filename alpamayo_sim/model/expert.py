"""The action expert: a Qwen3-VL text model without words whose layer i attends to the backbone's cache of layer i.

As published there is no cross-attention, no adapter and no modulation by time: the waypoints stand behind the cached tokens
and attend to all of them and to each other.
"""

from __future__ import annotations

import copy
from typing import Any, cast

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.models.qwen3_vl.configuration_qwen3_vl import Qwen3VLTextConfig
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLTextModel

from alpamayo_sim.model.config import ExpertConfig


class PrefixCache(DynamicCache):
    """Keys and values that are read and never grow: what the expert adds serves its own attention and is dropped.

    `detach` cuts the gradient from the expert into the backbone, as the published training does.
    """

    def __init__(self, cache: DynamicCache, *, detach: bool = False) -> None:
        super().__init__()
        layers = cast("list[Any]", cache.layers)
        self.pairs: list[tuple[Tensor, Tensor]] = [(layer.keys, layer.values) for layer in layers]
        if detach:
            self.pairs = [(keys.detach(), values.detach()) for keys, values in self.pairs]

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Return the cached keys and values of a layer with the new ones behind them."""
        keys, values = self.pairs[layer_idx]
        return torch.cat([keys, key_states], dim=-2), torch.cat([values, value_states], dim=-2)


def build_expert(text: Qwen3VLTextConfig, config: ExpertConfig) -> Qwen3VLTextModel:
    """Return the expert for a backbone: its text model with other widths and without an embedding of words."""
    own = copy.deepcopy(text)
    own.hidden_size = config.hidden_size
    own.intermediate_size = config.intermediate_size
    own.num_attention_heads = config.attention_heads
    own.vocab_size = 1
    own.pad_token_id = None
    own._attn_implementation = "sdpa"
    expert = Qwen3VLTextModel(own)
    del expert.embed_tokens
    return expert


def attention_mask(visible: Tensor, waypoints: int, dtype: torch.dtype) -> Tensor:
    """Return the additive mask [rows, 1, waypoints, cached + waypoints]; `visible` [rows, cached] says what may be seen."""
    hidden = torch.zeros(visible.shape, dtype=dtype, device=visible.device)
    hidden = hidden.masked_fill(~visible, torch.finfo(dtype).min)
    own = hidden.new_zeros(visible.shape[0], waypoints)
    return torch.cat([hidden, own], dim=1)[:, None, None].expand(-1, 1, waypoints, -1)


def run_expert(
    expert: Qwen3VLTextModel, embedded: Tensor, prefix: PrefixCache, visible: Tensor, start: Tensor
) -> Tensor:
    """Return the expert's hidden states [rows, waypoints, width].

    `embedded` [rows, waypoints, width] are the embedded actions, `visible` [rows, cached] the cached tokens that count and
    `start` [rows] the rotary position of the first waypoint, the same in all three of Qwen3-VL's axes.
    """
    waypoints = embedded.shape[1]
    positions = start[:, None] + torch.arange(waypoints, device=start.device)
    result = expert(
        inputs_embeds=embedded,
        position_ids=positions[None].expand(3, -1, -1),
        attention_mask=attention_mask(visible, waypoints, embedded.dtype),
        past_key_values=prefix,
        use_cache=True,
        is_causal=False,
    )
    return result.last_hidden_state
