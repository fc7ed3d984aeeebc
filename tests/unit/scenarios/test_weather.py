"""Weather by name and along a route."""

from __future__ import annotations

from pathlib import Path

import carla
import pytest

from alpamayo_scenarios.route_file import load_routes
from alpamayo_scenarios.weather import preset, preset_names, weather_at
from alpamayo_sim.errors import InputError


def test_presets_are_carlas() -> None:
    assert {"ClearNoon", "HardRainNight", "DustStorm"} <= set(preset_names())
    assert preset("WetSunset") == carla.WeatherParameters.WetSunset


def test_an_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="ClearNoon"):
        preset("Sunny")


def test_a_fixed_weather_stays() -> None:
    assert weather_at(preset("ClearNoon"), 70.0) == carla.WeatherParameters.ClearNoon
    assert weather_at(None, 0.0) is None


def test_a_routes_weather_is_read(shared_data: Path) -> None:
    route = load_routes(shared_data / "routes" / "longest6_Town01.xml")[0]
    weather = weather_at(route, 50.0)
    assert weather is not None
    assert weather.cloudiness == pytest.approx(90.0)
    assert weather.sun_altitude_angle == pytest.approx(35.0)
