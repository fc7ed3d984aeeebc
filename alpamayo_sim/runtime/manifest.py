"""What an export folder says of itself: the sizes and ids that a runtime without torch needs, and its parity gates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.config import ModelConfig, read_json
from alpamayo_sim.policy.patches import PATCH_PX
from alpamayo_sim.policy.tokenizer import FUTURE_TOKENS, TRAJECTORY_TOKENS, DrivingTokenizer

MANIFEST_FILE = "export.json"
PARITY_FILE = "parity.json"
GRAPHS = ("vision", "language", "action")
DTYPES: Mapping[str, str] = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
"""The types of an export and numpy's and torch's names of them."""


@dataclass(frozen=True)
class Manifest:
    """Sizes and ids of an exported model."""

    dtype: str
    layers: int
    key_value_heads: int
    head_dim: int
    width: int
    deepstack_layers: int
    vocabulary: int
    image_rows: int
    image_columns: int
    """Tokens of an image, after patches are merged."""
    frames_per_image: int
    image_id: int
    pad_id: int
    reasoning_end_id: int
    future_start_id: int
    future_end_id: int
    trajectory_start_id: int
    trajectory_tokens: int
    future_tokens: int
    waypoints: int
    flow_steps: int

    @classmethod
    def of(cls, config: ModelConfig, tokenizer: DrivingTokenizer, dtype: str) -> Manifest:
        """Return the manifest of a model."""
        merged = PATCH_PX * int(config.vision["spatial_merge_size"])
        return cls(
            dtype=dtype,
            layers=int(config.text["num_hidden_layers"]),
            key_value_heads=int(config.text["num_key_value_heads"]),
            head_dim=int(config.text["head_dim"]),
            width=int(config.text["hidden_size"]),
            deepstack_layers=len(config.vision["deepstack_visual_indexes"]),
            vocabulary=int(config.text["vocab_size"]),
            image_rows=config.images.height_px // merged,
            image_columns=config.images.width_px // merged,
            frames_per_image=config.images.frames_per_image,
            image_id=int(config.backbone["image_token_id"]),
            pad_id=int(config.text["pad_token_id"]),
            reasoning_end_id=tokenizer.id("<|cot_end|>"),
            future_start_id=tokenizer.id("<|traj_future_start|>"),
            future_end_id=tokenizer.id("<|traj_future_end|>"),
            trajectory_start_id=tokenizer.trajectory_start,
            trajectory_tokens=TRAJECTORY_TOKENS,
            future_tokens=FUTURE_TOKENS,
            waypoints=config.waypoints,
            flow_steps=config.flow_steps,
        )

    def save(self, folder: Path) -> None:
        """Write the manifest into a folder."""
        (folder / MANIFEST_FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Return an export folder's manifest; InputError for a folder that is none."""
        path = folder / MANIFEST_FILE
        if not path.is_file():
            raise InputError(f"{folder} holds no export: it has no {MANIFEST_FILE}; `alpamayo export` makes one")
        content: dict[str, Any] = read_json(path)
        names = {own.name for own in fields(cls)}
        if set(content) != names:
            raise InputError(f"{path}: expected {', '.join(sorted(names))}; found {', '.join(sorted(content))}")
        return cls(**content)
