"""Speed along the path: a forward simulation of a driver who keeps to a speed envelope and behind leaders (IDM)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.policy.plan import PLAN_POINTS, PLAN_STEP_S

Array = NDArray[np.float64]

ENVELOPE_STEP_M = 0.5


@dataclass(frozen=True)
class DriverStyle:
    """How the ego accelerates and keeps its distance (parameters of the intelligent driver model, Treiber 2000)."""

    acceleration_mps2: float = 2.5
    comfortable_braking_mps2: float = 2.5
    hardest_braking_mps2: float = 8.0
    headway_s: float = 1.0
    standstill_gap_m: float = 2.0


@dataclass(frozen=True)
class Leader:
    """Something on the path to stay behind: the station (from the ego's rear axle) at which the ego would touch it."""

    contact_m: Array
    """[64] at each plan instant; infinite where it is not on the path."""
    speed_mps: Array
    """[64] its speed along the path."""


@dataclass(frozen=True)
class SpeedProfile:
    """A motion along the path at the plan's instants."""

    travelled_m: Array
    """[64]"""
    speed_mps: Array
    """[64]"""

    @property
    def hardest_braking_mps2(self) -> float:
        """The largest deceleration in the first second."""
        return float(-np.diff(self.speed_mps[:11]).min() / PLAN_STEP_S)


def simulate(
    speed_mps: float, envelope_mps: Array, leaders: Sequence[Leader], style: DriverStyle, delay_s: float = 0.0
) -> SpeedProfile:
    """Return the motion of the next 6.4 s from a speed, under an envelope given every 0.5 m from the ego on.

    The envelope already holds what braking ahead of curves and stop lines asks for. For `delay_s` the ego does not speed up.
    """
    allowed = envelope_mps.tolist()
    last = len(allowed) - 1
    combined = [(leader.contact_m.tolist(), leader.speed_mps.tolist()) for leader in leaders]
    speed, travelled = max(0.0, speed_mps), 0.0
    travelled_out, speed_out = np.empty(PLAN_POINTS), np.empty(PLAN_POINTS)
    root = 2.0 * (style.acceleration_mps2 * style.comfortable_braking_mps2) ** 0.5
    for step in range(PLAN_POINTS):
        here = min(last, int(travelled / ENVELOPE_STEP_M))
        soon = min(last, int((travelled + 0.3 * speed) / ENVELOPE_STEP_M))
        limit = min(allowed[here], allowed[soon])
        if speed <= limit:
            wanted = style.acceleration_mps2 * (1.0 - (speed / limit) ** 4) if limit > 1e-3 else 0.0
        else:
            wanted = (limit - speed) / 0.5
        for contact, lead_speed in combined:
            gap = contact[step] - travelled
            if gap == float("inf"):
                continue
            closing = speed - lead_speed[step]
            desired = style.standstill_gap_m + max(0.0, speed * style.headway_s + speed * closing / root)
            ratio = desired / max(0.1, gap)
            interaction = style.acceleration_mps2 * (1.0 - (speed / max(limit, 1.0)) ** 4 - ratio * ratio)
            wanted = min(wanted, interaction)
        if step * PLAN_STEP_S < delay_s:
            wanted = min(wanted, 0.0)
        wanted = max(-style.hardest_braking_mps2, wanted)
        after = max(0.0, speed + wanted * PLAN_STEP_S)
        travelled += 0.5 * (speed + after) * PLAN_STEP_S
        speed = after
        travelled_out[step], speed_out[step] = travelled, speed
    return SpeedProfile(travelled_out, speed_out)
