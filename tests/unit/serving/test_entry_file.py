"""The entry file: grammar of Python 3.7, nothing but the standard library and numpy, addresses, tracks, metric_info.json.

The leaderboard's base class is stood in for here; tests/third_party runs the real evaluators.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import json
import socket
import sys
import threading
import time
import types
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import carla
import msgpack
import numpy as np
import pytest

import alpamayo_traffic_rescue

AGENTS = Path(__file__).resolve().parents[3] / "agents"
ENTRY_FILES = ("alpamayo_leaderboard.py", "alpamayo_wire.py", "alpamayo_traffic_rescue.py")
THEIRS = {"carla", "leaderboard", "srunner", "numpy", "alpamayo_wire", "alpamayo_traffic_rescue"}
STDLIB_OF_37 = {
    "__future__", "base64", "contextlib", "hashlib", "json", "os", "socket", "struct", "sys", "threading", "time",
    "typing", "urllib",
}  # fmt: skip


class Track(Enum):
    SENSORS = "SENSORS"
    MAP = "MAP"
    SENSORS_QUALIFIER = "SENSORS_QUALIFIER"
    MAP_QUALIFIER = "MAP_QUALIFIER"


class BaseAgent:
    """What the evaluators' base class does before `setup`."""

    def __init__(self, carla_host: str, carla_port: int, debug: bool = False) -> None:
        self._global_plan: list[Any] = []
        self._global_plan_world_coord: list[Any] = []

    def set_global_plan(self, gps: list[Any], world: list[Any]) -> None:
        self._global_plan, self._global_plan_world_coord = gps[::50], world[::50]


class Option(Enum):
    LANEFOLLOW = 4


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The entry file, loaded as evaluators load it."""
    base = types.ModuleType("leaderboard.autoagents.autonomous_agent")
    base.AutonomousAgent, base.Track = BaseAgent, Track  # type: ignore[attr-defined]
    timer = types.ModuleType("srunner.scenariomanager.timer")
    timer.GameTime = types.SimpleNamespace(get_frame=lambda: 77)  # type: ignore[attr-defined]
    for name in ("leaderboard", "leaderboard.autoagents", "srunner", "srunner.scenariomanager"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, base.__name__, base)
    monkeypatch.setitem(sys.modules, timer.__name__, timer)
    for variable in ("ALPAMAYO_SERVE", "CHALLENGE_TRACK_CODENAME", "SAVE_PATH"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.syspath_prepend(str(AGENTS))
    sys.modules.pop("alpamayo_leaderboard", None)
    yield importlib.import_module("alpamayo_leaderboard")
    sys.modules.pop("alpamayo_leaderboard", None)


def route(count: int = 101) -> tuple[list[Any], list[Any]]:
    world = [(carla.Transform(carla.Location(float(i), 2.0, 0.5), carla.Rotation(yaw=3.0)), Option.LANEFOLLOW)
             for i in range(count)]  # fmt: skip
    return [({"lat": 1e-5 * i, "lon": 0.0, "z": 0.5}, Option.LANEFOLLOW) for i in range(count)], world


@pytest.mark.parametrize("name", ENTRY_FILES)
def test_the_entry_file_is_python_37_and_needs_next_to_nothing(name: str) -> None:
    tree = ast.parse((AGENTS / name).read_text(), feature_version=(3, 7))
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {
        (node.module or "").split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not node.level
    }
    assert imported <= THEIRS | STDLIB_OF_37
    # Annotations such as `list[int] | None` stay text there, so that 3.7 does not evaluate them.
    assert "annotations" in {
        alias.name for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for alias in node.names
    }  # fmt: skip
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("removeprefix", "removesuffix"))


def test_the_evaluator_is_told_the_class(entry: Any) -> None:
    assert issubclass(getattr(entry, entry.get_entry_point()), BaseAgent)


def test_no_server_is_a_clear_error_and_destroy_is_safe_at_any_time(entry: Any) -> None:
    agent = entry.AlpamayoAgent("localhost", 2000, False)
    agent.destroy()
    agent.set_global_plan(*route())
    with pytest.raises(RuntimeError, match=r"no model server.*127\.0\.0\.1:9/drive .*alpamayo serve --agent expert"):
        agent.setup("127.0.0.1:9")
    agent.destroy()
    agent.destroy()


def test_the_address_comes_from_the_configuration_else_the_environment(
    entry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert entry.server_url("") == "ws://127.0.0.1:8765/drive"
    monkeypatch.setenv("ALPAMAYO_SERVE", "127.0.0.1:1234")
    assert entry.server_url("  ") == "ws://127.0.0.1:1234/drive"
    assert entry.server_url("ws://localhost:5/drive") == "ws://localhost:5/drive"


def test_the_track_is_the_scripts_if_the_agent_may_drive_in_it(entry: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert entry.chosen_track(["SENSORS", "MAP"]) is Track.SENSORS
    monkeypatch.setenv("CHALLENGE_TRACK_CODENAME", "MAP")
    assert entry.chosen_track(["SENSORS", "MAP"]) is Track.MAP
    assert entry.chosen_track(["SENSORS"]) is Track.SENSORS


def test_the_frame_is_what_sensors_say_else_the_evaluators_clock(entry: Any) -> None:
    assert entry.current_frame({"gps": [41, None], "imu": [42, None]}) == 42
    assert entry.current_frame({}) == 77


class TrafficManagerPort:
    """Listens as TrafficManager does on its port, and remembers what it is told."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection:
                    while data := connection.recv(4096):
                        self.calls.append(msgpack.unpackb(data)[2:])
                        connection.sendall(b"\x94\x01\x00\xc0\xc0")

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


