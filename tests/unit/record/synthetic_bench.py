"""Benchmark runs for tests of the report: synthetic drives through the real recorder, criteria and result files."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from synthetic_drive import drive

from alpamayo_scenarios.benchmark.plan import Plan, Settings, SkippedRoute, Task
from alpamayo_scenarios.benchmark.scores import Judged, missed_scenario, results_document
from alpamayo_sim.metrics.episode_metrics import CRITERIA, EpisodeMetrics
from alpamayo_sim.metrics.episode_result import EpisodeIdentity, EpisodeResult
from alpamayo_sim.metrics.tick import CollisionEvent, ScenarioEvent, ScenarioPhase, TickRecord
from alpamayo_sim.record.episode_recorder import EpisodeRecorder
from alpamayo_sim.record.run_folder import RunFolder, append_json_line, write_json
from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.route_planner import Route, RoutePlanner

HOSTILE_ROUTE = '<img src=x onerror="document.title=1">'
HOSTILE_TEXT = "</script><script>document.title=1</script> I wait for the people on the crossing."


@dataclass(frozen=True)
class Drive:
    """One episode to make."""

    town: str
    route_id: str
    type: str
    hits: tuple[float, ...] = ()
    """Times of collisions, seconds."""
    triggers: bool = True
    seconds: float | None = None
    """Length, if it is to end before the route does."""
    repetition: int = 0
    with_video: bool = False


DRIVES = (
    Drive("Gridvale", "g1", "ParkedObstacle", with_video=True),
    Drive("Gridvale", "g2", "SignalizedJunctionLeftTurn", hits=(3.0,)),
    Drive("Gridvale", "g3", "DynamicObjectCrossing", hits=(2.0, 4.0), seconds=5.0),
    Drive("Oldwick", "o1", "InvadingTurn"),
    Drive("Oldwick", "o2", "ParkedObstacle", triggers=False),
    Drive("Oldwick", HOSTILE_ROUTE, "MergerIntoSlowTraffic", seconds=3.0),
    Drive("Gridvale", "g1", "ParkedObstacle", hits=(4.0,), repetition=1),
)


@functools.cache
def town(name: str) -> RoadMap:
    """Return one of our towns, read once."""
    return load_road_map(name)


def make_run(folder: Path, name: str, drives: Sequence[Drive], *, agent: str = "expert") -> RunFolder:
    """Return a finished benchmark run of these drives, as `alpamayo bench` leaves it."""
    run = RunFolder.create(folder, name, {"suite": "abilities", "agent": agent})
    settings = Settings("abilities", agent, "bench2drive", seed=3, repetitions=2, scenarios_required=True)
    tasks = [
        Task(
            task_id=f"e{k}_rep{made.repetition}",
            route_file="0.xml",
            route_id=made.route_id,
            town=made.town,
            scenario_types=(made.type,),
            scenario_name=f"{made.type}_1",
            length_m=200.0,
            repetition=made.repetition,
            seed=k,
        )
        for k, made in enumerate(drives)
    ]
    lost = replace(tasks[0], task_id="lost_rep0", route_id="lost")
    plan = Plan(settings, (*tasks, lost), (SkippedRoute("far", "Town12", "there is no map of Town12"),))
    results = [_record(run, task, made, agent) for task, made in zip(tasks, drives, strict=True)]
    judged = [
        Judged(task, result, not missed_scenario(task, result)) for task, result in zip(tasks, results, strict=True)
    ]
    write_json(run.path / "results.json", results_document(plan, [*judged, Judged(lost, None, True)]))
    failure = {"task_id": "lost_rep0", "attempt": 1, "kind": "server_failed", "reason": "no answer <b>at all</b>"}
    append_json_line(run.path / "infrastructure.jsonl", {**failure, "given_up": True})
    return run


def _record(run: RunFolder, task: Task, made: Drive, agent: str) -> EpisodeResult:
    road_map = town(made.town)
    route = RoutePlanner(road_map.carla_map).random_route(np.random.default_rng(task.seed % 5), 100.0, 160.0)
    identity = EpisodeIdentity(task.task_id, made.town, made.route_id, agent, task.seed, "embedded")
    criteria = [name for name in CRITERIA if name not in ("outside_route_lanes", "red_light", "stop_sign")]
    metrics = EpisodeMetrics(road_map, route, profile="bench2drive", criteria=criteria)
    details = {"suite": "abilities", "repetition": made.repetition, "scenarios": made.type}
    with EpisodeRecorder(run, identity, road_map, route, video=made.with_video, details=details) as recorder:
        for tick in _ticks(made, road_map, route):
            recorder.write(tick, metrics.update(tick))
        result = metrics.result(identity, wall_time_s=5.0)
        recorder.close(result)
    return result


def _ticks(made: Drive, road_map: RoadMap, route: Route) -> Iterator[TickRecord]:
    """A synthetic drive with the scenario's phases and the collisions asked for."""
    hits = [round(time_s / 0.05) for time_s in made.hits]
    phases = {0: ScenarioPhase.PLANNED}
    if made.triggers:
        phases |= {20: ScenarioPhase.TRIGGERED, 80: ScenarioPhase.FINISHED}
    for number, tick in enumerate(_drive(road_map, route, made)):
        events = ()
        if number in phases:
            events = (ScenarioEvent(phases[number], f"{made.type}_1", made.type),)
        collisions = ()
        if number in hits:
            other = 101 + hits.index(number)
            collisions = (CollisionEvent(tick.frame, tick.time_s, other, "vehicle.tesla.model3", 900.0),)
        yield replace(tick, scenario_events=events, collisions=collisions)


def _drive(road_map: RoadMap, route: Route, made: Drive) -> Iterator[TickRecord]:
    return drive(road_map, route, seconds=made.seconds, others=12, speed_mps=11.0, reasoning=HOSTILE_TEXT)


def changed(drives: Sequence[Drive]) -> list[Drive]:
    """Return the drives of a better run: the second one without its collision, the first one with one."""
    better = [replace(made, hits=()) if made.route_id == "g2" else made for made in drives]
    return [replace(better[0], hits=(3.0,)), *better[1:]]


def read_page_data(html: str) -> dict[str, object]:
    """Return the data that a page carries."""
    return json.loads(html.split('id="data">', 1)[1].split("</script>", 1)[0])
