"""The evaluators of leaderboard master, 2.0 and 2.1 and Bench2Drive's, unmodified, with our entry file and the expert.

`LEADERBOARD_ROUTES=all` runs all six routes of Town01 instead of one (a quarter of an hour for each evaluator).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from programs import Program, free_port

from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.metrics.results.file import read_result_file

AGENTS = Path(__file__).resolve().parents[2] / "agents"
WHOLE_FILE = os.environ.get("LEADERBOARD_ROUTES") == "all"
ROUTE = "4"
"""The shortest one, 971 m with five pedestrians that step out."""
MAX_S = 4000.0 if WHOLE_FILE else 900.0
ENDS = (
    "Completed", "Perfect", "Failed - Agent deviated from the route", "Failed - Agent got blocked",
    "Failed - Agent timed out", "Failed - TickRuntime",
)  # fmt: skip
"""Ends of a route that are the agent's doing; the last one is Bench2Drive's after 4,000 ticks."""

pytestmark = pytest.mark.timeout(MAX_S + 200.0)


@dataclass(frozen=True)
class Kind:
    """One evaluator and where it lies."""

    name: str
    root: str
    """Environment variable with the checkout."""
    leaderboard: str
    """The leaderboard's folder in it."""
    scenario_runner: str
    """Environment variable with the ScenarioRunner that belongs to it; "" if its own lies beside it."""
    needs_launcher: bool = True
    """Whether it was written for a Python that has what later ones have removed."""
    launches_carla: bool = False


KINDS = (
    Kind("master", "LEADERBOARD_ROOT", ".", "SCENARIO_RUNNER_ROOT", needs_launcher=False),
    Kind("2.0", "LEADERBOARD_20_ROOT", ".", "SCENARIO_RUNNER_20_ROOT"),
    Kind("2.1", "LEADERBOARD_21_ROOT", ".", "SCENARIO_RUNNER_20_ROOT"),
    Kind("bench2drive", "BENCH2DRIVE_ROOT", "leaderboard", "", launches_carla=True),
)


def checkout(variable: str, contains: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set (see tests/third_party/README.md)")
    root = Path(value).expanduser().resolve()
    if not (root / contains).exists():
        pytest.skip(f"{variable} names a checkout without {contains}")
    return root


class Serving:
    """`alpamayo serve --agent expert` and what it logs."""

    def __init__(self, stack: ExitStack, folder: Path, cache: Path) -> None:
        command = [
            sys.executable, "-m", "alpamayo_training.cli", "serve", "--agent", "expert", "--port", "0",
            "--cache", str(cache), "--log", str(folder / "steps"),
        ]  # fmt: skip
        self._program = stack.enter_context(Program(command, cwd=folder, environment={}, log=folder / "serve.log"))
        assert self._program.wait_for('"event": "ready"', 120.0), self._program.output()
        ready = next(line for line in self._program.output().splitlines() if line.startswith("{"))
        self.address = f"127.0.0.1:{json.loads(ready)['port']}"
        self.steps = folder / "steps"

    def output(self) -> str:
        return self._program.output()


@pytest.fixture
def serving(tmp_path: Path, map_cache: Path) -> Iterator[Serving]:
    with ExitStack() as stack:
        yield Serving(stack, tmp_path, map_cache)


@pytest.fixture
def carla_root(tmp_path: Path, map_cache: Path, shared_data: Path, carla_source: Path) -> Path:
    """A CARLA_ROOT that `alpamayo sim` writes."""
    import subprocess

    root = tmp_path / "carla_root"
    subprocess.run(
        [sys.executable, "-m", "alpamayo_training.cli", "sim", "--carla-root", root, "--town", "Town01",
         "--maps", shared_data / "maps", "--cache", map_cache, "--python-api", carla_source / "PythonAPI"],
        check=True, timeout=300.0,
    )  # fmt: skip
    return root


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_expert_drives_longest6_in_somebody_elses_evaluator(
    kind: Kind,
    serving: Serving,
    request: pytest.FixtureRequest,
    start_server: Callable[..., EmbeddedServer],
    start_program: Callable[..., Program],
    needs_modules: Callable[..., None],
    shared_data: Path,
    carla_source: Path,
    tmp_path: Path,
) -> None:
    root = checkout(kind.root, f"{kind.leaderboard}/leaderboard/leaderboard_evaluator.py")
    runner = (
        checkout(kind.scenario_runner, "srunner") if kind.scenario_runner else checkout(kind.root, "scenario_runner")
    )
    runner = runner if kind.scenario_runner else runner / "scenario_runner"
    needs_modules("carla", "py_trees", "networkx", "shapely", "dictor", "requests", "tabulate", "simple_watchdog_timer")
    leaderboard = root / kind.leaderboard
    result, save = tmp_path / "result.json", tmp_path / "save"
    environment = {"SCENARIO_RUNNER_ROOT": str(runner), "ALPAMAYO_SERVE": serving.address}
    if kind.launches_carla:
        environment |= {
            "CARLA_ROOT": str(request.getfixturevalue("carla_root")), "SAVE_PATH": str(save), "IS_BENCH2DRIVE": "True",
        }  # fmt: skip
        port = free_port()
    else:
        port = start_server("Town01", maps=[shared_data / "maps"]).address.port
    launcher = [AGENTS / "alpamayo_evaluator.py"] if kind.needs_launcher else []
    program = start_program(
        [
            *launcher, leaderboard / "leaderboard" / "leaderboard_evaluator.py",
            "--port", str(port), "--traffic-manager-port", str(free_port()),
            "--routes", shared_data / "routes" / "longest6_Town01.xml",
            *([] if WHOLE_FILE else ["--routes-subset", ROUTE]), "--agent", AGENTS / "alpamayo_leaderboard.py",
            "--timeout", "120", "--checkpoint", result, "--debug-checkpoint", tmp_path / "live.txt",
        ],
        python_path=[carla_source / "PythonAPI" / "carla", runner, leaderboard],
        environment=environment,
        cwd=root,
    )  # fmt: skip
    outcome = program.wait(MAX_S)
    lines = [line for line in outcome.output.splitlines() if not line.startswith("=== [Agent] -- Wallclock")]
    report = f"exit code {outcome.exit_code}\n" + "\n".join(lines[-150:]) + serving.output()
    assert outcome.exit_code == 0, report
    assert "Traceback" not in outcome.output, report
    written: dict[str, Any] = json.loads(result.read_text())
    assert written["entry_status"] == "Finished" and written["eligible"] is not None, report
    records = written["_checkpoint"]["records"]
    assert written["_checkpoint"]["progress"] == [len(records)] * 2 and len(records) == (6 if WHOLE_FILE else 1), report
    assert {record["status"] for record in records} <= set(ENDS), report
    assert all(record["scores"]["score_route"] > 5.0 for record in records), report
    if not WHOLE_FILE:
        assert records[0]["scores"]["score_route"] == pytest.approx(100.0), report
    assert len(read_result_file(result).records) == len(records)
    steps = [len(path.read_text().splitlines()) for path in sorted(serving.steps.glob("*.jsonl"))]
    assert len(steps) == len(records) and min(steps) > 500
    assert outcome.output.count("steps, round trip") == len(records)
    if kind.launches_carla:
        for record, count in zip(records, steps, strict=True):
            metrics = json.loads((save / record["save_name"] / "metric_info.json").read_text())
            assert list(metrics) == [str(step) for step in range(count)]
            assert {"acceleration", "angular_velocity", "forward_vector", "location"} <= set(metrics["0"])
