"""From the records of all routes to the file of a run: means, deviations, infractions per kilometre, labels.

Follows `statistics_manager.py` of the leaderboard's branches 1.0 and 2.x, what it does oddly included: the driving
score's mean is over the routes that were to be driven, so that a missing one counts 0; 1.0 sums rates of routes where
2.x divides sums; and "off-road" of 2.x is a sum of kilometres that is not divided by anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.profile import ScoringProfile
from alpamayo_sim.metrics.results import vocabulary as words
from alpamayo_sim.metrics.results.rescore import SCORE_DIGITS
from alpamayo_sim.metrics.results.schema import Checkpoint, ResultFile, RouteRecord

_DIGITS = 3
_SCORES = ("score_composed", "score_route", "score_penalty")


def result_file(
    records: Sequence[RouteRecord],
    profile: ScoringProfile,
    *,
    total_routes: int | None = None,
    sensors: Sequence[str] = (),
) -> ResultFile:
    """Return the whole file of a run whose records have been scored under `profile` already.

    `total_routes` is how many routes the run was to have, at least the number of records and by default that number.
    Raises InputError when there are no records, more than `total_routes`, or two of one route.
    """
    if not records:
        raise InputError("a result file needs at least one finished route; found none")
    total = len(records) if total_routes is None else total_routes
    if total < len(records):
        raise InputError(f"expected at most {total} routes; found {len(records)} records")
    ids = [record.route_id for record in records]
    doubled = sorted({route_id for route_id in ids if ids.count(route_id) > 1}) if len(set(ids)) < len(ids) else []
    if doubled:
        raise InputError(f"every route has one record; found several of {', '.join(doubled[:5])}")
    indexed = [record.model_copy(update={"index": index}) for index, record in enumerate(records)]
    build = _global_1 if profile.is_version_1 else _global_2
    record = build(indexed, total)
    status, eligible = _entry_1(indexed, total) if profile.is_version_1 else _entry_2(indexed, total)
    labels = words.LABELS_1 if profile.is_version_1 else words.LABELS_2
    means = record["scores" if profile.is_version_1 else "scores_mean"]
    figures = [*(means[name] for name in words.SCORE_LABELS), *(record["infractions"][name] for name in labels)]
    return ResultFile(
        checkpoint=Checkpoint(global_record=record, progress=[len(indexed), total], records=indexed),
        entry_status=status,
        eligible=eligible,
        sensors=list(sensors),
        values=[f"{figure:.3f}" if profile.is_version_1 else str(figure) for figure in figures],
        labels=[*words.SCORE_LABELS.values(), *labels.values()],
    )


def _global_2(records: Sequence[RouteRecord], total: int) -> dict[str, Any]:
    means = {name: round(sum(_score(r, name) / total for r in records), SCORE_DIGITS) for name in _SCORES}
    deviations: dict[str, float] = dict.fromkeys(_SCORES, 0)
    if total > 1:
        for name in _SCORES:
            squares = sum((_score(r, name) - means[name]) ** 2 for r in records)
            deviations[name] = round(math.sqrt(squares / (total - 1)), _DIGITS)
    driven_km = max(sum(_driven_km(r) for r in records), 0.001)
    infractions: dict[str, float] = {}
    for name in words.LISTS_2:
        if name == "outside_route_lanes":
            value = sum(_outside_km(r) for r in records)
        else:
            value = sum(len(r.infractions.get(name, ())) for r in records) / driven_km
        infractions[name] = round(value, _DIGITS)
    failed = [r for r in records if not r.completed]
    perfect = all(r.status == words.PERFECT for r in records)
    return {
        "index": -1,
        "route_id": -1,
        "status": words.FAILED if failed else words.PERFECT if perfect else words.COMPLETED,
        "infractions": infractions,
        "scores_mean": means,
        "scores_std_dev": deviations,
        "meta": {
            "total_length": sum(r.meta.route_length for r in records),
            "duration_game": sum(r.meta.duration_game for r in records),
            "duration_system": sum(r.meta.duration_system for r in records),
            "exceptions": [[r.route_id, r.index, r.status] for r in failed],
        },
    }


def _global_1(records: Sequence[RouteRecord], total: int) -> dict[str, Any]:
    means = {name: sum(_score(r, name) for r in records) / total for name in _SCORES}
    deviations: dict[str, float | str] = dict.fromkeys(_SCORES, "NaN")
    if total > 1:
        for name in _SCORES:
            deviations[name] = math.sqrt(sum((_score(r, name) - means[name]) ** 2 for r in records) / (total - 1))
    moved = [r for r in records if _driven_km(r) > 0.0]
    failed = [r for r in records if r.status != words.COMPLETED]
    meta: dict[str, Any] = {
        "total_length": sum(r.meta.route_length for r in records),
        "duration_game": sum(r.meta.duration_game for r in records),
        "duration_system": sum(r.meta.duration_system for r in records),
    }
    if failed:
        meta["exceptions"] = [[r.route_id, r.index, r.status] for r in failed]
    return {
        "index": -1,
        "route_id": -1,
        "status": words.FAILED if failed else words.COMPLETED,
        "infractions": {
            name: sum((len(r.infractions[name]) / _driven_km(r) for r in moved), 0) for name in words.LISTS_1
        },
        "scores": means,
        "scores_std_dev": deviations,
        "meta": meta,
    }


def _entry_1(records: Sequence[RouteRecord], total: int) -> tuple[str, bool]:
    if len(records) != total:
        return "Finished with missing data", False
    if any("Agent" in record.status for record in records):
        return "Finished with agent errors", True
    return "Finished", True


def _entry_2(records: Sequence[RouteRecord], total: int) -> tuple[str, bool]:
    if len(records) != total:
        return "Invalid", False
    status = "Finished"
    for record in records:
        if words.SIMULATION_CRASHED.removeprefix("Failed - ") in record.status:
            status = "Crashed"
        elif words.SENSORS_INVALID.removeprefix("Failed - ") in record.status:
            status = "Rejected"
    return status, status == "Finished"


def _score(record: RouteRecord, name: str) -> float:
    return getattr(record.scores, name)


def _driven_km(record: RouteRecord) -> float:
    return record.meta.route_length / 1000.0 * record.scores.score_route / 100.0


def _outside_km(record: RouteRecord) -> float:
    messages = record.infractions["outside_route_lanes"]
    return words.outside_lanes_figures(messages[0])[0] / 1000.0 if messages else 0.0
