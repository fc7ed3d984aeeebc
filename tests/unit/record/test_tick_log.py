"""A log gives back the ticks that were written, and the same verdict as the live drive."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.episode_metrics import EpisodeMetrics
from alpamayo_sim.metrics.episode_result import EpisodeIdentity
from alpamayo_sim.metrics.tick import (
    ActorState,
    CollisionEvent,
    ControlRecord,
    ScenarioEvent,
    ScenarioPhase,
    TickRecord,
)
from alpamayo_sim.policy.plan import Plan
from alpamayo_sim.record.tick_log import TickLogWriter, read_plans, read_ticks
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

thousandths = st.integers(-(10**6), 10**6).map(lambda n: n / 1000)
vectors = st.tuples(thousandths, thousandths, thousandths)
sizes = st.tuples(*[st.integers(10, 9000).map(lambda n: n / 1000)] * 3)
transforms = st.tuples(*[thousandths] * 6).map(lambda v: Transform(*v))
actors = st.builds(
    ActorState, st.integers(2, 9), st.just("vehicle.a"), transforms, vectors, st.just((2.0, 1.0, 0.8)), vectors
)
plans = st.builds(
    Plan,
    st.integers(0, 99).map(lambda n: np.arange(192.0).reshape(64, 3) + n),
    thousandths,
    transforms,
    st.text(st.characters()),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
    st.lists(thousandths, max_size=3).map(np.array),
    thousandths,
)


def unique(found: list[ActorState]) -> tuple[ActorState, ...]:
    """One actor per id, its shape fixed by the id, as a simulator has it."""
    by_id = {
        a.actor_id: ActorState(
            a.actor_id, f"vehicle.{a.actor_id}", a.transform, a.velocity_mps, (2.0, 1.0, 0.8), (0.0, 0.0, 0.8)
        )
        for a in found
    }
    return tuple(by_id[key] for key in sorted(by_id))


collisions = st.builds(
    CollisionEvent, st.integers(0, 99), thousandths, st.integers(0, 9), st.text(max_size=5), thousandths
)
records = st.builds(
    TickRecord,
    frame=st.integers(0, 10**9),
    time_s=thousandths,
    ego=transforms.map(lambda t: ActorState(1, "vehicle.ego", t, (1.0, 2.0, 0.0), (2.4, 0.9, 0.7), (0.0, 0.0, 0.7))),
    speed_mps=thousandths,
    acceleration_mps2=vectors,
    angular_velocity_dps=vectors,
    speed_limit_mps=thousandths,
    control=st.builds(ControlRecord, thousandths, thousandths, thousandths, st.booleans(), st.booleans()),
    actors=st.lists(actors, max_size=5).map(unique),
    light_states=st.dictionaries(st.text(max_size=4), st.integers(0, 4), max_size=3),
    collisions=st.lists(collisions, max_size=2).map(tuple),
    lane_invasions=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    plan=st.none() | plans,
)  # fmt: skip


def same_plan(a: Plan | None, b: Plan | None) -> bool:
    if a is None or b is None:
        return a is b
    return (
        np.array_equal(a.waypoints_rig, b.waypoints_rig)
        and np.array_equal(a.scores, b.scores)
        and (a.t0_s, a.rig_pose_t0, a.reasoning, dict(a.decisions), a.latency_s)
        == (b.t0_s, b.rig_pose_t0, b.reasoning, dict(b.decisions), b.latency_s)
    )


def write(folder: Path, ticks: list[TickRecord]) -> None:
    log = TickLogWriter(folder)
    for tick in ticks:
        log.write(tick)
    log.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records, max_size=6))
def test_what_is_read_is_what_was_written(tmp_path: Path, ticks: list[TickRecord]) -> None:
    write(tmp_path, ticks)
    back = list(read_ticks(tmp_path))
    assert len(back) == len(ticks)
    for read, written in zip(back, ticks, strict=True):
        assert same_plan(read.plan, written.plan)
        assert replace(read, plan=None) == replace(written, plan=None)


def test_a_plan_that_is_kept_for_many_ticks_is_written_once(tmp_path: Path, ticks: list[TickRecord]) -> None:
    write(tmp_path, ticks)
    made = {id(tick.plan) for tick in ticks}
    assert len(list(read_plans(tmp_path))) == len(made) == len(ticks) // 2


def test_equal_drives_give_equal_files(tmp_path: Path, ticks: list[TickRecord]) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        write(folder, ticks)
    for name in ("ticks.jsonl.gz", "plans.jsonl.gz"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_the_log_gives_the_verdict_of_the_live_drive(
    tmp_path: Path, road_map: RoadMap, route: Route, ticks: list[TickRecord], identity: EpisodeIdentity
) -> None:
    write(tmp_path, ticks)
    live, replayed = EpisodeMetrics(road_map, route), EpisodeMetrics(road_map, route)
    for tick in ticks:
        live.update(tick)
    for tick in read_ticks(tmp_path):
        replayed.update(tick)
    a, b = live.result(identity), replayed.result(identity)
    assert [(i.kind, i.frame) for i in a.infractions] == [(i.kind, i.frame) for i in b.infractions]
    assert a.count(*(i.kind for i in a.infractions)) >= 1
    assert b.driving_score == pytest.approx(a.driving_score, abs=1e-6)
    assert b.values == pytest.approx(a.values, abs=0.05)


def test_scenario_events_and_the_speed_of_traffic_come_back(tmp_path: Path, ticks: list[TickRecord]) -> None:
    events = (ScenarioEvent(ScenarioPhase.TRIGGERED, "s1", "Accident", suspends_blocked=True),)
    write(tmp_path, [replace(ticks[0], traffic_speed_mps=7.25, scenario_events=events), ticks[1]])
    first, second = read_ticks(tmp_path)
    assert (first.traffic_speed_mps, first.scenario_events) == (7.25, events)
    assert (second.traffic_speed_mps, second.scenario_events) == (None, ())


def test_a_missing_or_foreign_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found none"):
        next(read_ticks(tmp_path))
    write(tmp_path, [])
    import gzip

    with gzip.open(tmp_path / "ticks.jsonl.gz", "wt") as file:
        file.write('{"format":"other"}\n')
    with pytest.raises(InputError, match="other"):
        next(read_ticks(tmp_path))
