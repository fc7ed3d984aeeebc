"""What came out of one episode, and of many together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from alpamayo_sim.metrics.infraction import COLLISIONS, Infraction, InfractionKind

OK = "ok"
"""Status of an episode that ran to its end, well or badly; the others are policy_failure(...) and infra_failure(...).
"""


@dataclass(frozen=True)
class EpisodeIdentity:
    """What was driven, by whom, where."""

    episode_id: str
    town: str
    route_id: str
    agent: str
    seed: int
    server: str
    """"embedded" for our own server, else CARLA's version and address; never left out of a result."""


@dataclass(frozen=True)
class EpisodeResult:
    """The verdict on one episode."""

    identity: EpisodeIdentity
    status: str
    """`ok`, `policy_failure(kind)` or `infra_failure(kind)`."""
    outcome: str
    """Why it ended: completed, route_deviation, blocked, route_timeout, or stopped (ended from outside)."""
    profile: str
    """Name of the scoring profile."""
    route_completion_percent: float
    penalty: float
    driving_score: float
    success: bool
    duration_s: float
    """Simulation time."""
    distance_m: float
    """Distance that the ego travelled."""
    infractions: tuple[Infraction, ...] = ()
    values: dict[str, float] = field(default_factory=dict[str, float])
    """Further figures by name, with the unit in the name."""
    wall_time_s: float = 0.0

    @property
    def is_scored(self) -> bool:
        """Whether the episode counts; an infrastructure failure never does."""
        return not self.status.startswith("infra_failure")

    def count(self, *kinds: InfractionKind) -> int:
        """Return how many infractions are of one of these kinds."""
        return sum(infraction.kind in kinds for infraction in self.infractions)

    @property
    def collisions_total(self) -> int:
        """Collisions of every kind."""
        return self.count(*COLLISIONS)

    @property
    def infractions_total(self) -> int:
        """Infractions of every kind but minimum speed, collisions included."""
        return len(self.infractions) - self.count(InfractionKind.MIN_SPEED)

    def flat(self) -> dict[str, float | int | str]:
        """Return the result as one flat mapping of plain values, as `metrics.jsonl` has it."""
        identity = self.identity
        return {
            "episode_id": identity.episode_id,
            "town": identity.town,
            "route_id": identity.route_id,
            "agent": identity.agent,
            "seed": identity.seed,
            "server": identity.server,
            "status": self.status,
            "outcome": self.outcome,
            "scoring_profile": self.profile,
            "route_completion_percent": round(self.route_completion_percent, 3),
            "penalty": round(self.penalty, 5),
            "driving_score": round(self.driving_score, 3),
            "success": int(self.success),
            "collisions_total": self.collisions_total,
            "infractions_total": self.infractions_total,
            **{f"{kind.value}_total": self.count(kind) for kind in InfractionKind},
            "duration_s": round(self.duration_s, 3),
            "distance_m": round(self.distance_m, 2),
            "wall_time_s": round(self.wall_time_s, 2),
            **{name: round(value, 4) for name, value in self.values.items() if math.isfinite(value)},
        }


def summarise(results: Sequence[EpisodeResult]) -> dict[str, float | int | str]:
    """Return the flat summary of many episodes: means over scored episodes, totals, rates per kilometre.

    Episodes that failed by infrastructure are counted and otherwise left out. Without any scored episode the means are
    0.
    """
    scored = [result for result in results if result.is_scored]
    count = max(1, len(scored))
    distance_km = sum(result.distance_m for result in scored) / 1000.0
    collisions = sum(result.collisions_total for result in scored)
    infractions = sum(result.infractions_total for result in scored)
    duration_s = sum(result.duration_s for result in scored)
    wall_s = sum(result.wall_time_s for result in scored)
    summary: dict[str, float | int | str] = {
        "route_completion_percent": round(sum(r.route_completion_percent for r in scored) / count, 3),
        "collisions_total": collisions,
        "infractions_total": infractions,
        "driving_score": round(sum(r.driving_score for r in scored) / count, 3),
        "success_rate_percent": round(100.0 * sum(r.success for r in scored) / count, 3),
        "penalty": round(sum(r.penalty for r in scored) / count, 5),
        "scoring_profile": ", ".join(sorted({r.profile for r in results})),
        "server": ", ".join(sorted({r.identity.server for r in results})),
        "episodes_total": len(results),
        "episodes_scored": len(scored),
        "episodes_completed": sum(r.outcome == "completed" for r in scored),
        "episodes_policy_failed": sum(r.status.startswith("policy_failure") for r in scored),
        "episodes_infra_failed": len(results) - len(scored),
    }
    for kind in InfractionKind:
        summary[f"{kind.value}_total"] = sum(result.count(kind) for result in scored)
    summary["distance_km"] = round(distance_km, 4)
    summary["duration_s"] = round(duration_s, 2)
    summary["wall_time_s"] = round(wall_s, 2)
    if distance_km > 0.0:
        summary["collisions_per_km"] = round(collisions / distance_km, 4)
        summary["infractions_per_km"] = round(infractions / distance_km, 4)
    if wall_s > 0.0:
        summary["simulation_speed_x_realtime"] = round(duration_s / wall_s, 3)
    return summary
