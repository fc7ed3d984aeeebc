"""The card of a trained model: what it is, what it was trained on and how, and how good it was found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alpamayo_sim.model.config import ModelConfig


@dataclass(frozen=True)
class Origin:
    """Where a model comes from."""

    preset: str
    began_from: str
    """A checkpoint, "random weights", or a Qwen3-VL."""
    data: str
    labels: str
    samples: Mapping[str, int]
    """By split."""
    command: str
    versions: Mapping[str, str]


def model_card(
    config: ModelConfig,
    parameters: int,
    origin: Origin,
    settings: Mapping[str, Any],
    progress: Mapping[str, Any],
    figures: Mapping[str, float],
) -> str:
    """Return the card as Markdown with front matter."""
    front = {
        "library_name": "alpamayo-sim",
        "pipeline_tag": "robotics",
        "tags": ["driving", "vision-language-action", "carla"],
    }
    lines = ["---", *(f"{name}: {json.dumps(value)}" for name, value in front.items()), "---", ""]
    lines += [f"# A driving model of the preset `{origin.preset}`", ""]
    lines += [
        f"{parameters:,} parameters. It sees {config.images.frames_per_camera} frames of every camera at "
        f"{config.images.width_px}x{config.images.height_px}, says why in words, and plans {config.waypoints} waypoints at "
        "10 Hz.",
        "Trained in simulation; not for a car on a road.",
        "",
        "## Training",
        "",
        f"- began from: {origin.began_from}",
        f"- data: {origin.data}; labels: {origin.labels or 'none'}; samples "
        + ", ".join(f"{name} {count:,}" for name, count in origin.samples.items()),
        f"- updates: {progress.get('step', 0):,}; samples seen: {progress.get('samples', 0):,}; "
        f"time: {progress.get('seconds', 0.0) / 60.0:.1f} min",
        f"- command: `{origin.command}`",
        f"- versions: {', '.join(f'{name} {value}' for name, value in origin.versions.items())}",
        "",
        "```json",
        json.dumps(settings, indent=1),
        "```",
        "",
        "Actions are normalised with "
        + ", ".join(f"{name} {value:.6g}" for name, value in config.action_statistics.items())
        + " (m/s^2, 1/m).",
        "",
    ]
    if figures:
        lines += ["## Open loop, on drives it was not trained on", "", "| figure | value |", "|---|---|"]
        lines += [f"| {name} | {value:.4g} |" for name, value in figures.items()]
        lines += [
            "",
            "minADE_6: mean distance in the plane over the 64 points to 6.4 s, of the nearest of 6 samples over all 6.4 s.",
            "",
        ]
    return "\n".join(lines)
