"""AlpaSim's score of a scene, and its distances between incidents.

Source: NVlabs/alpasim, `src/eval` (July 2026).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from alpamayo_sim.errors import InputError

_FULL_PROGRESS = 0.8
_STANDING_LOG_M = 5.0


@dataclass(frozen=True)
class SceneOutcome:
    """What AlpaSim's score looks at in one rollout."""

    collision_at_fault: bool
    """Whether the ego hit something with its front or side; being hit from behind is nobody's fault of ours."""
    offroad: bool
    progress_m: float
    """Distance along the reference that the rollout covered; negative for driving backwards."""
    reference_m: float
    """Distance that the reference (a human's log, or the route) covers in the same time, or to its end."""
    driven_km: float = 0.0
    collision_any: bool = False

    def __post_init__(self) -> None:
        figures = (self.progress_m, self.reference_m, self.driven_km)
        if not all(map(math.isfinite, figures)) or self.reference_m < 0.0 or self.driven_km < 0.0:
            raise InputError(f"distances are finite and, but for progress, 0 or more; found {figures}")


def relative_progress(outcome: SceneOutcome) -> float:
    """Return progress over the reference's, clipped to [0, 1]; 1 where the reference moved less than 5 m."""
    if outcome.reference_m < _STANDING_LOG_M:
        return 1.0
    return min(max(outcome.progress_m / outcome.reference_m, 0.0), 1.0)


def scene_score(outcome: SceneOutcome) -> float:
    """Return the score in [0, 1]: 0 for a collision at fault or leaving the road, else progress, full from 80 % on."""
    if outcome.collision_at_fault or outcome.offroad:
        return 0.0
    return min(relative_progress(outcome) / _FULL_PROGRESS, 1.0)


def distance_between_incidents_km(outcomes: Sequence[SceneOutcome], *, at_fault_only: bool = False) -> float:
    """Return kilometres driven per incident over a fleet of rollouts; infinity without an incident.

    An incident is a rollout with a collision (only at fault if so asked) or off the road; one rollout has at most one.
    Raises InputError for no rollouts.
    """
    if not outcomes:
        raise InputError("expected at least one rollout; found none")
    incidents = sum(o.offroad or o.collision_at_fault or (o.collision_any and not at_fault_only) for o in outcomes)
    driven_km = sum(o.driven_km for o in outcomes)
    return driven_km / incidents if incidents else math.inf
