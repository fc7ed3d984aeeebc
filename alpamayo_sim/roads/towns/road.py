"""The roads of a finished town, streets and connecting roads alike, with what stands and is painted on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from alpamayo_sim.roads.towns.alignment import Alignment, Pose, wrap_angle
from alpamayo_sim.roads.towns.cross_section import Profile, Section
from alpamayo_sim.roads.towns.junctions import ConnectingRoad, connecting_roads
from alpamayo_sim.roads.towns.network import Height, Node, Street, Town, heights_through

STREET_FURNITURE_ID = 5000
CONNECTING_ROAD_ID = 200


@dataclass(frozen=True)
class Link:
    """What a road's start or end touches: a junction, or (inside junctions) a street's start or end."""

    element: str
    id: int
    contact: str | None = None


@dataclass(frozen=True)
class Sign:
    """An OpenDRIVE signal at (s, t); `lanes` are those it governs on its own road, (0, 0) when only references do."""

    id: int
    name: str
    type: str
    s_m: float
    t_m: float
    z_m: float
    facing_rad: float
    lanes: tuple[int, int]
    dynamic: bool = False
    value: int | None = None
    height_m: float = 0.7
    width_m: float = 0.7


@dataclass(frozen=True)
class SignReference:
    """A signal's hold over lanes of another road."""

    id: int
    s_m: float
    lanes: tuple[int, int]


@dataclass(frozen=True)
class Painted:
    """An OpenDRIVE object with an outline in its own frame (u along its long side)."""

    id: int
    name: str
    type: str
    s_m: float
    heading_rad: float
    forward: bool
    corners: tuple[tuple[float, float], ...]


@dataclass
class Road:
    """One OpenDRIVE road. `junction` is -1 for streets."""

    id: int
    name: str
    junction: int
    alignment: Alignment
    heights: tuple[Height, ...]
    sections: tuple[Section, ...]
    profile: Profile | None
    speed_kmh: int
    before: Link
    after: Link
    lane_links: tuple[tuple[int | None, int | None], ...] = ()
    signs: list[Sign] = field(default_factory=list)
    references: list[SignReference] = field(default_factory=list)
    painted: list[Painted] = field(default_factory=list)


@dataclass(frozen=True)
class Controller:
    """Lights that change together, and the junction they belong to."""

    id: int
    junction: int
    lights: tuple[int, ...]


@dataclass
class RoadNetwork:
    """Everything that goes into the file."""

    town: Town
    streets: dict[int, Road]
    junction_roads: dict[int, list[tuple[Road, ConnectingRoad]]]
    controllers: list[Controller] = field(default_factory=list)
    next_id: int = STREET_FURNITURE_ID

    def new_id(self) -> int:
        """The next free id of signals, objects and controllers."""
        self.next_id += 1
        return self.next_id

    def roads(self) -> Iterator[Road]:
        """Streets first, then connecting roads junction by junction."""
        yield from self.streets.values()
        for roads in self.junction_roads.values():
            for road, _ in roads:
                yield road


def lay_out(town: Town) -> RoadNetwork:
    """The roads of a settled town, without furniture."""
    streets = {street.id: _street_road(street) for street in town.streets}
    junction_roads: dict[int, list[tuple[Road, ConnectingRoad]]] = {}
    next_id = CONNECTING_ROAD_ID
    for node in town.nodes:
        roads: list[tuple[Road, ConnectingRoad]] = []
        for connection in connecting_roads(node):
            roads.append((_connecting_road(next_id, node, connection), connection))
            next_id += 1
        junction_roads[node.id] = roads
    return RoadNetwork(town, streets, junction_roads)


def _street_road(street: Street) -> Road:
    return Road(
        street.id, street.name, -1, street.alignment, street.heights, street.sections, street.profile, street.speed_kmh,
        Link("junction", street.start.id), Link("junction", street.end.id),
    )  # fmt: skip


def _connecting_road(road_id: int, node: Node, connection: ConnectingRoad) -> Road:
    section = Section(0.0, (), tuple(connection.strips))
    speed = min(connection.origin.street.speed_kmh, connection.target.street.speed_kmh)
    return Road(
        road_id, f"{node.name} {connection.turn}", node.id, connection.alignment,
        heights_through([(0.0, node.z), (connection.alignment.length, node.z)]), (section,), None, speed,
        Link("road", connection.origin.street.id, connection.origin.contact),
        Link("road", connection.target.street.id, connection.target.contact),
        connection.links,
    )  # fmt: skip


def height_at(road: Road, s_m: float) -> float:
    """Elevation of the reference line."""
    record = [h for h in road.heights if h.s_m <= s_m + 1e-9][-1] if s_m > 0 else road.heights[0]
    ds = s_m - record.s_m
    return record.a + ds * (record.b + ds * (record.c + ds * record.d))


def facing(road: Road, s_m: float, heading: float) -> float:
    """Angle from the reference line's heading at `s_m` to `heading`."""
    return wrap_angle(heading - road.alignment.pose_at(s_m).heading)


def outline_at(road: Road, center: Pose, half_length_m: float, half_width_m: float) -> tuple[float, float, tuple]:
    """(s, heading, corners) of a closed rectangle around `center` whose long side goes along `center.heading`.

    CARLA widens crosswalks along u and turns them about t = 0, so the frame's origin lies on the reference line.
    """
    s, _ = road.alignment.project(center.x, center.y)
    base = road.alignment.pose_at(s)
    frame = Pose(base.x, base.y, center.heading)
    corners: list[tuple[float, float]] = []
    for along, across in ((1, 1), (1, -1), (-1, -1), (-1, 1), (1, 1)):
        point = center.ahead(along * half_length_m).left(across * half_width_m)
        corners.append(frame.local(point.x, point.y))
    return s, wrap_angle(center.heading - base.heading), tuple(corners)
