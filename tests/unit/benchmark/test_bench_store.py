from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench_parts import log_of, plan, result, task, write_episode

from alpamayo_scenarios.benchmark.store import BrokenAttempt, ResultStore
from alpamayo_sim.errors import InputError
from alpamayo_sim.record.run_folder import RunFolder

TASKS = (task(1), task(2))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "bench", {})


@pytest.fixture
def store(run: RunFolder) -> Iterator[ResultStore]:
    with ResultStore(run, plan(*TASKS)) as opened:
        yield opened


def test_a_complete_attempt_becomes_a_result(store: ResultStore) -> None:
    attempt = store.new_attempt(TASKS[0])
    verdict = result(TASKS[0], collisions=1)
    write_episode(attempt, verdict)
    (attempt.folder / "videos" / "1_rep0.mp4").write_bytes(b"film")
    assert store.commit(attempt) == verdict
    assert store.is_complete(TASKS[0]) and not store.is_complete(TASKS[1])
    assert store.results() == [verdict]
    assert not attempt.folder.exists()
    assert store.run.video_file("1_rep0").read_bytes() == b"film"
    assert [line["driving_score"] for line in log_of(store.run.path / "metrics.jsonl")] == [60.0]


def test_what_is_not_whole_or_not_the_tasks_never_becomes_one(store: ResultStore) -> None:
    good = result(TASKS[0])
    wrong = [
        replace(good, identity=replace(good.identity, seed=good.identity.seed + 1)),
        replace(good, identity=replace(good.identity, route_id="2")),
        replace(good, identity=replace(good.identity, agent="another")),
        replace(good, status="infra_failure(server_died)"),
    ]
    for verdict in wrong:
        attempt = store.new_attempt(TASKS[0])
        write_episode(attempt, verdict)
        with pytest.raises(BrokenAttempt):
            store.commit(attempt)
    unfinished = store.new_attempt(TASKS[0])
    with pytest.raises(BrokenAttempt):
        store.commit(unfinished)
    write_episode(unfinished, good, complete=False)
    with pytest.raises(BrokenAttempt):
        store.commit(unfinished)
    cut_off = store.new_attempt(TASKS[0])
    write_episode(cut_off, good)
    verdict_file = cut_off.folder / "episodes" / "1_rep0" / "result.json"
    verdict_file.write_text(verdict_file.read_text()[:200])
    with pytest.raises(BrokenAttempt):
        store.commit(cut_off)
    assert store.results() == []


def test_a_result_is_never_replaced(store: ResultStore) -> None:
    first, second = store.new_attempt(TASKS[0]), store.new_attempt(TASKS[0])
    assert first.folder != second.folder
    write_episode(first, result(TASKS[0]))
    write_episode(second, result(TASKS[0], collisions=2))
    kept = store.commit(first)
    with pytest.raises(BrokenAttempt, match="already"):
        store.commit(second)
    assert store.results() == [kept]


def test_failures_are_told_apart_and_their_logs_kept(store: ResultStore) -> None:
    attempt = store.new_attempt(TASKS[1])
    (attempt.folder / "client.log").write_text("boom")
    (attempt.folder / "server.log").write_text("")
    store.note_failure(attempt, "server_died", "signal SIGKILL", is_last=False)
    (line,) = log_of(store.run.path / "infrastructure.jsonl")
    assert (line["task_id"], line["kind"], line["given_up"]) == ("2_rep0", "server_died", False)
    kept = list((store.run.path / "infrastructure").glob("*/*"))
    assert [path.read_text() for path in kept] == ["boom"]
    assert store.results() == [] and not attempt.folder.exists()


def test_a_run_has_one_master_at_a_time(run: RunFolder) -> None:
    with ResultStore(run, plan(*TASKS)), pytest.raises(InputError, match="another process"):
        ResultStore(run, plan(*TASKS))
    with ResultStore(run, plan(*TASKS)) as store:
        assert store.results() == []


def test_a_resumed_run_has_what_was_complete_and_nothing_of_what_was_not(run: RunFolder) -> None:
    store = ResultStore(run, plan(*TASKS))
    done, begun = store.new_attempt(TASKS[1]), store.new_attempt(TASKS[0])
    write_episode(done, result(TASKS[1]))
    write_episode(begun, result(TASKS[0]), complete=False)
    store.commit(done)
    store.note_failure(store.new_attempt(TASKS[0]), "client_died", "", is_last=False)
    # As after a kill: nothing is closed, the kernel drops the lock.
    store._lock.close()
    with ResultStore(run, plan(*TASKS)) as resumed:
        assert [r.identity.episode_id for r in resumed.results()] == ["2_rep0"]
        assert not begun.folder.exists()
        assert resumed.new_attempt(TASKS[0]).number == 4
        resumed.rewrite_metrics()
    assert [line["route_id"] for line in log_of(run.path / "metrics.jsonl")] == ["2"]
    assert not (run.path / ".attempts").exists()
