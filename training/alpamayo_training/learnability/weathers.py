"""Weathers: drawn at random for training, CARLA's presets for testing."""

from __future__ import annotations

import carla
import numpy as np

from alpamayo_training.learnability.labels import Condition

TEST_PRESETS = (
    "ClearNoon", "CloudyNoon", "WetCloudyNoon", "ClearSunset", "CloudySunset",
    "SoftRainNoon", "MidRainyNoon", "HardRainNoon", "SoftRainSunset", "HardRainSunset",
    "ClearNight", "CloudyNight", "WetNight", "SoftRainNight", "HardRainNight",
)  # fmt: skip
"""Five each of day, rain and night. None of them is ever drawn for training, which draws every parameter from an interval."""
DRAWN = "drawn"
"""Name of the weathers of training sets."""
_RAINING = 1.0


def draw_weather(rng: np.random.Generator) -> carla.WeatherParameters:
    """Return a weather of its own: a third each of dry days, rain by day and nights."""
    condition = Condition(int(rng.integers(3)))
    day = condition is not Condition.NIGHT
    rains = condition is Condition.RAIN or (not day and rng.random() < 0.4)
    after_rain = not rains and rng.random() < 0.3
    altitude = rng.uniform(3.0, 85.0) if day else rng.uniform(-90.0, -3.0)
    weather = carla.WeatherParameters(
        cloudiness=float(rng.uniform(20.0, 100.0) if rains else rng.uniform(0.0, 95.0)),
        precipitation=float(rng.uniform(10.0, 100.0) if rains else 0.0),
        precipitation_deposits=float(rng.uniform(20.0, 100.0) if rains else rng.uniform(10.0, 80.0) if after_rain else 0.0),
        wetness=float(rng.uniform(20.0, 100.0) if rains else rng.uniform(0.0, 60.0) if after_rain else 0.0),
        wind_intensity=float(rng.uniform(0.0, 100.0)),
        sun_azimuth_angle=float(rng.uniform(0.0, 360.0)),
        sun_altitude_angle=float(altitude),
        fog_density=float(rng.uniform(0.0, 20.0) if rains else rng.uniform(0.0, 10.0) * (rng.random() < 0.4)),
        fog_distance=float(rng.uniform(0.0, 60.0)),
        fog_falloff=float(rng.uniform(0.1, 1.5)),
        scattering_intensity=1.0,
        mie_scattering_scale=0.03,
        rayleigh_scattering_scale=0.0331,
    )  # fmt: skip
    dust = float(rng.uniform(0.0, 20.0) if rng.random() < 0.1 else 0.0)
    weather.dust_storm = dust  # pyright: ignore[reportAttributeAccessIssue]
    return weather


def condition_of(weather: carla.WeatherParameters) -> Condition:
    """Return what a weather is reported under: night whenever the sun is down, else rain or a dry day."""
    if weather.sun_altitude_angle < 0.0:
        return Condition.NIGHT
    return Condition.RAIN if weather.precipitation > _RAINING else Condition.DAY
