"""Records as an evaluator of leaderboard 2.x or Bench2Drive writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alpamayo_sim.metrics.profile import scoring_profile
from alpamayo_sim.metrics.results import vocabulary as words
from alpamayo_sim.metrics.results.rescore import rescore
from alpamayo_sim.metrics.results.schema import RouteMeta, RouteRecord, RouteScores


def raw_record(
    lists: Mapping[str, Sequence[str]] | None = None,
    *,
    number: int = 0,
    completion: float = 100.0,
    scenario: str | None = None,
    repetition: int = 0,
) -> RouteRecord:
    infractions = {name: list((lists or {}).get(name, ())) for name in words.LISTS_2}
    return RouteRecord(
        index=number,
        route_id=f"RouteScenario_{number}_rep{repetition}",
        scenario_name=scenario,
        status=words.COMPLETED if completion >= 100.0 else words.TIMED_OUT,
        num_infractions=sum(map(len, infractions.values())),
        infractions=infractions,
        scores=RouteScores(score_route=completion, score_penalty=1.0, score_composed=completion),
        meta=RouteMeta(route_length=1000.0 + 10 * number, duration_game=60.5, duration_system=12.25),
    )


def scored_record(profile: str, lists: Mapping[str, Sequence[str]] | None = None, **details: object) -> RouteRecord:
    return rescore(raw_record(lists, **details), scoring_profile(profile))  # type: ignore[arg-type]
