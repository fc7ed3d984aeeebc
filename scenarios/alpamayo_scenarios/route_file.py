"""Route files of the CARLA leaderboard, versions 1.0 and 2.x, read without trusting them."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import carla

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform

MAX_FILE_BYTES = 32 * 1024 * 1024
MAX_WAYPOINTS = 10_000

WEATHER_PARAMETERS = (
    "cloudiness",
    "precipitation",
    "precipitation_deposits",
    "wind_intensity",
    "sun_azimuth_angle",
    "sun_altitude_angle",
    "fog_density",
    "fog_distance",
    "fog_falloff",
    "wetness",
    "scattering_intensity",
    "mie_scattering_scale",
    "rayleigh_scattering_scale",
    "dust_storm",
)
"""Names of `carla.WeatherParameters`, in CARLA's order."""


@dataclass(frozen=True)
class WeatherKeyframe:
    """The weather at one place of the route; between two places it is interpolated linearly."""

    route_percentage: float
    parameters: Mapping[str, float]
    """All 14 `WEATHER_PARAMETERS`."""

    def to_carla(self) -> carla.WeatherParameters:
        """Return the weather as CARLA's client takes it."""
        return carla.WeatherParameters(**self.parameters)


@dataclass(frozen=True)
class ScenarioActor:
    """Another actor that a scenario names."""

    model: str
    transform: Transform
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class ScenarioSpec:
    """A scenario along the route, as the file has it."""

    name: str
    type: str
    trigger: Transform
    other_actors: tuple[ScenarioActor, ...]
    parameters: Mapping[str, Mapping[str, str]]
    """Parameter name -> its XML attributes, such as {"distance": {"value": "40"}}."""


@dataclass(frozen=True)
class RouteSpec:
    """One route of a file."""

    route_id: str
    town: str
    waypoints: tuple[Transform, ...]
    """Key points, CARLA world frame; yaw is 0 where the file gives none (leaderboard 2.x)."""
    weather: tuple[WeatherKeyframe, ...]
    """By rising percentage, at least one."""
    scenarios: tuple[ScenarioSpec, ...]
    source: Path

    def weather_at(self, route_percentage: float) -> WeatherKeyframe:
        """Return the weather at a percentage of the route, interpolated linearly between the key frames around it."""
        after = next((frame for frame in self.weather if frame.route_percentage >= route_percentage), self.weather[-1])
        before = next(
            (frame for frame in reversed(self.weather) if frame.route_percentage <= route_percentage), self.weather[0]
        )
        span = after.route_percentage - before.route_percentage
        share = (route_percentage - before.route_percentage) / span if span > 0.0 else 0.0
        mixed = {
            name: before.parameters[name] + share * (after.parameters[name] - before.parameters[name])
            for name in WEATHER_PARAMETERS
        }
        return WeatherKeyframe(route_percentage, mixed)


class _NoDoctype(ET.TreeBuilder):
    """Builds the tree of a document that declares neither a document type nor, hence, entities."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise InputError("a route file has no document type declaration (<!DOCTYPE ...>); remove it")


def load_routes(path: str | Path) -> tuple[RouteSpec, ...]:
    """Return every route of a leaderboard route file, in the file's order.

    Raises InputError for a file that is missing, larger than 32 MiB, not XML, or not a route file; the message names the
    route and the element.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no route file at {path}; give the path of a leaderboard route file (.xml)")
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise InputError(f"a route file has at most {MAX_FILE_BYTES} bytes; {path} has {size}")
    parser = ET.XMLParser(target=_NoDoctype())
    try:
        parser.feed(path.read_bytes())
        root: ET.Element = parser.close()
    except (ET.ParseError, LookupError, ValueError) as error:
        raise InputError(f"{path} is not a readable route file: {error}") from error
    if root.tag != "routes":
        raise InputError(f"a route file's root element is <routes>; {path} has <{root.tag}>")
    routes = tuple(_route(element, path) for element in root.findall("route"))
    if not routes:
        raise InputError(f"{path} holds no <route>")
    seen: set[str] = set()
    for route in routes:
        if route.route_id in seen:
            raise InputError(f"{path} holds two routes with the id {route.route_id!r}; ids are unique in a file")
        seen.add(route.route_id)
    return routes


