"""Which window of baked light a place lies in, and the sun that the window is drawn for."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.batch import WindowKey
from alpamayo_sim.render.sky import Lighting

Floats = NDArray[np.floating]
WINDOW_M = 320.0
CELL_M = 64.0
"""Windows are centred on multiples of this."""
AZIMUTH_STEP_DEG, HEIGHT_STEP_DEG = 2.0, 1.0


def window_key(x: float, y: float, light: Lighting) -> WindowKey:
    """Return the window round a place in metres."""
    sun = light.sun_direction
    azimuth = math.degrees(math.atan2(sun[1], sun[0]))
    height = math.degrees(math.asin(min(1.0, max(-1.0, sun[2]))))
    return WindowKey(
        round(x / CELL_M), round(y / CELL_M), round(azimuth / AZIMUTH_STEP_DEG), round(height / HEIGHT_STEP_DEG)
    )


def window_corner(key: WindowKey) -> tuple[float, float]:
    """Return x and y of a window's corner in metres."""
    return key.cell_x * CELL_M - 0.5 * WINDOW_M, key.cell_y * CELL_M - 0.5 * WINDOW_M


def window_uniform(key: WindowKey) -> tuple[float, float, float, float]:
    """Return x and y of the corner, 1 / size, 1."""
    return (*window_corner(key), 1.0 / WINDOW_M, 1.0)


def window_sun(key: WindowKey) -> Floats:
    """Return the direction [3] to the sun that a window is drawn for, whoever asks for it first."""
    azimuth, height = math.radians(key.azimuth * AZIMUTH_STEP_DEG), math.radians(key.height * HEIGHT_STEP_DEG)
    return np.array([math.cos(height) * math.cos(azimuth), math.cos(height) * math.sin(azimuth), math.sin(height)])
