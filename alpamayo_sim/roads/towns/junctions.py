"""Connecting roads of a junction: one road per movement, kerbs and sidewalks around its corners."""

from __future__ import annotations

import math
from dataclasses import dataclass

from alpamayo_sim.roads.towns.alignment import Alignment, connect, wrap_angle
from alpamayo_sim.roads.towns.cross_section import Strip
from alpamayo_sim.roads.towns.network import CROSSWALK_ROOM_M, Arm, ArmLane, Move, Node


@dataclass(frozen=True)
class Movement:
    """Driving lanes of one arm that lead into driving lanes of another, lane by lane, innermost first."""

    turn: str
    origin: Arm
    target: Arm
    lanes_in: tuple[ArmLane, ...]
    lanes_out: tuple[ArmLane, ...]


@dataclass(frozen=True)
class ConnectingRoad:
    """A road inside a junction, from the end of one arm to the end of another, all lanes on its right side."""

    turn: str
    origin: Arm
    target: Arm
    alignment: Alignment
    strips: tuple[Strip, ...]
    links: tuple[tuple[int | None, int | None], ...]

    @property
    def driving_lanes(self) -> list[int]:
        """OpenDRIVE ids of its driving lanes."""
        return [-(i + 1) for i, strip in enumerate(self.strips) if strip.kind == "driving"]


def turn_of(origin: Arm, target: Arm) -> str:
    """`left`, `straight` or `right` by the change of heading between two arms."""
    change = wrap_angle(target.outward.heading - origin.inward.heading)
    if abs(change) < math.radians(40.0):
        return "straight"
    return "left" if change > 0.0 else "right"


def movements(node: Node) -> list[Movement]:
    """Every permitted movement: straight on from all lanes, left from the innermost, right from the outermost."""
    if node.moves:
        return [_by_hand(node, move) for move in node.moves]
    found: list[Movement] = []
    for origin in node.arms_around():
        lanes_in = origin.lanes(incoming=True)
        if not lanes_in:
            continue
        targets = [arm for arm in node.arms_around() if arm is not origin and arm.lanes(incoming=False)]
        turns = {id(arm): turn_of(origin, arm) for arm in targets}
        goes_straight = "straight" in turns.values()
        for target in targets:
            lanes_out = target.lanes(incoming=False)
            turn = turns[id(target)]
            if turn == "straight":
                count = min(len(lanes_in), len(lanes_out))
                chosen_in, chosen_out = lanes_in[-count:], lanes_out[-count:]
            elif turn == "left":
                count = 1 if goes_straight or len(targets) > 1 else min(len(lanes_in), len(lanes_out))
                chosen_in, chosen_out = lanes_in[:count], lanes_out[:count]
            else:
                chosen_in, chosen_out = lanes_in[-1:], lanes_out[-1:]
            found.append(Movement(turn, origin, target, tuple(chosen_in), tuple(chosen_out)))
    return found


def _by_hand(node: Node, move: Move) -> Movement:
    origin = next(arm for arm in node.arms if arm.street is move.origin)
    target = next(arm for arm in node.arms if arm.street is move.target)
    lanes_in, lanes_out = origin.lanes(incoming=True), target.lanes(incoming=False)
    return Movement(
        turn_of(origin, target), origin, target,
        tuple(lanes_in[i] for i in move.lanes_in), tuple(lanes_out[i] for i in move.lanes_out),
    )  # fmt: skip


def connecting_roads(node: Node) -> list[ConnectingRoad]:
    """All connecting roads of a junction: movements first (with the kerb where they hug a corner), then bare kerbs."""
    around = node.arms_around()
    corner = {(id(a), id(b)) for a, b in zip(around, [*around[1:], around[0]], strict=True)}
    roads: list[ConnectingRoad] = []
    for move in movements(node):
        outermost = (
            move.lanes_in[-1] == move.origin.lanes(incoming=True)[-1]
            and move.lanes_out[-1] == move.target.lanes(incoming=False)[-1]
        )
        at_corner = outermost and (id(move.origin), id(move.target)) in corner
        if at_corner:
            corner.discard((id(move.origin), id(move.target)))
        roads.append(_road(node, move.turn, move.origin, move.target, move.lanes_in, move.lanes_out, at_corner))
    for origin, target in zip(around, [*around[1:], around[0]], strict=True):
        if node.bare_kerbs and (id(origin), id(target)) in corner:
            road = _road(node, "kerb", origin, target, (), (), True)
            if road.strips:
                roads.append(road)
    return roads


def _road(
    node: Node,
    turn: str,
    origin: Arm,
    target: Arm,
    lanes_in: tuple[ArmLane, ...],
    lanes_out: tuple[ArmLane, ...],
    at_corner: bool,
) -> ConnectingRoad:
    strips = [
        Strip(f"drive{i + 1}", "driving", a.width_m, end_width_m=b.width_m)
        for i, (a, b) in enumerate(zip(lanes_in, lanes_out, strict=True))
    ]
    links: list[tuple[int | None, int | None]] = [
        (a.lane_id, b.lane_id) for a, b in zip(lanes_in, lanes_out, strict=True)
    ]
    edge_in = lanes_in[0].inner_m if lanes_in else _driving_width(origin, incoming=True)
    edge_out = lanes_out[0].inner_m if lanes_out else _driving_width(target, incoming=False)
    if at_corner:
        for kind in ("shoulder", "sidewalk", "none"):
            here, there = _side_strip(origin, True, kind), _side_strip(target, False, kind)
            if here and there:
                strips.append(Strip(kind, kind, here[1], end_width_m=there[1]))
                links.append((here[0], there[0]))
    lead = CROSSWALK_ROOM_M if node.crosswalks else 1.0
    alignment = connect(
        origin.inward.left(-edge_in), target.outward.left(-edge_out), lead if turn in ("right", "kerb") else 2.0
    )
    return ConnectingRoad(turn, origin, target, alignment, tuple(strips), tuple(links))


def _driving_width(arm: Arm, incoming: bool) -> float:
    return sum(strip.width_m for strip in arm.strips(incoming) if strip.kind in ("driving", "median"))


def _side_strip(arm: Arm, incoming: bool, kind: str) -> tuple[int, float] | None:
    """Lane id and width of the outermost strip of a kind on a side."""
    for i, strip in reversed(list(enumerate(arm.strips(incoming)))):
        if strip.kind == kind:
            return arm.lane_id(incoming, i), strip.width_m
    return None
