"""CARLA's leaderboard evaluator, unmodified, with its own NPC agent, to the result file that it writes itself.

`LEADERBOARD_ROUTES=all` runs every route of the files instead of one of each (a quarter of an hour).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from programs import Program, free_port

from alpamayo_sim.client.embedded import EmbeddedServer

HERE = Path(__file__).parent
NEEDED_MODULES = (
    "carla", "py_trees", "numpy", "networkx", "shapely", "psutil", "xmlschema", "ephem", "tabulate", "cv2", "dictor",
    "simple_watchdog_timer", "transforms3d", "pexpect", "requests",
)  # fmt: skip
WHOLE_FILES = os.environ.get("LEADERBOARD_ROUTES") == "all"
MAX_S = 3000.0 if WHOLE_FILES else 600.0
"""For one call of the evaluator; one route takes half a minute on an idle machine."""
FINISHED = (
    "Completed", "Perfect", "Failed - Agent deviated from the route", "Failed - Agent got blocked", "Failed - Agent timed out",
)  # fmt: skip
"""Ends of a route that are the agent's doing."""
TOLERANCE_PERCENT = 2.0

pytestmark = pytest.mark.timeout(MAX_S + 200.0)


class Evaluator:
    """The evaluator, with a server for it."""

    def __init__(
        self,
        start_server: Callable[..., EmbeddedServer],
        start_program: Callable[..., Program],
        data: Path,
        roots: tuple[Path, Path, Path],
        folder: Path,
    ) -> None:
        self._start_server, self._start_program = start_server, start_program
        self._data, self._folder = data, folder
        self._leaderboard, self._scenario_runner, carla_source = roots
        self._python_path = [carla_source / "PythonAPI" / "carla", self._scenario_runner, self._leaderboard]

    @property
    def npc_agent(self) -> Path:
        """The leaderboard's own agent, which drives CARLA's BasicAgent."""
        return self._leaderboard / "leaderboard" / "autoagents" / "npc_agent.py"

    def run(self, town: str, route_id: str, agent: Path) -> list[dict[str, Any]]:
        """Run one route ("" for the whole file) and return the records of the result file."""
        server = self._start_server(town, maps=[self._data / "maps"])
        result = self._folder / "result.json"
        subset = ["--routes-subset", route_id] if route_id else []
        program = self._start_program(
            [
                self._leaderboard / "leaderboard" / "leaderboard_evaluator.py",
                "--port", str(server.address.port), "--traffic-manager-port", str(free_port()),
                "--routes", self._routes(town), *subset, "--agent", agent, "--timeout", "60",
                "--checkpoint", result, "--debug-checkpoint", self._folder / "live.txt",
            ],
            python_path=self._python_path,
            environment={"SCENARIO_RUNNER_ROOT": str(self._scenario_runner)},
        )  # fmt: skip
        outcome = program.wait(MAX_S)
        lines = [line for line in outcome.output.splitlines() if not line.startswith("=== [Agent]")]
        report = f"exit code {outcome.exit_code} after {outcome.seconds:.0f} s\n" + "\n".join(lines[-200:])
        assert outcome.exit_code == 0, report
        assert "Simulation crashed" not in outcome.output, report
        assert "Traceback" not in outcome.output, report
        written = json.loads(result.read_text())
        assert written["entry_status"] == "Finished", report
        done, total = written["_checkpoint"]["progress"]
        records = written["_checkpoint"]["records"]
        assert done == total == len(records) > 0, report
        assert {record["status"] for record in records} <= set(FINISHED), report
        return records

    def predictions(self, town: str) -> dict[str, Any]:
        """What the NPC agent's plan makes of every route, worked out without a server."""
        command = [HERE / "leaderboard_npc_plan.py", self._routes(town), self._data / "maps"]
        outcome = self._start_program(command, python_path=self._python_path).wait(120.0)
        assert outcome.exit_code == 0, outcome.output
        return json.loads(outcome.output)

    def _routes(self, town: str) -> Path:
        return self._data / "routes" / f"longest6_{town}.xml"


@pytest.fixture
def evaluator(
    start_server: Callable[..., EmbeddedServer],
    start_program: Callable[..., Program],
    needs_modules: Callable[..., None],
    shared_data: Path,
    leaderboard_root: Path,
    scenario_runner_root: Path,
    carla_source: Path,
    tmp_path: Path,
) -> Evaluator:
    """The evaluator, ready to run."""
    needs_modules(*NEEDED_MODULES)
    roots = (leaderboard_root, scenario_runner_root, carla_source)
    return Evaluator(start_server, start_program, shared_data, roots, tmp_path)


@pytest.mark.parametrize(("town", "route_id"), [("Town01", "4"), ("Town02", "7")])
def test_npc_agent_comes_as_far_as_its_plan_follows_the_route(evaluator: Evaluator, town: str, route_id: str) -> None:
    """Where the agent leaves the route, its own plan does, which is made without the server."""
    predictions = evaluator.predictions(town)
    for record in evaluator.run(town, "" if WHOLE_FILES else route_id, evaluator.npc_agent):
        predicted = predictions[record["route_id"].removeprefix("RouteScenario_").removesuffix("_rep0")]
        if predicted["leaves_route"]:
            assert record["status"] == "Failed - Agent deviated from the route", record
        else:
            assert record["status"] in ("Completed", "Perfect"), record
        percent = record["scores"]["score_route"]
        assert percent == pytest.approx(predicted["completion_percent"], abs=TOLERANCE_PERCENT), record


def test_an_agent_with_the_whole_route_completes_one_that_the_npc_agent_leaves(evaluator: Evaluator) -> None:
    """The same driver, planning nothing anew: the turns that go wrong are not the server's."""
    assert evaluator.predictions("Town02")["10"]["leaves_route"]
    (record,) = evaluator.run("Town02", "10", HERE / "leaderboard_route_agent.py")
    assert record["status"] in ("Completed", "Perfect"), record
    assert record["scores"]["score_route"] == pytest.approx(100.0)
    assert record["infractions"]["route_dev"] == []
