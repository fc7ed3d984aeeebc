"""Weather of an episode: one of CARLA's presets, or the keyframes of a route file."""

from __future__ import annotations

import carla

from alpamayo_scenarios.route_file import RouteSpec
from alpamayo_sim.errors import InputError


def preset_names() -> list[str]:
    """Return the names of CARLA's weather presets."""
    return sorted(n for n in dir(carla.WeatherParameters) if n[0].isupper() and n != "Default")


def preset(name: str) -> carla.WeatherParameters:
    """Return a preset by name; InputError that lists the names for any other."""
    if name not in preset_names():
        raise InputError(f"unknown weather {name!r}; expected one of {', '.join(preset_names())}")
    weather = getattr(carla.WeatherParameters, name)
    assert isinstance(weather, carla.WeatherParameters)
    return weather


Weather = carla.WeatherParameters | RouteSpec | None
"""A fixed weather, a route file's weather along the route, or None to leave the server's as it is."""


def weather_at(weather: Weather, route_percentage: float) -> carla.WeatherParameters | None:
    """Return the weather at a share of the route in percent."""
    return weather.weather_at(route_percentage).to_carla() if isinstance(weather, RouteSpec) else weather
