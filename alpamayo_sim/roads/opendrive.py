"""What `carla.Map` does not tell about an OpenDRIVE file: lanes by section, junctions, controllers, speed records.

Geometry and signals are left to `carla.Map`; this module reads the XML once, without entities, and keeps plain values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from alpamayo_sim.errors import InputError

MAX_XODR_BYTES = 64 * 1024 * 1024
MAX_ROAD_KM = 5_000.0
KMH_PER_UNIT = {"km/h": 1.0, "mph": 1.609344, "m/s": 3.6, "": 3.6}
INT32 = 2**31


@dataclass(frozen=True)
class LaneRecord:
    """One lane of one lane section. Speed limit and height above the road (metres) are None where the file has none."""

    lane_id: int
    lane_type: str
    max_speed_kmh: float | None
    height_m: float | None


@dataclass(frozen=True)
class LaneSection:
    """The lanes of a road from `start_s` to `end_s` (metres along the reference line), without the centre lane."""

    start_s: float
    end_s: float
    lanes: tuple[LaneRecord, ...]


@dataclass(frozen=True)
class Road:
    """One road: length in metres, the junction it belongs to (-1 outside), lane sections, (s, km/h) speed records."""

    road_id: int
    length: float
    junction_id: int
    sections: tuple[LaneSection, ...]
    speeds_kmh: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Controller:
    """A `<controller>`: the signals that always show the same state."""

    controller_id: str
    signal_ids: tuple[str, ...]


@dataclass(frozen=True)
class Junction:
    """A `<junction>` and the controllers it names, in the order of their `sequence`."""

    junction_id: int
    controller_ids: tuple[str, ...]


@dataclass(frozen=True)
class OpenDrive:
    """The parts of an OpenDRIVE file that the package reads besides the geometry."""

    roads: dict[int, Road]
    junctions: dict[int, Junction]
    controllers: dict[str, Controller]
    signal_ids: tuple[str, ...]
    """Ids of the `<signal>` records in document order."""
    geo_reference: tuple[float, float]
    """Latitude and longitude of the origin in degrees; 0, 0 where the file has none."""


def _number(element: etree._Element, name: str, default: float = 0.0) -> float:
    text = element.get(name)
    if text is None or not text.strip():
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"OpenDRIVE: <{element.tag} {name}={text[:40]!r}> on line {element.sourceline} is not a finite number"
        )
    return value


def _integer(element: etree._Element, name: str, default: int = 0) -> int:
    value = _number(element, name, default)
    if not -INT32 <= value < INT32:
        raise InputError(f"OpenDRIVE: <{element.tag} {name}={value:g}> on line {element.sourceline} is out of range")
    return int(value)


def _speed_kmh(element: etree._Element | None) -> float | None:
    if element is None:
        return None
    text = (element.get("max") or "").strip()
    if not text or text in ("no limit", "undefined"):
        return None
    return _number(element, "max") * KMH_PER_UNIT.get((element.get("unit") or "").strip(), 3.6)


def _lane(element: etree._Element) -> LaneRecord:
    height = element.find("height")
    return LaneRecord(
        _integer(element, "id"),
        element.get("type", "none"),
        _speed_kmh(element.find("speed")),
        None if height is None else 0.5 * (_number(height, "inner") + _number(height, "outer")),
    )


def _sections(road: etree._Element, length: float) -> tuple[LaneSection, ...]:
    found = sorted(road.findall("lanes/laneSection"), key=lambda section: _number(section, "s"))
    starts = [_number(section, "s") for section in found]
    return tuple(
        LaneSection(start, end, tuple(lane for lane in map(_lane, section.iterfind("*/lane")) if lane.lane_id != 0))
        for section, start, end in zip(found, starts, [*starts[1:], length][: len(starts)], strict=True)
    )


def _road(element: etree._Element) -> Road:
    length = _number(element, "length")
    speeds = [(_number(kind, "s"), _speed_kmh(kind.find("speed"))) for kind in element.findall("type")]
    return Road(
        _integer(element, "id"),
        length,
        _integer(element, "junction", -1),
        _sections(element, length),
        tuple((s, speed) for s, speed in sorted(speeds, key=lambda pair: pair[0]) if speed is not None),
    )


def _junction(element: etree._Element) -> Junction:
    controllers = sorted(element.findall("controller"), key=lambda c: _integer(c, "sequence"))
    return Junction(_integer(element, "id"), tuple(dict.fromkeys(c.get("id", "") for c in controllers)))


def _controller(element: etree._Element) -> Controller:
    signal_ids = dict.fromkeys(control.get("signalId", "") for control in element.findall("control"))
    return Controller(element.get("id", ""), tuple(signal_ids))


def _geo_reference(root: etree._Element) -> tuple[float, float]:
    text = str(root.findtext("header/geoReference") or "")
    origin = {"+lat_0": 0.0, "+lon_0": 0.0}
    for part in text.split():
        key, _, value = part.partition("=")
        if key in origin:
            try:
                origin[key] = float(value)
            except ValueError:
                raise InputError(f"OpenDRIVE: geoReference has {part[:40]!r}, expected a number of degrees") from None
    return origin["+lat_0"], origin["+lon_0"]


def _root(name: str, xodr: str) -> etree._Element:
    if not xodr.strip():
        raise InputError(f"map {name!r} is empty: expected OpenDRIVE XML")
    data = xodr.encode("utf-8", errors="replace")
    if len(data) > MAX_XODR_BYTES:
        raise InputError(f"map {name!r} has {len(data):,} bytes: at most {MAX_XODR_BYTES:,} are read")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise InputError(f"map {name!r} is not well-formed XML: {error}. Export it again as OpenDRIVE") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise InputError(f"map {name!r} declares a document type: remove <!DOCTYPE ...>, OpenDRIVE has none")
    if root.tag != "OpenDRIVE":
        raise InputError(f"map {name!r} is XML but not OpenDRIVE: its root is <{root.tag}>, expected <OpenDRIVE>")
    return root


def parse_opendrive(name: str, xodr: str) -> OpenDrive:
    """Return the records of OpenDRIVE text; `name` is used in messages.

    Raises InputError for text that is empty, too large, not XML, not OpenDRIVE, or without roads or driving lanes.
    """
    root = _root(name, xodr)
    roads = {road.road_id: road for road in map(_road, root.findall("road"))}
    if not roads:
        raise InputError(f"map {name!r} has no <road>: nothing can drive on it")
    if not any(lane.lane_type == "driving" for r in roads.values() for sec in r.sections for lane in sec.lanes):
        raise InputError(f"map {name!r} has {len(roads)} roads but no lane of type 'driving'")
    total_km = sum(road.length for road in roads.values()) / 1000
    if total_km > MAX_ROAD_KM:
        raise InputError(f"map {name!r} has {total_km:,.0f} km of road: at most {MAX_ROAD_KM:,.0f} km are read")
    junctions = {junction.junction_id: junction for junction in map(_junction, root.findall("junction"))}
    controllers = {c.controller_id: c for c in map(_controller, root.findall("controller"))}
    signal_ids = tuple(dict.fromkeys(signal.get("id", "") for signal in root.iterfind("road/signals/signal")))
    return OpenDrive(roads, junctions, controllers, signal_ids, _geo_reference(root))
