"""What `carla.Map` does not tell about an OpenDRIVE file: lanes by section, signals, controllers, objects, speed records.

Geometry is left to `carla.Map`; this module reads the XML once, without entities, and keeps plain values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from alpamayo_sim.errors import InputError

MAX_XODR_BYTES = 64 * 1024 * 1024
KMH_PER_UNIT = {"km/h": 1.0, "mph": 1.609344, "m/s": 3.6, "": 3.6}


@dataclass(frozen=True)
class LaneRecord:
    """One lane of one lane section: its OpenDRIVE id and type, speed limit if any, inner and outer height above the road."""

    lane_id: int
    lane_type: str
    max_speed_kmh: float | None
    height_m: float | None


@dataclass(frozen=True)
class LaneSection:
    """The lanes of a road from `start_s` to `end_s` (metres along the reference line); the centre lane is left out."""

    start_s: float
    end_s: float
    lanes: tuple[LaneRecord, ...]


@dataclass(frozen=True)
class SignalRecord:
    """A `<signal>` or a `<signalReference>` on a road. A reference carries only id, place, orientation and validities."""

    signal_id: str
    road_id: int
    s: float
    t: float
    orientation: str
    validities: tuple[tuple[int, int], ...]
    is_reference: bool = False
    name: str = ""
    signal_type: str = ""
    subtype: str = ""
    value: str = ""
    text: str = ""
    unit: str = ""
    is_dynamic: bool = False
    z_offset: float = 0.0
    h_offset: float = 0.0
    height: float = 0.0
    width: float = 0.0


@dataclass(frozen=True)
class ObjectRecord:
    """An `<object>` of a road (props, crosswalks, CARLA's painted stop lines and `Speed_30` signs)."""

    object_id: str
    name: str
    object_type: str
    road_id: int
    s: float
    t: float
    z_offset: float
    hdg: float
    orientation: str
    length: float
    width: float


@dataclass(frozen=True)
class Road:
    """One road: id, length, the junction it belongs to (-1 outside), lane sections, signals, objects, speed records."""

    road_id: int
    length: float
    junction_id: int
    sections: tuple[LaneSection, ...]
    signals: tuple[SignalRecord, ...]
    objects: tuple[ObjectRecord, ...]
    speeds_kmh: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Controller:
    """A `<controller>`: the signals that always show the same state."""

    controller_id: str
    signal_ids: tuple[str, ...]


@dataclass(frozen=True)
class Junction:
    """A `<junction>`: the roads that lead into it and the controllers it names, in the order of their `sequence`."""

    junction_id: int
    incoming_roads: tuple[int, ...]
    connecting_roads: tuple[int, ...]
    controller_ids: tuple[str, ...]


@dataclass(frozen=True)
class OpenDrive:
    """The parts of an OpenDRIVE file that the package reads besides the geometry."""

    roads: dict[int, Road]
    junctions: dict[int, Junction]
    controllers: dict[str, Controller]
    geo_reference: tuple[float, float]
    signals: dict[str, SignalRecord] = field(default_factory=dict[str, SignalRecord])

    def references(self) -> Iterator[SignalRecord]:
        """Yield every signal and every signal reference in document order."""
        for road in self.roads.values():
            yield from road.signals


def _number(element: etree._Element, name: str, default: float = 0.0) -> float:
    text = element.get(name)
    if text is None or not text.strip():
        return default
    try:
        return float(text)
    except ValueError:
        raise InputError(
            f"OpenDRIVE: <{element.tag} {name}={text!r}> on line {element.sourceline} is not a number"
        ) from None


def _integer(element: etree._Element, name: str, default: int = 0) -> int:
    return int(_number(element, name, default))


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
        LaneSection(start, end, tuple(_lane(lane) for lane in section.iter("lane") if _integer(lane, "id") != 0))
        for section, start, end in zip(found, starts, [*starts[1:], length], strict=True)
    )


