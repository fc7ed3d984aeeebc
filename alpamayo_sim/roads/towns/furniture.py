"""Signals, signs, stop lines and crosswalks, placed from the junctions' control and the streets' speed limits."""

from __future__ import annotations

import math

from alpamayo_sim.roads.towns.alignment import Pose, wrap_angle
from alpamayo_sim.roads.towns.junctions import ConnectingRoad
from alpamayo_sim.roads.towns.network import CROSSWALK_ROOM_M, Arm, Node, Street
from alpamayo_sim.roads.towns.road import (
    Controller,
    Painted,
    Road,
    RoadNetwork,
    Sign,
    SignReference,
    facing,
    outline_at,
)

TRAFFIC_LIGHT, STOP, YIELD, SPEED_LIMIT = "1000001", "206", "205", "274"
STOP_LINE_BACK_M = 0.5
CROSSWALK_INTO_JUNCTION_M = 2.6
CROSSWALK_HALF_WIDTH_M = 1.5
POLE_BEHIND_KERB_M = 0.6


def furnish(network: RoadNetwork) -> None:
    """Adds all furniture to a laid-out network."""
    for node in network.town.nodes:
        for arm in node.arms:
            _stop_line(network, arm)
            if arm.control in ("stop", "yield"):
                _give_way_sign(network, arm)
            if node.crosswalks:
                _crosswalk_at(network, node, arm)
        if node.control == "signals":
            _signals(network, node)
    for street in network.town.streets:
        _speed_signs(network, street)
        for fraction in street.crossings:
            _crosswalk_across(network, street, fraction)


def _arm_s(arm: Arm, back_m: float) -> float:
    """s on the arm's street, `back_m` before the junction."""
    return arm.street.alignment.length - back_m if arm.at_end else back_m


def _lane_range(ids: list[int]) -> tuple[int, int]:
    return min(ids), max(ids)


def _stop_line(network: RoadNetwork, arm: Arm) -> None:
    lanes = arm.lanes(incoming=True)
    if arm.control == "none" or not lanes:
        return
    road = network.streets[arm.street.id]
    inner, outer = lanes[0].inner_m, lanes[-1].inner_m + lanes[-1].width_m
    at = arm.inward.ahead(-STOP_LINE_BACK_M).left(-(inner + outer) / 2.0)
    across = Pose(at.x, at.y, arm.inward.heading + math.pi / 2.0)
    s, heading, corners = outline_at(road, across, (outer - inner) / 2.0, 0.0)
    line = (corners[0], ((corners[0][0] + corners[2][0]) / 2.0, corners[0][1]), corners[2])
    name = "YieldLine" if arm.control == "yield" else "StopLine"
    road.painted.append(Painted(network.new_id(), name, "-1", s, heading, arm.at_end, line))


def _give_way_sign(network: RoadNetwork, arm: Arm) -> None:
    lanes = arm.lanes(incoming=True)
    if not lanes:
        return
    road = network.streets[arm.street.id]
    s = _arm_s(arm, STOP_LINE_BACK_M)
    side = -1.0 if arm.at_end else 1.0
    stop = arm.control == "stop"
    road.signs.append(
        Sign(
            network.new_id(), "Sign_Stop" if stop else "Sign_Yield", STOP if stop else YIELD, s,
            side * (arm.road_edge_m(incoming=True) + POLE_BEHIND_KERB_M), 2.2, facing(road, s, arm.inward.heading),
            _lane_range([lane.lane_id for lane in lanes]),
        )
    )  # fmt: skip


def _crosswalk_at(network: RoadNetwork, node: Node, arm: Arm) -> None:
    """A crosswalk over the mouth of an arm, between its stop line and the corner."""
    hosts = [
        (road, connection)
        for road, connection in network.junction_roads[node.id]
        if arm in (connection.origin, connection.target) and connection.driving_lanes
    ]
    if not hosts:
        return
    left, right = arm.road_edge_m(incoming=False), arm.road_edge_m(incoming=True)
    at = arm.inward.ahead(CROSSWALK_INTO_JUNCTION_M).left((left - right) / 2.0)
    across = Pose(at.x, at.y, arm.inward.heading + math.pi / 2.0)
    road = min(hosts, key=lambda host: (abs(host[0].alignment.project(at.x, at.y)[1]), host[0].id))[0]
    _add_crosswalk(network, road, across, (left + right) / 2.0)


def _crosswalk_across(network: RoadNetwork, street: Street, fraction: float) -> None:
    road = network.streets[street.id]
    pose = street.alignment.pose_at(fraction * street.alignment.length)
    section = [s for s in street.sections if s.s_m <= fraction * street.alignment.length][-1]
    left, right = (
        sum(strip.width_m for strip in half if strip.kind != "sidewalk") for half in (section.left, section.right)
    )
    at = pose.left((left - right) / 2.0)
    _add_crosswalk(network, road, Pose(at.x, at.y, pose.heading + math.pi / 2.0), (left + right) / 2.0)


