"""A town as a graph: junction nodes, streets between them, and the arms where streets end at junctions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from alpamayo_sim.roads.towns.alignment import Alignment, Pose, through_points, wrap_angle
from alpamayo_sim.roads.towns.cross_section import Profile, Section, Strip, along

CROSSWALK_ROOM_M = 5.0
"""How far the kerbs go on straight between an arm's end (stop line) and the corner: room for a crosswalk."""


@dataclass(frozen=True)
class Height:
    """Elevation record: z = a + b ds + c ds^2 + d ds^3 from `s_m` on."""

    s_m: float
    a: float
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0


def heights_through(knots: Sequence[tuple[float, float]]) -> tuple[Height, ...]:
    """Cubic records through (s, z) knots: level at both ends, slopes of neighbours' chords in between."""
    slopes = [0.0]
    for before, after in zip(knots, knots[2:], strict=False):
        slopes.append((after[1] - before[1]) / (after[0] - before[0]))
    slopes.append(0.0)
    records: list[Height] = []
    for (s0, z0), (s1, z1), m0, m1 in zip(knots, knots[1:], slopes, slopes[1:], strict=False):
        span, rise = s1 - s0, z1 - z0
        c = (3.0 * rise / span - 2.0 * m0 - m1) / span
        d = (m0 + m1 - 2.0 * rise / span) / span**2
        records.append(Height(s0, z0, m0, c, d))
    return tuple(records)


@dataclass(frozen=True)
class Move:
    """A movement laid down by hand: lanes (numbered from the centre, 0 first) of one street into lanes of another."""

    origin: Street
    target: Street
    lanes_in: tuple[int, ...]
    lanes_out: tuple[int, ...]


@dataclass
class Node:
    """A junction: its place, height, kind of control and the arms that meet in it."""

    id: int
    name: str
    x: float
    y: float
    z: float
    control: str
    corner_radius_m: float
    crosswalks: bool
    phases: str
    bare_kerbs: bool = True
    arms: list[Arm] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)

    def arms_around(self) -> list[Arm]:
        """Arms counter-clockwise by the direction in which they leave the junction."""
        return sorted(self.arms, key=lambda arm: wrap_angle(arm.outward_heading) % (2.0 * math.pi))


@dataclass
class Street:
    """A road between two junctions. Its right lanes go along the alignment, its left lanes against it."""

    id: int
    name: str
    profile: Profile
    speed_kmh: int
    start: Node
    end: Node
    full: Alignment
    height_knots: tuple[tuple[float, float], ...]
    alignment: Alignment = field(init=False)
    sections: tuple[Section, ...] = field(init=False)
    heights: tuple[Height, ...] = field(init=False)
    crossings: tuple[float, ...] = ()

    def trim(self, start_m: float, end_m: float) -> None:
        """Cuts the alignment back to the junctions' edges and lays out sections and heights on what is left."""
        self.alignment = self.full.trimmed(start_m, end_m + _odd_trim(self.full.length - start_m - end_m))
        length = self.alignment.length
        self.sections = along(self.profile, length)
        inner = [(fraction * length, z) for fraction, z in self.height_knots]
        self.heights = heights_through([(0.0, self.start.z), *inner, (length, self.end.z)])


@dataclass(frozen=True)
class ArmLane:
    """A driving lane at an arm: OpenDRIVE id and how far right of the arm's centre line its left edge lies."""

    lane_id: int
    inner_m: float
    width_m: float


@dataclass
class Arm:
    """One end of a street at a junction. Poses point in the direction of travel into the junction."""

    node: Node
    street: Street
    at_end: bool
    control: str = "none"
    setback_m: float = 0.0
    fixed_setback_m: float | None = None
    outward_heading: float = 0.0

    @property
    def contact(self) -> str:
        """OpenDRIVE contact point of the street."""
        return "end" if self.at_end else "start"

    @property
    def inward(self) -> Pose:
        """Pose of the centre line at the arm's end, heading into the junction."""
        pose = self.street.alignment.end if self.at_end else self.street.alignment.start.turned(math.pi)
        return Pose(pose.x, pose.y, wrap_angle(pose.heading))

    @property
    def outward(self) -> Pose:
        """Pose of the centre line at the arm's end, heading out of the junction."""
        return self.inward.turned(math.pi)

    def strips(self, incoming: bool) -> tuple[Strip, ...]:
        """Strips, centre outwards, of the side on which traffic enters (or leaves) the junction."""
        section = self.street.sections[-1 if self.at_end else 0]
        return section.right if incoming == self.at_end else section.left

    def lane_id(self, incoming: bool, index: int) -> int:
        """OpenDRIVE id of the strip number `index` of a side."""
        return -(index + 1) if incoming == self.at_end else index + 1

    def lanes(self, incoming: bool) -> list[ArmLane]:
        """Driving lanes of a side, innermost first."""
        found: list[ArmLane] = []
        inner = 0.0
        for i, strip in enumerate(self.strips(incoming)):
            if strip.kind == "driving":
                found.append(ArmLane(self.lane_id(incoming, i), inner, strip.width_m))
            inner += strip.width_m
        return found

    def road_edge_m(self, incoming: bool) -> float:
        """Distance from the centre line to the kerb on a side."""
        return sum(strip.width_m for strip in self.strips(incoming) if strip.kind not in ("sidewalk", "none"))

    def width_m(self, incoming: bool) -> float:
        """Distance from the centre line to the outer edge of the sidewalk on a side."""
        return sum(strip.width_m for strip in self.strips(incoming))


