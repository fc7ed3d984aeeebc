"""What a driving model is made of: frozen settings that a checkpoint stores as JSON beside its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.action_statistics import PUBLISHED_STATISTICS

CONFIG_FILE = "config.json"
RELEASES = ("alpamayo1_5", "alpamayo_r1")
"""`model_type` in the folders of the published models."""
FORMAT = "alpamayo-sim-model-1"


@dataclass(frozen=True)
class ExpertConfig:
    """The action expert's widths; layers, key-value heads and head width are the backbone's, since it reads its cache."""

    hidden_size: int
    intermediate_size: int
    attention_heads: int


@dataclass(frozen=True)
class ActionEmbeddingConfig:
    """How a noisy action and the flow time become the expert's inputs."""

    fourier_features: int = 20
    """Features of each of acceleration, curvature and time; half of them sines, half cosines."""
    max_frequency: float = 100.0
    layers: int = 2
    """Linear layers after the first."""
    hidden_size: int = 512
    frequency_dtype: str = "float32"
    """`bfloat16` rounds the frequencies as the published models do, which keep this module in that type."""


@dataclass(frozen=True)
class ImageConfig:
    """The pictures that the model sees."""

    width_px: int
    height_px: int
    frames_per_camera: int = 4
    frames_per_image: int = 1
    """2 folds pairs of successive frames into one temporal patch; 1 repeats the frame in it, as the published models do."""

    def __post_init__(self) -> None:
        if self.frames_per_image not in (1, 2) or self.frames_per_camera % self.frames_per_image:
            raise InputError(
                "an image holds one frame or a pair of frames of the same camera; found frames_per_image="
                f"{self.frames_per_image} for {self.frames_per_camera} frames a camera"
            )


@dataclass(frozen=True)
class ModelConfig:
    """Everything but the weights and the tokenizer."""

    preset: str
    backbone: Mapping[str, Any]
    """Arguments of transformers' `Qwen3VLConfig`."""
    expert: ExpertConfig
    images: ImageConfig
    action_embedding: ActionEmbeddingConfig = field(default_factory=ActionEmbeddingConfig)
    waypoints: int = 64
    flow_steps: int = 10
    """Euler steps of one sample, unless the caller says otherwise."""
    prompt_format: str = "alpamayo-1.5"
    action_statistics: Mapping[str, float] = field(default_factory=lambda: asdict(PUBLISHED_STATISTICS))
    """Means and deviations that the actions were normalised with, m/s^2 and 1/m."""

    @property
    def text(self) -> Mapping[str, Any]:
        """The backbone's text settings."""
        return cast("Mapping[str, Any]", self.backbone["text_config"])

    @property
    def vision(self) -> Mapping[str, Any]:
        """The backbone's vision settings."""
        return cast("Mapping[str, Any]", self.backbone["vision_config"])

    @property
    def tokens_per_image(self) -> int:
        """How many places an image takes in the text."""
        cell = int(self.vision["patch_size"]) * int(self.vision["spatial_merge_size"])
        if self.images.width_px % cell or self.images.height_px % cell:
            raise InputError(
                f"the sides of a picture are multiples of {cell} pixels; found {self.images.width_px} x {self.images.height_px}"
            )
        return (self.images.width_px // cell) * (self.images.height_px // cell)

    def with_vocabulary(self, size: int) -> ModelConfig:
        """Return the same model over a vocabulary of another size."""
        text = {**self.text, "vocab_size": size}
        return replace(self, backbone={**self.backbone, "text_config": text})

    def save(self, folder: Path) -> None:
        """Write the settings into a folder."""
        content = {"format": FORMAT, **asdict(self)}
        (folder / CONFIG_FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> ModelConfig:
        """Return the settings of a checkpoint folder; InputError that says what is wrong with it."""
        content = read_json(folder / CONFIG_FILE)
        if content.get("format") != FORMAT:
            raise InputError(
                f"{folder / CONFIG_FILE} describes another kind of model: expected format {FORMAT!r}, found "
                f"{content.get('format')!r}; a release of Alpamayo is read by `published`, Qwen3-VL by `graft`"
            )
        del content["format"]
        try:
            parts = {
                "expert": ExpertConfig(**content.pop("expert")),
                "images": ImageConfig(**content.pop("images")),
                "action_embedding": ActionEmbeddingConfig(**content.pop("action_embedding")),
            }
            return cls(**parts, **content)
        except (KeyError, TypeError) as error:
            raise InputError(f"{folder / CONFIG_FILE} lacks a setting or has one too many: {error}") from error


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON file's object; InputError if there is no such file or it holds something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(content).__name__}")
    return cast("dict[str, Any]", content)


def is_release(folder: Path) -> bool:
    """Return whether a folder holds a published model of NVIDIA's by its settings; InputError where it has none."""
    return read_json(folder / CONFIG_FILE).get("model_type") in RELEASES
