"""What the tower is worth on towns it has never seen: the learnability probe's table, and figures of the dense head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alpamayo_training.learnability.evaluation import Predictions, measure_all
from alpamayo_training.pretraining import cells as c
from alpamayo_training.pretraining.feed import Batch, Feed
from alpamayo_training.pretraining.losses import CENTER_UNIT_PX, OFFSET_UNIT_M, Target, metres_of, targets_of
from alpamayo_training.pretraining.network import Network, Said, pictures_of
from alpamayo_training.pretraining.shards import Shard

_BATCH = 64
AIMS = (
    ("light_accuracy_25m", 0.95, "light state, head within 25 m"),
    ("pedestrian_auc", 0.98, "pedestrian in lane, AUC"),
    ("lateral_mae_m", 0.05, "lateral offset"),
)
"""What the tower is trained for: at least, the last at most."""


@dataclass(frozen=True)
class Evaluation:
    """`rows` are the probe's figures by town and condition, `dense` the dense head's by town."""

    rows: list[dict[str, Any]]
    dense: list[dict[str, Any]]

    def flat(self) -> dict[str, float]:
        """Return the whole towns' figures as flat numbers, NaN left out."""
        found: dict[str, float] = {}
        for row in self.rows:
            if row["condition"] == "all":
                found |= {f"{row['town'].lower()}_{name}": row[name] for name, _, _ in AIMS}
                found |= {
                    f"{row['town'].lower()}_{name}": row[name] for name in ("lead_mae_m", "lead_auc", "stop_sign_auc")
                }
        for row in self.dense:
            found |= {f"{row['town'].lower()}_dense_{name}": value for name, value in row.items() if name != "town"}
        return {name: round(float(value), 5) for name, value in found.items() if np.isfinite(value)}


def evaluate(network: Network, shards: Sequence[Shard], device: torch.device) -> Evaluation:
    """Return the figures of a network on test shards."""
    network.eval()
    towns = list(dict.fromkeys(shard.about.town for shard in shards))
    labels: list[NDArray[np.void]] = []
    said: list[Predictions] = []
    counts = {town: _Counts() for town in towns}
    for shard in shards:
        feed = Feed(len(shard), shard, device)
        feed.add(shard)
        for first in range(0, len(shard), _BATCH):
            rows = torch.arange(first, min(first + _BATCH, len(shard)))
            batch = feed.batch(rows)
            dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
            with (
                torch.inference_mode(),
                torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"),
            ):
                out = network(pictures_of(batch.frames, None, dtype))
                counts[shard.about.town].add(out, batch)
            said.append(_predictions(out))
        own = shard.labels.copy()
        own["town"] = towns.index(shard.about.town)
        labels.append(own)
    together = Predictions(**{f.name: np.concatenate([getattr(p, f.name) for p in said]) for f in fields(Predictions)})
    rows = measure_all(np.concatenate(labels), together, towns)
    return Evaluation(rows, [{"town": town, **count.figures()} for town, count in counts.items()])


def _predictions(out: Said) -> Predictions:
    def numpy(values: Tensor) -> NDArray[np.float64]:
        return values.float().cpu().numpy().astype(np.float64)

    answers = out.answers
    others = {f.name: numpy(getattr(answers, f.name)) for f in fields(Predictions) if f.name != "light"}
    return Predictions(light=numpy(answers.light.softmax(dim=1)), **others)


class _Counts:
    """Sums of the dense figures of one town."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, float]] = {}

    def add(self, said: Said, batch: Batch) -> None:
        targets, dense = targets_of(batch.cells.flatten(0, 1)), said.dense[0]
        self._hits("group_accuracy", dense["group"].argmax(-1) == targets["group"].value)
        lamp = targets["light"]
        state, lit = lamp.value.argmax(-1), lamp.value.amax(-1) > 0
        sees = torch.sigmoid(dense["light"]).amax(-1) > 0.5
        right = sees & (dense["light"].argmax(-1) == state)
        known = lamp.counts[..., 0] > 0
        self._hits("lamp_cell_recall", right[lit])
        self._hits("lamp_cell_precision", (right & lit)[sees & known])
        person = c.GROUPS.index("person")
        here, found = targets["present"].value[..., person] > 0, dense["present"][..., person] > 0
        self._hits("person_cell_recall", found[here])
        self._hits("person_cell_precision", here[found])
        in_lane = targets["person_in_lane"].value[..., 0] > 0
        self._hits("person_in_lane_cell_recall", (dense["person_in_lane"][..., 0] > 0)[in_lane])
        lane = targets["lane"]
        self._hits("lane_accuracy", (dense["lane"].argmax(-1) == lane.value)[lane.counts > 0])
        brake = targets["brake"]
        self._hits("brake_accuracy", ((dense["brake"] > 0) == (brake.value > 0))[brake.counts > 0])
        depth, true = metres_of(dense["depth"]), metres_of(targets["depth"].value)
        near = true < 0.9 * c.FARTHEST_M
        self._mean("depth_relative_error", ((depth - true).abs() / true)[near])
        self._error("lane_offset_error_m", dense["lane_offset"], targets["lane_offset"], OFFSET_UNIT_M)
        self._error("center_error_px", dense["center"], targets["center"], CENTER_UNIT_PX)
        self._error("log_flow_error", dense["flow"], targets["flow"], 1.0)

    def _hits(self, name: str, hits: Tensor) -> None:
        self._mean(name, hits.float())

    def _error(self, name: str, said: Tensor, target: Target, unit: float) -> None:
        self._mean(name, ((said - target.value).abs() * unit)[target.counts > 0])

    def _mean(self, name: str, values: Tensor) -> None:
        total, count = self._sums.get(name, (0.0, 0.0))
        self._sums[name] = total + float(values.double().sum()), count + values.numel()

    def figures(self) -> dict[str, float]:
        """Return the means, NaN of nothing."""
        return {name: total / count if count else float("nan") for name, (total, count) in self._sums.items()}


def dense_table(evaluation: Evaluation) -> str:
    """Return the dense head's figures as a Markdown table."""
    names = [name for name in evaluation.dense[0] if name != "town"]
    lines = ["| town | " + " | ".join(name.replace("_", " ") for name in names) + " |", "|---" * (1 + len(names)) + "|"]
    lines += [
        "| " + " | ".join([row["town"], *(f"{row[name]:.3f}" for name in names)]) + " |" for row in evaluation.dense
    ]
    return "\n".join(lines)


def missed_aims(evaluation: Evaluation) -> list[str]:
    """Return in words which aims whole towns miss; figures of fewer than 20 samples are not judged."""
    found: list[str] = []
    for row in evaluation.rows:
        if row["condition"] != "all":
            continue
        for name, bound, title in AIMS:
            value = row[name]
            if row[f"{name}_n"] >= 20 and (value > bound if "_mae_" in name else value < bound):
                found.append(f"{row['town']}: {title} {value:.3f}, aim {bound:g}")
    return found
