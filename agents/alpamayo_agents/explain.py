"""What the expert does and why, as named decisions and as a sentence."""

from __future__ import annotations

import numpy as np

from alpamayo_agents.surroundings import Neighbours
from alpamayo_agents.yielding import YieldDecision

RULE_WORDS = {
    "red_light": "the red light",
    "yellow_light": "the yellow light",
    "stop_sign": "the stop sign",
    "blocked_junction": "room behind the junction",
}
LATERAL_WORDS = {
    "keep_lane": "",
    "change_lane_left": " Changing to the lane on the left.",
    "change_lane_right": " Changing to the lane on the right.",
    "pass_left": " Passing the obstacle on the left.",
    "pass_right": " Passing the obstacle on the right.",
    "make_way": " Making way for the emergency vehicle.",
}
STEADY_MPS = 0.7
STANDING_REACH_M = 12.0
FOLLOWING_HEADWAY_S = 2.5
"""Somebody within these is what the ego adapts to."""


def explain(
    decision: YieldDecision,
    neighbours: Neighbours,
    ahead_m: np.ndarray,
    speed_mps: float,
    *,
    rule: str,
    rule_distance_m: float,
    lateral: str,
) -> tuple[dict[str, str], str]:
    """Return ({"longitudinal": ..., "lateral": ...}, reasoning) for one step; `rule` is what stops the ego soon, or ""."""
    reach = STANDING_REACH_M + FOLLOWING_HEADWAY_S * speed_mps
    later = float(decision.profile.speed_mps[15])
    if decision.emergency:
        longitudinal = "emergency_brake"
        others = [*decision.yielding_to, *decision.leaders]
        reason = f"Braking hard for {_named(neighbours, others, ahead_m)}."
    elif decision.yielding_to and later < speed_mps + STEADY_MPS:
        longitudinal = "yield"
        reason = f"Giving way to {_named(neighbours, decision.yielding_to, ahead_m)}."
    elif rule and not _led(decision, min(reach, rule_distance_m + 2.0)):
        longitudinal = f"stop_for_{rule}"
        where = f" {max(0.0, rule_distance_m):.0f} m ahead" if rule_distance_m > 3.0 else ""
        reason = f"{'Stopping' if speed_mps > 0.3 else 'Waiting'} for {RULE_WORDS[rule]}{where}."
    elif _led(decision, reach):
        longitudinal = "follow" if speed_mps > 0.3 or later > 0.3 else "wait"
        word = "Following" if longitudinal == "follow" else "Waiting behind"
        reason = f"{word} {_named(neighbours, decision.leaders, ahead_m)}."
    elif later > speed_mps + STEADY_MPS:
        longitudinal, reason = "accelerate", "The way ahead is free: speeding up."
    elif later < speed_mps - STEADY_MPS:
        longitudinal, reason = "slow_down", "Slowing down for the road ahead."
    else:
        longitudinal, reason = "keep_speed", "The way ahead is free: keeping the speed."
    return {"longitudinal": longitudinal, "lateral": lateral}, reason + LATERAL_WORDS[lateral]


def binding_rows(decision: YieldDecision, longitudinal: str, ahead_m: np.ndarray) -> tuple[int, ...]:
    """Return the rows of the neighbours that a longitudinal decision of `explain` is made for, the binding one first."""
    if longitudinal == "emergency_brake":
        return _nearest_first((*decision.yielding_to, *decision.leaders), ahead_m)
    if longitudinal == "yield":
        return _nearest_first(decision.yielding_to, ahead_m)
    return decision.leaders if longitudinal in ("follow", "wait") else ()


def _nearest_first(rows: tuple[int, ...], ahead_m: np.ndarray) -> tuple[int, ...]:
    return tuple(sorted(dict.fromkeys(rows), key=lambda row: float(ahead_m[row])))


def _led(decision: YieldDecision, reach_m: float) -> bool:
    return bool(decision.leaders) and decision.contact_m < reach_m


def _named(neighbours: Neighbours, rows: tuple[int, ...] | list[int], ahead_m: np.ndarray) -> str:
    if not rows:
        return "what is on the path"
    nearest = min(rows, key=lambda row: float(ahead_m[row]))
    kind = "a pedestrian" if neighbours.is_walker[nearest] else "a vehicle"
    return f"{kind} {max(0.0, float(ahead_m[nearest])):.0f} m ahead"
