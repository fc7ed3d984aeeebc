"""Bench2Drive's `metric_info.json`, from which its tools compute comfort: how the ego moved, tick by tick."""

from __future__ import annotations

import json
from pathlib import Path

from alpamayo_sim.frames import rotation_matrix
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.record.run_folder import write_text

FILE = "metric_info.json"
_DIGITS = 6


class MetricInfo:
    """Collects the ticks of an episode; keys and order of numbers are those of Bench2Drive's agents."""

    def __init__(self) -> None:
        self._rows: list[str] = []

    def add(self, tick: TickRecord) -> None:
        """Take the next tick."""
        pose = tick.ego.transform
        axes = rotation_matrix(pose.pitch, pose.yaw, pose.roll)
        info = {
            "acceleration": tick.acceleration_mps2,
            "angular_velocity": tick.angular_velocity_dps,
            "forward_vector": axes[:, 0].tolist(),
            "right_vector": axes[:, 1].tolist(),
            "location": pose[:3],
            "rotation": (pose.roll, pose.pitch, pose.yaw),
        }
        rounded = {name: [round(float(value), _DIGITS) for value in values] for name, values in info.items()}
        self._rows.append(f'"{len(self._rows)}":{json.dumps(rounded, separators=(",", ":"))}')

    def write(self, folder: Path) -> None:
        """Write the file into an episode's folder, which Bench2Drive's tools know as its save name."""
        write_text(folder / FILE, "{" + ",\n".join(self._rows) + "}\n")
