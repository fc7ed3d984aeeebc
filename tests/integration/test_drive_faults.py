"""What a drive does when its server dies, when it is told to stop, and when it is pointed at somebody else's server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from command_line import PROGRAM, drive, drive_arguments

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

pytestmark = pytest.mark.timeout(900)


def start_drive(out: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a long drive and return once its episode goes on."""
    command = [*PROGRAM, *map(str, drive_arguments(out, "--length-m", "3000", "--no-video", *arguments))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 600.0
    while time.monotonic() < deadline and process.poll() is None:
        logs = list(out.glob("*-drive/episodes/drive/timeline.jsonl")) + list(out.glob("*-drive/episodes/drive/ticks*"))
        if any(log.stat().st_size > 2000 for log in logs):
            return process
        time.sleep(0.2)
    raise AssertionError(f"the drive did not begin: {process.communicate(timeout=10)[1]}")


@pytest.mark.parametrize("traffic", [("--vehicles", "8"), ("--vehicles", "0", "--walkers", "0")])
def test_a_server_that_dies_is_an_infrastructure_failure(traffic: tuple[str, ...], tmp_path: Path) -> None:
    process = start_drive(tmp_path, *traffic)
    servers = [c for c in psutil.Process(process.pid).children() if "alpamayo_sim.server" in c.cmdline()]
    assert len(servers) == 1
    servers[0].kill()
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 3, errors
    assert "has ended during the episode" in errors
    run = next(tmp_path.glob("*-drive"))
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["episodes_scored"], summary["episodes_infra_failed"]) == (0, 1)
    assert not (run / "episodes" / "drive").exists()
    assert "infra_failure(server_lost)" in (run / "metrics.jsonl").read_text()


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer("Gridvale") as running:
        yield running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_drive_leaves_the_world_as_it_was(
    number: signal.Signals, server: EmbeddedServer, tmp_path: Path
) -> None:
    process = start_drive(tmp_path, "--server", str(server.address))
    process.send_signal(number)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    world = connect(server.address).get_world()
    world.wait_for_tick()
    assert not world.get_settings().synchronous_mode
    assert not list(world.get_actors().filter("vehicle.*"))
    assert not list(world.get_actors().filter("walker.*"))
    assert not list(world.get_actors().filter("sensor.*"))


def test_another_server_is_driven_on_and_shows_the_town_that_is_asked_for(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    result = drive(tmp_path, "--server", str(server.address), "--town", "Oldwick", "--no-video")
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout.splitlines()[-1])
    assert summary["server"] == "embedded"
    assert connect(server.address).get_world().get_map().name.endswith("Oldwick")


def test_bad_towns_for_another_server(server: EmbeddedServer, tmp_path: Path) -> None:
    broken = tmp_path / "Broken.xodr"
    broken.write_bytes(bytes(range(256)) * 4)
    for town, named in ((broken, "Broken"), ("Nowhere", "Nowhere")):
        result = drive(tmp_path / "runs", "--server", str(server.address), "--town", town)
        assert result.returncode == 2, result.stderr
        assert named in result.stderr
        assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("runs/[!.]*"))


def test_runs_are_not_kept_in_a_file(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    for out in (taken, taken / "below"):
        result = drive(out)
        assert result.returncode == 2, result.stderr
        assert "--out" in result.stderr


def test_without_a_renderer_the_video_is_from_above(tmp_path: Path) -> None:
    no_driver = {**os.environ, "__EGL_VENDOR_LIBRARY_FILENAMES": "/nonexistent"}
    result = drive(tmp_path, env=no_driver)
    assert result.returncode == 0, result.stderr
    assert "apt-get install" in result.stderr
    assert next(tmp_path.glob("*-drive/videos/drive.mp4")).stat().st_size > 10_000
