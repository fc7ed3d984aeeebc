"""The numbers: what the probe's answers are worth, by town and condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_training.learnability.labels import HIDDEN, Condition

Array = NDArray[np.float64]
NEAR_M, FAR_M = 25.0, 40.0
BOUNDS = {
    "light_accuracy_25m": 0.97, "lead_mae_m": 2.0, "lateral_mae_m": 0.15, "pedestrian_auc": 0.98, "stop_sign_auc": 0.98,
}  # fmt: skip
"""What is to be reached: at least, or at most for errors (`_mae_`)."""


@dataclass(frozen=True)
class Predictions:
    """What the probe said of N samples: `light` [N, 4] probabilities, everything else [N]."""

    light: Array
    lead: Array
    lead_distance_m: Array
    lateral_offset_m: Array
    pedestrian: Array
    stop_sign: Array

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Predictions:
        """Return the predictions of some samples."""
        return Predictions(**{name: getattr(self, name)[rows] for name in Predictions.__dataclass_fields__})


def area_under_curve(score: Array, positive: NDArray[np.bool_]) -> float:
    """Return the area under the receiver operating characteristic (Mann-Whitney U, ties count half); NaN for one class."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]
    return float((rank[positive].sum() - positives * (positives + 1) / 2.0) / (positives * negatives))


def measure(labels: NDArray[np.void], said: Predictions) -> dict[str, float]:
    """Return the figures of some samples: a number and, under `..._n`, of how many samples; NaN where there are none."""
    out: dict[str, float] = {"samples": float(len(labels))}
    light, distance = labels["light"], labels["light_distance_m"]
    right = said.light.argmax(axis=1) == light
    seen = light > 0
    for name, rows in (
        ("light_accuracy_25m", seen & (distance <= NEAR_M)),
        ("light_accuracy_25_40m", seen & (distance > NEAR_M) & (distance <= FAR_M)),
        ("light_accuracy_40_60m", seen & (distance > FAR_M)),
        ("light_accuracy_line_25m", seen & (labels["light_line_m"] <= NEAR_M)),
        ("no_light_accuracy", light == 0),
    ):
        _put(out, name, right[rows].astype(float))
    state = said.light[:, 1:].argmax(axis=1) + 1 == light
    _put(out, "light_color_accuracy_25m", state[seen & (distance <= NEAR_M)].astype(float))
    leads = labels["lead"] == 1
    _put(out, "lead_mae_m", np.abs(said.lead_distance_m - labels["lead_distance_m"])[leads])
    _put_auc(out, "lead_auc", said.lead, labels["lead"])
    counts = labels["lateral_counts"] == 1
    _put(out, "lateral_mae_m", np.abs(said.lateral_offset_m - labels["lateral_offset_m"])[counts])
    _put_auc(out, "pedestrian_auc", said.pedestrian, labels["pedestrian"])
    half = (labels["pedestrian"] == 0) | ((labels["pedestrian"] == 1) & (labels["pedestrian_visible_share"] < 0.99))
    _put_auc(out, "pedestrian_half_hidden_auc", said.pedestrian[half], labels["pedestrian"][half])
    _put_auc(out, "stop_sign_auc", said.stop_sign, labels["stop_sign"])
    for name in ("light", "lead", "pedestrian", "stop_sign"):
        there = (labels[name] > 0) | (labels[name] == HIDDEN)
        out[f"{name}_hidden_share"] = float((labels[name][there] == HIDDEN).mean()) if there.any() else float("nan")
    return out


def _put(out: dict[str, float], name: str, values: Array) -> None:
    out[name] = float(values.mean()) if len(values) else float("nan")
    out[f"{name}_n"] = float(len(values))


def _put_auc(out: dict[str, float], name: str, score: Array, label: NDArray[np.integer]) -> None:
    rows = label >= 0
    out[name] = area_under_curve(score[rows], label[rows] == 1)
    out[f"{name}_n"] = float((label == 1).sum())


def measure_all(labels: NDArray[np.void], said: Predictions, towns: Sequence[str]) -> list[dict[str, Any]]:
    """Return the figures of every town, whole and by condition; `labels["town"]` counts in `towns`."""
    rows: list[dict[str, Any]] = []
    for index, town in enumerate(towns):
        here = labels["town"] == index
        rows.append({"town": town, "condition": "all", **measure(labels[here], said.take(here))})
        for condition in Condition:
            some = here & (labels["condition"] == int(condition))
            if some.any():
                rows.append(
                    {"town": town, "condition": condition.name.lower(), **measure(labels[some], said.take(some))}
                )
    return rows


def misses(rows: Sequence[dict[str, Any]], *, least: int = 20) -> list[str]:
    """Return what does not reach its bound, of figures that come from at least `least` samples."""
    found: list[str] = []
    for row in rows:
        for name, bound in BOUNDS.items():
            value = row[name]
            if np.isnan(value) or row[f"{name}_n"] < least:
                continue
            if value > bound if "_mae_" in name else value < bound:
                found.append(f"{row['town']} {row['condition']}: {name} {value:.3f}, bound {bound:g}")
    return found


_COLUMNS = (
    ("light 25 m", "light_accuracy_25m", 100.0, "%"), ("25-40 m", "light_accuracy_25_40m", 100.0, "%"),
    ("40-60 m", "light_accuracy_40_60m", 100.0, "%"), ("line 25 m", "light_accuracy_line_25m", 100.0, "%"),
    ("no light", "no_light_accuracy", 100.0, "%"), ("lead gap", "lead_mae_m", 1.0, "m"), ("lead AUC", "lead_auc", 1.0, ""),
    ("lateral", "lateral_mae_m", 1.0, "m"), ("pedestrian AUC", "pedestrian_auc", 1.0, ""),
    ("half hidden", "pedestrian_half_hidden_auc", 1.0, ""), ("stop sign AUC", "stop_sign_auc", 1.0, ""),
)  # fmt: skip


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return a Markdown table of figures, each with the number of samples (of positives, for AUC) in brackets."""
    lines = ["| town | condition | " + " | ".join(title for title, *_ in _COLUMNS) + " |"]
    lines.append("|---|---" + "|---" * len(_COLUMNS) + "|")
    for row in rows:
        cells: list[str] = []
        for _, name, scale, unit in _COLUMNS:
            value, count = row[name], int(row[f"{name}_n"])
            digits = 1 if unit == "%" else 2 if unit == "m" else 4
            text = "-" if np.isnan(value) else f"{value * scale:.{digits}f}{' ' + unit if unit else ''} ({count})"
            cells.append(text)
        lines.append(f"| {row['town']} | {row['condition']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
