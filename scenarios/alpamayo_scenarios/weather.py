"""Weather of an episode: a CARLA preset, or a route file's keyframes blended along the route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import carla

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


@dataclass(frozen=True)
class WeatherSchedule:
    """Weather as a function of the share of the route that is done."""

    keyframes: Sequence[tuple[float, Mapping[str, float]]]
    """(route percentage, CARLA weather parameters by name), ascending; values in between are linear (leaderboard 2.x)."""

    def at(self, route_percentage: float) -> carla.WeatherParameters:
        """Return the weather at a share of the route in percent."""
        before = max((k for k in self.keyframes if k[0] <= route_percentage), key=lambda k: k[0], default=self.keyframes[0])
        after = min((k for k in self.keyframes if k[0] >= route_percentage), key=lambda k: k[0], default=self.keyframes[-1])
        span = after[0] - before[0]
        share = 0.0 if span <= 0.0 else (route_percentage - before[0]) / span
        weather = carla.WeatherParameters(sun_altitude_angle=70.0, cloudiness=50.0)
        for name in {**before[1], **after[1]}:
            if not hasattr(weather, name):
                raise InputError(f"CARLA's weather has no parameter {name!r}; found it in a route file")
            first = before[1].get(name, after[1].get(name, 0.0))
            last = after[1].get(name, first)
            setattr(weather, name, first + share * (last - first))
        return weather
