"""From CARLA's weather to light: sun, sky, fog and wetness as the shaders take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating]
CLEAR_NOON = (5.0, 0.0, 0.0, 10.0, -1.0, 45.0, 2.0, 0.75, 0.1, 0.0, 1.0, 0.03, 0.0331, 0.0)
"""CARLA's preset, in the order of `carla.WeatherParameters`."""
BASE_EXTINCTION_PER_M = 0.0002
MOST_BEAMS = 8
BEAMS_ROW = 9
"""Vectors of the uniform block `Light` before its beams."""
CLOCK_WRAP_S = 3600.0
"""The shaders' clock starts over after this, so that single precision lasts."""
DEFAULT_MIE, DEFAULT_RAYLEIGH = 0.03, 0.0331


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
    fog_start_m: float
    """Metres of clear air before the fog."""
    fog_falloff_per_m: float
    """How fast fog thins with height."""
    fog_scatter: float
    """Share of sunlight that fog sends to an eye that looks toward the sun."""
    haze: float
    """0 to 1: white glare round the sun."""
    rain: float
    puddles: float
    wind: float

    def block(
        self,
        time_s: float = 0.0,
        beams: Floats | None = None,
        bake_window: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
    ) -> bytes:
        """Return the uniform block `Light` at a simulation time with the place of its baked light.

        `beams` [B, 8] are headlights: place, reach, unit direction, cosine of half the opening; the first `MOST_BEAMS` count.
        """
        rows = self._constant.copy()
        count = 0 if beams is None else min(len(beams), MOST_BEAMS)
        rows[6, 0], rows[7, 0], rows[8] = time_s % CLOCK_WRAP_S, count, bake_window
        if beams is not None and count:
            rows[BEAMS_ROW : BEAMS_ROW + count] = beams[:count, :4]
            rows[BEAMS_ROW + MOST_BEAMS : BEAMS_ROW + MOST_BEAMS + count] = beams[:count, 4:]
        return rows.tobytes()

    @cached_property
    def _constant(self) -> NDArray[np.float32]:
        """The block's rows with those that change from tick to tick left zero."""
        rows = np.zeros((BEAMS_ROW + 2 * MOST_BEAMS, 4), dtype=np.float32)
        rows[:BEAMS_ROW] = [
            [*self.sun_direction, self.night],
            [*self.sun_color, self.wetness],
            [*self.ambient, 0.55],
            [*self.fog_color, self.fog_extinction_per_m],
            [*self.zenith, self.cloud_cover],
            [self.fog_start_m, self.fog_falloff_per_m, self.fog_scatter, self.haze],
            [0.0, self.rain, self.puddles, self.wind],
            [0.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0],
        ]
        return rows


def lighting(weather: Sequence[float]) -> Lighting:
    """Return the light under a weather of 14 numbers in the order of `carla.WeatherParameters` (-1 everywhere is clear noon)."""
    return _lighting(tuple(float(v) for v in weather))


@lru_cache(maxsize=16)
def _lighting(weather: tuple[float, ...]) -> Lighting:
    values = list(weather)
    if all(v < 0.0 for v in values[:4]) and values[5] <= -1.0 and values[5] > -2.0:
        values = list(CLEAR_NOON)
    share = [min(1.0, max(0.0, v / 100.0)) for v in values]
    cloud, rain, deposits, fog, wet, dust = share[0], share[1], share[2], share[6], share[9], share[13]
    azimuth, altitude = np.radians(values[4]), values[5]
    mie, rayleigh = max(0.0, values[11]), max(0.0, values[12]) / DEFAULT_RAYLEIGH
    haze = 1.0 - float(np.exp(-2.0 * mie))
    night = 1.0 - _smooth(-5.0, 6.0, altitude)
    low_sun = 1.0 - _smooth(4.0, 26.0, altitude)
    grey = max(cloud * 0.95, rain) ** 1.3
    lifted = np.radians(max(altitude, 5.0) if altitude > -3.0 else 52.0)
    direction = np.array([np.cos(lifted) * np.cos(azimuth), np.cos(lifted) * np.sin(azimuth), np.sin(lifted)])
    sun_color = _mix((2.45, 2.3, 2.05), (2.3, 1.15, 0.5), low_sun) * (1.0 - 0.9 * grey) * (1.0 - 0.75 * dust)
    # More Rayleigh scattering takes blue out of direct light, and more so from a low sun.
    sun_color = sun_color * np.exp(-np.array([0.01, 0.03, 0.07]) * (rayleigh - 1.0) * (0.6 + 1.6 * low_sun))
    sun_color = _mix(
        sun_color * _smooth(-5.0, 8.0, altitude), np.array([0.040, 0.046, 0.068]) * (1.0 - 0.7 * cloud), night
    )
    ambient = _mix((0.50, 0.60, 0.78), (0.62, 0.64, 0.67), grey)
    ambient = _mix(ambient, (0.42, 0.38, 0.42), low_sun * (1.0 - grey)) * (1.0 - 0.35 * rain)
    ambient = _mix(ambient, (0.60, 0.45, 0.28), 0.7 * dust)
    ambient = _mix(ambient, (0.064, 0.070, 0.092), night)
    blue = (1.0 - np.exp(-1.2 * rayleigh)) / (1.0 - np.exp(-1.2))
    horizon = _mix((0.60, 0.74, 0.90), (0.86, 0.56, 0.36), low_sun)
    horizon = _mix(_mix((0.66, 0.66, 0.64), horizon, blue), (0.56, 0.58, 0.61), grey) * (1.0 - 0.35 * rain)
    horizon = _mix(horizon, sun_color / max(float(sun_color.max()), 0.1) * 0.95, 0.35 * max(0.0, haze - 0.06))
    horizon = _mix(_mix(horizon, (0.62, 0.45, 0.27), dust), (0.016, 0.020, 0.033), night)
    zenith = _mix((0.10, 0.26, 0.62), (0.20, 0.25, 0.46), low_sun)
    zenith = _mix((0.16, 0.17, 0.19), zenith, blue)
    zenith = _mix(zenith, (0.40, 0.43, 0.48), grey) * (1.0 - 0.35 * rain)
    zenith = _mix(zenith, horizon, 0.5 * max(0.0, haze - 0.06))
    zenith = _mix(_mix(zenith, (0.55, 0.42, 0.28), dust), (0.004, 0.006, 0.016), night)
    falloff = max(0.0, values[8])
    thick = 0.04 * fog**3 / (1.0 + 2.0 * falloff)
    extinction = BASE_EXTINCTION_PER_M + thick + 0.0025 * rain**2 + 0.035 * dust
    scatter = 0.35 * max(0.0, values[10]) * (1.0 - float(np.exp(-250.0 * extinction))) * (1.0 - 0.8 * grey)
    # Dust and the veil of rain begin at the eye, only fog keeps its distance.
    start = max(0.0, values[7]) * thick / max(extinction, 1e-9)
    return Lighting(
        direction, sun_color, ambient, horizon, zenith, float(extinction), night, max(wet, 0.85 * rain), cloud,
        float(start), 0.03 * falloff * thick / max(extinction, 1e-9), scatter, haze, rain, deposits, share[3],
    )  # fmt: skip
