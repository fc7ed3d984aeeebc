"""Arrows painted on lanes before junctions, and the turns that they point to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.ribbons import LIFT_M, WHITE, Ribbons

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap


ARROW_M = 4.0
"""Length of the longest arrow."""
ARROW_BEFORE_END_M = 16.0
"""From the arrow's tail to the end of its lane."""
ARROW_LANE_M = 26.0
"""Lanes shorter than this have no arrow."""
TURN_DEG = 35.0
"""Change of heading from which on a way through a junction is a turn."""
_SHAFT_M, _HEAD_M = 0.075, 0.32
_ARROWS: dict[str, tuple[tuple[tuple[float, float, float], ...], ...]] = {
    "straight": (((0.0, 0.0, _SHAFT_M), (2.7, 0.0, _SHAFT_M)), ((2.7, 0.0, _HEAD_M), (4.0, 0.0, 0.012))),
    "left": (
        ((0.0, 0.0, _SHAFT_M), (1.5, 0.0, _SHAFT_M), (1.9, -0.12, _SHAFT_M), (2.1, -0.36, _SHAFT_M), (2.12, -0.6, _SHAFT_M)),
        ((2.12, -0.55, 0.5), (2.12, -1.05, 0.012)),
    ),
    "right": (
        ((0.0, 0.0, _SHAFT_M), (1.5, 0.0, _SHAFT_M), (1.9, 0.12, _SHAFT_M), (2.1, 0.36, _SHAFT_M), (2.12, 0.6, _SHAFT_M)),
        ((2.12, 0.55, 0.5), (2.12, 1.05, 0.012)),
    ),
}  # fmt: skip
"""Ribbons of each arrow: points (metres ahead, metres to the right, half width)."""


def lane_turns(road_map: RoadMap, lane: int) -> frozenset[str]:
    """Return which ways the driving lane `lane` goes on in the junction that it leads into: left, straight, right."""
    lanes = road_map.lanes
    here = lanes.tangent[lanes.stop[lane] - 1]
    turns: set[str] = set()
    for following in lanes.next_lane[lanes.next_start[lane] : lanes.next_start[lane + 1]]:
        if not lanes.is_junction[following]:
            continue
        there = lanes.tangent[lanes.stop[following] - 1]
        # In the left-handed frame a positive turn is to the right.
        turn = np.degrees(np.arctan2(here[0] * there[1] - here[1] * there[0], here @ there))
        turns.add("right" if turn > TURN_DEG else "left" if turn < -TURN_DEG else "straight")
    return frozenset(turns)


def arrow_lanes(road_map: RoadMap) -> dict[int, frozenset[str]]:
    """Return the lanes that have an arrow before their junction, and where it points.

    These are lanes beside another of their direction, and lanes that do not go every way.
    """
    lanes = road_map.lanes
    found: dict[int, frozenset[str]] = {}
    driving = np.flatnonzero((lanes.lane_type == LaneType.DRIVING) & ~lanes.is_junction)
    direction = np.sign(lanes.lane_id[driving])
    key = np.stack([lanes.road_id[driving], lanes.section[driving], direction], axis=1)
    _, group, count = np.unique(key, axis=0, return_inverse=True, return_counts=True)
    beside = count[group.ravel()]
    for lane, neighbours in zip(driving.tolist(), beside.tolist(), strict=True):
        if lanes.along_m[lanes.stop[lane] - 1] < ARROW_LANE_M:
            continue
        turns = lane_turns(road_map, lane)
        if turns and (neighbours > 1 or len(turns) < 3) and not (turns == {"straight"} and neighbours == 1):
            found[lane] = turns
    return found


def add_arrows(ribbons: Ribbons, road_map: RoadMap) -> None:
    """Add the arrows of all lanes that have them."""
    lanes = road_map.lanes
    white = np.array(WHITE, dtype=np.uint8)
    for lane, turns in arrow_lanes(road_map).items():
        part = slice(int(lanes.start[lane]), int(lanes.stop[lane]))
        along = lanes.along_m[part]
        base = float(along[-1]) - ARROW_BEFORE_END_M
        for turn in sorted(turns):
            for number, ribbon in enumerate(_ARROWS[turn]):
                shape = np.array(ribbon)
                at = base + shape[:, 0]
                center = np.stack([np.interp(at, along, lanes.xyz[part, k]) for k in range(3)], axis=1)
                forward = np.stack([np.interp(at, along, lanes.tangent[part, k]) for k in range(2)], axis=1)
                center[:, :2] += np.stack([-forward[:, 1], forward[:, 0]], axis=1) * shape[:, 1:2]
                center[:, 2] += LIFT_M + 0.002
                way = np.gradient(center[:, :2], axis=0)
                way /= np.linalg.norm(way, axis=1, keepdims=True)
                right = np.stack([-way[:, 1], way[:, 0]], axis=1)
                run = np.full(len(center), number)
                ribbons.add(center, right, shape[:, 2], np.tile(white, (len(center), 1)), run)
