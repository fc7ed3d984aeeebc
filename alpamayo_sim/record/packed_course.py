"""The course of an episode as the report carries it: whole-numbered differences, deflated, in base64.

A minute of driving among ten others takes about 10 kB. The page unpacks a course when its row is opened, with the browser's own
`DecompressionStream`; `course.js` is the other side of this file.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCALES = {
    "time_s": 0.01, "speed_kmh": 0.1, "limit_kmh": 1.0, "throttle": 0.01, "brake": 0.01, "steer": 0.005, "light": 1.0,
    "x_m": 0.05, "y_m": 0.05, "yaw_deg": 0.5, "progress_m": 0.5,
}  # fmt: skip
"""The step of every column; what is carried is right to half a step."""
PLACE_M = 0.1
_YAW_DEG = 1.0


def pack(value: Mapping[str, Any]) -> str:
    """Return a JSON value, deflated (zlib) and in base64; a lone surrogate in a text becomes '?'."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode("utf-8", errors="replace"), 9)).decode("ascii")


def unpack(packed: str) -> dict[str, Any]:
    """Return what `pack` was given."""
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def differences(values: Sequence[float] | NDArray[np.float64], step: float) -> list[int]:
    """Return the first value and then every value's difference from the one before, in whole steps."""
    whole = np.round(np.asarray(values, dtype=np.float64) / step).astype(np.int64)
    return np.diff(whole, prepend=0).tolist()


def course(timeline: Mapping[str, Any], *, sample_every: int, near_every: int) -> dict[str, Any]:
    """Return a timeline (`read_timeline`) in whole numbers, every `sample_every`-th sample and `near_every`-th moment."""
    columns: dict[str, list[int]] = {}
    for name, step in SCALES.items():
        values = np.array(timeline[name][::sample_every], dtype=np.float64)
        if name == "yaw_deg":
            values = np.unwrap(values, period=360.0)
        columns[name] = differences(values, step)
    return {
        "scales": SCALES,
        "columns": columns,
        "near": _tracks(timeline["near"], near_every),
        "plans": [
            [plan["time_s"], *(differences([point[k] for point in plan["points"]], PLACE_M) for k in (0, 1))]
            for plan in timeline["plans"]
        ],
        "thoughts": timeline["thoughts"],
        "scenarios": timeline["scenarios"],
    }


def _tracks(moments: Sequence[Mapping[str, Any]], every: int) -> dict[str, Any]:
    """The actors near: for each stretch of moments at which one was there, its poses.

    A track is [type, length, width, first moment, x, y, yaw] in steps of `PLACE_M` and whole degrees.
    """
    shapes: dict[int, list[Any]] = {}
    poses: dict[int, list[float]] = {}
    running: dict[int, tuple[int, list[list[float]]]] = {}
    times: list[float] = []
    tracks: list[list[Any]] = []

    def end(actor_id: int) -> None:
        first, rows = running.pop(actor_id)
        array = np.array(rows)
        yaw = np.unwrap(array[:, 2], period=360.0)
        type_id, half_length, half_width = shapes[actor_id]
        tracks.append(
            [
                type_id,
                round(2.0 * half_length, 2),
                round(2.0 * half_width, 2),
                first,
                differences(array[:, 0], PLACE_M),
                differences(array[:, 1], PLACE_M),
                differences(yaw, _YAW_DEG),
            ]
        )

    for number, moment in enumerate(moments):
        for actor_id, *shape in moment.get("shapes", ()):
            shapes[actor_id] = shape
        for actor_id, *pose in moment.get("moved", ()):
            poses[actor_id] = pose
        for actor_id in moment.get("gone", ()):
            poses.pop(actor_id, None)
        if number % every:
            continue
        for actor_id in [i for i in running if i not in poses]:
            end(actor_id)
        for actor_id, pose in poses.items():
            running.setdefault(actor_id, (len(times), []))[1].append(pose)
        times.append(moment["time_s"])
    for actor_id in list(running):
        end(actor_id)
    return {"time_s": differences(times, SCALES["time_s"]), "tracks": tracks}


def stride(count: int, least: int, most: int) -> int:
    """Return by how much to thin `count` samples: `least`, or more where over `most` would be left."""
    return max(least, math.ceil(count / most))
