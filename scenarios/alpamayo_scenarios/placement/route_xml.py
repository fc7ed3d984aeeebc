"""Writing placements as a route file of leaderboard 2.x, with weather along each route."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from pathlib import Path

import carla
import numpy as np

from alpamayo_scenarios.placement.search import Placement
from alpamayo_scenarios.route_file import WEATHER_PARAMETERS
from alpamayo_scenarios.weather import preset
from alpamayo_sim.metrics.results.file import write_atomically

WEATHERS = (
    "ClearNoon", "CloudyNoon", "WetNoon", "WetCloudyNoon", "MidRainyNoon", "HardRainNoon", "SoftRainNoon", "ClearSunset",
    "CloudySunset", "WetSunset", "MidRainSunset", "HardRainSunset", "SoftRainSunset", "ClearNight", "CloudyNight", "WetNight",
    "SoftRainNight", "MidRainyNight", "HardRainNight", "DustStorm",
)  # fmt: skip
"""CARLA's presets; a route goes from one to another."""
FIRST_ID = 1000


def two_presets(rng: np.random.Generator) -> list[carla.WeatherParameters]:
    """Return two of CARLA's weathers."""
    return [preset(str(name)) for name in rng.choice(WEATHERS, 2, replace=False)]


def write_routes(
    path: Path,
    placements: Mapping[int, Placement],
    seed: int,
    draw: Callable[[np.random.Generator], list[carla.WeatherParameters]] = two_presets,
) -> None:
    """Write a route file: one route a placement, whose ids are 1000 and their keys.

    `draw` gives the weathers at a route's start and end.
    """
    rng = np.random.default_rng((seed, 77))
    root = ET.Element("routes")
    for number, placement in placements.items():
        route = ET.SubElement(root, "route", id=str(FIRST_ID + number), town=placement.town)
        weathers = ET.SubElement(route, "weathers")
        for share, weather in zip((0, 100), draw(rng), strict=True):
            values = {key: f"{float(getattr(weather, key)):g}" for key in WEATHER_PARAMETERS}
            ET.SubElement(weathers, "weather", {"route_percentage": str(share), **values})
        waypoints = ET.SubElement(route, "waypoints")
        for x, y, z in placement.points:
            ET.SubElement(waypoints, "position", x=f"{x:.2f}", y=f"{y:.2f}", z=f"{z:.2f}")
        scenarios = ET.SubElement(route, "scenarios")
        scenario = ET.SubElement(scenarios, "scenario", name=f"{placement.type}_1", type=placement.type)
        at = placement.trigger
        ET.SubElement(scenario, "trigger_point", x=f"{at.x:.2f}", y=f"{at.y:.2f}", z=f"{at.z:.2f}", yaw=f"{at.yaw:.1f}")
        for name, attributes in placement.parameters.items():
            ET.SubElement(scenario, name, dict(attributes))
    ET.indent(root, "  ")
    write_atomically(path, ET.tostring(root, encoding="unicode") + "\n")
