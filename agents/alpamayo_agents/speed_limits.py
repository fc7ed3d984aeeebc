"""How fast the path may be driven: legal limit, lateral acceleration, and what lies ahead of both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LATERAL_ACCELERATION_MPS2 = 2.5
MIN_CURVE_SPEED_MPS = 2.5


def curve_speed(curvature_per_m: Array, lateral_mps2: float = LATERAL_ACCELERATION_MPS2) -> Array:
    """Return the speeds in m/s at which a curvature [N] makes so much lateral acceleration."""
    speed = np.sqrt(lateral_mps2 / np.maximum(1e-4, np.abs(curvature_per_m)))
    return np.maximum(MIN_CURVE_SPEED_MPS, speed)


def braking_envelope(speed_mps: Array, step_m: float, deceleration_mps2: float) -> Array:
    """Return the highest speeds [N] not above `speed_mps` that a constant deceleration can always bring down in time."""
    square = speed_mps**2
    along = np.arange(len(square)) * (2.0 * deceleration_mps2 * step_m)
    return np.sqrt(np.maximum(0.0, np.minimum.accumulate((square + along)[::-1])[::-1] - along))
