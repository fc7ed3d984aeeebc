"""The weather is what was set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import carla

from alpamayo_sim.conformance.check import Family, Measured, Value
from alpamayo_sim.conformance.context import Context
from alpamayo_sim.conformance.round_trip import changed, come_back

WEATHER = Family("weather")
_VALUES: dict[str, Value] = {
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
    world = context.world
    weather = changed(world.get_weather(), _VALUES)
    yield from come_back(context, world.get_weather, world.set_weather, weather, _VALUES, ticks=2, tolerance=1e-3)


@WEATHER.check(
    "presets",
    "A preset comes back with its values",
    carla="HardRainNoon: cloudiness, precipitation and wetness as the client's preset has them.",
    source="LibCarla/source/carla/rpc/WeatherParameters.cpp",
)
def _presets(context: Context) -> Iterator[Measured]:
    presets: Any = carla.WeatherParameters
    preset = presets.HardRainNoon
    names = ("cloudiness", "precipitation", "wetness", "sun_altitude_angle")
    values = {name: getattr(preset, name) for name in names}
    world = context.world
    yield from come_back(context, world.get_weather, world.set_weather, preset, values, ticks=2, tolerance=1e-3)
