"""Writes a road network as OpenDRIVE 1.4 in CARLA's dialect, through scenariogeneration's elements."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from scenariogeneration import xodr

from alpamayo_sim.roads.towns.cross_section import Mark, Section, Strip
from alpamayo_sim.roads.towns.road import Painted, Road, RoadNetwork, Sign, SignReference

APPROACH_MARK_M = 18.0
_NUMBER = re.compile(r"^-?\d+\.\d+(e[+-]?\d+)?$")


def to_opendrive(network: RoadNetwork) -> str:
    """The file's text, the same for the same network: numbers rounded to 1e-7, no dates."""
    lat, lon = network.town.geo_reference
    drive = xodr.OpenDrive(network.town.name)
    for road in network.roads():
        drive.add_road(_road(road))
    for node in network.town.nodes:
        drive.add_junction(_junction(network, node.id, node.name))
    root = drive.get_element()
    _finish_header(root, network, f"+proj=tmerc +lat_0={lat} +lon_0={lon} +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m")
    _lift_outlines(root)
    _add_controllers(root, network)
    _round_numbers(root)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _road(road: Road) -> xodr.Road:
    plan = xodr.PlanView()
    pose = road.alignment.start
    for piece in road.alignment.pieces:
        shape = xodr.Line(piece.length) if abs(piece.curvature) < 1e-9 else xodr.Arc(piece.curvature, piece.length)
        plan.add_fixed_geometry(shape, pose.x, pose.y, pose.heading)
        pose = piece.pose_from(pose, piece.length)
    lanes = xodr.Lanes()
    ends = [*(section.s_m for section in road.sections[1:]), road.alignment.length]
    for i, (section, end) in enumerate(zip(road.sections, ends, strict=True)):
        lanes.add_lanesection(_section(road, i, section, end))
    result = xodr.Road(road.id, plan, lanes, road.junction, road.name)
    for link, add in ((road.before, result.add_predecessor), (road.after, result.add_successor)):
        contact = xodr.ContactPoint[link.contact] if link.contact else None
        add(xodr.ElementType[link.element], link.id, contact)
    result.add_type(xodr.RoadType.town, 0.0, speed=road.speed_kmh, speed_unit="km/h")
    for height in road.heights:
        result.add_elevation(height.s_m, height.a, height.b, height.c, height.d)
    result.objects = [_painted(painted) for painted in road.painted]
    result.signals = [*map(_sign, road.signs), *map(_reference, road.references)]
    return result


def _section(road: Road, index: int, section: Section, end_m: float) -> xodr.LaneSection:
    center = xodr.Lane()
    span = (section.s_m, end_m, road.alignment.length)
    profile = road.profile
    _add_marks(center, span, profile.center if profile else None, profile.center_approach if profile else None)
    result = xodr.LaneSection(section.s_m, center)
    for side, half in ((1, section.left), (-1, section.right)):
        for i, strip in enumerate(half):
            lane = _lane(strip, end_m - section.s_m)
            mark = strip.mark if profile else None
            _add_marks(lane, span, mark, strip.approach_mark)
            before, after = _links(road, index, side, i, strip)
            if before is not None:
                lane.add_link("predecessor", before)
            if after is not None:
                lane.add_link("successor", after)
            (result.add_left_lane if side > 0 else result.add_right_lane)(lane)
    return result


def _lane(strip: Strip, length_m: float) -> xodr.Lane:
    """Width a + 3 w ds^2 / L^2 - 2 w ds^3 / L^3: smooth from `width_m` to `width_at_end_m`."""
    change = strip.width_at_end_m - strip.width_m
    c, d = (3.0 * change / length_m**2, -2.0 * change / length_m**3) if abs(change) > 1e-9 else (0.0, 0.0)
    return xodr.Lane(xodr.LaneType[strip.kind], strip.width_m, 0.0, c, d)


def _add_marks(lane: xodr.Lane, span: tuple[float, float, float], mark: Mark | None, approach: Mark | None) -> None:
    """Road marks of one lane edge over a section: `approach` within 18 m of the road's ends, `mark` elsewhere."""
    start, end, length = span
    if mark is None or approach is None or length < 2.0 * APPROACH_MARK_M + 10.0:
        parts: Sequence[tuple[float, Mark | None]] = [(start, mark if approach is None else approach or mark)]
    else:
        near, far = APPROACH_MARK_M, length - APPROACH_MARK_M
        zones = [(0.0, near, approach), (near, far, mark), (far, length, approach)]
        parts = [(max(a, start), m) for a, b, m in zones if min(b, end) - max(a, start) > 1e-6]
    for s, chosen in parts:
        if chosen is None or chosen.type == "none":
            lane.add_roadmark(
                xodr.RoadMark(
                    xodr.RoadMarkType.none, soffset=s - start, color=xodr.RoadMarkColor.white,
                    laneChange=xodr.LaneChange.none,
                )
            )  # fmt: skip
            continue
        lane.add_roadmark(
            xodr.RoadMark(
                xodr.RoadMarkType[chosen.type.replace(" ", "_")], chosen.width_m, soffset=s - start,
                color=xodr.RoadMarkColor[chosen.color], laneChange=xodr.LaneChange[chosen.lane_change],
            )
        )  # fmt: skip


