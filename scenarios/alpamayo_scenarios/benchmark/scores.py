"""From the results of a benchmark run to its figures: scores with intervals, abilities, scenario types, what is missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from alpamayo_scenarios.benchmark.plan import Plan, SkippedRoute, Task
from alpamayo_scenarios.benchmark.store import ResultStore, episode_details
from alpamayo_sim.metrics.bootstrap import bootstrap_mean
from alpamayo_sim.metrics.episode_result import OK, EpisodeResult, summarise
from alpamayo_sim.metrics.results import bench2drive
from alpamayo_sim.metrics.results.file import RESULT_FILE, write_atomically, write_result_file
from alpamayo_sim.metrics.results.from_episode import EVENTS_FILE, events_text, leaderboard_file, record_ids
from alpamayo_sim.metrics.results.schema import RouteRecord
from alpamayo_sim.record.run_folder import write_json

RESULTS_FILE = "results.json"
"""Everything that the run came to and nothing of how long it took: equal runs have equal files."""
_DIGITS = 3


@dataclass(frozen=True)
class Judged:
    """A task and what became of it."""

    task: Task
    result: EpisodeResult | None
    """None while infrastructure has kept it from having one."""
    is_valid: bool
    """False for a route that was completed although its scenario never happened: it is not passed."""
    first_junction_passed_percent: float | None = None

    @property
    def driving_score(self) -> float:
        """The driving score; 0 for an invalid route."""
        return self.result.driving_score if self.result is not None and self.is_valid else 0.0

    @property
    def success(self) -> bool:
        """Whether the route was passed; an invalid one was not."""
        return self.result is not None and self.is_valid and self.result.success


def judge(store: ResultStore) -> list[Judged]:
    """Return every task of the plan with its result, in the plan's order."""
    return [_judged(store, task) for task in store.plan.tasks]


def _judged(store: ResultStore, task: Task) -> Judged:
    if not store.is_complete(task):
        return Judged(task, None, True)
    folder = store.run.episode_folder(task.task_id)
    result = store.result(task)
    is_valid = not (store.plan.settings.scenarios_required and missed_scenario(task, result))
    return Judged(task, result, is_valid, episode_details(folder).get("first_junction_passed_percent"))


def missed_scenario(task: Task, result: EpisodeResult) -> bool:
    """Whether a route was completed although a scenario that it has was skipped or never triggered."""
    if not task.scenario_types or result.outcome != "completed":
        return False
    values = result.values
    missed = values.get("scenarios_not_triggered_total", 0.0) + values.get("scenarios_skipped_total", 0.0)
    return missed > 0.0 or values.get("scenarios_triggered_total", 0.0) == 0.0


def write_scores(store: ResultStore) -> dict[str, float | int | str]:
    """Write the run's result files and return its flat summary."""
    judged = judge(store)
    valid = [j.result for j in judged if j.result is not None and j.is_valid]
    if valid:
        scenarios = {j.task.route_id: (j.task.scenario_name, j.task.weather_id) for j in judged}
        file = leaderboard_file(valid, total_routes=len(judged), scenarios=scenarios)
        write_result_file(store.run.path / RESULT_FILE, file)
        write_atomically(store.run.path / EVENTS_FILE, events_text(valid))
    document = results_document(store.plan, judged)
    write_json(store.run.path / RESULTS_FILE, document)
    summary = flat_summary(store.plan, judged, document)
    store.rewrite_metrics()
    store.run.write_summary(summary)
    return summary


def results_document(plan: Plan, judged: Sequence[Judged]) -> dict[str, Any]:
    """Return what `results.json` holds: settings, figures, abilities, types, and a row for every task."""
    return {
        "format": "alpamayo-bench",
        "version": 1,
        "settings": asdict(plan.settings),
        "figures": _figures(plan, judged),
        "abilities": _abilities(judged),
        "types": _types(judged),
        "routes": [_row(j) for j in judged],
        "invalid": [j.task.task_id for j in judged if not j.is_valid],
        "without_result": [j.task.task_id for j in judged if j.result is None],
        "skipped": [asdict(route) for route in plan.skipped],
    }


def flat_summary(plan: Plan, judged: Sequence[Judged], document: Mapping[str, Any]) -> dict[str, float | int | str]:
    """Return the flat summary: the means of `summarise` under the benchmark's rules, intervals, abilities, counts.

    Infrastructure failures are counted and otherwise left out; invalid routes count as not passed, with a score of 0.
    """
    settings = plan.settings
    counted = [
        j.result if j.is_valid else replace(j.result, driving_score=0.0, success=False)
        for j in judged
        if j.result is not None
    ]
    summary = summarise(counted)
    missing = len(judged) - len(counted)
    summary["scoring_profile"] = settings.profile
    summary.update(episodes_total=len(judged), episodes_infra_failed=missing)
    flat: dict[str, float | int | str] = {
        "suite": settings.suite,
        "agent": settings.agent,
        "seed": settings.seed,
        "repetitions": settings.repetitions,
        **summary,
        "episodes_invalid": sum(not j.is_valid for j in judged),
        "routes_total": len({j.task.route_id for j in judged}),
        "routes_skipped": len(plan.skipped),
    }
    flat.update({k: v for k, v in document["figures"].items() if isinstance(v, (int, float)) and k not in flat})
    for ability, row in document["abilities"].items():
        if row["success_percent"] is not None:
            flat[f"ability_{ability.lower()}_percent"] = row["success_percent"]
    return flat


