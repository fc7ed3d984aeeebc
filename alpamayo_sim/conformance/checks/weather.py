"""The weather is what was set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import carla

from alpamayo_sim.conformance.check import Family, Measured
from alpamayo_sim.conformance.context import Context

WEATHER = Family("weather")
_VALUES = {
    "cloudiness": 31.0,
    "precipitation": 42.0,
    "precipitation_deposits": 53.0,
    "wind_intensity": 64.0,
    "sun_azimuth_angle": 75.0,
    "sun_altitude_angle": -12.0,
    "fog_density": 13.0,
    "fog_distance": 24.0,
    "wetness": 35.0,
    "fog_falloff": 1.5,
    "scattering_intensity": 1.25,
    "mie_scattering_scale": 0.04,
    "rayleigh_scattering_scale": 0.05,
    "dust_storm": 15.0,
}


@WEATHER.check(
    "round_trip",
    "Every weather parameter comes back",
    carla="get_weather gives what set_weather was given.",
    source="Docs/python_api.md, carla.WeatherParameters",
)
def _round_trip(context: Context) -> Iterator[Measured]:
    found = context.world.get_weather()
    weather = context.world.get_weather()
    for name, value in _VALUES.items():
        setattr(weather, name, value)
    try:
        context.world.set_weather(weather)
        context.tick(2)
        back = context.world.get_weather()
    finally:
        context.world.set_weather(found)
    for name, value in _VALUES.items():
        yield Measured(name, getattr(back, name), expected=value, tolerance=1e-3)


@WEATHER.check(
    "presets",
    "A preset comes back with its values",
    carla="HardRainNoon: cloudiness, precipitation and wetness as the client's preset has them.",
    source="LibCarla/source/carla/rpc/WeatherParameters.cpp",
)
def _presets(context: Context) -> Iterator[Measured]:
    found = context.world.get_weather()
    presets: Any = carla.WeatherParameters
    preset = presets.HardRainNoon
    try:
        context.world.set_weather(preset)
        context.tick(2)
        back = context.world.get_weather()
    finally:
        context.world.set_weather(found)
    for name in ("cloudiness", "precipitation", "wetness", "sun_altitude_angle"):
        yield Measured(name, getattr(back, name), expected=getattr(preset, name), tolerance=1e-3)
