"""The weights of a Qwen3-VL text model as few large matrices, which the model's own parameters become views of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLTextModel

from alpamayo_sim.errors import InputError


@dataclass(frozen=True)
class Layer:
    """One decoder layer; matrices are [outputs, inputs]."""

    input_norm: Tensor
    qkv: Tensor
    """[(query heads + 2 key-value heads) x head size, width]"""
    query_norm: Tensor
    key_norm: Tensor
    out: Tensor
    post_norm: Tensor
    gate_up: Tensor
    """[2 x intermediate, width]: gates, then ups."""
    down: Tensor


@dataclass(frozen=True)
class TextWeights:
    """A whole text model: its layers and sizes."""

    layers: tuple[Layer, ...]
    norm: Tensor
    heads: int
    kv_heads: int
    head_size: int
    epsilon: float
    inverse_frequencies: Tensor
    """[head size / 2] float32 of the rotary embedding."""

    @property
    def group(self) -> int:
        """Query heads that share a key-value head."""
        return self.heads // self.kv_heads


def text_weights(model: Qwen3VLTextModel) -> TextWeights:
    """Return a text model's weights; its own parameters share their memory from then on, so nothing is held twice.

    InputError for a model with biases, which Qwen3-VL has not.
    """
    config: Any = model.config
    if config.attention_bias:
        raise InputError(
            "the fast runtime knows attention without biases; found attention_bias=True: run the model plainly"
        )
    layers: list[Layer] = []
    for block in cast("list[Any]", list(model.layers)):
        attention, mlp = block.self_attn, block.mlp
        layers.append(
            Layer(
                block.input_layernorm.weight.detach(),
                _joined([attention.q_proj, attention.k_proj, attention.v_proj]),
                attention.q_norm.weight.detach(),
                attention.k_norm.weight.detach(),
                attention.o_proj.weight.detach(),
                block.post_attention_layernorm.weight.detach(),
                _joined([mlp.gate_proj, mlp.up_proj]),
                mlp.down_proj.weight.detach(),
            )
        )
    return TextWeights(
        tuple(layers),
        model.norm.weight.detach(),
        int(config.num_attention_heads),
        int(config.num_key_value_heads),
        int(config.head_dim),
        float(config.rms_norm_eps),
        model.rotary_emb.inv_freq.float(),
    )


def _joined(parts: Sequence[nn.Linear]) -> Tensor:
    """Return the parts' matrices one below the other, and let the parts be views of it."""
    whole = torch.cat([part.weight.detach() for part in parts])
    at = 0
    for part in parts:
        end = at + part.weight.shape[0]
        part.weight.data = whole[at:end]
        at = end
    return whole
