"""From CARLA's weather to light: sun, sky, fog and wetness as the shaders take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating]
CLEAR_NOON = (5.0, 0.0, 0.0, 10.0, -1.0, 45.0, 2.0, 0.75, 0.1, 0.0, 1.0, 0.03, 0.0331, 0.0)
"""CARLA's preset, in the order of `carla.WeatherParameters`."""
BASE_EXTINCTION_PER_M = 0.0006


def _smooth(low: float, high: float, value: float) -> float:
    t = min(1.0, max(0.0, (value - low) / (high - low)))
    return t * t * (3.0 - 2.0 * t)


def _mix(a: ArrayLike, b: ArrayLike, share: float) -> Floats:
    return np.asarray(a, dtype=np.float64) * (1.0 - share) + np.asarray(b, dtype=np.float64) * share


@dataclass(frozen=True)
class Lighting:
    """Linear colours and shares, see `shaders/common.glsl`."""

    sun_direction: Floats
    """[3] unit vector to the sun, or to the moon at night."""
    sun_color: Floats
    ambient: Floats
    fog_color: Floats
    zenith: Floats
    fog_extinction_per_m: float
    night: float
    """0 by day, 1 at night."""
    wetness: float
    cloud_cover: float

    def block(self) -> bytes:
        """Return the uniform block `Light`."""
        rows = [
            [*self.sun_direction, self.night],
            [*self.sun_color, self.wetness],
            [*self.ambient, 0.55],
            [*self.fog_color, self.fog_extinction_per_m],
            [*self.zenith, self.cloud_cover],
        ]
        return np.array(rows, dtype=np.float32).tobytes()


def lighting(weather: Sequence[float]) -> Lighting:
    """Return the light under a weather of 14 numbers in the order of `carla.WeatherParameters` (-1 everywhere is clear noon)."""
    values = [float(v) for v in weather]
    if all(v < 0.0 for v in values[:4]) and values[5] <= -1.0 and values[5] > -2.0:
        values = list(CLEAR_NOON)
    share = [min(1.0, max(0.0, v / 100.0)) for v in values]
    cloud, rain, deposits, fog, wet, dust = share[0], share[1], share[2], share[6], share[9], share[13]
    azimuth, altitude = np.radians(values[4]), values[5]
    night = 1.0 - _smooth(-5.0, 6.0, altitude)
    low_sun = 1.0 - _smooth(4.0, 26.0, altitude)
    grey = max(cloud * 0.95, rain) ** 1.3
    lifted = np.radians(max(altitude, 5.0) if altitude > -3.0 else 52.0)
    direction = np.array([np.cos(lifted) * np.cos(azimuth), np.cos(lifted) * np.sin(azimuth), np.sin(lifted)])
    sun_color = _mix((2.45, 2.3, 2.05), (2.3, 1.15, 0.5), low_sun) * (1.0 - 0.88 * grey)
    sun_color = _mix(
        sun_color * _smooth(-5.0, 8.0, altitude), np.array([0.030, 0.036, 0.055]) * (1.0 - 0.7 * cloud), night
    )
    ambient = _mix((0.50, 0.60, 0.78), (0.62, 0.64, 0.67), grey)
    ambient = _mix(ambient, (0.42, 0.38, 0.42), low_sun * (1.0 - grey)) * (1.0 - 0.35 * rain)
    ambient = _mix(ambient, (0.026, 0.031, 0.050), night)
    horizon = _mix(_mix((0.60, 0.74, 0.90), (0.86, 0.56, 0.36), low_sun), (0.56, 0.58, 0.61), grey) * (
        1.0 - 0.35 * rain
    )
    horizon = _mix(_mix(horizon, (0.62, 0.45, 0.27), dust), (0.011, 0.014, 0.026), night)
    zenith = _mix(_mix((0.10, 0.26, 0.62), (0.20, 0.25, 0.46), low_sun), (0.40, 0.43, 0.48), grey) * (1.0 - 0.35 * rain)
    zenith = _mix(_mix(zenith, (0.55, 0.42, 0.28), dust), (0.003, 0.005, 0.014), night)
    extinction = BASE_EXTINCTION_PER_M + 0.06 * fog**2 / (1.0 + 4.0 * max(0.0, values[8])) + 0.004 * rain + 0.03 * dust
    return Lighting(
        direction, sun_color, ambient, horizon, zenith, float(extinction), night, max(deposits, wet, 0.6 * rain), cloud
    )
