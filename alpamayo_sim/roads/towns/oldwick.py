"""Oldwick: an old town. Narrow crooked streets around a roundabout, stop and yield signs, no traffic lights."""

from __future__ import annotations

import math

from alpamayo_sim.roads.towns.alignment import Alignment, Piece, Pose
from alpamayo_sim.roads.towns.cross_section import driving_half, one_way, two_way
from alpamayo_sim.roads.towns.network import Node, Town

RING_RADIUS_M = 18.0
"""Radius of the ring lane's inner edge, on which the ring's reference lines lie."""
RING_ARMS_DEG = {"east": -8.0, "north": 84.0, "west": 174.0, "south": 262.0}


def build() -> Town:
    """The town, not yet settled."""
    town = Town("Oldwick", geo_reference=(52.2053, 0.1218))
    lane = two_way(driving_half(1, lane_width_m=3.0, gutter_m=0.4, sidewalk_m=2.0))
    parked = two_way(driving_half(1, lane_width_m=3.0, parking_m=2.0, gutter_m=0.4, sidewalk_m=2.0))
    road = two_way(driving_half(1, lane_width_m=3.25, gutter_m=0.4, sidewalk_m=2.0))
    ring = _roundabout(town)

    def corner(name: str, x: float, y: float, control: str) -> Node:
        return town.node(name, x, y, control=control, corner_radius_m=4.5)

    church = corner("Church Corner", 18.0, 132.0, "all_way_stop")
    mill = corner("Mill Corner", 152.0, 112.0, "all_way_stop")
    bridge = corner("Bridge Corner", 166.0, -24.0, "all_way_stop")
    tannery = corner("Tannery Corner", 128.0, -158.0, "stop")
    abbey = corner("Abbey Corner", -18.0, -148.0, "yield")
    smithy = corner("Smithy Corner", -150.0, -128.0, "stop")
    market = corner("Market Corner", -162.0, 14.0, "all_way_stop")
    well = corner("Well Corner", -122.0, 126.0, "all_way_stop")
    east_gate = corner("East Gate", 282.0, 16.0, "yield")
    west_gate = corner("West Gate", -284.0, 4.0, "stop")
    north_gate = corner("North Gate", 12.0, 248.0, "stop")

    def spoke(name: str, arm: str, goal: Node, via: tuple[float, float], both: bool = False) -> None:
        town.street(
            name, ring[arm], goal, lane, 30, via=[via], radius_m=60.0, crossings=[0.22],
            give_way="both" if both else "start",
        )  # fmt: skip

    spoke("Church Street", "north", church, (4.0, 72.0))
    spoke("Bridge Street", "east", bridge, (88.0, -14.0))
    spoke("Abbey Street", "south", abbey, (-12.0, -76.0), both=True)
    spoke("Market Street", "west", market, (-78.0, 6.0))

    town.street("Bell Lane", church, mill, lane, 30, via=[(70.0, 122.0), (112.0, 126.0)], radius_m=50.0)
    town.street("Mill Lane", mill, bridge, parked, 30, via=[(166.0, 62.0), (158.0, 18.0)], radius_m=45.0)
    town.street("Tanner Row", bridge, tannery, lane, 30, via=[(158.0, -78.0), (138.0, -104.0)], radius_m=40.0)
    town.street("Weaver Row", tannery, abbey, parked, 30, via=[(84.0, -170.0), (36.0, -152.0)], radius_m=50.0)
    town.street("Cloister Row", abbey, smithy, lane, 30, via=[(-62.0, -140.0), (-104.0, -146.0)], radius_m=50.0)
    town.street("Smithy Lane", smithy, market, lane, 30, via=[(-140.0, -84.0), (-166.0, -40.0)], radius_m=40.0)
    town.street("Well Lane", market, well, parked, 30, via=[(-158.0, 56.0), (-126.0, 88.0)], radius_m=35.0)
    town.street("Chapel Lane", well, church, lane, 30, via=[(-76.0, 140.0), (-30.0, 128.0)], radius_m=50.0)
    town.street(
        "North Street", church, north_gate, lane, 30, via=[(24.0, 186.0)], radius_m=60.0, give_way="end",
        crossings=[0.5],
    )  # fmt: skip

    town.street(
        "Eastern Way", mill, east_gate, road, 40, via=[(226.0, 110.0), (278.0, 72.0)], radius_m=45.0
    )  # fmt: skip
    town.street("Gate Street", bridge, east_gate, road, 40, via=[(224.0, -28.0)], radius_m=50.0, give_way="end")
    town.street(
        "Tannery Way", tannery, east_gate, road, 40, via=[(214.0, -150.0), (288.0, -86.0)], radius_m=60.0,
        give_way="start",
    )  # fmt: skip
    town.street(
        "Western Way", well, west_gate, road, 40, via=[(-206.0, 134.0), (-284.0, 84.0)], radius_m=60.0
    )  # fmt: skip
    town.street("Fair Street", market, west_gate, road, 40, via=[(-222.0, 4.0)], radius_m=60.0, give_way="end")
    town.street(
        "Smithy Way", smithy, west_gate, road, 40, via=[(-216.0, -128.0), (-284.0, -78.0)], radius_m=55.0,
        give_way="start",
    )  # fmt: skip
    town.street(
        "Northern Way", well, north_gate, road, 40, via=[(-118.0, 196.0), (-62.0, 248.0)], radius_m=45.0
    )  # fmt: skip
    town.street(
        "Orchard Way", mill, north_gate, road, 40, via=[(150.0, 184.0), (96.0, 248.0)], radius_m=50.0
    )  # fmt: skip
    return town


def _roundabout(town: Town) -> dict[str, Node]:
    """Four nodes on a circle about the origin and the one-way, counter-clockwise ring between them."""
    profile = one_way(driving_half(1, lane_width_m=3.5, sidewalk_m=2.0), green_m=RING_RADIUS_M - 1.5)
    nodes = {
        name: town.node(
            f"Roundabout {name}", RING_RADIUS_M * math.cos(math.radians(deg)),
            RING_RADIUS_M * math.sin(math.radians(deg)), control="yield", corner_radius_m=5.5, crosswalks=False,
        )
        for name, deg in RING_ARMS_DEG.items()
    }  # fmt: skip
    names = list(RING_ARMS_DEG)
    for here, there in zip(names, [*names[1:], names[0]], strict=True):
        begin, finish = math.radians(RING_ARMS_DEG[here]), math.radians(RING_ARMS_DEG[there])
        sweep = (finish - begin) % (2.0 * math.pi)
        start = Pose(nodes[here].x, nodes[here].y, begin + math.pi / 2.0)
        arc = Alignment(start, (Piece(RING_RADIUS_M * sweep, 1.0 / RING_RADIUS_M),))
        town.street(f"Roundabout {here} to {there}", nodes[here], nodes[there], profile, 30, alignment=arc)
    return nodes