def _figures(plan: Plan, judged: Sequence[Judged]) -> dict[str, Any]:
    """The headline figures with their 95 % intervals, over the tasks that have a result."""
    figures: dict[str, Any] = {}
    wanted: dict[str, Callable[[Judged], float]] = {
        "driving_score": lambda j: j.driving_score,
        "success_rate_percent": lambda j: 100.0 * j.success,
        "route_completion_percent": lambda j: j.result.route_completion_percent if j.result is not None else 0.0,
    }
    for name, value in wanted.items():
        by_route: dict[str, list[float]] = {}
        for j in judged:
            if j.result is not None:
                by_route.setdefault(j.task.route_id, []).append(value(j))
        if by_route:
            rng = np.random.default_rng(plan.settings.seed)
            interval = bootstrap_mean(list(by_route.values()), rng=rng)
            figures[name] = round(interval.mean, _DIGITS)
            figures[f"{name}_low"], figures[f"{name}_high"] = (
                round(interval.low, _DIGITS),
                round(interval.high, _DIGITS),
            )
    for name in ("planned", "triggered", "finished", "timed_out", "skipped", "not_triggered"):
        key = f"scenarios_{name}_total"
        figures[key] = int(sum(j.result.values.get(key, 0.0) for j in judged if j.result is not None))
    return figures


def _abilities(judged: Sequence[Judged]) -> dict[str, dict[str, Any]]:
    """Bench2Drive's five abilities; invalid routes and those without a result are not passed and count."""
    types, records, passed = _ability_input(judged)
    if not records:
        return {}
    scores = bench2drive.abilities(records, types, passed)
    rows: dict[str, dict[str, Any]] = {}
    for ability, kinds in bench2drive.ABILITIES.items():
        invalid = sum(not j.is_valid and any(kind in kinds for kind in j.task.scenario_types[:1]) for j in judged)
        share, routes = scores.shares[ability], scores.routes[ability]
        passed_total = 0.0 if share is None else share * routes
        total = routes + invalid
        percent = round(100.0 * passed_total / total, _DIGITS) if total else None
        rows[ability] = {"success_percent": percent, "routes": total}
    known = [row["success_percent"] for row in rows.values() if row["success_percent"] is not None]
    mean = round(sum(known) / len(known), _DIGITS) if len(known) == len(rows) else None
    return {**rows, "mean": {"success_percent": mean, "routes": sum(row["routes"] for row in rows.values())}}


def _ability_input(judged: Sequence[Judged]) -> tuple[dict[str, str], list[RouteRecord], dict[str, float]]:
    valid = [j for j in judged if j.result is not None and j.is_valid]
    results = [j.result for j in valid if j.result is not None]
    if not results:
        return {}, [], {}
    records = leaderboard_file(results).records
    types: dict[str, str] = {}
    passed: dict[str, float] = {}
    for j, record_id in zip(valid, record_ids(results), strict=True):
        number = record_id.split("_")[1]
        if j.task.scenario_types:
            types[number] = j.task.scenario_types[0]
        if j.first_junction_passed_percent is not None:
            passed[number] = j.first_junction_passed_percent
    return types, records, passed


def _types(judged: Sequence[Judged]) -> dict[str, dict[str, Any]]:
    """Figures by scenario type: the first scenario of a route names it, as in Bench2Drive."""
    by_type: dict[str, list[Judged]] = {}
    for j in judged:
        if j.task.scenario_types:
            by_type.setdefault(j.task.scenario_types[0], []).append(j)
    return {kind: _type_row(members) for kind, members in sorted(by_type.items())}


def _type_row(members: Sequence[Judged]) -> dict[str, Any]:
    scored = [j for j in members if j.result is not None]
    count = max(1, len(scored))
    return {
        "episodes": len(members),
        "episodes_scored": len(scored),
        "episodes_invalid": sum(not j.is_valid for j in members),
        "driving_score": round(sum(j.driving_score for j in scored) / count, _DIGITS),
        "success_percent": round(100.0 * sum(j.success for j in scored) / count, _DIGITS),
    }


def _row(j: Judged) -> dict[str, Any]:
    row: dict[str, Any] = {
        "task_id": j.task.task_id,
        "route_id": j.task.route_id,
        "repetition": j.task.repetition,
        "seed": j.task.seed,
        "town": j.task.town,
        "scenario_types": list(j.task.scenario_types),
    }
    if j.result is None:
        return {**row, "status": "without_result"}
    result = j.result
    return {
        **row,
        "status": result.status if j.is_valid or result.status != OK else "invalid(scenario_not_triggered)",
        "outcome": result.outcome,
        "driving_score": round(j.driving_score, _DIGITS),
        "success": j.success,
        "route_completion_percent": round(result.route_completion_percent, _DIGITS),
        "penalty": round(result.penalty, 5),
        "infractions": [infraction.kind.value for infraction in result.infractions],
        "duration_s": round(result.duration_s, _DIGITS),
        "distance_m": round(result.distance_m, 2),
    }


def skipped_text(skipped: Sequence[SkippedRoute]) -> str:
    """Return a line that names every skipped route, by what it lacks."""
    by_reason: dict[str, list[str]] = {}
    for route in skipped:
        by_reason.setdefault(route.reason, []).append(route.route_id)
    parts = [f"{len(ids)} because {reason} ({', '.join(ids)})" for reason, ids in by_reason.items()]
    return f"skipped {len(skipped)} routes: {'; '.join(parts)}"


def read_results_text(text: str) -> dict[str, Any] | None:
    """Return the document of a `results.json`; None for another file."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) and value.get("format") == "alpamayo-bench" else None
