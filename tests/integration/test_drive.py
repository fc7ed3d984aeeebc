"""`alpamayo drive` as a user runs it: a real server, a real client, real files."""

from __future__ import annotations

import gzip
import json
import socket
from pathlib import Path

import numpy as np
import pytest
from action_round_trip import misses_m
from command_line import alpamayo, drive

ATTEMPTS = 10
SUMMARY_KEYS = {
    "route_completion_percent",
    "collisions_total",
    "infractions_total",
    "driving_score",
    "success_rate_percent",
}

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], Path]:
    out = tmp_path_factory.mktemp("runs")
    result = drive(out, "--camera", "320", "180")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1]), next(out.glob("*-drive"))


def test_the_route_is_driven_and_summarised(driven: tuple[dict[str, object], Path]) -> None:
    summary, run = driven
    assert summary.keys() >= SUMMARY_KEYS
    assert summary["route_completion_percent"] == 100.0
    assert summary["server"] == "embedded"
    assert json.loads((run / "summary.json").read_text()) == summary


def test_the_run_folder_is_whole(driven: tuple[dict[str, object], Path]) -> None:
    _, run = driven
    for name in ("config.yaml", "env.json", "events.jsonl", "metrics.jsonl", "report.html", "episodes/drive/_complete"):
        assert (run / name).is_file(), name
    assert (run / "videos" / "drive.mp4").stat().st_size > 10_000
    assert "embedded server" in (run / "report.html").read_text()


def test_the_same_seed_gives_the_same_episode(tmp_path: Path) -> None:
    logs = []
    for attempt in range(ATTEMPTS):
        out = tmp_path / str(attempt)
        result = drive(out, "--no-video", "--seed", "5")
        assert result.returncode == 0, result.stderr
        if "missed a tick's signal" in result.stderr:  # then CARLA's TrafficManager has made a step more
            continue
        log = next(out.glob("*/episodes/drive/ticks.jsonl.gz"))
        logs.append([_without_frame_number(line) for line in gzip.decompress(log.read_bytes()).splitlines()])
        if len(logs) == 2:
            break
    assert logs[0] == logs[1]


def test_the_driven_path_comes_back_from_its_actions(driven: tuple[dict[str, object], Path]) -> None:
    misses = misses_m(driven[1] / "episodes" / "drive", 40)
    assert len(misses) == 40
    assert np.quantile(misses, 0.5) < 0.03 and np.quantile(misses, 0.99) < 0.3


def _without_frame_number(line: bytes) -> dict[str, object]:
    """The server counts frames from its start, and how many passed before the client came is up to the machine."""
    return {key: value for key, value in json.loads(line).items() if key != "frame"}


BAD_INPUTS = {
    "unknown town": (("--town", "Nowhere"), "Nowhere"),
    "missing map file": (("--town", "nowhere.xodr"), "nowhere.xodr"),
    "unknown agent": (("--agent", "nobody"), "nobody"),
    "unknown weather": (("--weather", "Sunny"), "Sunny"),
    "negative traffic": (("--vehicles", "-1"), "-1"),
    "more traffic than the map holds": (("--vehicles", "5000"), "5000"),
    "a route id without a file": (("--route", "3"), "--routes"),
    "missing route file": (("--routes", "missing.xml"), "missing.xml"),
    "negative seed": (("--seed", "-1"), "--seed"),
    "bad server address": (("--server", "localhost"), "HOST:PORT"),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_bad_input_is_named_and_leaves_nothing(case: str, tmp_path: Path) -> None:
    arguments, named = BAD_INPUTS[case]
    result = drive(tmp_path / "runs", "--no-video", *arguments)
    assert result.returncode == 2, result.stderr
    assert named in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("runs/[!.]*"))


@pytest.mark.parametrize(
    "text", ["", "not xml at all", "<OpenDRIVE><header/></OpenDRIVE>", "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"]
)
def test_a_broken_map_is_refused(text: str, tmp_path: Path) -> None:
    town = tmp_path / "Broken.xodr"
    town.write_text(text)
    result = drive(tmp_path / "runs", "--no-video", "--town", town)
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("runs/[!.]*"))


def test_a_route_off_the_map_is_refused(tmp_path: Path) -> None:
    routes = tmp_path / "routes.xml"
    routes.write_text(
        '<routes><route id="1" town="Gridvale"><waypoints><position x="9000" y="0" z="0"/>'
        '<position x="9100" y="0" z="0"/></waypoints></route></routes>'
    )
    result = drive(tmp_path / "runs", "--no-video", "--routes", routes)
    assert result.returncode == 2, result.stderr
    assert "9000" in result.stderr
    assert not list(tmp_path.glob("runs/[!.]*"))


def test_nobody_listens_is_infrastructure(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]  # taken, so that nobody else begins to listen on it meanwhile
        result = drive(tmp_path / "runs", "--no-video", "--server", f"127.0.0.1:{port}")
    assert result.returncode == 3
    assert "nobody listens" in result.stderr


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = alpamayo("sim", "--port", str(port))
    assert result.returncode == 2, result.stderr
    assert str(port) in result.stderr


def test_an_unknown_command_lists_the_known_ones() -> None:
    result = alpamayo("fly")
    assert result.returncode == 2
    assert "drive" in result.stderr


def test_doctor_finds_what_everything_needs() -> None:
    result = alpamayo("doctor", "--json")
    assert result.returncode == 0, result.stdout
    findings = json.loads(result.stdout)
    assert findings["embedded server"]["status"] == "ok"
    assert findings["video"]["status"] == "ok"
    assert "probe" not in findings["cameras (OpenGL through EGL)"]["detail"]
    assert findings["carla client"]["detail"].startswith("0.9.16")
