"""The course of an episode in ten samples a second: what the report plots, small enough to sit inside it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.record.route_view import RouteView
from alpamayo_sim.record.run_folder import read_json_lines

TIMELINE_FILE = "timeline.jsonl"
PERIOD_S = 0.1
COLUMNS = (
    "time_s", "speed_kmh", "limit_kmh", "throttle", "brake", "steer", "light", "x_m", "y_m", "yaw_deg", "progress_m",
)  # fmt: skip
"""`light` is the carla.TrafficLightState of the next light on the route, -1 when there is none within 60 m."""


class TimelineWriter:
    """Appends samples to `timeline.jsonl`; memory does not grow with the episode's length."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / TIMELINE_FILE).open("w", encoding="ascii")
        self._next_s = 0.0
        self._thought: tuple[str, dict[str, str]] | None = None

    def write(self, tick: TickRecord, view: RouteView) -> None:
        """Append a sample if one is due, and the reasoning if it changed."""
        if tick.time_s + 1e-6 >= self._next_s:
            self._next_s = max(self._next_s + PERIOD_S, tick.time_s + PERIOD_S / 2)
            light = view.next_light(tick)
            state = -1 if light is None or light[1] is None else light[1]
            pose, control = tick.ego.transform, tick.control
            sample = (
                tick.time_s, 3.6 * tick.speed_mps, 3.6 * tick.speed_limit_mps, control.throttle, control.brake,
                control.steer, state, pose.x, pose.y, pose.yaw, view.progress_m,
            )  # fmt: skip
            self._append({"sample": [round(v, 2) if math.isfinite(v) else 0.0 for v in sample]})
        if tick.plan is not None:
            thought = (tick.plan.reasoning, dict(tick.plan.decisions))
            if thought != self._thought and (thought[0] or thought[1]):
                self._thought = thought
                self._append(
                    {"thought": {"time_s": round(tick.time_s, 2), "text": thought[0], "decisions": thought[1]}}
                )

    def _append(self, value: dict[str, Any]) -> None:
        self._file.write(json.dumps(value, separators=(",", ":")) + "\n")

    def close(self) -> None:
        """Finish the file; safe to call twice."""
        self._file.close()


def read_timeline(folder: Path, *, max_samples: int = 2000) -> dict[str, Any]:
    """Return the columns by name, thinned to `max_samples` at most, and under "thoughts" the reasoning with times."""
    lines = read_json_lines(folder / TIMELINE_FILE)
    samples = [line["sample"] for line in lines if "sample" in line]
    stride = max(1, math.ceil(len(samples) / max_samples))
    kept = samples[::stride]
    columns: dict[str, Any] = {name: [sample[k] for sample in kept] for k, name in enumerate(COLUMNS)}
    columns["thoughts"] = [line["thought"] for line in lines if "thought" in line]
    return columns