def _signal(element: etree._Element, road_id: int) -> SignalRecord:
    validities = tuple((_integer(v, "fromLane"), _integer(v, "toLane")) for v in element.findall("validity"))
    return SignalRecord(
        signal_id=element.get("id", ""),
        road_id=road_id,
        s=_number(element, "s"),
        t=_number(element, "t"),
        orientation=element.get("orientation", "none"),
        validities=validities,
        is_reference=element.tag == "signalReference",
        name=element.get("name", ""),
        signal_type=element.get("type", ""),
        subtype=element.get("subtype", ""),
        value=element.get("value", ""),
        text=element.get("text", ""),
        unit=element.get("unit", ""),
        is_dynamic=element.get("dynamic") == "yes",
        z_offset=_number(element, "zOffset"),
        h_offset=_number(element, "hOffset"),
        height=_number(element, "height"),
        width=_number(element, "width"),
    )


def _object(element: etree._Element, road_id: int) -> ObjectRecord:
    return ObjectRecord(
        element.get("id", ""),
        element.get("name", ""),
        element.get("type", ""),
        road_id,
        _number(element, "s"),
        _number(element, "t"),
        _number(element, "zOffset"),
        _number(element, "hdg"),
        element.get("orientation", "none"),
        _number(element, "length"),
        _number(element, "width"),
    )


def _road(element: etree._Element) -> Road:
    road_id, length = _integer(element, "id"), _number(element, "length")
    speeds = [(_number(kind, "s"), _speed_kmh(kind.find("speed"))) for kind in element.findall("type")]
    return Road(
        road_id,
        length,
        _integer(element, "junction", -1),
        _sections(element, length),
        tuple(_signal(s, road_id) for s in element.iterfind("signals/*") if s.tag in ("signal", "signalReference")),
        tuple(_object(o, road_id) for o in element.iterfind("objects/object")),
        tuple((s, speed) for s, speed in sorted(speeds, key=lambda pair: pair[0]) if speed is not None),
    )


def _junction(element: etree._Element) -> Junction:
    connections = element.findall("connection")
    controllers = sorted(element.findall("controller"), key=lambda c: _integer(c, "sequence"))
    return Junction(
        _integer(element, "id"),
        tuple(dict.fromkeys(_integer(c, "incomingRoad", -1) for c in connections)),
        tuple(dict.fromkeys(_integer(c, "connectingRoad", -1) for c in connections)),
        tuple(c.get("id", "") for c in controllers),
    )


def _geo_reference(root: etree._Element) -> tuple[float, float]:
    text = root.findtext("header/geoReference") or ""
    values = dict(part[1:].split("=", 1) for part in text.split() if part.startswith("+") and "=" in part)
    try:
        return float(values.get("lat_0", "0")), float(values.get("lon_0", "0"))
    except ValueError:
        return 0.0, 0.0


def parse_opendrive(name: str, xodr: str) -> OpenDrive:
    """Return the records of OpenDRIVE text; `name` is used in messages.

    Raises InputError for text that is empty, too large, not XML, not OpenDRIVE, or without roads or driving lanes.
    """
    if not xodr.strip():
        raise InputError(f"map {name!r} is empty: expected OpenDRIVE XML")
    data = xodr.encode("utf-8", errors="replace")
    if len(data) > MAX_XODR_BYTES:
        raise InputError(f"map {name!r} has {len(data):,} bytes: at most {MAX_XODR_BYTES:,} are read")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise InputError(f"map {name!r} is not well-formed XML: {error}") from error
    if root.tag != "OpenDRIVE":
        raise InputError(f"map {name!r} is XML but not OpenDRIVE: its root is <{root.tag}>, expected <OpenDRIVE>")
    roads = {road.road_id: road for road in map(_road, root.findall("road"))}
    if not roads:
        raise InputError(f"map {name!r} has no <road>: nothing can drive on it")
    if not any(lane.lane_type == "driving" for r in roads.values() for sec in r.sections for lane in sec.lanes):
        raise InputError(f"map {name!r} has {len(roads)} roads but no lane of type 'driving'")
    junctions = {junction.junction_id: junction for junction in map(_junction, root.findall("junction"))}
    controllers = {
        c.get("id", ""): Controller(
            c.get("id", ""), tuple(dict.fromkeys(k.get("signalId", "") for k in c.findall("control")))
        )
        for c in root.findall("controller")
    }
    signals = {s.signal_id: s for road in roads.values() for s in road.signals if not s.is_reference}
    return OpenDrive(roads, junctions, controllers, _geo_reference(root), signals)