def _links(road: Road, index: int, side: int, i: int, strip: Strip) -> tuple[int | None, int | None]:
    """Lane ids before and after a lane: by key between sections, by the junction's links on connecting roads."""
    if road.lane_links:
        return road.lane_links[i]

    def find(section: Section) -> int | None:
        half = section.left if side > 0 else section.right
        return next((side * (k + 1) for k, other in enumerate(half) if other.key == strip.key), None)

    before = find(road.sections[index - 1]) if index > 0 else None
    after = find(road.sections[index + 1]) if index + 1 < len(road.sections) else None
    return before, after


def _junction(network: RoadNetwork, junction_id: int, name: str) -> xodr.Junction:
    junction = xodr.Junction(name, junction_id)
    for road, connection in network.junction_roads[junction_id]:
        link = xodr.Connection(road.before.id, road.id, xodr.ContactPoint.start)
        for i, (lane_in, _) in enumerate(connection.links):
            if lane_in is not None:
                link.add_lanelink(lane_in, -(i + 1))
        junction.add_connection(link)
    return junction


def _orientation(forward: bool) -> xodr.Orientation:
    """CARLA's towns mark what faces traffic of negative lanes with '-'."""
    return xodr.Orientation.negative if forward else xodr.Orientation.positive


def _sign(sign: Sign) -> xodr.Signal:
    signal = xodr.Signal(
        sign.s_m, sign.t_m, "OpenDRIVE", sign.type, "-1" if sign.value is None else str(sign.value), id=str(sign.id),
        name=sign.name, dynamic=xodr.Dynamic.yes if sign.dynamic else xodr.Dynamic.no,
        value=-1.0 if sign.value is None else float(sign.value), unit="km/h", zOffset=sign.z_m,
        orientation=_orientation(abs(sign.facing_rad) < 1.57), hOffset=sign.facing_rad, height=sign.height_m,
        width=sign.width_m,
    )  # fmt: skip
    return signal.add_validity(*sign.lanes)


def _reference(reference: SignReference) -> xodr.SignalReference:
    result = xodr.SignalReference(reference.s_m, 0.0, str(reference.id), _orientation(True))
    return result.add_validity(*reference.lanes)


def _painted(painted: Painted) -> xodr.Object:
    us, vs = zip(*painted.corners, strict=True)
    result = xodr.Object(
        painted.s_m, 0.0, painted.type, id=str(painted.id), name=painted.name,
        orientation=_orientation(painted.forward), hdg=painted.heading_rad, width=max(vs) - min(vs),
        length=max(us) - min(us),
    )  # fmt: skip
    outline = xodr.Outline()
    for u, v in painted.corners:
        outline.add_corner(xodr.CornerLocal(u, v, 0.0, 0.0))
    result.add_outline(outline)
    return result


def _finish_header(root: ET.Element, network: RoadNetwork, projection: str) -> None:
    header = root.find("header")
    assert header is not None
    xs, ys = [], []
    for road in network.streets.values():
        for i in range(21):
            pose = road.alignment.pose_at(road.alignment.length * i / 20.0)
            xs.append(pose.x)
            ys.append(pose.y)
    header.attrib.pop("date", None)
    header.attrib.update(
        revMajor="1", revMinor="4", version="1", vendor="alpamayo-sim",
        north=f"{max(ys):.2f}", south=f"{min(ys):.2f}", east=f"{max(xs):.2f}", west=f"{min(xs):.2f}",
    )  # fmt: skip
    ET.SubElement(header, "geoReference").text = projection


def _lift_outlines(root: ET.Element) -> None:
    """CARLA reads an object's outline as its direct child (OpenDRIVE 1.4)."""
    for item in root.iter("object"):
        outlines = item.find("outlines")
        if outlines is not None:
            item.remove(outlines)
            item.extend(list(outlines))


def _add_controllers(root: ET.Element, network: RoadNetwork) -> None:
    place = list(root).index(root.findall("junction")[0])
    sequence: dict[int, int] = {}
    junctions = {junction.get("id"): junction for junction in root.findall("junction")}
    for offset, controller in enumerate(network.controllers):
        order = str(sequence.get(controller.junction, 0))
        sequence[controller.junction] = sequence.get(controller.junction, 0) + 1
        element = ET.Element("controller", name=f"ctrl{controller.id}", id=str(controller.id), sequence=order)
        for light in controller.lights:
            ET.SubElement(element, "control", signalId=str(light), type="")
        root.insert(place + offset, element)
        junction = junctions[str(controller.junction)]
        ET.SubElement(junction, "controller", id=str(controller.id), type="0", sequence=order)


def _round_numbers(root: ET.Element) -> None:
    for element in root.iter():
        for key, value in element.attrib.items():
            if key not in ("name", "id") and _NUMBER.match(value):
                rounded = f"{float(value):.9f}".rstrip("0").rstrip(".")
                element.attrib[key] = "0" if rounded in ("-0", "") else rounded
