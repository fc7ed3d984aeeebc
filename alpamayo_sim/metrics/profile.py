"""Scoring profiles: the thresholds and penalties of the CARLA leaderboard's versions and of Bench2Drive.

Sources: `statistics_manager.py` and `route_scenario.py` of the leaderboard's branches leaderboard-1.0, -2.0 and -2.1,
and Bench2Drive's fork of them. Scores of different profiles cannot be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.infraction import InfractionKind as Kind


@dataclass(frozen=True)
class ScoringProfile:
    """How one benchmark turns infractions into a score."""

    name: str
    penalties: Mapping[Kind, float]
    """Per infraction: the factor where the penalty is a product, the weight where it is additive."""
    additive: bool = False
    """Whether the penalty is 1 / (1 + sum of weights) in place of a product of factors (leaderboard 2.1)."""
    min_speed_weight: float = 0.0
    """Weight of the share by which the ego stayed below the traffic's speed; 0 records it without a penalty."""
    blocked_after_s: float = 180.0
    lane_margin_m: float = 0.5
    """Distance that the ego's origin may be beyond the edge of its lane."""
    time_limit_s: float | None = None
    """A cap on the episode's length whatever the route's (Bench2Drive: 4,000 ticks of 0.05 s)."""
    min_speed_stretches: int = 4
    """Parts of the route on which the ego's mean speed is compared with the traffic's."""
    lists_fast_stretches: bool = False
    """Whether stretches at 100 % of the traffic's speed or more are listed too (Bench2Drive, for its efficiency)."""
    timeout_base_s: float = 300.0
    timeout_s_per_m: float | None = None
    """Seconds granted per metre of the whole route; None grants them by the speed limit while driving (2.x)."""
    is_version_1: bool = False
    """Whether result files have the schema of leaderboard 1.0 and not that of 2.x."""


_FACTORS: dict[Kind, float] = {
    Kind.COLLISION_PEDESTRIAN: 0.50,
    Kind.COLLISION_VEHICLE: 0.60,
    Kind.COLLISION_STATIC: 0.65,
    Kind.RED_LIGHT: 0.70,
    Kind.STOP_SIGN: 0.80,
}
_FACTORS_2 = {**_FACTORS, Kind.SCENARIO_TIMEOUT: 0.70, Kind.YIELD_EMERGENCY_VEHICLE: 0.70}
_WEIGHTS_21: dict[Kind, float] = {
    Kind.COLLISION_PEDESTRIAN: 1.0,
    Kind.COLLISION_VEHICLE: 0.70,
    Kind.COLLISION_STATIC: 0.60,
    Kind.RED_LIGHT: 0.40,
    Kind.STOP_SIGN: 0.25,
    Kind.SCENARIO_TIMEOUT: 0.40,
    Kind.YIELD_EMERGENCY_VEHICLE: 0.40,
}

PROFILES: dict[str, ScoringProfile] = {
    profile.name: profile
    for profile in (
        ScoringProfile(
            "leaderboard-1.0", _FACTORS, lane_margin_m=1.3, timeout_base_s=5.0, timeout_s_per_m=0.8, is_version_1=True
        ),
        ScoringProfile("leaderboard-2.0", _FACTORS_2, min_speed_weight=0.30),
        ScoringProfile("leaderboard-2.1", _WEIGHTS_21, additive=True, min_speed_weight=0.40),
        ScoringProfile(
            "bench2drive",
            _FACTORS_2,
            blocked_after_s=60.0,
            time_limit_s=200.0,
            min_speed_stretches=20,
            lists_fast_stretches=True,
        ),
    )
}
DEFAULT_PROFILE = "leaderboard-2.1"


def scoring_profile(name: str) -> ScoringProfile:
    """Return the profile called `name`; InputError lists the known ones."""
    try:
        return PROFILES[name]
    except KeyError:
        raise InputError(f"unknown scoring profile {name!r}; choose one of {', '.join(PROFILES)}") from None
