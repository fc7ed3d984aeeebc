"""Our episodes in the leaderboard's words, and what its schema has no place for beside them."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.episode_result import OK, EpisodeResult
from alpamayo_sim.metrics.infraction import InfractionKind as Kind
from alpamayo_sim.metrics.profile import ScoringProfile, scoring_profile
from alpamayo_sim.metrics.results import vocabulary as words
from alpamayo_sim.metrics.results.aggregate import result_file
from alpamayo_sim.metrics.results.rescore import route_scores
from alpamayo_sim.metrics.results.schema import ResultFile, RouteMeta, RouteRecord

EVENTS_FILE = "leaderboard_events.json"
"""Beside the result file: who drove where, and every infraction with its frame, time, place and other actor."""

_END_STATUS: Mapping[str, str] = {
    Kind.ROUTE_DEVIATION.value: words.DEVIATED,
    Kind.BLOCKED.value: words.GOT_BLOCKED,
    Kind.ROUTE_TIMEOUT.value: words.TIMED_OUT,
}
_DIGITS = 3
_COMPLETION_DIGITS = 2
"""The leaderboard's completion criterion rounds to 0.01 %."""


def route_record(
    result: EpisodeResult, route_id: str, *, index: int = 0, scenario: tuple[str, str | None] | None = None
) -> RouteRecord:
    """Return an episode as the record that the leaderboard of the episode's profile would have written.

    `scenario` is name and weather id of the route's scenario where it has one, which Bench2Drive's records name; the id
    is None for a weather that is none of Bench2Drive's.
    """
    profile = scoring_profile(result.profile)
    lists = {name: _messages(kind, result, profile) for name, kind in words.LISTS_2.items()}
    if profile.is_version_1:
        lists = {name: lists[name] for name in words.LISTS_1}
    number = sum(map(len, lists.values()))
    completion = round(result.route_completion_percent, _COMPLETION_DIGITS)
    record = RouteRecord(
        index=index,
        route_id=route_id,
        status=_status(result, number, profile),
        num_infractions=None if profile.is_version_1 else number,
        infractions=lists,
        scores=route_scores(completion, result.penalty, profile),
        meta=RouteMeta(
            route_length=round(result.values.get("route_length_m", 0.0), _DIGITS),
            duration_game=round(result.duration_s, _DIGITS),
            duration_system=round(result.wall_time_s, _DIGITS),
        ),
    )
    if profile.name != "bench2drive":
        return record
    name, weather_id = scenario or ("", None)
    return record.model_copy(
        update={
            "town_name": result.identity.town,
            "scenario_name": name,
            "weather_id": weather_id,
            "save_name": result.identity.episode_id,
        }
    )


def record_ids(results: Sequence[EpisodeResult]) -> list[str]:
    """Return `RouteScenario_<number>_rep<k>` for every episode; the same route driven again is its next repetition.

    The leaderboard's tools sort by that number, so a route whose id is none gets the smallest one that is free.
    """
    names = list(dict.fromkeys(result.identity.route_id for result in results))
    taken = {int(name) for name in names if name.isdecimal()}
    free = (number for number in itertools.count() if number not in taken)
    numbers = {name: name if name.isdecimal() else str(next(free)) for name in names}
    driven: Counter[str] = Counter()
    ids: list[str] = []
    for result in results:
        name = result.identity.route_id
        ids.append(f"RouteScenario_{numbers[name]}_rep{driven[name]}")
        driven[name] += 1
    return ids


def leaderboard_file(
    results: Sequence[EpisodeResult],
    *,
    total_routes: int | None = None,
    sensors: Sequence[str] = (),
    scenarios: Mapping[str, tuple[str, str | None]] | None = None,
) -> ResultFile:
    """Return the result file of episodes of one profile.

    `scenarios` gives name and weather id of each route's scenario by the route's id, for Bench2Drive's records.

    Infrastructure failures are no results and are left out: with `total_routes` given they count as missing. Raises
    InputError when no episode is left or they are of several profiles.
    """
    scored = [result for result in results if result.is_scored]
    profiles = sorted({result.profile for result in scored})
    if len(profiles) != 1:
        raise InputError(f"a result file holds finished episodes of one scoring profile; found {profiles or 'none'}")
    records = [
        route_record(result, route_id, index=index, scenario=(scenarios or {}).get(result.identity.route_id))
        for index, (result, route_id) in enumerate(zip(scored, record_ids(scored), strict=True))
    ]
    return result_file(records, scoring_profile(profiles[0]), total_routes=total_routes, sensors=sensors)


def events_text(results: Sequence[EpisodeResult]) -> str:
    """Return our richer account of the same episodes, as JSON: one entry per episode, infrastructure failures too.

    `record` names the episode's record in the result file; null for an infrastructure failure, which has none.
    """
    scored = [result for result in results if result.is_scored]
    records = dict(zip(map(id, scored), record_ids(scored), strict=True))
    episodes = [{"record": records.get(id(result)), **_events(result)} for result in results]
    return json.dumps({"format": "alpamayo-events", "version": 1, "episodes": episodes}, indent=2)


def _events(result: EpisodeResult) -> dict[str, Any]:
    return {
        **asdict(result.identity),
        "status": result.status,
        "outcome": result.outcome,
        "scoring_profile": result.profile,
        "infractions": [{**asdict(infraction), "kind": infraction.kind.value} for infraction in result.infractions],
        "values": result.values,
    }


def _messages(kind: Kind, result: EpisodeResult, profile: ScoringProfile) -> list[str]:
    found = [infraction for infraction in result.infractions if infraction.kind is kind]
    if kind is Kind.OUTSIDE_ROUTE_LANES:
        percent = result.values.get("outside_route_lanes_percent", 0.0)
        distance_m = result.values.get("outside_route_lanes_m", 0.0)
        return [words.outside_lanes_message(distance_m, percent)] if found or percent > 0.0 else []
    if kind is Kind.MIN_SPEED:
        return [words.min_speed_message(infraction.percentage) for infraction in found]
    if kind is Kind.ROUTE_TIMEOUT:
        return [] if _reached_cap(result, profile) else ["Route timeout." for _ in found]
    return [infraction.message for infraction in found]


def _status(result: EpisodeResult, infractions: int, profile: ScoringProfile) -> str:
    if result.status.startswith("infra_failure"):
        return words.SIMULATION_CRASHED
    if result.status != OK:
        return words.AGENT_CRASHED
    if result.outcome == "completed":
        return words.COMPLETED if infractions or profile.is_version_1 else words.PERFECT
    if result.outcome == Kind.ROUTE_TIMEOUT.value and _reached_cap(result, profile):
        return words.TICK_LIMIT
    return _END_STATUS.get(result.outcome, words.FAILED)


def _reached_cap(result: EpisodeResult, profile: ScoringProfile) -> bool:
    return profile.time_limit_s is not None and result.duration_s >= profile.time_limit_s
