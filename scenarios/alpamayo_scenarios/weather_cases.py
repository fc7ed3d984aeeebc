"""Bench2Drive's numbers of weathers, from the list `weather.xml` that lies beside its route files."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree

from alpamayo_scenarios.route_file import RouteSpec
from alpamayo_sim.errors import InputError

WEATHER_LIST = "weather.xml"


def weather_id(route: RouteSpec) -> str | None:
    """Return the number of the weather in which a route begins, None where no list has it.

    Numbers are compared as Bench2Drive's evaluator compares them: as Python writes CARLA's single precision values.
    Raises InputError for a list that cannot be read.
    """
    weather = route.weather[0].to_carla()
    for number, parameters in _cases(route.source.parent / WEATHER_LIST):
        if all(str(getattr(weather, name, None)) == value for name, value in parameters):
            return number
    return None


@lru_cache(maxsize=8)
def _cases(path: Path) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Return number and parameters (name, text) of every case of a list; nothing if there is no list."""
    if not path.is_file():
        return ()
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(
            f"{path} beside the route file is to be Bench2Drive's list of weathers; found {error}"
        ) from error
    cases: list[tuple[str, tuple[tuple[str, str], ...]]] = []
    for case in root.findall("case"):
        node, number = case.find("weather"), case.get("weather_id")
        if node is None or number is None:
            raise InputError(f"{path}: a case has a weather_id and a weather; found one without")
        cases.append((number, tuple(item for item in node.items() if item[0] != "route_percentage")))
    return tuple(cases)
