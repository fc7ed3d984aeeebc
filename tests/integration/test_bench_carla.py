"""Benchmarks on a CARLA that runs already, and on one that is started and supervised and misbehaves."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest
from bench_runs import bench, only_run, start_bench, summary_of, write_suite
from carla_launcher import write_carla
from test_bench_faults import wait_for

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    towns = {"Gridvale": 1, "Oldwick": 1}
    return write_suite(tmp_path_factory.mktemp("suites"), "carla", towns, shortest_m=60.0, longest_m=90.0)


def launchers() -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["cmdline"]) if any("carla_launcher" in c for c in p.info["cmdline"] or ())]


def test_servers_that_run_already_are_driven_on_and_left_as_they_were(suite: Path, tmp_path: Path) -> None:
    with EmbeddedServer("Rampfield") as one, EmbeddedServer("Gridvale") as other:
        addresses = ["--server", str(one.address), "--server", str(other.address)]
        result = bench(tmp_path, suite, *addresses)
        assert result.returncode == 0, result.stderr
        assert summary_of(result)["episodes_completed"] == 2
        for server in (one, other):
            world = connect(server.address).get_world()
            world.wait_for_tick()
            assert not world.get_settings().synchronous_mode
            assert not list(world.get_actors().filter("vehicle.*"))


def test_a_server_that_is_not_there_is_named_at_once(suite: Path, tmp_path: Path) -> None:
    result = bench(tmp_path / "runs", suite, "--server", "127.0.0.1:9")
    assert result.returncode == 3
    assert "nobody listens at 127.0.0.1:9" in result.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.full
def test_a_carla_is_started_afresh_every_so_many_routes_and_ends(suite: Path, tmp_path: Path) -> None:
    log = tmp_path / "starts"
    program = write_carla(tmp_path, f"-log={log}")
    result = bench(tmp_path, suite, "--jobs", "1", "--carla", program, "--restart-every", "1")
    assert result.returncode == 0, result.stderr
    assert summary_of(result)["episodes_completed"] == 2
    # One that was asked for its towns, and one for each route.
    assert len(log.read_text().splitlines()) == 3
    assert not launchers()


@pytest.mark.parametrize(
    ("fault", "arguments", "kind"),
    [
        pytest.param("refuse", (), "server_not_started", marks=pytest.mark.full),
        ("crash", (), "server_died"),
        pytest.param("hang", ("--server-timeout", "4"), "server_silent", marks=pytest.mark.full),
        pytest.param("leak", ("--memory-limit-mib", "700"), "server_memory", marks=pytest.mark.full),
        pytest.param("mute", ("--ready-timeout", "10"), "server_not_started", marks=pytest.mark.full),
        pytest.param("deaf", ("--ready-timeout", "10"), "server_not_started", marks=pytest.mark.full),
    ],
)
def test_a_carla_that_fails_is_replaced(
    fault: str, arguments: tuple[str, ...], kind: str, suite: Path, tmp_path: Path
) -> None:
    log, cue = tmp_path / "starts", tmp_path / "cue"
    program = write_carla(tmp_path, f"-log={log}", f"-fault={fault}", "-on=2", f"-when={cue}")
    process = start_bench(tmp_path, suite, "--jobs", "1", "--carla", program, *arguments)
    if fault in ("crash", "hang", "leak"):
        driven = tmp_path.glob
        wait_for(
            lambda: any(p.stat().st_size > 500 for p in driven("*-bench/.attempts/*/*/episodes/*/timeline*")), process
        )
        cue.touch()
    said, errors = process.communicate(timeout=800)
    assert process.returncode == 0, errors
    run = only_run(tmp_path)
    failures = [json.loads(line) for line in (run / "infrastructure.jsonl").read_text().splitlines()]
    assert [failure["kind"] for failure in failures] == [kind]
    assert json.loads(said.splitlines()[-1])["episodes_completed"] == 2
    assert [line.split()[-1] for line in log.read_text().splitlines()] == ["well", fault, "well"]
    assert not launchers()
