"""Testing the probe on sets that it has never seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from alpamayo_training.learnability.dataset import SampleSet
from alpamayo_training.learnability.evaluation import FAR_M, Predictions, measure_all, misses
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
            pictures = torch.from_numpy(np.array(one.pictures[first : first + _BATCH])).to(device)
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
    """Return the figures by town and condition, and what misses its bound.

    Writes `pictures` samples of every town with the probe's answers to `images`, and as many of the worst answers of every task.
    """
    model = load_probe(weights, best_device())
    towns = list(dict.fromkeys(one.about.towns[0] for one in sets))
    rows: list[NDArray[np.void]] = []
    answers: list[Predictions] = []
    for one in sets:
        answers.append(predict(model, one))
        rows.append(one.labels.copy())
        rows[-1]["town"] = towns.index(one.about.towns[0])
    labels = np.concatenate(rows)
    said = Predictions(**{f.name: np.concatenate([getattr(p, f.name) for p in answers]) for f in fields(Predictions)})
    figures = measure_all(labels, said, towns)
    if pictures:
        where = [(one, k) for one in sets for k in range(len(one.labels))]
        for index, town in enumerate(towns):
            here = np.flatnonzero(labels["town"] == index)
            spread = here[np.linspace(0, len(here) - 1, pictures).astype(int)]
            _draw(images / f"learnability_{town.lower()}.jpg", where, spread, said)
        for task, order in worst(labels, said).items():
            if len(order):
                _draw(images / f"worst_{task}.jpg", where, order[:pictures], said)
    return figures, misses(figures)


def worst(labels: NDArray[np.void], said: Predictions) -> dict[str, NDArray[np.int64]]:
    """Return the samples that each task's answers are farthest off for, worst first; of the light only wrong ones within 40 m."""
    light = labels["light"]
    chance = said.light[np.arange(len(light)), np.maximum(light, 0)]
    wrong = (said.light.argmax(axis=1) != light) & (light > 0) & (labels["light_distance_m"] <= FAR_M)
    found = {"light": _largest(1.0 - chance, wrong)}
    found["lead"] = _largest(np.abs(said.lead_distance_m - labels["lead_distance_m"]), labels["lead"] == 1)
    offset = np.abs(said.lateral_offset_m - labels["lateral_offset_m"])
    found["lateral"] = _largest(offset, labels["lateral_counts"] == 1)
    for task in ("pedestrian", "stop_sign"):
        score: NDArray[np.float64] = getattr(said, task)
        there = labels[task] == 1
        found[f"{task}_missed"] = _largest(-score, there)
        found[f"{task}_imagined"] = _largest(score, labels[task] == 0)
    return found


def _largest(values: NDArray[np.float64], rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    indices = np.flatnonzero(rows)
    return indices[np.argsort(-values[indices], kind="stable")]


def _draw(path: Path, where: list[tuple[SampleSet, int]], rows: NDArray[np.int64], said: Predictions) -> None:
    write_sheet(path, [where[int(n)] for n in rows], [says(said, int(n)) for n in rows])


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
