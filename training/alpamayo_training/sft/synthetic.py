"""Made-up drives whose pictures show what is to be done: for tests, and for benchmarks of training without a dataset.

A light on a pole is red or green, a lane bends to one side, and the car brakes for the red one and follows the bend. Nothing of
it is to be learned for driving.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG
from alpamayo_sim.policy.observation import HISTORY_POINTS
from alpamayo_sim.policy.plan import PLAN_POINTS
from alpamayo_sim.policy.unicycle import drive
from alpamayo_training.sft.sample_table import About, SampleTable

NAME = "synthetic"
_BENDS = ((-0.03, "right", "steer_right"), (0.0, "straight", "go_straight"), (0.03, "left", "steer_left"))
_SPEEDS_MPS = (4.0, 8.0)
_ROUND = 12
"""Kinds of moments: two lights, three bends, two speeds."""


@dataclass(frozen=True)
class SyntheticFrames:
    """Pictures that are drawn when asked for, by the kind of moment."""

    moments: int
    cameras: int
    height_px: int
    width_px: int
    seed: int

    @property
    def shape(self) -> tuple[int, ...]:
        """[moments, camera, height, width, 3]."""
        return (self.moments, self.cameras, self.height_px, self.width_px, 3)

    def __getitem__(self, rows: Any, /) -> NDArray[np.uint8]:
        """Return pictures [..., camera, height, width, 3] of moments [...]."""
        wanted = np.arange(self.moments)[rows]
        pictures = np.stack([self._moment(int(row)) for row in np.ravel(wanted)])
        return pictures.reshape(*np.shape(wanted), *self.shape[1:])

    def _moment(self, row: int) -> NDArray[np.uint8]:
        red, bend, _ = kind_of(row)
        height, width = self.height_px, self.width_px
        own = np.random.default_rng([self.seed, row])
        picture = own.integers(90, 110, (self.cameras, height, width, 3)).astype(np.uint8)
        picture[:, height // 2 :] //= 2
        y = np.arange(height // 2, height)
        ahead = (height - y) / (height / 2)
        center = width / 2 - _BENDS[bend][0] * 10.0 * ahead**2 * width
        x = np.arange(width)
        lane = np.abs(x[None] - center[:, None]) < width * (0.03 + 0.1 * (1.0 - ahead))[:, None]
        picture[:, height // 2 :][:, lane] = (230, 230, 210)
        lamp = (255, 0, 0) if red else (0, 255, 0)
        size, left = height // 4, int(own.integers(width // 8, width // 2))
        picture[:, size // 2 : size // 2 + size, left : left + size] = lamp
        return picture


def kind_of(row: int) -> tuple[bool, int, int]:
    """Return of a moment whether the light is red, which bend lies ahead, and which speed the car has."""
    return row % 2 == 0, row // 2 % 3, row // 6 % 2


def synthetic_table(
    samples: int, *, width_px: int, height_px: int, frames_per_camera: int = 4, cameras: int = 4, seed: int = 0
) -> SampleTable:
    """Return a table of made-up samples; every fifth round of kinds is of the split val, and all others are train."""
    own = np.random.default_rng(seed)
    acceleration = np.zeros((samples, PLAN_POINTS))
    curvature = np.zeros((samples, PLAN_POINTS))
    history = np.zeros((samples, HISTORY_POINTS, 3))
    future = np.zeros((samples, PLAN_POINTS, 3))
    reasoning: list[str] = []
    navigation: list[str] = []
    decisions: list[tuple[str, str]] = []
    for row in range(samples):
        red, bend, pace = kind_of(row)
        speed = _SPEEDS_MPS[pace] + float(own.normal(0.0, 0.3))
        acceleration[row] = -speed / 3.0 * (np.arange(PLAN_POINTS) < 30) if red else 0.3
        curvature[row] = _BENDS[bend][0]
        history[row, :, 0] = speed * 0.1 * np.arange(1 - HISTORY_POINTS, 1)
        future[row, :, :2] = drive(acceleration[row], curvature[row], speed)[:, :2]
        cause = "the traffic light is red" if red else "the light is green"
        way = "keep the lane" if bend == 1 else f"follow the curve to the {_BENDS[bend][1]}"
        reasoning.append(f"{'Stop' if red else 'Accelerate'} and {way} because {cause}.")
        navigation.append("" if bend == 1 else f"Turn {_BENDS[bend][1]} in 30m")
        decisions.append(
            ("stop_for_static_constraint" if red else "set_speed_tracking", "lane_keeping" if bend == 1 else "turn")
        )
    rounds = np.arange(samples) // _ROUND
    return SampleTable(
        about=About(
            f"{NAME}:{samples}",
            "made up",
            ALPAMAYO_RIG.names[:cameras],
            width_px,
            height_px,
            frames_per_camera,
            1,
            samples,
        ),
        frames=SyntheticFrames(samples, cameras, height_px, width_px, seed),
        frame_rows=np.repeat(np.arange(samples)[:, None], frames_per_camera, axis=1),
        history_xyz=history,
        history_rotation=np.broadcast_to(np.eye(3), (samples, HISTORY_POINTS, 3, 3)).copy(),
        future_xyz=future,
        acceleration_mps2=acceleration.astype(np.float32),
        curvature_per_m=curvature.astype(np.float32),
        episode=rounds,
        frame_index=np.arange(samples),
        split=np.where(rounds % 5 == 4, 1, 0),
        is_key=np.arange(samples) % 4 == 0,
        navigation=tuple(navigation),
        reasoning=tuple(reasoning),
        decisions=tuple(decisions),
    )
