"""Rampfield: a suburb. A four-lane arterial with ramps and merging lanes, residential loops, a hill in the north."""

from __future__ import annotations

import math

from alpamayo_sim.roads.towns.alignment import Pose, through_points
from alpamayo_sim.roads.towns.cross_section import Profile, driving_half, one_way, two_way
from alpamayo_sim.roads.towns.network import Move, Node, Street, Town

LANE_M, MEDIAN_M, SHOULDER_M = 3.5, 1.5, 1.5
END_X_M, LANE_CHANGE_X_M, GORE_X_M = 390.0, 262.0, 150.0
RAMP_ANGLE_RAD = math.radians(12.0)


def build() -> Town:
    """The town, not yet settled."""
    town = Town("Rampfield", geo_reference=(40.4168, -3.7038))
    west = town.node("West Gate", -END_X_M, 0.0, control="signals", corner_radius_m=5.5, phases="one_by_one")
    east = town.node("East Gate", END_X_M, 0.0, control="signals", corner_radius_m=5.5, phases="one_by_one")
    hill_foot = town.node("Hill Foot", 0.0, 95.0, control="stop", corner_radius_m=8.0, crosswalks=False)
    meadow = town.node("Meadow", 0.0, -95.0, control="stop", corner_radius_m=8.0, crosswalks=False)
    _arterial(town, west, east, hill_foot, meadow)
    _hillside(town, west, east, hill_foot)
    _meadows(town, west, east, meadow)
    return town


def _arterial(town: Town, west: Node, east: Node, north: Node, south: Node) -> None:
    """The arterial from west to east, with a lane more on both sides between the gores and the lane changes."""
    gate_side, plain, wide = _carriageways(2, sidewalk_m=2.5), _carriageways(2), _carriageways(3)
    ends: dict[int, tuple[Node, Node]] = {}
    for side in (-1, 1):
        label = "West" if side < 0 else "East"
        change = town.node(f"{label} Lane Change", side * LANE_CHANGE_X_M, 0.0, crosswalks=False, bare_kerbs=False)
        gore = town.node(f"{label} Gore", side * GORE_X_M, 0.0, crosswalks=False, bare_kerbs=False)
        ends[side] = (change, gore)
    middle = town.street("Parkway Centre", ends[-1][1], ends[1][1], plain, 90, setbacks=(30.0, 30.0))
    for side, gate in ((-1, west), (1, east)):
        change, gore = ends[side]
        label = "West" if side < 0 else "East"
        if side < 0:
            outer = town.street(f"Parkway {label}", gate, change, gate_side, 60, setbacks=(None, 22.0))
            inner = town.street(f"Parkway {label} Ramps", change, gore, wide, 80, setbacks=(22.0, 0.0))
        else:
            inner = town.street(f"Parkway {label} Ramps", gore, change, wide, 80, setbacks=(0.0, 22.0))
            outer = town.street(f"Parkway {label}", change, gate, gate_side, 60, setbacks=(22.0, None))
        change.moves += [
            Move(outer, inner, (0, 1), (0, 1)), Move(outer, inner, (1,), (2,)),
            Move(inner, outer, (0, 1), (0, 1)), Move(inner, outer, (2,), (1,)),
        ]  # fmt: skip
        exit_ramp, entry_ramp = _ramps(town, side, gore, *((south, north) if side < 0 else (north, south)))
        gore.moves += [
            Move(inner, middle, (0, 1), (0, 1)), Move(middle, inner, (0, 1), (0, 1)),
            Move(inner, exit_ramp, (2,), (0,)), Move(entry_ramp, inner, (0,), (2,)),
        ]  # fmt: skip


def _carriageways(lanes: int, sidewalk_m: float = 0.0) -> Profile:
    """Both carriageways: median, lanes, shoulder; a kerb and a sidewalk where people walk."""
    return two_way(driving_half(
        lanes, lane_width_m=LANE_M, median_m=MEDIAN_M, gutter_m=SHOULDER_M, sidewalk_m=sidewalk_m,
        curb=sidewalk_m > 0.0,
    ))  # fmt: skip