WOKEN = [["set_synchronous_mode", [False]], ["set_synchronous_mode", [True]]]


def test_a_traffic_manager_that_has_missed_its_signal_is_woken(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(alpamayo_traffic_rescue, "STALLED_S", 0.2)
    monkeypatch.setattr(alpamayo_traffic_rescue, "_CHECK_S", 0.05)
    manager = TrafficManagerPort()
    rescue = alpamayo_traffic_rescue.TrafficRescue(manager.port)

    def _tick_scenario() -> None:
        """Waits in a call of the client library, as the evaluators' function of this name does."""
        deadline = time.monotonic() + 120.0
        while not rescue.rescues and time.monotonic() < deadline:
            time.sleep(0.02)

    def agent_that_thinks() -> None:
        time.sleep(0.6)

    rescue.step_ends()
    agent_that_thinks()
    assert rescue.rescues == 0, "it waits elsewhere, not for a tick"
    rescue.step_begins()
    agent_that_thinks()
    rescue.step_ends()
    _tick_scenario()
    rescue.end()
    rescue.end()
    manager.close()
    # Once, or more often when this thread gets no turn to see it.
    assert rescue.rescues >= 1 and manager.calls == WOKEN * rescue.rescues
    assert "its signal was repeated" in capfd.readouterr().out


def test_a_traffic_manager_that_is_not_there_is_no_error() -> None:
    assert alpamayo_traffic_rescue.signal_again(9) is False


def test_a_route_becomes_arrays(entry: Any) -> None:
    plan = entry.plan_message(route(3)[1])
    np.testing.assert_allclose(plan["poses"], [[0, 2, 0.5, 0, 3, 0], [1, 2, 0.5, 0, 3, 0], [2, 2, 0.5, 0, 3, 0]])
    assert plan["options"].tolist() == [4, 4, 4]


def test_metric_info_is_whole_after_every_tick(entry: Any, tmp_path: Path) -> None:
    path = tmp_path / "RouteScenario_1" / "metric_info.json"
    metrics = entry.MetricInfo(str(path))
    assert json.loads(path.read_text()) == {}
    for step in range(50):
        metrics.add(step, {"location": [step, 0.5, -1e-9], "rotation": [0.0, 0.0, 90.0]})
        written = json.loads(path.read_text())
        assert list(written) == [str(number) for number in range(step + 1)]
        assert written[str(step)]["location"] == [step, 0.5, -1e-9]
    metrics.close()
    assert len(json.loads(path.read_text())) == 50
