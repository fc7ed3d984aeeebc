"""Speed limit of every lane: the last sign passed, else the `<speed>` record of the lane or road, else 30 km/h."""

from __future__ import annotations

import heapq
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.lanes import LaneTable
from alpamayo_sim.roads.signals import Signals, SignSpec

SPEED_SIGN = "traffic.speed_limit."


def speed_limits_kmh(lanes: LaneTable, signals: Signals) -> NDArray[np.float64]:
    """Return [L] km/h: a sign holds from its place on and on the lanes ahead until another sign, nearest sign first.

    A lane with signs on it gets the limit of its longest part. Where no sign was passed the table's own limits (from
    `<speed>` records) stay.
    """
    limits = lanes.speed_limit_kmh.copy()
    signed = _signed_lanes(lanes, signals.signs)
    queue = [(0.0, lane, steps[-1][1]) for lane, steps in sorted(signed.items())]
    inherited: dict[int, float] = {}
    while queue:
        distance, lane, limit = heapq.heappop(queue)
        for ahead in lanes.next_lanes(lane).tolist():
            if ahead in inherited:
                continue
            inherited[ahead] = limit
            if ahead not in signed:
                heapq.heappush(queue, (distance + float(lanes.length_m[ahead]), ahead, limit))
    for lane, limit in inherited.items():
        limits[lane] = limit
    for lane, steps in signed.items():
        limits[lane] = _longest_part(float(limits[lane]), steps, float(lanes.length_m[lane]))
    return limits


def _longest_part(before: float, steps: list[tuple[float, float]], length_m: float) -> float:
    places = [0.0, *(along for along, _ in steps), length_m]
    values = [before, *(limit for _, limit in steps)]
    parts = [end - begin for begin, end in pairwise(places)]
    return values[int(np.argmax(parts))]


def _signed_lanes(lanes: LaneTable, signs: tuple[SignSpec, ...]) -> dict[int, list[tuple[float, float]]]:
    """Return lane -> (metres from its start, km/h) of the speed signs on it, in driving order."""
    found: dict[int, list[tuple[float, float]]] = {}
    for sign in signs:
        if not sign.type_id.startswith(SPEED_SIGN):
            continue
        for road_id, lane_id, s in sign.affected_lanes:
            lane = lanes.find(road_id, lane_id, s)
            if lane >= 0:
                found.setdefault(lane, []).append((lanes.along_at(lane, s), sign.value))
    return {lane: sorted(steps) for lane, steps in found.items()}
