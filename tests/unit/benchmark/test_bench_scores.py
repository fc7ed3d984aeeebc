"""What the results of a run come to: what counts, what does not, and what is told apart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from bench_parts import plan, result, task, write_episode

from alpamayo_scenarios.benchmark.comparison import comparison_table, difference, read_run
from alpamayo_scenarios.benchmark.plan import SkippedRoute, Task
from alpamayo_scenarios.benchmark.scores import missed_scenario, write_scores
from alpamayo_scenarios.benchmark.store import ResultStore
from alpamayo_scenarios.benchmark.tables import result_table
from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.episode_result import EpisodeResult
from alpamayo_sim.metrics.results.file import read_result_file
from alpamayo_sim.record.run_folder import RunFolder

SKIPPED = (SkippedRoute("9", "Town12", "there is no map of Town12"),)


def scored(base: Path, tasks: Sequence[Task], results: Sequence[EpisodeResult]) -> tuple[RunFolder, dict[str, object]]:
    """A run with these results, and its summary."""
    run = RunFolder.create(base, "bench", {})
    with ResultStore(run, plan(*tasks, skipped=SKIPPED)) as store:
        by_id = {t.task_id: t for t in tasks}
        for verdict in results:
            attempt = store.new_attempt(by_id[verdict.identity.episode_id])
            write_episode(attempt, verdict)
            store.commit(attempt)
        return run, write_scores(store)


def document_of(run: RunFolder) -> dict[str, object]:
    return json.loads((run.path / "results.json").read_text())


def test_a_completed_route_whose_scenario_never_came_is_invalid_and_not_passed(tmp_path: Path) -> None:
    tasks = [task(1, "Accident"), task(2, "Accident"), task(3, "Accident"), task(4)]
    results = [
        result(tasks[0]),
        result(tasks[1], triggered=0, not_triggered=1),
        result(tasks[2], outcome="blocked", completion=50.0, triggered=0, not_triggered=1),
        result(tasks[3]),
    ]
    assert [missed_scenario(t, r) for t, r in zip(tasks, results, strict=True)] == [False, True, False, False]
    run, summary = scored(tmp_path, tasks, results)
    assert (summary["episodes_scored"], summary["episodes_invalid"]) == (4, 1)
    assert summary["success_rate_percent"] == 50.0
    assert summary["driving_score"] == pytest.approx((100.0 + 0.0 + 50.0 + 100.0) / 4)
    document = document_of(run)
    assert document["invalid"] == ["2_rep0"]
    assert [row["status"] for row in document["routes"]] == ["ok", "invalid(scenario_not_triggered)", "ok", "ok"]
    file = read_result_file(run.path / "leaderboard.json")
    assert (len(file.records), file.total_routes) == (3, 4)
    assert [record.scenario_name for record in file.records] == ["Accident_1", "Accident_1", ""]
    assert file.checkpoint.global_record["scores_mean"]["score_composed"] == pytest.approx(summary["driving_score"])
    assert document["types"]["Accident"]["success_percent"] == pytest.approx(100.0 / 3, abs=1e-3)
    assert document["abilities"]["Overtaking"] == {"success_percent": pytest.approx(100.0 / 3, abs=1e-3), "routes": 3}


def test_a_scenario_that_could_not_be_set_up_is_missed_too() -> None:
    of = task(1, "Accident", "ParkingExit")
    skipped = result(of, triggered=1)
    skipped.values["scenarios_skipped_total"] = 1.0
    assert missed_scenario(of, skipped)
    # A route whose criteria never heard of a scenario is not passed on trust.
    silent = result(of)
    for name in list(silent.values):
        if name.startswith("scenarios_"):
            del silent.values[name]
    assert missed_scenario(of, silent)


def test_what_infrastructure_failed_is_counted_and_not_scored(tmp_path: Path) -> None:
    tasks = [task(1), task(2)]
    run, summary = scored(tmp_path, tasks, [result(tasks[1], collisions=1)])
    assert (summary["episodes_total"], summary["episodes_scored"], summary["episodes_infra_failed"]) == (2, 1, 1)
    assert summary["driving_score"] == 60.0
    document = document_of(run)
    assert document["without_result"] == ["1_rep0"]
    assert [row["status"] for row in document["routes"]] == ["without_result", "ok"]
    file = read_result_file(run.path / "leaderboard.json")
    assert (file.entry_status, file.total_routes) == ("Invalid", 2)
    assert "1_rep0" in result_table(document)


def test_what_the_agent_failed_is_scored(tmp_path: Path) -> None:
    tasks = [task(1), task(2)]
    crashed = result(tasks[0], status="policy_failure(agent_crashed)", outcome="stopped", completion=30.0)
    run, summary = scored(tmp_path, tasks, [crashed, result(tasks[1])])
    assert (summary["episodes_scored"], summary["episodes_policy_failed"]) == (2, 1)
    assert (summary["driving_score"], summary["success_rate_percent"]) == (65.0, 50.0)
    statuses = [record.status for record in read_result_file(run.path / "leaderboard.json").records]
    assert statuses == ["Failed - Agent crashed", "Perfect"]
    assert "policy_failure(agent_crashed)" in result_table(document_of(run))


def test_a_run_without_any_result_says_so(tmp_path: Path) -> None:
    run, summary = scored(tmp_path, [task(1)], [])
    assert (summary["episodes_scored"], summary["episodes_infra_failed"], summary["driving_score"]) == (0, 1, 0.0)
    assert not (run.path / "leaderboard.json").exists()
    assert result_table(document_of(run))


def test_the_order_in_which_results_came_leaves_no_trace(tmp_path: Path) -> None:
    tasks = [task(k, "Accident", repetition=r) for k in range(3) for r in range(2)]
    results = [result(t, collisions=k % 3) for k, t in enumerate(tasks)]
    one, _ = scored(tmp_path / "one", tasks, results)
    other, _ = scored(tmp_path / "other", tasks, results[::-1])
    for name in ("leaderboard.json", "leaderboard_events.json", "results.json", "metrics.jsonl", "summary.json"):
        assert (one.path / name).read_text() == (other.path / name).read_text(), name


def test_skipped_routes_are_in_every_account(tmp_path: Path) -> None:
    run, summary = scored(tmp_path, [task(1)], [result(task(1))])
    assert summary["routes_skipped"] == 1
    assert document_of(run)["skipped"] == [{"route_id": "9", "town": "Town12", "reason": "there is no map of Town12"}]


def test_runs_are_compared_on_the_routes_that_both_drove(tmp_path: Path) -> None:
    tasks = [task(k) for k in range(1, 9)]
    good, _ = scored(tmp_path / "good", tasks, [result(t) for t in tasks])
    bad, _ = scored(tmp_path / "bad", tasks[:6], [result(t, collisions=1) for t in tasks[:6]])
    mine, other = read_run(good.path), read_run(bad.path)
    found = difference(mine, other)
    assert found is not None
    interval, routes = found
    assert (interval.mean, interval.low, interval.high, routes) == (40.0, 40.0, 40.0, 6)
    table = comparison_table(mine, [other])
    assert "+40.00 [+40.00, +40.00] on 6 routes" in table
    assert "not comparable" not in table
    other.document["settings"]["profile"] = "leaderboard-2.1"
    assert "not comparable: another profile (leaderboard-2.1)" in comparison_table(mine, [other])


def test_runs_without_a_common_route_are_not_compared(tmp_path: Path) -> None:
    one, _ = scored(tmp_path / "one", [task(1)], [result(task(1))])
    other, _ = scored(tmp_path / "other", [task(2)], [result(task(2))])
    assert difference(read_run(one.path), read_run(other.path)) is None
    assert "no route in common" in comparison_table(read_run(one.path), [read_run(other.path)])


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"format": "other"}'])
def test_what_is_no_benchmark_run_is_refused(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "results.json").write_text(text)
    with pytest.raises(InputError):
        read_run(tmp_path)
