"""Samples with their labels written on them, to be looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from alpamayo_training.learnability.dataset import SampleSet
from alpamayo_training.learnability.labels import HIDDEN, UNCLEAR, Condition, LightState

_TEXT_BAND_PX = 34
_COLORS = {
    LightState.NONE: (170, 170, 170), LightState.RED: (255, 70, 60), LightState.YELLOW: (255, 210, 60),
    LightState.GREEN: (70, 230, 110),
}  # fmt: skip


def write_sheet(path: Path, samples: Sequence[tuple[SampleSet, int]], extra: Sequence[str] = ()) -> None:
    """Write samples (sets and numbers in them) one below the other, cameras side by side; `extra` is a further line for each."""
    rows = [
        _row(np.asarray(one.pictures[n]), one.labels[n], extra[k] if extra else "", one.about.towns)
        for k, (one, n) in enumerate(samples)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 88])


def _row(pictures: NDArray[np.uint8], labels: NDArray[np.void], extra: str, towns: Sequence[str]) -> NDArray[np.uint8]:
    strip = np.concatenate(list(pictures), axis=1)
    band = np.full((_TEXT_BAND_PX, strip.shape[1], 3), 24, np.uint8)
    light = int(labels["light"])
    color = _COLORS[LightState(light)] if light >= 0 else (170, 170, 170)
    parts = [
        f"{towns[int(labels['town'])]} {Condition(int(labels['condition'])).name.lower()}",
        f"light {_class(light, [state.name.lower() for state in LightState])}{_at(float(labels['light_distance_m']))}",
        f"lead {_class(int(labels['lead']))}{_at(float(labels['lead_distance_m']))}",
        f"offset {labels['lateral_offset_m']:+.2f} m" + ("" if labels["lateral_counts"] == 1 else " (not counted)"),
        f"pedestrian {_class(int(labels['pedestrian']))}{_at(float(labels['pedestrian_distance_m']))}"
        + ("" if math.isnan(labels["pedestrian_visible_share"]) else f" {labels['pedestrian_visible_share']:.0%} seen"),
        f"stop sign {_class(int(labels['stop_sign']))}{_at(float(labels['stop_sign_distance_m']))}",
    ]
    _write(band, "   ".join(parts), 13, color)
    _write(band, extra, 29, (200, 200, 200))
    return np.vstack([band, strip])


def _write(band: NDArray[np.uint8], text: str, y: int, color: tuple[int, int, int]) -> None:
    cv2.putText(band, text, (6, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, color, 1, cv2.LINE_AA)


def _class(value: int, names: Sequence[str] = ("no", "yes")) -> str:
    return "unclear" if value == UNCLEAR else "hidden" if value == HIDDEN else names[value]


def _at(distance_m: float) -> str:
    return "" if math.isnan(distance_m) else f" {distance_m:.1f} m"
