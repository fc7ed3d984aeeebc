"""Likely causes why `carla.Map` fails on an OpenDRIVE file, for the message to its author.

Called after a failure only; what it finds are places to look at, not a verdict.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

NUMERIC = frozenset(
    ("s", "t", "x", "y", "hdg", "length", "a", "b", "c", "d", "e", "f", "curvature", "curvStart", "curvEnd",
     "sOffset", "width")
)  # fmt: skip
SHAPES = frozenset(("line", "arc", "spiral", "poly3", "paramPoly3"))
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")
MAX_DEFECTS = 3


def map_defects(xodr: str) -> list[str]:
    """Return up to three places of well-formed OpenDRIVE text that break its rules, each with its line number."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    root = etree.fromstring(xodr.encode("utf-8", errors="replace"), parser)
    found: list[str] = []
    for check in (_numbers, _shapes, _lanes, _first_stations, _road_links, _lane_links, _signals):
        for defect in check(root):
            found.append(defect)
            if len(found) == MAX_DEFECTS:
                return found
    return found


def _finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _numbers(root: etree._Element) -> Iterator[str]:
    for element in root.iter(etree.Element):
        for name in NUMERIC & set(element.keys()):
            if not _finite(element.get(name)) and element.tag not in ("object", "cornerLocal", "cornerRoad"):
                yield f"line {element.sourceline}: <{element.tag} {name}={element.get(name)[:20]!r}> is not a number"


def _shapes(root: etree._Element) -> Iterator[str]:
    for geometry in root.iter("geometry"):
        if not any(child.tag in SHAPES for child in geometry):
            yield f"line {geometry.sourceline}: <geometry> without a shape (line, arc, spiral, poly3, paramPoly3)"


def _lanes(root: etree._Element) -> Iterator[str]:
    for section in root.iter("laneSection"):
        seen: set[str] = set()
        for lane in section.iterfind("*/lane"):
            lane_id = lane.get("id", "")
            side = lane.getparent().tag
            sign = {"left": 1, "right": -1, "center": 0}.get(side, 0)
            if not WHOLE_NUMBER.fullmatch(lane_id):
                yield f"line {lane.sourceline}: <lane> on the {side} without an id"
            elif lane_id in seen:
                yield f"line {lane.sourceline}: a second lane {lane_id} in one lane section"
            elif (int(lane_id) > 0) - (int(lane_id) < 0) != sign:
                yield f"line {lane.sourceline}: lane {lane_id} on the {side} (left is positive, right negative)"
            elif sign and lane.find("width") is None:
                yield f"line {lane.sourceline}: lane {lane_id} without <width>"
            seen.add(lane_id)
        numbers = {0, *(int(lane_id) for lane_id in seen if WHOLE_NUMBER.fullmatch(lane_id))}
        if max(numbers) - min(numbers) + 1 != len(numbers):
            yield f"line {section.sourceline}: lanes of a <laneSection> are numbered with gaps: {sorted(numbers)[:12]}"


def _first_stations(root: etree._Element) -> Iterator[str]:
    for road in root.iter("road"):
        for path in ("planView/geometry", "lanes/laneSection"):
            records = road.findall(path)
            if not records:
                yield f"line {road.sourceline}: road {road.get('id')} has no <{path.split('/')[1]}>"
            elif _finite(records[0].get("s") or "0") and float(records[0].get("s") or "0") > 0.0:
                yield f"line {records[0].sourceline}: the first <{records[0].tag}> of a road begins after s=0"


def _road_links(root: etree._Element) -> Iterator[str]:
    roads = {road.get("id") for road in root.iter("road")}
    junctions = {junction.get("id") for junction in root.iter("junction")}
    for link in root.iterfind("road/link/*"):
        known = junctions if link.get("elementType") == "junction" else roads
        if link.tag in ("predecessor", "successor") and link.get("elementId") not in known:
            yield f"line {link.sourceline}: <{link.tag}> {link.get('elementType')} {link.get('elementId')} is not there"
    for connection in root.iterfind("junction/connection"):
        for name in ("incomingRoad", "connectingRoad"):
            if connection.get(name) not in roads:
                yield f"line {connection.sourceline}: <connection {name}={connection.get(name)!r}> is no road"


def _signals(root: etree._Element) -> Iterator[str]:
    known = {signal.get("id") for signal in root.iter("signal")}
    for tag, name in (("signalReference", "id"), ("control", "signalId")):
        for element in root.iter(tag):
            if element.get(name) not in known:
                yield f"line {element.sourceline}: <{tag} {name}={element.get(name)!r}> is no <signal>"


def _lane_links(root: etree._Element) -> Iterator[str]:
    for road in root.iter("road"):
        sections = road.findall("lanes/laneSection")
        ids = [{lane.get("id") for lane in section.iterfind("*/lane")} for section in sections]
        for index, section in enumerate(sections):
            for tag, other in (("predecessor", index - 1), ("successor", index + 1)):
                if not 0 <= other < len(sections):
                    continue
                for link in section.iterfind(f"*/lane/link/{tag}"):
                    if link.get("id") not in ids[other]:
                        yield f"line {link.sourceline}: lane {tag} {link.get('id')} is not in the neighbouring lane section"
    for connection in root.iterfind("junction/connection/laneLink"):
        if not WHOLE_NUMBER.fullmatch(connection.get("from") or ""):
            yield f"line {connection.sourceline}: <laneLink> without a lane number in 'from'"
