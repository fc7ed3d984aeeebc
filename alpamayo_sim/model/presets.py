"""The sizes that the model comes in, from 7 million parameters to the published 11 billion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.config import ActionEmbeddingConfig, ExpertConfig, ImageConfig, ModelConfig

PRESETS = ("tiny", "2b", "8b", "alpamayo-1.5")
QWEN_VOCABULARY = 151_936
"""Rows of Qwen3-VL's embedding; its tokenizer has 151,669 tokens."""
TRAINED_WIDTH_PX, TRAINED_HEIGHT_PX = 576, 320
"""A 1920 x 1080 picture as the published processor hands it to the model."""


def preset(name: str, vocabulary: int, tokens: Mapping[str, int]) -> ModelConfig:
    """Return a preset's settings over a vocabulary of `vocabulary` tokens.

    `tokens` gives the ids of the tokens that the backbone itself needs: `image`, `video`, `vision_start`, `vision_end`, `pad`,
    `end`. InputError names the presets for any other name.
    """
    if name == "tiny":
        return _tiny(vocabulary, tokens)
    if name == "2b":
        return from_backbone("2b", _qwen_2b(), vocabulary, tokens)
    if name in ("8b", "alpamayo-1.5"):
        return from_backbone(name, _qwen_8b(), vocabulary, tokens)
    raise InputError(f"there is no model preset {name!r}; expected one of {', '.join(PRESETS)}")


def from_backbone(
    name: str,
    backbone: Mapping[str, Any],
    vocabulary: int,
    tokens: Mapping[str, int],
    expert: ExpertConfig | None = None,
) -> ModelConfig:
    """Return the settings of a model over a Qwen3-VL of any size: without `expert`, one of half its widths.

    The published expert has half the backbone's width and heads, and a feed-forward part of 8,256 for 2,048.
    """
    text = backbone["text_config"]
    half = ExpertConfig(
        hidden_size=int(text["hidden_size"]) // 2,
        intermediate_size=int(text["hidden_size"]) // 2 * 8256 // 2048,
        attention_heads=max(int(text["num_attention_heads"]) // 2, int(text["num_key_value_heads"])),
    )
    return ModelConfig(
        preset=name,
        backbone=_with_tokens(backbone, vocabulary, tokens),
        expert=expert or half,
        images=ImageConfig(TRAINED_WIDTH_PX, TRAINED_HEIGHT_PX),
        action_embedding=ActionEmbeddingConfig(
            frequency_dtype="bfloat16" if name == "alpamayo-1.5" else "float32",
        ),
    )


def _with_tokens(backbone: Mapping[str, Any], vocabulary: int, tokens: Mapping[str, int]) -> dict[str, Any]:
    text = {
        **backbone["text_config"],
        "vocab_size": vocabulary,
        "pad_token_id": tokens["pad"],
        "eos_token_id": tokens["end"],
    }
    return {
        **backbone,
        "text_config": text,
        "image_token_id": tokens["image"],
        "video_token_id": tokens["video"],
        "vision_start_token_id": tokens["vision_start"],
        "vision_end_token_id": tokens["vision_end"],
    }


def _rope(sections: Sequence[int]) -> dict[str, Any]:
    return {
        "rope_type": "default",
        "rope_theta": 5_000_000.0,
        "mrope_section": list(sections),
        "mrope_interleaved": True,
    }


def _backbone(text: Mapping[str, Any], vision: Mapping[str, Any], *, tied: bool) -> dict[str, Any]:
    return {
        "text_config": {
            "max_position_embeddings": 262_144,
            "rms_norm_eps": 1e-6,
            "hidden_act": "silu",
            "attention_bias": False,
            "tie_word_embeddings": tied,
            **text,
        },
        "vision_config": {
            "patch_size": 16,
            "temporal_patch_size": 2,
            "spatial_merge_size": 2,
            "in_channels": 3,
            "hidden_act": "gelu_pytorch_tanh",
            "out_hidden_size": text["hidden_size"],
            **vision,
        },
        "tie_word_embeddings": tied,
    }


def _tiny(vocabulary: int, tokens: Mapping[str, int]) -> ModelConfig:
    text = {
        "hidden_size": 192,
        "intermediate_size": 512,
        "num_hidden_layers": 4,
        "num_attention_heads": 3,
        "num_key_value_heads": 1,
        "head_dim": 64,
        "max_position_embeddings": 4096,
        "rope_parameters": _rope((12, 10, 10)),
    }
    vision = {
        "depth": 5,
        "hidden_size": 192,
        "intermediate_size": 576,
        "num_heads": 3,
        "num_position_embeddings": 256,
        "deepstack_visual_indexes": [2],
    }
    return ModelConfig(
        preset="tiny",
        backbone=_with_tokens(_backbone(text, vision, tied=True), vocabulary, tokens),
        expert=ExpertConfig(hidden_size=128, intermediate_size=288, attention_heads=3),
        images=ImageConfig(width_px=320, height_px=192, frames_per_image=2),
        action_embedding=ActionEmbeddingConfig(hidden_size=128),
    )


def _qwen_2b() -> dict[str, Any]:
    text = {
        "hidden_size": 2048,
        "intermediate_size": 6144,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "rope_parameters": _rope((24, 20, 20)),
    }
    vision = {
        "depth": 24,
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_heads": 16,
        "num_position_embeddings": 2304,
        "deepstack_visual_indexes": [5, 11, 17],
    }
    return _backbone(text, vision, tied=True)


def _qwen_8b() -> dict[str, Any]:
    text = {
        "hidden_size": 4096,
        "intermediate_size": 12288,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "rope_parameters": _rope((24, 20, 20)),
    }
    vision = {
        "depth": 27,
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "num_heads": 16,
        "num_position_embeddings": 2304,
        "deepstack_visual_indexes": [8, 16, 24],
    }
    return _backbone(text, vision, tied=False)
