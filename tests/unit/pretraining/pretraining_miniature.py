"""A small tower and made-up pairs: what is in a picture follows from its labels, so that a tower can learn it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from alpamayo_sim.model.config import ImageConfig
from alpamayo_sim.model.driving_model import DrivingModel, new_model
from alpamayo_sim.model.presets import preset
from alpamayo_sim.model.tiny_tokenizer import tiny_tokenizer
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, CameraRig
from alpamayo_training.learnability.labels import Condition, Labels
from alpamayo_training.pretraining import cells as c
from alpamayo_training.pretraining.network import Network
from alpamayo_training.pretraining.pair_stage import Pair
from alpamayo_training.pretraining.shards import About, ShardWriter

RIG = replace(ALPAMAYO_RIG, width_px=64, height_px=32)
CELLS = 8


def miniature(seed: int = 0) -> DrivingModel:
    tokenizer = tiny_tokenizer()
    config = preset("tiny", len(tokenizer), tokenizer.backbone_ids)
    vision = {**config.vision, "depth": 2, "intermediate_size": 96, "num_position_embeddings": 16}
    vision |= {"deepstack_visual_indexes": [0]}
    text = {**config.text, "num_hidden_layers": 1, "intermediate_size": 64}
    backbone = {**config.backbone, "vision_config": vision, "text_config": text}
    return new_model(replace(config, backbone=backbone, images=ImageConfig(64, 32, frames_per_image=2)), seed)


def miniature_network(seed: int = 0) -> Network:
    model = miniature(seed)
    torch.manual_seed(seed)
    return Network(model, len(RIG.cameras), RIG.height_px, RIG.width_px)


def made_up_pair(rng: np.random.Generator, rig: CameraRig = RIG) -> Pair:
    """A third of the cells is bright and holds a red lamp, the others are dark and hold none."""
    rows, columns = rig.height_px // c.CELL_PX, rig.width_px // c.CELL_PX
    cells = np.zeros((4, rows * columns, len(c.CHANNELS)), dtype=np.uint8)
    lit = rng.random((4, rows * columns)) < 0.3
    cells[..., c.CHANNEL["light"]] = np.where(lit, c.LIGHT_RED, c.LIGHT_NONE)
    cells[..., c.CHANNEL["group"]] = np.where(lit, c.GROUPS.index("traffic_light"), c.GROUPS.index("sky"))
    cells[..., c.CHANNEL["log_depth"]] = np.where(lit, 80, 255)
    bits = np.where(lit, 1 << c.GROUPS.index("traffic_light"), 1 << c.GROUPS.index("sky"))
    cells[..., c.CHANNEL["present_low"]], cells[..., c.CHANNEL["present_high"]] = bits & 255, bits >> 8
    bright = np.where(lit.reshape(4, rows, columns), 220, 30).astype(np.uint8)
    pictures = bright.repeat(c.CELL_PX, axis=1).repeat(c.CELL_PX, axis=2)
    frames = np.broadcast_to(pictures[:, None, :, :, None], (4, 2, rig.height_px, rig.width_px, 3)).copy()
    labels = Labels(
        int(rng.integers(4)), 10.0, 5.0, int(rng.integers(2)), 12.0, 1, float(rng.normal()), 0.0, int(rng.integers(2)), 9.0,
        1.0, int(rng.integers(2)), 8.0, light_at_rig=(12.0, 0.0, 2.0),
    )  # fmt: skip
    return Pair(frames, cells, labels, float(rng.uniform(0.0, 10.0)), 0.0)


def write_pairs(
    folder: Path, split: str, town: str, count: int, seed: int = 0, pairs_a_shard: int = 8, rig: CameraRig = RIG
) -> None:
    rng = np.random.default_rng(seed)
    about = About(split, town, ("drawn",), seed, rig.name)
    with ShardWriter(folder / split / f"000-{town}", about, rig, pairs_a_shard) as writer:
        for _ in range(count):
            writer.add(made_up_pair(rng, rig), 0, Condition.DAY)
