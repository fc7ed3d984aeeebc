"""Testing the probe on sets that it has never seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alpamayo_training.learnability.dataset import SampleSet
from alpamayo_training.learnability.evaluation import Predictions, measure_all, misses
from alpamayo_training.learnability.labels import LightState
from alpamayo_training.learnability.model import Probe
from alpamayo_training.learnability.pictures import write_sheet
from alpamayo_training.learnability.weights import best_device, load_probe

_BATCH = 256


def predict(model: Probe, one: SampleSet) -> Predictions:
    """Return what a probe says of a set."""
    device = next(model.parameters()).device
    rows: list[dict[str, np.ndarray[Any, Any]]] = []
    with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
        for first in range(0, len(one.labels), _BATCH):
            pictures = torch.from_numpy(np.ascontiguousarray(one.pictures[first : first + _BATCH])).to(device)
            answers = model(pictures)
            rows.append(
                {
                    "light": answers.light.softmax(dim=1).float().cpu().numpy(),
                    **{
                        field.name: getattr(answers, field.name).float().cpu().numpy()
                        for field in fields(Predictions)
                        if field.name != "light"
                    },
                }
            )
    return Predictions(**{name: np.concatenate([row[name] for row in rows]).astype(np.float64) for name in rows[0]})


def test(
    sets: Sequence[SampleSet], weights: Path, images: Path, pictures: int
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the figures by town and condition, and what misses its bound; writes labelled pictures of every town."""
    model = load_probe(weights, best_device())
    towns = list(dict.fromkeys(one.about.towns[0] for one in sets))
    labels, said = [], []
    for one in sets:
        predictions = predict(model, one)
        rows = one.labels.copy()
        rows["town"] = towns.index(one.about.towns[0])
        labels.append(rows)
        said.append(predictions)
        if pictures:
            numbers = np.linspace(0, len(one.labels) - 1, pictures).astype(int).tolist()
            lines = [says(predictions, n) for n in numbers]
            write_sheet(images / f"learnability_{one.about.towns[0].lower()}.jpg", one, numbers, lines)
    joined = Predictions(**{f.name: np.concatenate([getattr(p, f.name) for p in said]) for f in fields(Predictions)})
    figures = measure_all(np.concatenate(labels), joined, towns)
    return figures, misses(figures)


def says(said: Predictions, number: int) -> str:
    """Return the probe's answers for one sample in words."""
    best = int(said.light[number].argmax())
    return (
        f"probe: light {LightState(best).name.lower()} ({said.light[number, best]:.0%})   "
        f"lead {_chance(said.lead[number]):.0%} {said.lead_distance_m[number]:.1f} m   "
        f"offset {said.lateral_offset_m[number]:+.2f} m   pedestrian {_chance(said.pedestrian[number]):.0%}   "
        f"stop sign {_chance(said.stop_sign[number]):.0%}"
    )


def _chance(logit: float) -> float:
    return float(1.0 / (1.0 + np.exp(-np.clip(logit, -30.0, 30.0))))
