"""A driving model of some ten thousand parameters and made-up samples for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from alpamayo_sim.model.config import ActionEmbeddingConfig, ExpertConfig, ImageConfig, ModelConfig
from alpamayo_sim.model.driving_model import DrivingModel, new_model
from alpamayo_sim.model.presets import preset
from alpamayo_sim.model.tiny_tokenizer import tiny_tokenizer
from alpamayo_sim.policy.tokenizer import DrivingTokenizer
from alpamayo_training.sft.batches import BatchMaker, Drawn
from alpamayo_training.sft.frame_store import gather
from alpamayo_training.sft.objective import Batch, Totals
from alpamayo_training.sft.sample_table import SampleTable
from alpamayo_training.sft.settings import Settings
from alpamayo_training.sft.synthetic import synthetic_table

WIDTH_PX, HEIGHT_PX, CAMERAS, FRAMES = 64, 32, 2, 2


def small_config(tokenizer: DrivingTokenizer) -> ModelConfig:
    config = preset("tiny", len(tokenizer), tokenizer.backbone_ids)
    text: dict[str, Any] = {
        **config.text,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "rope_parameters": {**config.text["rope_parameters"], "mrope_section": [4, 2, 2]},
    }
    vision: dict[str, Any] = {
        **config.vision,
        "depth": 2,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_heads": 2,
        "num_position_embeddings": 16,
        "deepstack_visual_indexes": [0],
        "out_hidden_size": 32,
    }
    return replace(
        config,
        preset="miniature",
        backbone={**config.backbone, "text_config": text, "vision_config": vision},
        expert=ExpertConfig(hidden_size=24, intermediate_size=32, attention_heads=2),
        images=ImageConfig(WIDTH_PX, HEIGHT_PX, frames_per_camera=FRAMES, frames_per_image=2),
        action_embedding=ActionEmbeddingConfig(hidden_size=16),
    )


def small_model(seed: int = 0) -> tuple[DrivingModel, DrivingTokenizer]:
    tokenizer = tiny_tokenizer()
    return new_model(small_config(tokenizer), seed), tokenizer


def small_table(samples: int = 24) -> SampleTable:
    return synthetic_table(samples, width_px=WIDTH_PX, height_px=HEIGHT_PX, frames_per_camera=FRAMES, cameras=CAMERAS)


def batch_of(maker: BatchMaker, rows: list[int], step: int = 0, places: list[int] | None = None) -> Batch:
    drawn = Drawn(step, np.array(rows), np.array(places if places is not None else range(len(rows))))
    return maker.device(maker.host(drawn), gather(maker.table, drawn.rows))


def maker_for(table: SampleTable, **changes: Any) -> BatchMaker:
    tokenizer = tiny_tokenizer()
    settings = replace(Settings(steps=4, batch=4, precision="fp32", warm_up=0), **changes)
    return BatchMaker(table, small_config(tokenizer), tokenizer, settings)


def totals_of(maker: BatchMaker, rows: list[int], step: int = 0) -> Totals:
    return maker.host(Drawn(step, np.array(rows), np.arange(len(rows)))).totals
