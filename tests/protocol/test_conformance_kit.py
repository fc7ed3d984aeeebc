"""`alpamayo sim --conformance` against our server, and what it says when there is no server to be checked."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import carla
import pytest
from test_version_mismatch import VersionServer

from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_training.cli import main

ALLOWED_TO_SKIP = {"driving.acceleration_100", "reload.reload", "reload.reset_settings", "reload.other_map"}
"""Checks that a town of ours or a quick run leaves out; sensors that are not simulated yet come on top."""
PAGE_BYTES = 4096

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def lone_server() -> Iterator[EmbeddedServer]:
    """A server that only these tests use."""
    with EmbeddedServer("Gridvale", seed=2) as running:
        yield running


def check(server: EmbeddedServer, out: Path, *options: str) -> tuple[int, Path]:
    code = main(["sim", "--conformance", str(server.address), "--out", str(out), *options])
    return code, next(out.glob("*-conformance"))


def test_the_quick_profile_passes_and_leaves_the_world_as_it_was(lone_server: EmbeddedServer, tmp_path: Path) -> None:
    client = carla.Client(lone_server.address.host, lone_server.address.port)
    client.set_timeout(120.0)
    world = client.get_world()
    settings, weather = world.get_settings(), str(world.get_weather())  # the text of settings has unset memory in it
    actors = {actor.id for actor in world.get_actors()}
    code, folder = check(lone_server, tmp_path, "--quick")
    results = json.loads((folder / "conformance.json").read_text())
    verdicts = {entry["id"]: entry["verdict"] for entry in results["comparable"]["checks"]}
    reasons = results["environment"]["reasons"]
    assert {name: reasons[name] for name, verdict in verdicts.items() if verdict == "fail"} == {}
    assert code == 0
    skipped = {name for name, verdict in verdicts.items() if verdict == "skipped"} - ALLOWED_TO_SKIP
    assert all("refuses sensor" in reasons[name] for name in skipped), skipped
    assert len(verdicts) >= 100 and results["environment"]["complete"] is True
    assert results["environment"]["server"] == "embedded" and results["comparable"]["map"] == "Gridvale"
    assert {path.name for path in folder.iterdir()} == {"conformance.json", "report.md", "report.html"}
    world = client.get_world()
    assert world.get_settings() == settings and str(world.get_weather()) == weather
    assert {actor.id for actor in world.get_actors()} == actors


def test_two_runs_on_one_server_do_not_differ(
    lone_server: EmbeddedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [part for family in ("batch", "physics", "transforms") for part in ("--family", family)]
    _, first = check(lone_server, tmp_path / "a", "--quick", *options)
    _, second = check(lone_server, tmp_path / "b", "--quick", *options)
    files = [str(folder / "conformance.json") for folder in (first, second)]
    capsys.readouterr()
    assert main(["sim", "--conformance-diff", *files]) == 0
    changed = json.loads(Path(files[1]).read_text())
    changed["comparable"]["checks"][0]["verdict"] = "fail"
    Path(files[1]).write_text(json.dumps(changed))
    assert main(["sim", "--conformance-diff", *files]) == 1
    said = capsys.readouterr().out
    assert "no difference" in said and "verdict pass and fail" in said and "1 of" in said


def test_unknown_families_and_addresses_are_bad_input(
    lone_server: EmbeddedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("nowhere", "127.0.0.1:port", ":2000", "127.0.0.1:70000"):
        assert main(["sim", "--conformance", text, "--out", str(tmp_path)]) == 2
    address = str(lone_server.address)
    assert main(["sim", "--conformance", address, "--out", str(tmp_path), "--family", "taste"]) == 2
    assert main(["sim", "--conformance-diff", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 2
    assert main(["sim", "--conformance", address, "--conformance-diff", "a.json", "b.json"]) == 2
    said = capsys.readouterr().err
    assert "HOST:PORT" in said and "taste" in said and "a.json" in said and "one of them" in said


def test_nobody_there_is_infrastructure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]  # taken, so that nobody else begins to listen on it meanwhile
        assert main(["sim", "--conformance", f"127.0.0.1:{port}", "--out", str(tmp_path)]) == 3
    assert str(port) in capsys.readouterr().err


def test_another_version_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = VersionServer("0.9.15")
    try:
        assert main(["sim", "--conformance", str(server.address), "--out", str(tmp_path)]) == 2
    finally:
        server.close()
    assert "0.9.15" in capsys.readouterr().err


def test_a_server_that_dies_leaves_what_was_measured(tmp_path: Path) -> None:
    with EmbeddedServer("Gridvale", seed=3) as server:
        command = [sys.executable, "-m", "alpamayo_training.cli", "sim", "--conformance", str(server.address)]
        process = subprocess.Popen(
            [*command, "--out", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        # What it says does not fit in here as a whole: it does not come to its end before its server is killed.
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, PAGE_BYTES)
        for line in process.stdout:
            if "spawning.blueprints" in line:
                break
        os.kill(server.pid, signal.SIGKILL)
        _, said = process.communicate(timeout=600)
    assert process.returncode == 3, said
    assert str(server.address) in said and str(tmp_path) in said
    results = json.loads(next(tmp_path.glob("*-conformance/conformance.json")).read_text())
    assert results["environment"]["complete"] is False
    done = [entry["id"] for entry in results["comparable"]["checks"]]
    assert "spawning.blueprints" in done and len(done) < 122
    assert "Not complete" in next(tmp_path.glob("*-conformance/report.md")).read_text()