def load_route(path: str | Path, route_id: str) -> RouteSpec:
    """Return the route with this id; raises InputError, naming the ids of the file, when there is none."""
    routes = load_routes(path)
    for route in routes:
        if route.route_id == route_id:
            return route
    raise InputError(f"no route {route_id!r} in {path}; it holds {', '.join(route.route_id for route in routes)}")


def _route(element: ET.Element, path: Path) -> RouteSpec:
    route_id = element.get("id")
    if not route_id:
        raise InputError(f"a <route> of {path} has no id")
    where = f"{path}, route {route_id}"
    town = element.get("town") or element.get("map")
    if not town:
        raise InputError(f'{where}: <route> names no town; expected town="Town01" or the like')
    listed = element.find("waypoints")
    points = element.findall("waypoint") if listed is None else listed.findall("position")
    if len(points) < 2:
        raise InputError(
            f"{where}: a route has at least 2 points, <waypoint x y z/> in <route> (leaderboard 1.0) or <position x y z/> in "
            f"<waypoints> (2.x); found {len(points)}"
        )
    if len(points) > MAX_WAYPOINTS:
        raise InputError(f"{where}: a route has at most {MAX_WAYPOINTS} points; found {len(points)}")
    weather = [_weather(node, where) for group in element.findall("weathers") for node in group.findall("weather")]
    weather += [_weather(node, where) for node in element.findall("weather")]
    if not weather:
        weather = [_default_weather()]
    return RouteSpec(
        route_id=route_id,
        town=town.rsplit("/", 1)[-1],
        waypoints=tuple(_pose(point, where) for point in points),
        weather=tuple(sorted(weather, key=lambda frame: frame.route_percentage)),
        scenarios=tuple(
            _scenario(node, where) for group in element.findall("scenarios") for node in group.findall("scenario")
        ),
        source=path,
    )


def _number(element: ET.Element, name: str, where: str, default: float | None = None) -> float:
    text = element.get(name)
    if text is None and default is not None:
        return default
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        found = "nothing" if text is None else repr(text[:40])
        raise InputError(f"{where}: <{element.tag}> needs a finite number {name}; found {found}")
    return value


def _pose(element: ET.Element, where: str) -> Transform:
    x, y = (_number(element, name, where) for name in ("x", "y"))
    z, pitch, yaw, roll = (_number(element, name, where, 0.0) for name in ("z", "pitch", "yaw", "roll"))
    return Transform(x, y, z, pitch, yaw, roll)


def _default_weather() -> WeatherKeyframe:
    """Return the leaderboard's weather for a route that names none."""
    weather = carla.WeatherParameters(sun_altitude_angle=70.0, cloudiness=50.0)
    return WeatherKeyframe(0.0, {name: float(getattr(weather, name)) for name in WEATHER_PARAMETERS})


def _weather(element: ET.Element, where: str) -> WeatherKeyframe:
    unset = carla.WeatherParameters()
    parameters = {name: _number(element, name, where, float(getattr(unset, name))) for name in WEATHER_PARAMETERS}
    percentage = _number(element, "route_percentage", where, 0.0)
    if not 0.0 <= percentage <= 100.0:
        raise InputError(f"{where}: route_percentage lies between 0 and 100; found {percentage}")
    return WeatherKeyframe(percentage, parameters)


def _scenario(element: ET.Element, where: str) -> ScenarioSpec:
    name, kind = element.get("name", ""), element.get("type", "")
    where = f"{where}, scenario {name or '(unnamed)'}"
    trigger = element.find("trigger_point")
    if not kind or trigger is None:
        raise InputError(f"{where}: a <scenario> has a type and a <trigger_point x y z yaw/>")
    actors = tuple(
        ScenarioActor(actor.get("model", ""), _pose(actor, where), dict(actor.attrib))
        for actor in element.findall("other_actor")
    )
    parameters = {
        child.tag: dict(child.attrib) for child in element if child.tag not in ("trigger_point", "other_actor")
    }
    return ScenarioSpec(name or kind, kind, _pose(trigger, where), actors, parameters)
