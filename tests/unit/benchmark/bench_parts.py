"""Parts of a benchmark run made by hand, for tests of what comes after driving."""

from __future__ import annotations

import json
from pathlib import Path

from alpamayo_scenarios.benchmark.plan import Plan, Settings, SkippedRoute, Task, task_seed
from alpamayo_scenarios.benchmark.store import Attempt
from alpamayo_sim.metrics.episode_result import OK, EpisodeIdentity, EpisodeResult
from alpamayo_sim.metrics.infraction import Infraction, InfractionKind
from alpamayo_sim.record.episode_recorder import result_to_json
from alpamayo_sim.record.run_folder import COMPLETE_MARKER, write_json

SETTINGS = Settings(suite="made", agent="expert", profile="bench2drive", seed=3, repetitions=1, scenarios_required=True)


def task(number: int, *types: str, repetition: int = 0, length_m: float = 100.0) -> Task:
    route_id = str(number)
    return Task(
        task_id=f"{route_id}_rep{repetition}",
        route_file="0.xml",
        route_id=route_id,
        town="Gridvale",
        scenario_name=f"{types[0]}_1" if types else "",
        scenario_types=types,
        length_m=length_m,
        repetition=repetition,
        seed=task_seed(SETTINGS.seed, route_id, repetition),
    )


def plan(*tasks: Task, skipped: tuple[SkippedRoute, ...] = ()) -> Plan:
    return Plan(SETTINGS, tasks, skipped)


def result(
    of: Task,
    *,
    outcome: str = "completed",
    status: str = OK,
    completion: float = 100.0,
    collisions: int = 0,
    triggered: int | None = None,
    not_triggered: int = 0,
) -> EpisodeResult:
    infractions = tuple(
        Infraction(InfractionKind.COLLISION_VEHICLE, 40 + k, 2.0, (1.0, 2.0, 0.0), "Agent collided", 7 + k, "vehicle.x")
        for k in range(collisions)
    )
    penalty = 0.6**collisions
    values = {"route_length_m": of.length_m}
    if of.scenario_types:
        count = len(of.scenario_types) if triggered is None else triggered
        values |= {
            "scenarios_planned_total": float(len(of.scenario_types)),
            "scenarios_triggered_total": float(count),
            "scenarios_not_triggered_total": float(not_triggered),
            "scenarios_skipped_total": 0.0,
        }
    return EpisodeResult(
        identity=EpisodeIdentity(of.task_id, of.town, of.route_id, SETTINGS.agent, of.seed, "embedded"),
        status=status,
        outcome=outcome,
        profile=SETTINGS.profile,
        route_completion_percent=completion,
        penalty=penalty,
        driving_score=completion * penalty,
        success=status == OK and outcome == "completed" and not collisions,
        duration_s=20.0,
        distance_m=of.length_m * completion / 100.0,
        infractions=infractions,
        values=values,
        wall_time_s=2.5,
    )


def write_episode(attempt: Attempt, verdict: EpisodeResult, *, complete: bool = True) -> None:
    """Write what a recorder leaves of an episode, as far as results are made of it."""
    folder = attempt.folder / "episodes" / attempt.task.task_id
    folder.mkdir(parents=True)
    write_json(folder / "episode.json", {"details": {"first_junction_passed_percent": 40.0}})
    write_json(folder / "result.json", result_to_json(verdict))
    (attempt.folder / "events.jsonl").write_text(json.dumps({"event": "episode_finished"}) + "\n")
    if complete:
        (folder / COMPLETE_MARKER).touch()


def log_of(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in folder.read_text().splitlines()]
