"""Our criteria as a second client beside the leaderboard's own, in the same episodes: the same infractions, the same score.

`LEADERBOARD_ROUTES=all` runs every route of longest6 in Town01 instead of one (ten minutes on an idle machine).
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from programs import Program, free_port

from alpamayo_scenarios.route_file import load_routes
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.roads.evaluator_route import EvaluatorPlanner
from alpamayo_sim.roads.road_map import load_road_map

HERE = Path(__file__).parent
RECKLESS_ROUTES = HERE / "reckless_routes.xml"
RECKLESS_AGENT = HERE / "leaderboard_reckless_agent.py"
NEEDED_MODULES = (
    "carla", "py_trees", "numpy", "networkx", "shapely", "psutil", "xmlschema", "ephem", "tabulate", "cv2", "dictor",
    "simple_watchdog_timer", "transforms3d", "pexpect", "requests",
)  # fmt: skip
WHOLE_FILES = os.environ.get("LEADERBOARD_ROUTES") == "all"
MAX_S = 3000.0 if WHOLE_FILES else 900.0
PASSIVE_END_S = 60.0
LOCK_STEP = ("--lock-step", "0.5")
"""The server waits for our client, however busy the machine is."""
MAX_SCORE_GAP = 0.1
MAX_PLACE_GAP_M = 1.0
"""A tick's way: a collision's message and the state of its tick race each other, for the leaderboard's criterion too."""
_PLACE = re.compile(r" at \(x=(\S+), y=(\S+), z=(\S+)\)")

pytestmark = pytest.mark.timeout(MAX_S + PASSIVE_END_S + 200.0)


@pytest.mark.parametrize("town", ["Town01", "Town02", "Town04"])
def test_the_judged_route_is_the_one_of_carla_s_planner(
    town: str,
    start_program: Callable[..., Program],
    needs_modules: Callable[..., None],
    carla_source: Path,
    shared_data: Path,
) -> None:
    """Point by point, and bit by bit: the score depends on where it ends."""
    needs_modules("carla", "networkx", "numpy", "shapely")
    routes, maps = shared_data / "routes" / f"longest6_{town}.xml", shared_data / "maps"
    program = start_program(
        [HERE / "carla_routes.py", routes, maps], python_path=[carla_source / "PythonAPI" / "carla"]
    )
    outcome = program.wait(300.0)
    assert outcome.exit_code == 0, outcome.output
    planner = EvaluatorPlanner(load_road_map(town, maps_dirs=[maps]).carla_map)
    expected = json.loads(outcome.output[outcome.output.index("{") :])
    specs = load_routes(routes)
    assert len(specs) == len(expected) == 6
    for spec in specs:
        route = planner.trace(spec.waypoints)
        rows = np.column_stack([route.points, route.yaw_deg])
        rows[0, 2] -= 0.5
        assert np.array_equal(rows, np.array(expected[spec.route_id])), spec.route_id


