"""Longmoor: the country. A motorway with two interchanges between rural roads, and a village."""

from __future__ import annotations

import math
from dataclasses import dataclass

from alpamayo_sim.roads.towns.alignment import Pose, through_points
from alpamayo_sim.roads.towns.cross_section import (
    WHITE_BROKEN,
    WHITE_SOLID,
    YELLOW_SOLID,
    Profile,
    Strip,
    driving_half,
    one_way,
    two_way,
)
from alpamayo_sim.roads.towns.network import Move, Node, Street, Town

LANE_M, MEDIAN_M, SHOULDER_M = 3.5, 2.0, 1.5
END_X_M, LANE_END_X_M, OUTER_GORE_X_M, INNER_GORE_X_M = 690.0, 556.0, 380.0, 120.0
LINK_X_M = 250.0
LANE_END_HALF_M, GORE_M = 22.0, 50.0
"""Half of the stretch on which a lane ends or begins; how long the ramps run beside the motorway before they part."""
NOSE_AHEAD_M, NOSE_ASIDE_M, NOSE_TURN_RAD = 60.0, 4.2, math.radians(8.0)
FORK_Y_M, RAMP_END_Y_M, FORK_ASIDE_M, RAMP_RADIUS_M = 100.0, 88.0, 1.0, 55.0
RURAL_Y_M = 190.0
VILLAGE_X_M, ISLAND_X_M, BAY_X_M, BAY_HALF_M = 60.0, -130.0, 170.0, 28.0
"""Where the main road is left for the village, where it widens before that, and half of how long that takes."""


def build() -> Town:
    """The town, not yet settled."""
    town = Town("Longmoor", geo_reference=(52.8340, -1.6120))
    west = town.node(
        "West End", -END_X_M, 0.0, control="signals", corner_radius_m=8.0, phases="one_by_one", crosswalks=False
    )
    east = town.node(
        "East End", END_X_M, 0.0, control="signals", corner_radius_m=8.0, phases="one_by_one", crosswalks=False
    )
    links = {
        (side, half): town.node(
            f"{'West' if side < 0 else 'East'} Link {'South' if half < 0 else 'North'}", side * LINK_X_M, half * RURAL_Y_M,
            control="signals", corner_radius_m=8.0, phases="one_by_one", crosswalks=False,
        )
        for half in (-1, 1)
        for side in (-1, 1)
    }  # fmt: skip
    _motorway(town, west, east, links)
    _south(town, west, east, links)
    _north(town, west, east, links)
    return town


def _carriageways(lanes: int) -> Profile:
    """Both carriageways: median, lanes, hard shoulder."""
    return two_way(driving_half(
        lanes, lane_width_m=LANE_M, median_m=MEDIAN_M, gutter_m=SHOULDER_M, sidewalk_m=0.0, curb=False,
    ))  # fmt: skip


def _rural_half(lanes: int = 1) -> tuple[Strip, ...]:
    return driving_half(lanes, lane_width_m=LANE_M, gutter_m=1.0, sidewalk_m=0.0, curb=False)


@dataclass(frozen=True)
class _Gore:
    """Where a lane of the motorway parts into an exit ramp and one begins from an entry ramp, on opposite sides."""

    node: Node
    wide: Street
    plain: Street
    to_plain_rad: float
    """Heading from where there is a lane more to where there is not."""


def _motorway(town: Town, west: Node, east: Node, links: dict[tuple[int, int], Node]) -> None:
    """Two lanes each way; a third one from entry to exit between the interchanges, and 150 m long outside of them."""
    plain, wide = _carriageways(2), _carriageways(3)
    ends = {
        s: town.node(f"{_name(s)} Lane End", s * LANE_END_X_M, 0.0, crosswalks=False, bare_kerbs=False) for s in (-1, 1)
    }
    outer = {
        s: town.node(f"{_name(s)} Outer Gore", s * OUTER_GORE_X_M, 0.0, crosswalks=False, bare_kerbs=False)
        for s in (-1, 1)
    }
    inner = {
        s: town.node(f"{_name(s)} Inner Gore", s * INNER_GORE_X_M, 0.0, crosswalks=False, bare_kerbs=False)
        for s in (-1, 1)
    }
    middle = town.street("Moor Motorway Middle", inner[-1], inner[1], wide, 90, setbacks=(0.0, 0.0))
    for side, gate in ((-1, west), (1, east)):
        name = f"Moor Motorway {_name(side)}"
        approach = _east(town, side, f"{name} End", gate, ends[side], plain, 80, None, LANE_END_HALF_M)
        lanes = _east(town, side, f"{name} Ramp Lanes", ends[side], outer[side], wide, 90, LANE_END_HALF_M, 0.0)
        between = _east(town, side, f"{name} Interchange", outer[side], inner[side], plain, 90, GORE_M, GORE_M)
        ends[side].moves += [
            Move(approach, lanes, (0, 1), (0, 1)), Move(approach, lanes, (1,), (2,)),
            Move(lanes, approach, (0, 1), (0, 1)), Move(lanes, approach, (2,), (1,)),
        ]  # fmt: skip
        inwards = 0.0 if side < 0 else math.pi
        forks = {half: _link(town, side, half, links[side, half]) for half in (-1, 1)}
        for gore in (
            _Gore(outer[side], lanes, between, inwards),
            _Gore(inner[side], middle, between, inwards + math.pi),
        ):
            _ramps(town, gore, forks)


