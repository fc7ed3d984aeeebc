"""How fast a collection went, and what it brought."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from alpamayo_scenarios.benchmark.store import ResultStore
from alpamayo_scenarios.route_run import AGENT_NOTES_FILE
from alpamayo_training.data.driving_dataset import DrivingDataset


def collection_figures(store: ResultStore, drive: Callable[[], None]) -> dict[str, Any]:
    """Drive, and return the flat figures of it: simulated hours per wall hour, and where the wall-clock time went."""
    before = {task.task_id for task in store.plan.tasks if store.is_complete(task)}
    load_before, begun_s = os.getloadavg()[0], time.perf_counter()
    drive()
    wall_s = time.perf_counter() - begun_s
    results = {result.identity.episode_id: result for result in store.results()}
    new = [result for name, result in results.items() if name not in before]
    simulated_s = sum(result.duration_s for result in new)
    return {
        "episodes": len(results),
        "episodes_new": len(new),
        "simulated_h": round(sum(result.duration_s for result in results.values()) / 3600.0, 4),
        "wall_s": round(wall_s, 1),
        "simulated_h_per_wall_h": round(simulated_s / wall_s, 3) if new else 0.0,
        "load_1min": round((load_before + os.getloadavg()[0]) / 2.0, 1),
        **_shares(store, (result.identity.episode_id for result in new), sum(result.wall_time_s for result in new)),
        "success_rate_percent": round(100.0 * sum(r.success for r in results.values()) / max(1, len(results)), 1),
    }


def _shares(store: ResultStore, episodes: Iterable[str], driving_s: float) -> dict[str, float]:
    """Shares of the episodes' wall-clock time: the driver, waiting for pictures, encoding and writing them."""
    spent: dict[str, float] = {}
    for name in episodes:
        notes = json.loads((store.run.episode_folder(name) / AGENT_NOTES_FILE).read_text(encoding="utf-8"))
        for part, seconds in notes.get("wall_s", {}).items():
            spent[part] = spent.get(part, 0.0) + seconds
    return {f"{part}_share": round(seconds / driving_s, 3) for part, seconds in spent.items() if driving_s > 0.0}


def figures_text(figures: dict[str, Any], dataset: DrivingDataset) -> str:
    """Return the figures of a collection as a few lines."""
    splits = {name: len(dataset.of_split(name)) for name in ("train", "val", "test")}
    frames = sum(info.frame_count for info in dataset.episodes)
    lines = [
        f"{len(dataset.episodes)} episodes, {frames} frames, {figures['simulated_h']:.3f} h; "
        + ", ".join(f"{name} {count}" for name, count in splits.items())
    ]
    if figures["episodes_new"]:
        shares = ", ".join(
            f"{name.removesuffix('_share')} {100.0 * value:.0f} %"
            for name, value in figures.items()
            if name.endswith("_share")
        )
        lines.append(
            f"{figures['simulated_h_per_wall_h']:.2f} simulated hours per wall hour ({figures['episodes_new']} episodes in "
            f"{figures['wall_s']:.0f} s, load {figures['load_1min']:.1f}); of an episode's time: {shares}"
        )
    lines += [f"not in the dataset: {reason}" for reason in dataset.about.dropped]
    return "\n".join([*lines, f"dataset: {dataset.folder}"])
