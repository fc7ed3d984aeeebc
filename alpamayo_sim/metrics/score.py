"""The driving score of an episode: how far it came, times a penalty for what it did wrong on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from alpamayo_sim.metrics.infraction import Infraction, InfractionKind
from alpamayo_sim.metrics.profile import ScoringProfile


def penalty_factor(infractions: Iterable[Infraction], outside_lanes_fraction: float, profile: ScoringProfile) -> float:
    """Return the penalty P in [0, 1] by which the route completion is multiplied; see `penalty_of_counts`."""
    listed = list(infractions)
    counts = Counter(infraction.kind for infraction in listed)
    speeds = [infraction.percentage for infraction in listed if infraction.kind is InfractionKind.MIN_SPEED]
    return penalty_of_counts(counts, speeds, outside_lanes_fraction, profile)


def penalty_of_counts(
    counts: Mapping[InfractionKind, int],
    min_speed_percents: Iterable[float],
    outside_lanes_fraction: float,
    profile: ScoringProfile,
) -> float:
    """Return the penalty P in [0, 1] from how many infractions of each kind there were.

    With factors p_j: P = (1 - f) * product of p_j; with additive weights w_j (leaderboard 2.1): P = (1 - f) / (1 + sum
    of w_j), where f is the fraction of the completed route that was driven outside its lanes. A minimum-speed check
    counts in proportion to the missing share of speed, `min_speed_percents` being the ego's mean speed in percent of
    the traffic's at each check; one at 100 % or more (Bench2Drive lists these too) costs nothing. Kinds that the profile
    has no penalty for are ignored, and so is the order of events.
    """
    product, total = 1.0, 0.0
    for kind, penalty in profile.penalties.items():
        count = counts.get(kind, 0)
        product *= penalty**count
        total += penalty * count
    for percent in sorted(min_speed_percents):
        weight = profile.min_speed_weight * max(0.0, 1.0 - percent / 100.0)
        product *= 1.0 - weight
        total += weight
    penalty = 1.0 / (1.0 + total) if profile.additive else product
    return penalty * (1.0 - outside_lanes_fraction)


def driving_score(route_completion_percent: float, penalty: float) -> float:
    """Return the driving score in [0, 100] of one route (leaderboard, `score_composed`)."""
    return max(route_completion_percent * penalty, 0.0)


def is_success(completed: bool, infractions: Iterable[Infraction]) -> bool:
    """Whether the route was finished with no infraction other than minimum speed (Bench2Drive's success)."""
    return completed and all(infraction.kind is InfractionKind.MIN_SPEED for infraction in infractions)
