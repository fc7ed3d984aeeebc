"""The driving score of an episode: how far it came, times a penalty for what it did wrong on the way."""

from __future__ import annotations

from collections.abc import Iterable

from alpamayo_sim.metrics.infraction import Infraction, InfractionKind
from alpamayo_sim.metrics.profile import ScoringProfile


def penalty_factor(infractions: Iterable[Infraction], outside_lanes_fraction: float, profile: ScoringProfile) -> float:
    """Return the penalty P in [0, 1] by which the route completion is multiplied.

    With factors p_j: P = (1 - f) * product of p_j; with additive weights w_j (leaderboard 2.1): P = (1 - f) / (1 + sum
    of w_j), where f is the fraction of the completed route that was driven outside its lanes. A failed minimum-speed
    check counts in proportion to the missing share of speed.
    """
    product, total = 1.0, 0.0
    for infraction in infractions:
        if infraction.kind is InfractionKind.MIN_SPEED:
            weight = profile.min_speed_weight * (1.0 - infraction.percentage / 100.0)
            product *= 1.0 - weight
            total += weight
        elif infraction.kind in profile.penalties:
            product *= profile.penalties[infraction.kind]
            total += profile.penalties[infraction.kind]
    penalty = 1.0 / (1.0 + total) if profile.additive else product
    return penalty * (1.0 - outside_lanes_fraction)


def driving_score(route_completion_percent: float, penalty: float) -> float:
    """Return the driving score in [0, 100] of one route (leaderboard, `score_composed`)."""
    return route_completion_percent * penalty


def is_success(completed: bool, infractions: Iterable[Infraction]) -> bool:
    """Whether the route was finished with no infraction other than minimum speed (Bench2Drive's success)."""
    return completed and all(infraction.kind is InfractionKind.MIN_SPEED for infraction in infractions)