def _add_crosswalk(network: RoadNetwork, road: Road, across: Pose, half_length_m: float) -> None:
    s, heading, corners = outline_at(road, across, half_length_m, CROSSWALK_HALF_WIDTH_M)
    road.painted.append(Painted(network.new_id(), "LadderCrosswalk", "crosswalk", s, heading, True, corners))


def _signals(network: RoadNetwork, node: Node) -> None:
    """One light per approach on the far side of the junction, held over all its connecting roads; controllers."""
    lights: dict[int, int] = {}
    approaches = [arm for arm in node.arms_around() if arm.lanes(incoming=True)]
    for arm in approaches:
        connections = [(road, c) for road, c in network.junction_roads[node.id] if c.origin is arm and c.driving_lanes]
        light_id = network.new_id()
        lights[id(arm)] = light_id
        _place_light(network, node, arm, light_id, connections)
        for road, connection in connections:
            road.references.append(SignReference(light_id, 0.3, _lane_range(connection.driving_lanes)))
    for group in _phases(node, approaches):
        network.controllers.append(Controller(network.new_id(), node.id, tuple(lights[id(arm)] for arm in group)))


def _phases(node: Node, approaches: list[Arm]) -> list[list[Arm]]:
    """Groups of approaches that are green together: opposite ones, or one after another."""
    groups: list[list[Arm]] = []
    for arm in approaches:
        for group in groups:
            turn = wrap_angle(group[0].inward.heading - arm.inward.heading)
            if node.phases == "opposite" and len(group) == 1 and abs(turn) > math.radians(140.0):
                group.append(arm)
                break
        else:
            groups.append([arm])
    return groups


def _place_light(
    network: RoadNetwork, node: Node, arm: Arm, light_id: int, connections: list[tuple[Road, ConnectingRoad]]
) -> None:
    """Puts the pole on the far right corner, or facing the approach across the junction where no street goes on."""
    straight = [(road, c) for road, c in connections if c.turn == "straight"]
    heading = arm.inward.heading
    if straight:
        road, connection = straight[0]
        target = connection.target
        inner = target.lanes(incoming=False)[-len(connection.driving_lanes)].inner_m
        s = road.alignment.length - CROSSWALK_ROOM_M
        t = inner - target.road_edge_m(incoming=False) - POLE_BEHIND_KERB_M
    else:
        lane = arm.lanes(incoming=True)[-1]
        across = [a for a in node.arms if a is not arm]
        edge = max(min(a.road_edge_m(incoming=True), a.road_edge_m(incoming=False)) for a in across)
        pole = Pose(node.x, node.y, heading).ahead(edge + POLE_BEHIND_KERB_M + 0.4).left(-lane.inner_m - lane.width_m)
        hosts = [road for road, _ in network.junction_roads[node.id]]
        spots = [(road, *road.alignment.project(pole.x, pole.y)) for road in hosts]
        road, s, t = min(spots, key=lambda spot: (_miss(spot[0], spot[1], pole), abs(spot[2]), spot[0].id))
    road.signs.append(
        Sign(
            light_id, "Signal_3Light_Post01", TRAFFIC_LIGHT, s, t, 0.0, facing(road, s, heading), (0, 0),
            dynamic=True, height_m=1.16, width_m=0.52,
        )
    )  # fmt: skip


def _miss(road: Road, s: float, point: Pose) -> float:
    """How far from perpendicular the foot of a point on a road is, rounded to decimetres."""
    return round(abs(road.alignment.pose_at(s).local(point.x, point.y)[0]), 1)


def _speed_signs(network: RoadNetwork, street: Street) -> None:
    """A speed limit sign for each direction where the street leaves a junction."""
    length = street.alignment.length
    if length < 30.0:
        return
    road = network.streets[street.id]
    walked = any(strip.kind == "sidewalk" for strip in street.profile.right)
    after = 10.0 if walked else min(30.0, length / 3.0)
    ways = [(False, after)] if street.profile.one_way else [(False, after), (True, length - after)]
    for against, s in ways:
        section = [part for part in street.sections if part.s_m <= s][-1]
        half = section.left if against else section.right
        edge = sum(strip.width_m for strip in half if strip.kind != "sidewalk") + POLE_BEHIND_KERB_M
        ids = [(i + 1) if against else -(i + 1) for i, strip in enumerate(half) if strip.kind == "driving"]
        road.signs.append(
            Sign(
                network.new_id(), f"Speed_{street.speed_kmh}", SPEED_LIMIT, s, edge if against else -edge, 2.2,
                math.pi if against else 0.0, _lane_range(ids), value=street.speed_kmh,
            )
        )  # fmt: skip
