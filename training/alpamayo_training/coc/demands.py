"""What in the scene would hold the ego back, and how strongly: candidates for the cause of a decision.

How strongly is the acceleration that the intelligent driver model (Treiber, Hennecke and Helbing 2000) wants for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from alpamayo_training.coc.behaviour import road_bend, road_heading
from alpamayo_training.coc.label import FUTURE_FRAMES
from alpamayo_training.coc.teaching import Drive
from alpamayo_training.coc.things import Scene, Signal, Thing

ACCELERATION_MPS2, BRAKING_MPS2, HEADWAY_S, STANDSTILL_M = 2.0, 2.5, 1.3, 3.0
LINE_MARGIN_M = 0.5
LATERAL_MPS2 = 2.8
FREE_MARGIN_MPS2 = 0.3
CROSSING_REACH_M = 32.0
ONCOMING_REACH_M = 70.0
STANDING_MPS, PASSED_S, COMES_S = 0.5, 0.5, 5.0
INVADES_M, INVADES_WITHIN_M = 2.5, 40.0
SERVED_MPS, SERVED_M = 0.4, 3.0
SIGNAL_REACH_M = 70.0
BEND_PER_M = 0.012
"""A path that bends less does not slow a driver down."""
LEAST_BEND_RAD = 0.15
TURN_SOON_M = 40.0


@dataclass(frozen=True)
class Demand:
    """Something that holds the ego back."""

    cause: str
    """lead, obstacle, red_light, yellow_light, stop_sign, yield_sign, vulnerable, crossing, oncoming, bend, turn or limit."""
    acceleration_mps2: float
    """What it wants of the ego now."""
    thing: Thing | None = None
    signal: Signal | None = None

    @property
    def actor_id(self) -> int:
        """The actor behind it, 0 for none."""
        return self.thing.actor_id if self.thing else self.signal.actor_id if self.signal else 0

    @property
    def is_visible(self) -> bool:
        """Whether a camera shows it; what is no actor counts as seen."""
        return (
            self.thing.is_visible if self.thing else self.signal.is_visible if self.signal else True
        )  # bends and limits are places, not actors


def following_acceleration(speed_mps: float, other_mps: float, gap_m: float, wish_mps: float) -> float:
    """Return the intelligent driver model's acceleration behind something at a gap."""
    closing = speed_mps - other_mps
    wanted = STANDSTILL_M + max(
        0.0, speed_mps * HEADWAY_S + speed_mps * closing / (2.0 * math.sqrt(ACCELERATION_MPS2 * BRAKING_MPS2))
    )
    interaction = (wanted / max(gap_m, 0.3)) ** 2
    return max(-9.0, free_acceleration(speed_mps, wish_mps) - ACCELERATION_MPS2 * interaction)


def free_acceleration(speed_mps: float, wish_mps: float) -> float:
    """Return the intelligent driver model's acceleration on a free road."""
    ratio = speed_mps / max(wish_mps, 1.0)
    return ACCELERATION_MPS2 * (1.0 - ratio**4) if ratio <= 1.0 else -BRAKING_MPS2 * (1.0 - 1.0 / ratio**2)


def demands_of(scene: Scene, drive: Drive | None = None) -> list[Demand]:
    """Return what holds the ego back at a scene's frame, the strongest first.

    With the drive, bends of the road ahead count too: by the path that the ego takes along it.
    """
    now = scene.now
    speed, wish = max(0.0, now.speed_mps), max(now.speed_limit_mps, 3.0)
    found: list[Demand] = []

    def stands_at(gap_m: float) -> float:
        return following_acceleration(speed, 0.0, max(0.3, gap_m), wish)

    for thing in scene.things:
        cause = _cause_of(scene, thing)
        if cause in ("lead", "obstacle"):
            found.append(
                Demand(
                    cause,
                    following_acceleration(speed, max(0.0, thing.along_mps), thing.gap_m, wish),
                    thing,
                )
            )
        elif cause:
            found.append(Demand(cause, stands_at(_conflict_m(scene, thing)), thing))
    for signal in scene.signals:
        cause = _rule_of(scene, signal)
        if cause and -3.0 < signal.distance_m < SIGNAL_REACH_M:
            found.append(Demand(cause, stands_at(signal.distance_m + STANDSTILL_M - LINE_MARGIN_M), None, signal))
    if drive is not None:
        bend = _bend_acceleration(drive, now.frame_index, speed)
        if bend is not None:
            turns = now.route_option in ("left", "right") and now.route_option_m < TURN_SOON_M
            found.append(Demand("turn" if turns or now.lane.is_junction else "bend", bend))
    if speed > wish + 0.5:
        found.append(Demand("limit", free_acceleration(speed, wish)))
    free = free_acceleration(speed, wish)
    binding = [one for one in found if one.acceleration_mps2 < free - FREE_MARGIN_MPS2 or one.cause == "limit"]
    return sorted(binding, key=lambda one: one.acceleration_mps2)