def _name(side: int) -> str:
    return "West" if side < 0 else "East"


def _east(
    town: Town, side: int, name: str, far: Node, near: Node, profile: Profile, speed_kmh: int,
    far_setback_m: float | None, near_setback_m: float,
) -> Street:  # fmt: skip
    """A street of the motorway, which is laid from west to east on both sides of the town's middle."""
    if side < 0:
        return town.street(name, far, near, profile, speed_kmh, setbacks=(far_setback_m, near_setback_m))
    return town.street(name, near, far, profile, speed_kmh, setbacks=(near_setback_m, far_setback_m))


@dataclass(frozen=True)
class _Fork:
    """Where an exit and an entry ramp become one road with two directions."""

    node: Node
    link: Street


def _link(town: Town, side: int, half: int, signals: Node) -> _Fork:
    name = f"{_name(side)} {'South' if half < 0 else 'North'}"
    fork = town.node(f"{name} Fork", side * LINK_X_M, half * FORK_Y_M, crosswalks=False, bare_kerbs=False)
    return _Fork(fork, town.street(f"{name} Link", fork, signals, two_way(_rural_half()), 50, setbacks=(10.0, None)))


def _ramps(town: Town, gore: _Gore, forks: dict[int, _Fork]) -> None:
    """The exit ramp to the right of the way past a gore, and the entry ramp to the other carriageway on the left."""
    profile = one_way(driving_half(1, lane_width_m=LANE_M, gutter_m=1.0, sidewalk_m=0.0))
    travel = Pose(gore.node.x, gore.node.y, gore.to_plain_rad)
    edge = MEDIAN_M + 2.0 * LANE_M
    to_link = abs(abs(gore.node.x) - LINK_X_M) - FORK_ASIDE_M
    rise = (to_link - NOSE_AHEAD_M) * math.tan(NOSE_TURN_RAD)
    half = -1 if math.cos(gore.to_plain_rad) > 0.0 else 1
    away, back = forks[half], forks[-half]

    def path(left: float) -> list[tuple[float, float]]:
        """Nose, corner and foot of a ramp on one side of the way, `left` +1 or -1."""
        out = travel.left(left * (edge + NOSE_ASIDE_M))
        poses = (
            out.ahead(NOSE_AHEAD_M), out.ahead(to_link).left(left * rise),
            travel.ahead(to_link).left(left * RAMP_END_Y_M),
        )  # fmt: skip
        return [(pose.x, pose.y) for pose in poses]

    direction = "East" if half < 0 else "West"
    exit_ramp = town.street(
        f"{gore.node.name} {direction}bound Exit", gore.node, away.node, profile, 50,
        alignment=through_points(path(-1.0), RAMP_RADIUS_M), setbacks=(0.0, 0.0),
    )  # fmt: skip
    entry_ramp = town.street(
        f"{gore.node.name} {'West' if half < 0 else 'East'}bound Entry", back.node, gore.node, profile, 60,
        alignment=through_points(path(1.0)[::-1], RAMP_RADIUS_M), setbacks=(0.0, 0.0),
    )  # fmt: skip
    gore.node.moves += [
        Move(gore.wide, gore.plain, (0, 1), (0, 1)), Move(gore.plain, gore.wide, (0, 1), (0, 1)),
        Move(gore.wide, exit_ramp, (2,), (0,)), Move(entry_ramp, gore.wide, (0,), (2,)),
    ]  # fmt: skip
    away.node.moves.append(Move(exit_ramp, away.link, (0,), (0,)))
    back.node.moves.append(Move(back.link, entry_ramp, (0,), (0,)))


