"""How hard the ride was: accelerations and jerk in the ego's own directions."""

from __future__ import annotations

import math
from collections import deque
from typing import ClassVar

import numpy as np

from alpamayo_sim.metrics.infraction import Infraction
from alpamayo_sim.metrics.tick import TickRecord

_SMOOTH = np.array([-2.0, 3.0, 6.0, 7.0, 6.0, 3.0, -2.0]) / 21.0
_SLOPE = np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]) / 28.0
"""Savitzky-Golay filters of window 7 and order 2: the value and the first derivative (per step) at the middle sample.
"""


class Comfort:
    """The extremes of smoothed longitudinal and lateral acceleration and of longitudinal jerk, in SI units."""

    name: ClassVar[str] = "comfort"

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float, float]] = deque(maxlen=len(_SMOOTH))
        self._max_jerk = 0.0
        self._max_lateral = 0.0
        self._max_acceleration = 0.0
        self._max_deceleration = 0.0

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Take one sample; discomfort is measured and is no infraction, so the list is empty."""
        yaw = math.radians(tick.ego.transform.yaw)
        ax, ay, _ = tick.acceleration_mps2
        longitudinal = ax * math.cos(yaw) + ay * math.sin(yaw)
        lateral = ay * math.cos(yaw) - ax * math.sin(yaw)
        self._samples.append((tick.time_s, longitudinal, lateral))
        if len(self._samples) == self._samples.maxlen:
            window = np.array(self._samples)
            step_s = (window[-1, 0] - window[0, 0]) / (len(window) - 1)
            smooth = _SMOOTH @ window[:, 1:]
            self._max_acceleration = max(self._max_acceleration, float(smooth[0]))
            self._max_deceleration = max(self._max_deceleration, -float(smooth[0]))
            self._max_lateral = max(self._max_lateral, abs(float(smooth[1])))
            if step_s > 0.0:
                self._max_jerk = max(self._max_jerk, abs(float(_SLOPE @ window[:, 1])) / step_s)
        return []

    def finish(self) -> list[Infraction]:
        """Return nothing."""
        return []

    def values(self) -> dict[str, float]:
        """Return the extremes so far."""
        return {
            "longitudinal_jerk_max_mps3": self._max_jerk,
            "lateral_acceleration_max_mps2": self._max_lateral,
            "acceleration_max_mps2": self._max_acceleration,
            "deceleration_max_mps2": self._max_deceleration,
        }