def _cause_of(scene: Scene, thing: Thing) -> str:
    if thing.relation == "lead":
        if (
            thing.speed_mps < STANDING_MPS
            and thing.gap_m < PASSED_S * scene.now.speed_mps
            and scene.now.speed_mps > 2.0
        ):
            # Who drives on so close to something that stands drives past it.
            return ""
        return "obstacle" if thing.is_obstacle else "lead"
    if not math.isfinite(thing.gap_m) and thing.distance_m > CROSSING_REACH_M:
        return ""
    if thing.relation == "crossing":
        reach = thing.gap_m if math.isfinite(thing.gap_m) else thing.distance_m
        if reach > CROSSING_REACH_M:
            return ""
        if thing.category == "pedestrian" or (thing.category == "cyclist"):
            return "vulnerable"
        return "crossing" if _comes_closer(thing) else ""
    if thing.relation == "oncoming" and thing.distance_m < ONCOMING_REACH_M:
        turns_left = scene.now.route_option == "left" and scene.now.route_option_m < 25.0
        invades = abs(thing.lateral_m) < INVADES_M and thing.distance_m < INVADES_WITHIN_M
        return "oncoming" if turns_left or invades else ""
    return ""


def _comes_closer(thing: Thing) -> bool:
    if abs(thing.left_m) > COMES_S * abs(thing.across_mps):
        return False
    return thing.left_m * thing.across_mps < 0.0 or abs(thing.left_m) < 3.0


def _conflict_m(scene: Scene, thing: Thing) -> float:
    lane = scene.now.lane
    if thing.relation == "crossing" and math.isfinite(thing.gap_m):
        return max(0.5, thing.gap_m)
    return max(0.5, lane.to_junction_m + STANDSTILL_M if math.isfinite(lane.to_junction_m) else thing.distance_m)


def _rule_of(scene: Scene, signal: Signal) -> str:
    if signal.kind == "traffic_light":
        return f"{signal.state}_light" if signal.state in ("red", "yellow") else ""
    if signal.kind in ("stop_sign", "yield_sign"):
        stood = any(
            state.speed_mps < SERVED_MPS
            and any(seen.actor_id == signal.actor_id and seen.distance_m < SERVED_M for seen in state.signals)
            for state in scene.states
        )
        return "" if stood and scene.now.speed_mps > SERVED_MPS else signal.kind
    return ""


def bend_ahead(drive: Drive, frame: int, within: int = FUTURE_FRAMES) -> tuple[float, float]:
    """Return (heading change in radians, metres until it begins) of the path that the ego takes after a frame."""
    last = min(frame + within, drive.frames - 1)
    heading = road_heading(drive, frame, last)
    heading = heading - heading[0]
    way = _way(drive, frame, last)
    if len(heading) < 2:
        return 0.0, math.inf
    total = float(heading[-1])
    begun = np.flatnonzero(np.abs(heading) > 0.06)
    return total, float(way[begun[0]]) if len(begun) else math.inf


def _way(drive: Drive, frame: int, last: int) -> np.ndarray:
    steps = np.linalg.norm(np.diff(drive.position_m[frame : last + 1, :2], axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def _bend_acceleration(drive: Drive, frame: int, speed: float) -> float | None:
    """Return what the sharpest bend of the next seconds wants, None without one."""
    last = min(frame + FUTURE_FRAMES, drive.frames - 1)
    way = _way(drive, frame, last)
    if way[-1] < 3.0:
        return None
    marks = np.arange(0.0, way[-1], 1.0)
    heading = np.interp(marks, way, road_heading(drive, frame, last))
    if len(marks) < 5 or abs(road_bend(drive, frame)) < LEAST_BEND_RAD:
        return None
    curvature = np.abs(heading[4:] - heading[:-4]) / 4.0
    places = marks[2:-2]
    bends = curvature > BEND_PER_M
    if not bends.any():
        return None
    allowed = np.sqrt(LATERAL_MPS2 / curvature[bends])
    wanted = (allowed**2 - speed**2) / (2.0 * np.maximum(places[bends], 2.0))
    return float(np.clip(wanted.min(), -6.0, ACCELERATION_MPS2))
