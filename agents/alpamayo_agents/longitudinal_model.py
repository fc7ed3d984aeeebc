"""Throttle and brake for a wanted acceleration: measured response of CARLA's Lincoln MKZ 2020, inverted."""

from __future__ import annotations

import numpy as np

_SPEED_KMH = np.array([5.0, 15.0, 25.0, 35.0, 45.0, 55.0, 65.0, 75.0, 85.0, 95.0, 105.0, 115.0])
_THROTTLE = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
_ACCELERATION_MPS2 = np.array(
    [
        [1.07, 0.41, 0.58, 0.35, 0.45, 0.42, 0.52, 0.53, 0.4, 0.3, 0.3, 0.3],
        [2.01, 1.39, 2.0, 1.5, 1.15, 0.81, 0.72, 0.75, 0.77, 0.73, 0.6, 0.5],
        [2.89, 2.50, 3.3, 2.9, 2.13, 1.75, 1.34, 1.11, 0.95, 0.96, 0.95, 0.85],
        [3.50, 3.30, 3.95, 3.7, 3.13, 2.6, 2.1, 1.46, 1.3, 1.3, 1.25, 1.1],
        [4.26, 4.5, 4.9, 4.9, 3.9, 3.21, 2.80, 1.95, 1.81, 1.6, 1.4, 1.4],
        [4.83, 6.0, 5.57, 5.5, 4.5, 4.0, 3.09, 2.60, 2.4, 1.8, 1.65, 1.7],
    ]
)
"""Mean acceleration by throttle and by 10 km/h bin, from rest on the flat (20 Hz traces), smoothed over gear shifts."""
_COAST_SPEED_MPS = np.array([0.0, 3.0, 7.0, 10.0, 11.0, 13.0, 15.0, 30.0])
_COAST_MPS2 = np.array([2.5, 3.2, 4.0, 3.8, 2.8, 2.2, 0.9, 0.9])
"""Deceleration with neither throttle nor brake: the engine brakes hard in low gears."""
BRAKE_MPS2 = 5.4
"""Deceleration that the brake adds at brake = 1 while the wheels roll."""


def hold_throttle(speed_mps: float) -> float:
    """Return the throttle that keeps a speed on the flat (PDM-Lite's fit)."""
    c = min(speed_mps * 3.6, 74.0) / 100.0
    return max(0.0, 1.199 * c - 0.806 * c * c)


def pedals(speed_mps: float, acceleration_mps2: float) -> tuple[float, float]:
    """Return (throttle, brake), each in [0, 1], that make an acceleration at a speed."""
    coast = -float(np.interp(speed_mps, _COAST_SPEED_MPS, _COAST_MPS2))
    if acceleration_mps2 < coast:
        return 0.0, min(1.0, (coast - acceleration_mps2) / BRAKE_MPS2)
    row = [float(np.interp(speed_mps * 3.6, _SPEED_KMH, line)) for line in _ACCELERATION_MPS2]
    hold = min(hold_throttle(speed_mps), 0.45)
    throttle = np.interp(
        acceleration_mps2, np.maximum.accumulate([coast, 0.0, 0.05, *row]), [0.0, hold, max(hold, 0.3), *_THROTTLE]
    )
    return float(throttle), 0.0