def _south(town: Town, west: Node, east: Node, links: dict[tuple[int, int], Node]) -> None:
    """The main road with a turning lane to the village, which lies south of it."""
    rural = two_way(_rural_half())
    left, right = links[-1, -1], links[1, -1]
    cross = town.node("Village Turn", VILLAGE_X_M, -RURAL_Y_M, control="stop", corner_radius_m=12.0, crosswalks=False)
    narrow = {
        s: town.node(f"{_name(s)} Bay", x, -RURAL_Y_M, crosswalks=False, bare_kerbs=False)
        for s, x in ((-1, ISLAND_X_M), (1, BAY_X_M))
    }
    town.street("Moor Road West", west, left, rural, 80, via=[(-END_X_M, -RURAL_Y_M)], radius_m=110.0)
    near = town.street("Moor Road", left, narrow[-1], rural, 80, setbacks=(None, BAY_HALF_M))
    island = (Strip("median", "median", LANE_M, YELLOW_SOLID), *_rural_half())
    past = town.street(
        "Moor Road Island",
        narrow[-1],
        cross,
        Profile(island, _rural_half(), YELLOW_SOLID, None),
        80,
        setbacks=(BAY_HALF_M, None),
    )
    bay = (
        Strip("turn", "driving", LANE_M, WHITE_BROKEN, WHITE_SOLID),
        *_rural_half(),
    )
    before = town.street(
        "Moor Road Bay",
        cross,
        narrow[1],
        Profile(bay, _rural_half(), YELLOW_SOLID, None),
        80,
        setbacks=(None, BAY_HALF_M),
    )
    far = town.street("Moor Road Far", narrow[1], right, rural, 80, setbacks=(BAY_HALF_M, None))
    narrow[-1].moves += [Move(near, past, (0,), (0,)), Move(past, near, (0,), (0,))]
    narrow[1].moves += [
        Move(before, far, (0,), (0,)), Move(far, before, (0,), (1,)), Move(far, before, (0,), (0,)),
    ]  # fmt: skip
    town.street("Moor Road East", right, east, rural, 80, via=[(END_X_M, -RURAL_Y_M)], radius_m=110.0)
    _village(town, cross, left, right)


def _village(town: Town, turn: Node, left: Node, right: Node) -> None:
    street = two_way(driving_half(1, lane_width_m=LANE_M, sidewalk_m=2.5))
    home = two_way(driving_half(1, lane_width_m=3.2, parking_m=2.2, sidewalk_m=2.0))
    green = town.node("Village Green", 40.0, -290.0, control="all_way_stop")
    mill = town.node("Mill Corner", -120.0, -310.0, control="stop")
    forge = town.node("Forge Corner", 160.0, -305.0, control="yield")
    town.street("Church Road", turn, green, street, 50, give_way="start", via=[(VILLAGE_X_M, -236.0)], radius_m=80.0)
    town.street("Mill Street", mill, green, home, 30, give_way="start")
    town.street("Forge Street", green, forge, home, 30, give_way="end", via=[(96.0, -286.0)], radius_m=120.0)
    town.street("Mill Lane", left, mill, street, 50, via=[(-LINK_X_M, -300.0)], radius_m=40.0, crossings=[0.75])
    town.street("Forge Lane", forge, right, street, 50, via=[(LINK_X_M, -298.0)], radius_m=40.0, crossings=[0.25])
    town.street(
        "Common Loop", mill, forge, home, 30, via=[(-126.0, -372.0), (20.0, -380.0), (166.0, -366.0)],
        radius_m=[24.0, 120.0, 24.0], crossings=[0.5],
    )  # fmt: skip


def _north(town: Town, west: Node, east: Node, links: dict[tuple[int, int], Node]) -> None:
    """The road along the heath, with a side road that leaves it and comes back."""
    rural = two_way(_rural_half())
    left, right = links[-1, 1], links[1, 1]
    first = town.node("Heath Turn", -150.0, RURAL_Y_M, control="stop", corner_radius_m=14.0, crosswalks=False)
    second = town.node("Farm Turn", 30.0, RURAL_Y_M, control="yield", corner_radius_m=14.0, crosswalks=False)
    town.street("Heath Road West", west, left, rural, 80, via=[(-END_X_M, RURAL_Y_M)], radius_m=110.0)
    town.street("Heath Road", left, first, rural, 80)
    town.street("Heath Road Middle", first, second, rural, 80)
    town.street("Heath Road Far", second, right, rural, 80)
    town.street("Heath Road East", right, east, rural, 80, via=[(END_X_M, RURAL_Y_M)], radius_m=110.0)
    town.street(
        "Farm Loop", first, second, rural, 60, via=[(-154.0, 320.0), (36.0, 326.0)], radius_m=50.0, give_way="both",
        heights=[(0.5, 2.5)],
    )  # fmt: skip
