"""A driving model of some ten thousand parameters, over the tiny tokenizer, and prompts for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from alpamayo_sim.model.config import ActionEmbeddingConfig, ExpertConfig, ImageConfig, ModelConfig
from alpamayo_sim.model.driving_model import DrivingModel, ModelInputs, new_model
from alpamayo_sim.model.presets import preset
from alpamayo_sim.model.tiny_tokenizer import tiny_tokenizer
from alpamayo_sim.policy.patches import image_patches
from alpamayo_sim.policy.prompt_ids import pad_left, prompt_ids
from alpamayo_sim.policy.tokenizer import DrivingTokenizer

CAMERAS, FRAMES = 2, 2
HISTORY = "<|traj_history|>" * 48


def miniature_config(tokenizer: DrivingTokenizer, **text: Any) -> ModelConfig:
    """The tiny preset, shrunken in every direction."""
    config = preset("tiny", len(tokenizer), tokenizer.backbone_ids)
    rope = {**config.text["rope_parameters"], "mrope_section": [4, 2, 2]}
    own_text = {
        **config.text,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "rope_parameters": rope,
        **text,
    }
    own_vision = {
        **config.vision,
        "depth": 2,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_heads": 2,
        "num_position_embeddings": 16,
        "deepstack_visual_indexes": [0],
        "out_hidden_size": own_text["hidden_size"],
    }
    return replace(
        config,
        preset="miniature",
        backbone={**config.backbone, "text_config": own_text, "vision_config": own_vision},
        expert=ExpertConfig(hidden_size=24, intermediate_size=32, attention_heads=2),
        images=ImageConfig(64, 32, frames_per_camera=FRAMES, frames_per_image=2),
        action_embedding=ActionEmbeddingConfig(hidden_size=16),
    )


def miniature_model(seed: int = 0) -> tuple[DrivingModel, DrivingTokenizer]:
    tokenizer = tiny_tokenizer()
    return new_model(miniature_config(tokenizer), seed), tokenizer


def prompt_text(words: str) -> str:
    image = "<|vision_start|><|image_pad|><|vision_end|>"
    history = f"<|traj_history_start|>{HISTORY}<|traj_history_end|>"
    return f"<|im_start|>user\n{image * CAMERAS}{history}{words}<|im_end|>\n<|im_start|>assistant\n<|cot_start|>"


def prompts(
    tokenizer: DrivingTokenizer, words: tuple[str, ...] = ("keep the lane",), seed: int = 0, extra_padding: int = 0
) -> ModelInputs:
    """One prompt per text of `words`, each with its own pictures and history."""
    random = np.random.default_rng(seed)
    frames = [random.integers(0, 256, (CAMERAS, FRAMES, 32, 64, 3), dtype=np.uint8) for _ in words]
    rows = [prompt_ids(prompt_text(text), tokenizer, 2, random.integers(0, 1000, 48)) for text in words]
    ids, counted = pad_left(rows, tokenizer.backbone_ids["pad"])
    pad = np.full((len(rows), extra_padding), tokenizer.backbone_ids["pad"], dtype=np.int64)
    return ModelInputs(
        torch.from_numpy(np.concatenate([pad, ids], axis=1)),
        torch.from_numpy(np.concatenate([np.zeros_like(pad, dtype=np.bool_), counted], axis=1)),
        torch.from_numpy(np.concatenate([image_patches(own, 2) for own in frames])),
        (2, 4),
    )


def generators(count: int, seed: int = 0) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed + index) for index in range(count)]
