"""A benchmark whose processes are killed, that is told to stop, or that somebody else is working on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from bench_runs import (
    assert_same_results,
    bench,
    disturbed_bench,
    only_run,
    processes_of,
    start_bench,
    write_routes,
    write_suite,
)

KILLS = 6
ATTEMPTS = 5
"""A run may be over before a busy machine has let a test interfere with it."""

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    towns = {"Gridvale": 2, "Oldwick": 2}
    return write_suite(tmp_path_factory.mktemp("suites"), "kills", towns, shortest_m=60.0, longest_m=90.0)


@pytest.fixture(scope="module")
def undisturbed(suite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed")
    result = bench(out, suite, "--jobs", "2")
    assert result.returncode == 0, result.stderr
    return only_run(out)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 600.0
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def everything_below(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes of a benchmark but the runner; none when one of them has ended meanwhile."""
    pids = [pid for kind, pids in processes_of(process).items() if kind != "runner" for pid in pids]
    try:
        return [psutil.Process(pid) for pid in pids]
    except psutil.NoSuchProcess:
        return []


def all_end(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=240.0)[1]


def test_kills_at_random_moments_change_nothing(suite: Path, undisturbed: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    done = 0
    for attempt in range(2 * ATTEMPTS):
        out = tmp_path / str(attempt)
        done += disturbed_bench(
            out, (suite,), kills=KILLS - done, every_s=1.0, rng=rng, arguments=("--jobs", "2"), patience_s=800.0
        ).total
        assert_same_results(undisturbed, only_run(out))
        if done == KILLS:
            break
    assert done == KILLS


@pytest.mark.full
@pytest.mark.timeout(6 * 3600)
def test_two_hundred_kills_change_nothing(tmp_path: Path) -> None:
    routes = write_routes(tmp_path / "many.xml", {"Gridvale": 50, "Oldwick": 50}, shortest_m=60.0, longest_m=110.0)
    assert bench(tmp_path / "undisturbed", "--routes", routes, timeout_s=7200.0).returncode == 0
    rng = np.random.default_rng(7)
    kills = disturbed_bench(
        tmp_path / "disturbed",
        ("--routes", routes),
        kills=200,
        every_s=1.5,
        rng=rng,
        arguments=("--jobs", "2"),
        patience_s=10_000.0,
    )
    assert kills.total == 200 and len(kills.kills) == 4, kills
    assert_same_results(only_run(tmp_path / "undisturbed"), only_run(tmp_path / "disturbed"))


def test_a_runner_that_is_killed_takes_everything_with_it(suite: Path, tmp_path: Path) -> None:
    for attempt in range(ATTEMPTS):
        process = start_bench(tmp_path / str(attempt), suite)
        below: list[psutil.Process] = []
        while process.poll() is None and len(below) != 6:
            time.sleep(0.05)
            below = everything_below(process)
        process.kill()
        process.communicate()
        if len(below) == 6:
            break
    assert len(below) == 6, "two workers, two servers and two episodes"
    assert all_end(below)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.full)])
def test_a_run_that_is_told_to_stop_says_how_to_go_on(number: signal.Signals, suite: Path, tmp_path: Path) -> None:
    for attempt in range(ATTEMPTS):
        out = tmp_path / str(attempt)
        process = start_bench(out, suite)
        while process.poll() is None and not any(out.glob("*-bench/episodes/*/_complete")):
            time.sleep(0.05)
        below = everything_below(process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=240)
        if process.returncode != 0:
            break
    assert process.returncode == 130, errors
    run = only_run(out)
    assert f"stopped; go on with: alpamayo bench --resume {run}" in errors
    assert "Traceback" not in errors
    assert all_end(below)
    assert not (run / ".attempts").exists()
    assert not (run / "summary.json").exists()


@pytest.mark.full
def test_a_run_that_is_being_worked_on_is_left_alone(suite: Path, tmp_path: Path) -> None:
    process = start_bench(tmp_path, suite)
    try:
        wait_for(lambda: bool(processes_of(process).get("worker")), process)
        second = bench(tmp_path, "--resume")
        assert second.returncode == 2
        assert "another process is working on" in second.stderr
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@pytest.mark.full
def test_a_server_that_hangs_is_replaced(suite: Path, undisturbed: Path, tmp_path: Path) -> None:
    process = start_bench(tmp_path, suite, "--only", "Gridvale-1", "--jobs", "1", "--server-timeout", "3")

    def drives() -> bool:
        logs = list(tmp_path.glob("*-bench/.attempts/*/*/episodes/*/timeline.jsonl"))
        return any(path.stat().st_size > 1000 for path in logs)

    wait_for(drives, process)
    (server,) = processes_of(process)["server"]
    os.kill(server, signal.SIGSTOP)
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    assert "server_silent: the server has answered no tick for 3 s" in errors
    assert not psutil.pid_exists(server)
    run = only_run(tmp_path)
    (failure,) = [json.loads(line) for line in (run / "infrastructure.jsonl").read_text().splitlines()]
    assert failure["kind"] == "server_silent"
    ticks = "episodes/Gridvale-1_rep0/ticks.jsonl.gz"
    assert (run / ticks).read_bytes() == (undisturbed / ticks).read_bytes()


@pytest.mark.full
def test_a_server_that_dies_before_it_is_ready_is_replaced(suite: Path, tmp_path: Path) -> None:
    process = start_bench(tmp_path, suite, "--only", "Gridvale-0", "--jobs", "1")
    wait_for(lambda: bool(processes_of(process).get("server")), process)
    os.kill(processes_of(process)["server"][0], signal.SIGKILL)
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    (failure,) = [json.loads(line) for line in (only_run(tmp_path) / "infrastructure.jsonl").read_text().splitlines()]
    assert failure["kind"] in ("server_not_started", "server_died")
