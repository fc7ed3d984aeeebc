"""Which flows suit a road and a car that has to get through them: the rule that the suites' flows obey.

Vehicles of a flow brake for nobody, so their gaps decide whether a careful car can pass at all. The gap that it needs is the
time for which it is in the flow's way when it starts with 2.5 m/s^2 from a standstill, and a second more. A flow suits it when
at least a fifth of the gaps are as long; its speed suits the road when it is at most 10 km/h above the limit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import Enum

import numpy as np

Gap = tuple[int, int, int, int]
"""Least and largest value of an interval's lower end, and of its upper end, metres."""

ACCELERATION_MPS2 = 2.5
MARGIN_S = 1.0
CAR_M, BICYCLE_M = 4.9, 1.8
LANE_M = 3.5
WAITING_M = 3.0
"""How far from the flow's lane the car stands with its nose."""
LEAST_SHARE = 0.2
FASTER_KMH = 10.0


class Passing(Enum):
    """What a car does with a gap."""

    CROSS = "crosses the flow's lane, from a standstill"
    ENTER = "goes on with the flow, from a standstill"
    MERGE = "goes on with the flow, from a lane beside it in which it has come to its speed"


def rolling_mps() -> float:
    """Return the speed at which the car that has stood before the flow's lane comes into it."""
    return math.sqrt(2.0 * ACCELERATION_MPS2 * WAITING_M)


def needed_gap_m(passing: Passing, speed_mps: float, vehicle_m: float = CAR_M) -> float:
    """Return the distance between the centres of two vehicles of a flow that a car needs between them, metres.

    CROSS: it is in their lane while its own length and the lane's width go by. ENTER: until it is as fast as the one behind,
    that one comes nearer by (v - v0)^2 / 2a. MERGE: as fast as they are, it wants the margin before and behind itself.
    """
    first_mps = rolling_mps()
    if passing is Passing.CROSS:
        last_mps = math.sqrt(first_mps**2 + 2.0 * ACCELERATION_MPS2 * (LANE_M + CAR_M))
        return speed_mps * ((last_mps - first_mps) / ACCELERATION_MPS2 + MARGIN_S) + vehicle_m
    if passing is Passing.ENTER:
        loss_m = max(0.0, speed_mps - first_mps) ** 2 / (2.0 * ACCELERATION_MPS2)
        return loss_m + speed_mps * MARGIN_S + CAR_M + vehicle_m
    return 2.0 * speed_mps * MARGIN_S + CAR_M + vehicle_m


def usable_share(
    passings: Sequence[Passing], speed_mps: float, low_m: float, high_m: float, vehicle_m: float = CAR_M
) -> float:
    """Return which part of the gaps drawn from a range a car can use; of several flows, of all of them at once."""
    share = 1.0
    for passing in passings:
        needed_m = needed_gap_m(passing, speed_mps, vehicle_m)
        share *= min(1.0, max(0.0, (high_m - needed_m) / max(high_m - low_m, 1e-6)))
    return share


def suits_road(speed_mps: float, limit_kmh: float) -> bool:
    """Return whether a flow may drive so fast where there is such a speed limit."""
    return 3.6 * speed_mps <= limit_kmh + FASTER_KMH


def flow_values(
    rng: np.random.Generator, passings: Sequence[Passing], speed_mps: tuple[int, int], gap_m: Gap, limit_kmh: float,
    vehicle_m: float = CAR_M,
) -> Mapping[str, Mapping[str, str]] | None:  # fmt: skip
    """Return a flow's speed and interval, drawn from those in the ranges that suit road and car; None if there is none."""
    fitting = [
        (speed, low, high)
        for speed in range(speed_mps[0], speed_mps[1] + 1)
        if suits_road(speed, limit_kmh)
        for low in range(gap_m[0], gap_m[1] + 1)
        for high in range(max(low + 1, gap_m[2]), gap_m[3] + 1)
        if usable_share(passings, speed, low, high, vehicle_m) >= LEAST_SHARE
    ]
    if not fitting:
        return None
    speed, low, high = fitting[int(rng.integers(len(fitting)))]
    return {
        "flow_speed": {"value": f"{speed:g}"},
        "source_dist_interval": {"from": f"{low:g}", "to": f"{high:g}"},
    }