class Beside:
    """The evaluator with our passive client in the same episodes."""

    def __init__(
        self,
        start_server: Callable[..., EmbeddedServer],
        start_program: Callable[..., Program],
        maps: Path,
        roots: tuple[Path, Path, Path],
        folder: Path,
    ) -> None:
        self._start_server, self._start_program = start_server, start_program
        self._maps, self._folder = maps, folder
        self.leaderboard, self._scenario_runner, carla_source = roots
        self._python_path = [carla_source / "PythonAPI" / "carla", self._scenario_runner, self.leaderboard]

    def judge(
        self, town: str, routes: Path, route_id: str, agent: Path, config: str, *server_args: str
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the records of the evaluator and ours of one route ("" for the whole file)."""
        server = self._start_server(town, maps=[self._maps], extra_args=server_args)
        ours, theirs = self._folder / "ours.json", self._folder / "theirs.json"
        # The leaderboard's master scores as 2.0 did.
        passive = Program(
            [
                sys.executable, "-m", "alpamayo_training.cli", "score", "--attach", str(server.address),
                "--routes", str(routes), *(["--route", route_id] if route_id else []),
                "--profile", "leaderboard-2.0", "--out", str(ours),
            ],
            cwd=self._folder, environment={}, log=self._folder / "passive.log",
        )  # fmt: skip
        with passive:
            assert passive.wait_for("looking on", PASSIVE_END_S), passive.output()
            evaluator = self._start_program(
                [
                    self.leaderboard / "leaderboard" / "leaderboard_evaluator.py",
                    "--port", str(server.address.port), "--traffic-manager-port", str(free_port()),
                    "--routes", routes, *(["--routes-subset", route_id] if route_id else []),
                    "--agent", agent, "--agent-config", config, "--timeout", "60",
                    "--checkpoint", theirs, "--debug-checkpoint", self._folder / "live.txt",
                ],
                python_path=self._python_path,
                environment={"SCENARIO_RUNNER_ROOT": str(self._scenario_runner)},
            )  # fmt: skip
            outcome = evaluator.wait(MAX_S)
            assert outcome.exit_code == 0, outcome.output[-4000:]
            seen = passive.wait(PASSIVE_END_S)
            assert seen.exit_code == 0, seen.output
            # On a busy machine the evaluator may take a vehicle away before our client has asked for its name.
            notes = [line for line in seen.output.splitlines() if "note:" in line]
            assert all("0 frames were missed, 0 events came late" in note for note in notes), seen.output
        return _records(theirs), _records(ours)


def _records(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text())["_checkpoint"]["records"]


@pytest.fixture
def beside(
    start_server: Callable[..., EmbeddedServer],
    start_program: Callable[..., Program],
    needs_modules: Callable[..., None],
    shared_data: Path,
    leaderboard_root: Path,
    scenario_runner_root: Path,
    carla_source: Path,
    tmp_path: Path,
) -> Beside:
    """The evaluator and our client, ready to run."""
    needs_modules(*NEEDED_MODULES)
    roots = (leaderboard_root, scenario_runner_root, carla_source)
    return Beside(start_server, start_program, shared_data / "maps", roots, tmp_path)


def assert_same(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """The same record: end, completion, score, and every infraction of every kind, with the same actor at the same place."""
    assert ours["route_id"] == theirs["route_id"]
    assert ours["status"] == theirs["status"]
    assert ours["meta"]["route_length"] == theirs["meta"]["route_length"]
    assert ours["scores"]["score_route"] == theirs["scores"]["score_route"]
    assert ours["scores"]["score_composed"] == pytest.approx(theirs["scores"]["score_composed"], abs=MAX_SCORE_GAP)
    assert list(ours["infractions"]) == list(theirs["infractions"])
    for kind, messages in theirs["infractions"].items():
        found = ours["infractions"][kind]
        assert [_PLACE.sub("", message) for message in found] == [_PLACE.sub("", m) for m in messages], kind
        for one, other in zip(found, messages, strict=True):
            assert math.dist(_place(one), _place(other)) <= MAX_PLACE_GAP_M, (kind, one, other)


def _place(message: str) -> tuple[float, ...]:
    found = _PLACE.search(message)
    return tuple(float(number) for number in found.groups()) if found else (0.0, 0.0, 0.0)


def test_the_npc_agent_on_longest6_routes_of_town01(beside: Beside, shared_data: Path) -> None:
    """With the routes' scenarios and background traffic; this agent collides, leaves its lane, and sometimes its route."""
    routes = shared_data / "routes" / "longest6_Town01.xml"
    agent = beside.leaderboard / "leaderboard" / "autoagents" / "npc_agent.py"
    route_id = "" if WHOLE_FILES else "4"
    theirs, ours = beside.judge("Town01", routes, route_id, agent, "", *LOCK_STEP)
    assert len(theirs) == len(ours) == (6 if WHOLE_FILES else 1)
    assert any(record["num_infractions"] > 0 for record in theirs)
    for one, other in zip(theirs, ours, strict=True):
        assert_same(one, other)


RECKLESS = {
    "a stop sign": ("Oldwick", "0", "speed_kmh=25", "stop_infraction"),
    "red lights": ("Gridvale", "1", "speed_kmh=40", "red_light"),
    "the oncoming lane": ("Gridvale", "1", "speed_kmh=30,offset_m=-3.5", "outside_route_lanes"),
    "the sidewalk": ("Gridvale", "2", "speed_kmh=30,offset_m=4.0", "collisions_layout"),
    "another way": ("Gridvale", "2", "speed_kmh=30,leave_at_m=60", "route_dev"),
    "nowhere": ("Gridvale", "2", "speed_kmh=30,stand_at_m=60", "vehicle_blocked"),
}


@pytest.mark.parametrize("case", RECKLESS)
def test_an_agent_that_does_wrong_is_found_out_by_both(beside: Beside, case: str) -> None:
    """One kind of infraction after the other, in our own towns."""
    town, route_id, config, kind = RECKLESS[case]
    (theirs,), (ours,) = beside.judge(town, RECKLESS_ROUTES, route_id, RECKLESS_AGENT, config, *LOCK_STEP)
    assert theirs["infractions"][kind], theirs
    assert_same(theirs, ours)