class Town:
    """Collects nodes and streets; `settle` cuts streets back so that every junction has room for its corners."""

    def __init__(self, name: str, *, geo_reference: tuple[float, float]) -> None:
        self.name = name
        self.geo_reference = geo_reference
        self.nodes: list[Node] = []
        self.streets: list[Street] = []

    def node(
        self,
        name: str,
        x: float,
        y: float,
        *,
        z: float = 0.0,
        control: str = "none",
        corner_radius_m: float = 5.0,
        crosswalks: bool = True,
        phases: str = "opposite",
        bare_kerbs: bool = True,
    ) -> Node:
        """A new junction. `control`: signals, all_way_stop, stop, yield (the arms so marked give way) or none.

        `bare_kerbs`: whether corners without a movement get a kerb of their own (not where ramps part).
        """
        node = Node(
            1000 + len(self.nodes), name, x, y, z, control, corner_radius_m, crosswalks, phases, bare_kerbs
        )  # fmt: skip
        self.nodes.append(node)
        return node

    def street(
        self,
        name: str,
        start: Node,
        end: Node,
        profile: Profile,
        speed_kmh: int,
        *,
        via: Sequence[tuple[float, float]] = (),
        radius_m: float | Sequence[float] = 30.0,
        alignment: Alignment | None = None,
        heights: Sequence[tuple[float, float]] = (),
        give_way: str = "",
        crossings: Sequence[float] = (),
        setbacks: tuple[float | None, float | None] = (None, None),
    ) -> Street:
        """A new street. `give_way`: 'start', 'end' or 'both' arms obey the junction's stop or yield control.

        `via`: corner points, rounded by `radius_m`; `heights`: (fraction of the length, z) between its ends;
        `crossings`: fractions of the length of crosswalks away from junctions; `setbacks`: how far the street
        ends before its start and end nodes, instead of what their corners need.
        """
        full = alignment or through_points([(start.x, start.y), *via, (end.x, end.y)], radius_m)
        street = Street(
            len(self.streets) + 1, name, profile, speed_kmh, start, end, full, tuple(heights),
            crossings=tuple(crossings),
        )  # fmt: skip
        self.streets.append(street)
        for node, at_end in ((start, False), (end, True)):
            arm = Arm(node, street, at_end, fixed_setback_m=setbacks[at_end])
            heading = full.end.heading + math.pi if at_end else full.start.heading
            arm.outward_heading = heading
            if node.control in ("signals", "all_way_stop"):
                arm.control = "signal" if node.control == "signals" else "stop"
            elif node.control in ("stop", "yield") and give_way in ("both", "end" if at_end else "start"):
                arm.control = node.control
            node.arms.append(arm)
        return street

    def settle(self) -> None:
        """Computes every arm's setback from the angles and widths of its neighbours and trims all streets."""
        for street in self.streets:
            street.trim(0.0, 0.0)
        for node in self.nodes:
            around = node.arms_around()
            for arm, following in zip(around, [*around[1:], around[0]], strict=True):
                _make_room(node, arm, following)
            for arm in node.arms:
                arm.setback_m = max(arm.setback_m, 2.0) if arm.fixed_setback_m is None else arm.fixed_setback_m
        setbacks = {(arm.street.id, arm.at_end): arm.setback_m for node in self.nodes for arm in node.arms}
        for street in self.streets:
            street.trim(setbacks[street.id, False], setbacks[street.id, True])


def _odd_trim(length_m: float) -> float:
    """How much shorter a street must be so that no usual step (multiples of 0.1 m) divides it evenly.

    `next_until_lane_end` of carla.Waypoint throws where the steps end exactly at the lane's end.
    """
    return (length_m - 0.043) % 0.1


def _make_room(node: Node, arm: Arm, following: Arm) -> None:
    """Pushes the setbacks of two neighbouring arms out to where the kerb's corner arc between them begins."""
    angle = wrap_angle(following.outward_heading - arm.outward_heading) % (2.0 * math.pi)
    if not math.radians(5.0) < angle < math.radians(165.0):
        return
    own, other = arm.road_edge_m(incoming=True), following.road_edge_m(incoming=False)
    tangent = node.corner_radius_m / math.tan(angle / 2.0)
    room = CROSSWALK_ROOM_M if node.crosswalks else 1.0
    own_corner = (other + own * math.cos(angle)) / math.sin(angle)
    other_corner = (own + other * math.cos(angle)) / math.sin(angle)
    arm.setback_m = max(arm.setback_m, own_corner + tangent + room)
    following.setback_m = max(following.setback_m, other_corner + tangent + room)