def _ramps(town: Town, side: int, gore: Node, exit_to: Node, entry_from: Node) -> tuple[Street, Street]:
    """The exit ramp that leaves the arterial's right side at a gore and the entry ramp that joins on its other side."""
    profile = one_way(driving_half(1, lane_width_m=LANE_M, gutter_m=1.0, sidewalk_m=0.0))
    travel = Pose(gore.x, gore.y, 0.0 if side < 0 else math.pi)
    edge = MEDIAN_M + 2.0 * LANE_M
    nose = travel.ahead(36.0).left(-edge - 3.8).turned(-RAMP_ANGLE_RAD)
    bend = nose.ahead(48.0)
    name = "East" if side < 0 else "West"
    leaving = through_points([(nose.x, nose.y), (bend.x, bend.y), (exit_to.x, exit_to.y)], 60.0)
    exit_ramp = town.street(
        f"{name}bound Exit", gore, exit_to, profile, 50, alignment=leaving, setbacks=(0.0, None), give_way="end"
    )
    # the entry ramp's centre line is its left edge too, so its lane's outer side faces away from the arterial
    tip = travel.ahead(36.0).left(edge + 3.8).turned(RAMP_ANGLE_RAD)
    corner = tip.ahead(48.0)
    joining = through_points([(entry_from.x, entry_from.y), (corner.x, corner.y), (tip.x, tip.y)], 60.0)
    entry_ramp = town.street(
        f"{'West' if side < 0 else 'East'}bound Entry", entry_from, gore, profile, 60, alignment=joining,
        setbacks=(None, 0.0),
    )  # fmt: skip
    return exit_ramp, entry_ramp


def _hillside(town: Town, west: Node, east: Node, foot: Node) -> None:
    """Residential loops that climb to 8 m."""
    collector = two_way(driving_half(1, lane_width_m=3.5, sidewalk_m=2.5))
    home = two_way(driving_half(1, lane_width_m=3.2, parking_m=2.2, sidewalk_m=2.0))
    hall = town.node("Hill Hall", 0.0, 212.0, z=5.0, control="all_way_stop")
    left = town.node("Fern Corner", -212.0, 196.0, z=3.0, control="stop")
    right = town.node("Heath Corner", 222.0, 206.0, z=6.5, control="stop")
    top = town.node("Hill Top", 8.0, 330.0, z=8.0, control="yield")
    town.street("Hill Road", foot, hall, collector, 50)
    town.street("Summit Road", hall, top, collector, 30, give_way="end", crossings=[0.5])
    town.street("Fern Road", west, left, collector, 50, via=[(-394.0, 190.0)], radius_m=60.0, heights=[(0.6, 1.0)])
    town.street(
        "Heath Road", east, right, collector, 50, via=[(394.0, 196.0)], radius_m=60.0, heights=[(0.5, 2.0)]
    )  # fmt: skip
    town.street("Fern Rise", left, hall, home, 30, via=[(-96.0, 220.0)], radius_m=120.0, crossings=[0.5])
    town.street("Heath Rise", hall, right, home, 30, via=[(112.0, 226.0)], radius_m=120.0, crossings=[0.5])
    town.street(
        "Fern Loop", left, top, home, 30, via=[(-218.0, 300.0), (-120.0, 346.0)], radius_m=45.0, give_way="start",
        heights=[(0.5, 7.0)],
    )  # fmt: skip
    town.street(
        "Heath Loop", right, top, home, 30, via=[(234.0, 318.0), (126.0, 350.0)], radius_m=45.0, give_way="start",
        heights=[(0.5, 5.0)],
    )  # fmt: skip


def _meadows(town: Town, west: Node, east: Node, meadow: Node) -> None:
    """The flat south: a collector and two residential loops."""
    collector = two_way(driving_half(1, lane_width_m=3.5, sidewalk_m=2.5))
    home = two_way(driving_half(1, lane_width_m=3.2, parking_m=2.2, sidewalk_m=2.0))
    green = town.node("Green", 0.0, -206.0, control="all_way_stop")
    left = town.node("Brook Corner", -196.0, -198.0, control="stop")
    right = town.node("Pond Corner", 204.0, -210.0, control="stop")
    bottom = town.node("Common", -6.0, -318.0, control="yield")
    town.street("Meadow Road", meadow, green, collector, 50)
    town.street("Common Road", green, bottom, collector, 30, give_way="end", crossings=[0.5])
    town.street("Brook Road", west, left, collector, 50, via=[(-394.0, -188.0)], radius_m=60.0)
    town.street("Pond Road", east, right, collector, 50, via=[(394.0, -200.0)], radius_m=60.0)
    town.street("Brook Street", left, green, home, 30, via=[(-92.0, -212.0)], radius_m=120.0, crossings=[0.5])
    town.street("Pond Street", green, right, home, 30, via=[(104.0, -214.0)], radius_m=160.0, crossings=[0.5])
    town.street(
        "Brook Loop", left, bottom, home, 30, via=[(-204.0, -290.0), (-116.0, -330.0)], radius_m=45.0,
        give_way="start",
    )  # fmt: skip
    town.street(
        "Pond Loop", right, bottom, home, 30, via=[(212.0, -296.0), (118.0, -334.0)], radius_m=45.0, give_way="start"
    )  # fmt: skip
