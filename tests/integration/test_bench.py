"""`alpamayo bench` as a user runs it: what it leaves, what it says, how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from bench_runs import EPISODE_FILES, bench, only_run, start_bench, summary_of, without_clocks, write_suite

from alpamayo_sim.metrics.results.file import read_result_file
from alpamayo_sim.record.packed_course import unpack
from alpamayo_training.cli import main

TOWN12 = Path(__file__).with_name("town12.xml")
SMALL = {"Gridvale": 1, "Oldwick": 1}

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_suite(tmp_path_factory.mktemp("suites"), "small", SMALL, shortest_m=60.0, longest_m=90.0)


@pytest.fixture(scope="module")
def undisturbed(suite: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    """A run of the small suite, each route twice, by two workers: folder, summary, and what it said."""
    out = tmp_path_factory.mktemp("undisturbed")
    result = bench(out, suite, "--jobs", "2", "--repeat", "2", "--seed", "4")
    assert result.returncode == 0, result.stderr
    return only_run(out), summary_of(result), result.stderr


def test_a_run_has_results_scores_and_a_report(undisturbed: tuple[Path, dict[str, Any], str]) -> None:
    run, summary, said = undisturbed
    assert summary["episodes_total"] == summary["episodes_scored"] == summary["episodes_completed"] == 4
    assert (summary["agent"], summary["suite"], summary["server"]) == ("expert", "small", "embedded")
    assert summary["scoring_profile"] == "bench2drive"
    assert summary["driving_score_low"] <= summary["driving_score"] <= summary["driving_score_high"]
    assert json.loads((run / "summary.json").read_text()) == summary
    file = read_result_file(run / "leaderboard.json")
    assert (len(file.records), file.entry_status, file.eligible) == (4, "Finished", True)
    assert [record.town_name for record in file.records] == ["Gridvale", "Gridvale", "Oldwick", "Oldwick"]
    assert (run / "report.html").stat().st_size > 10_000
    assert not (run / ".attempts").exists()
    assert "[4/4]" in said and "left" in said


def test_repetitions_differ_and_go_by_their_seeds(undisturbed: tuple[Path, dict[str, Any], str]) -> None:
    run, summary, _ = undisturbed
    rows = json.loads((run / "results.json").read_text())["routes"]
    assert [(row["route_id"], row["repetition"]) for row in rows] == [
        ("Gridvale-0", 0), ("Gridvale-0", 1), ("Oldwick-0", 0), ("Oldwick-0", 1),
    ]  # fmt: skip
    assert len({row["seed"] for row in rows}) == 4
    records = read_result_file(run / "leaderboard.json").records
    assert [record.route_id for record in records][:2] == ["RouteScenario_0_rep0", "RouteScenario_0_rep1"]
    logs = {(run / "episodes" / row["task_id"] / "ticks.jsonl.gz").read_bytes() for row in rows}
    assert len(logs) == 4
    again = bench(run.parent, "--resume", run.name)
    assert again.returncode == 0, again.stderr
    assert summary_of(again) == summary
    refused = bench(run.parent, "--resume", "--seed", "5")
    assert refused.returncode == 2
    assert "begun with seed 4" in refused.stderr


def test_a_part_of_a_suite_comes_out_as_it_does_in_the_whole_and_is_compared(
    suite: Path, undisturbed: tuple[Path, dict[str, Any], str], tmp_path: Path
) -> None:
    whole = undisturbed[0]
    choice = ["--only", "Oldwick-0", "--jobs", "1", "--repeat", "2", "--seed", "4"]
    process = start_bench(tmp_path, suite, *choice, "--compare", whole, json_line=False)
    said, errors = process.communicate(timeout=800)
    assert process.returncode == 0, errors
    part = only_run(tmp_path)
    assert sorted(path.name for path in (part / "episodes").iterdir()) == ["Oldwick-0_rep0", "Oldwick-0_rep1"]
    for episode in (part / "episodes").iterdir():
        for name in EPISODE_FILES:
            first, second = (folder / name for folder in (episode, whole / "episodes" / episode.name))
            assert without_clocks(first.read_bytes()) == without_clocks(second.read_bytes()), (episode.name, name)
    assert f"driving score against {whole.name}: +0.00 [+0.00, +0.00] on 1 routes" in said
    assert "report: " in said


@pytest.fixture
def own_agents(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("FAULTS", str(tmp_path / "has-died"))


@pytest.mark.usefixtures("own_agents")
def test_an_agent_that_crashes_is_scored_as_far_as_it_came_and_a_route_without_a_town_is_not_driven(
    suite: Path, tmp_path: Path
) -> None:
    mixed = tmp_path / "mixed.xml"
    mixed.write_text(suite.with_suffix(".xml").read_text().replace('town="Oldwick"', 'town="Town12"'))
    result = bench(tmp_path, "--routes", mixed, "--agent", "own_agents:Crashes")
    assert result.returncode == 1, result.stderr
    assert "skipped 1 routes: 1 because there is no map of Town12 (Oldwick-0)" in result.stderr
    summary = summary_of(result)
    assert (summary["episodes_scored"], summary["episodes_policy_failed"], summary["routes_skipped"]) == (1, 1, 1)
    assert 0.0 < summary["route_completion_percent"] < 100.0
    assert summary["success_rate_percent"] == 0.0
    run = only_run(tmp_path)
    (record,) = read_result_file(run / "leaderboard.json").records
    assert record.status == "Failed - Agent crashed"
    error = (run / "episodes/Gridvale-0_rep0/agent_error.txt").read_text()
    assert error.startswith("Traceback") and "the model returned NaN" in error
    (course,) = re.findall(r'<script type="text/plain" id="course-0-0">([^<]+)<', (run / "report.html").read_text())
    assert unpack(course)["agent_error"] == error
    assert not (run / "infrastructure.jsonl").exists()


@pytest.mark.full
@pytest.mark.usefixtures("own_agents")
def test_an_agent_that_never_gets_ready_is_scored_with_nothing(suite: Path, tmp_path: Path) -> None:
    arguments = ["--only", "Gridvale-0", "--agent", "own_agents:NeverReady", "--agent-timeout", "2"]
    result = bench(tmp_path, suite, *arguments)
    assert result.returncode == 1, result.stderr
    (row,) = json.loads((only_run(tmp_path) / "results.json").read_text())["routes"]
    assert row["status"] == "policy_failure(agent_setup_too_slow)"
    assert (row["driving_score"], row["route_completion_percent"]) == (0.0, 0.0)


@pytest.mark.full
@pytest.mark.usefixtures("own_agents")
def test_an_agent_that_lacks_something_ends_the_run_with_its_words(suite: Path, tmp_path: Path) -> None:
    result = bench(tmp_path, suite, "--agent", "own_agents:Lacks")
    assert result.returncode == 2
    assert "expected a checkpoint at nowhere.safetensors" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.full
@pytest.mark.usefixtures("own_agents")
def test_a_client_that_dies_is_tried_again(suite: Path, tmp_path: Path) -> None:
    result = bench(tmp_path, suite, "--only", "Gridvale-0", "--agent", "own_agents:Dies")
    assert result.returncode == 0, result.stderr
    assert "client_died: the client's process ended with signal SIGABRT; 2 more tries" in result.stderr
    run = only_run(tmp_path)
    (failure,) = [json.loads(line) for line in (run / "infrastructure.jsonl").read_text().splitlines()]
    assert (failure["task_id"], failure["kind"]) == ("Gridvale-0_rep0", "client_died")
    assert summary_of(result)["episodes_scored"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a suite"),
        (("no_such_suite",), "no_such_suite"),
        (("--routes", "nowhere.xml"), "nowhere.xml"),
        (("--routes", "nowhere.xml", "--jobs", "0"), "--jobs"),
        (("--routes", "nowhere.xml", "--agent", "nobody"), "nobody"),
        (("--routes", "nowhere.xml", "--profile", "mine"), "mine"),
        (("--routes", "nowhere.xml", "--repeat", "0"), "--repeat"),
        (("--resume",), "no earlier run"),
        (("--routes", str(TOWN12)), "there are no maps of Town12"),
        (("--routes", "nowhere.xml", "--server", "127.0.0.1:1", "--carla", "x"), "one of them"),
    ],
)
def test_bad_arguments(
    arguments: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["bench", *arguments, "--out", str(tmp_path / "runs")]) == 2
    finally:
        signal.signal(signal.SIGTERM, here)
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/[!.]*"))
