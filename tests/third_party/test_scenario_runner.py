"""ScenarioRunner, unmodified: its own scenarios and OpenSCENARIO files, each to the verdict that it writes itself."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from programs import Program, free_port

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

HERE = Path(__file__).parent
NEEDED_MODULES = (
    "carla", "py_trees", "numpy", "networkx", "shapely", "psutil", "xmlschema", "ephem", "tabulate", "cv2", "antlr4",
    "simple_watchdog_timer",
)  # fmt: skip
MAX_S = 150.0
"""For one scenario; it takes 2 to 6 s on an idle machine."""

pytestmark = pytest.mark.timeout(400)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ScenarioRunner wrote about a scenario."""

    success: bool
    criteria: dict[str, dict[str, Any]]
    """By name: optional, expected, actual, success."""
    output: str


class Bench:
    """ScenarioRunner, an ego driver and a server for both."""

    def __init__(
        self,
        start_server: Callable[..., EmbeddedServer],
        start_program: Callable[..., Program],
        maps: Path,
        carla_source: Path,
        root: Path,
        folder: Path,
    ) -> None:
        self._start_server, self._start_program = start_server, start_program
        self._maps, self._root, self._folder = maps, root, folder
        self._agents = carla_source / "PythonAPI" / "carla"

    def serve(self, town: str, *extra_args: str) -> EmbeddedServer:
        """A server on one of CARLA's towns."""
        return self._start_server(town, maps=[self._maps], extra_args=extra_args)

    def runner(self, server: EmbeddedServer, *arguments: str | Path) -> Program:
        """ScenarioRunner with `arguments`."""
        command = [
            self._root / "scenario_runner.py", "--port", str(server.address.port),
            "--trafficManagerPort", str(free_port()), "--timeout", "60", "--output", "--json",
            "--outputDir", self._folder, *arguments,
        ]  # fmt: skip
        environment = {"SCENARIO_RUNNER_ROOT": str(self._root)}
        return self._start_program(command, python_path=[self._agents, self._root], environment=environment)

    def driver(self, server: EmbeddedServer, *arguments: str) -> Program:
        """Our ego driver, which uses CARLA's BasicAgent."""
        command = [HERE / "ego_driver.py", "--port", str(server.address.port), *arguments]
        return self._start_program(command, python_path=[self._agents])

    def verdict(self, runner: Program, driver: Program, max_s: float = MAX_S) -> Verdict:
        """Wait for the end of a run and read its result."""
        outcome = runner.wait(max_s)
        # Its exit code says nothing: a scenario that cannot be loaded is 0 too.
        report = f"exit code {outcome.exit_code} after {outcome.seconds:.0f} s\n{outcome.output}\n{driver.output()}"
        results = list(self._folder.glob("*.json"))
        assert len(results) == 1, f"ScenarioRunner wrote no result: {report}"
        result = json.loads(results[0].read_text())
        assert result["criteria"], report
        return Verdict(result["success"], {entry["name"]: entry for entry in result["criteria"]}, report)


@pytest.fixture
def bench(
    start_server: Callable[..., EmbeddedServer],
    start_program: Callable[..., Program],
    needs_modules: Callable[..., None],
    shared_data: Path,
    carla_source: Path,
    scenario_runner_root: Path,
    tmp_path: Path,
) -> Bench:
    needs_modules(*NEEDED_MODULES)
    folder = tmp_path / "results"
    folder.mkdir()
    return Bench(start_server, start_program, shared_data / "maps", carla_source, scenario_runner_root, folder)


SCENARIOS = [
    ("FollowLeadingVehicle_1", "Town01", "30"),
    ("OtherLeadingVehicle_1", "Town04", "60"),
    ("StationaryObjectCrossing_1", "Town02", "30"),
    ("DynamicObjectCrossing_1", "Town02", "30"),
    ("ControlLoss_1", "Town01", "30"),
    ("ChangeLane_1", "Town04", "30"),
    ("VehicleTurningRight_1", "Town01", "30"),
    # From 60 km/h on the one that cuts in touches an ego that goes straight on: docs/third_party_findings.md.
    ("CutInFrom_left_Lane", "Town04", "30"),
]


@pytest.mark.full
@pytest.mark.parametrize(("scenario", "town", "speed_kmh"), SCENARIOS)
def test_scenario_succeeds(bench: Bench, scenario: str, town: str, speed_kmh: str) -> None:
    server = bench.serve(town, "--lock-step")
    runner = bench.runner(server, "--sync", "--scenario", scenario)
    driver = bench.driver(server, "--speed-kmh", speed_kmh)
    verdict = bench.verdict(runner, driver)
    assert verdict.success, verdict.output
    assert verdict.criteria["CollisionTest"]["actual"] == 0
    assert server.running


@pytest.mark.full
def test_reloads_the_world_into_another_town(bench: Bench) -> None:
    """ScenarioRunner loads the scenario's town itself; the ego's driver connects when that is done."""
    server = bench.serve("Gridvale", "--lock-step")
    runner = bench.runner(server, "--sync", "--reloadWorld", "--scenario", "FollowLeadingVehicle_1")
    assert runner.wait_for("Running scenario", MAX_S), runner.output()
    verdict = bench.verdict(runner, bench.driver(server))
    assert verdict.success, verdict.output


@pytest.mark.full
def test_repetitions_in_one_process(bench: Bench) -> None:
    """Three times over in one process: everything that a scenario leaves behind would be in the way of the next one."""
    server = bench.serve("Town02", "--lock-step")
    runner = bench.runner(server, "--sync", "--repetitions", "3", "--scenario", "StationaryObjectCrossing_1")
    driver = bench.driver(server, "--drives", "3")
    outcome = runner.wait(2 * MAX_S)
    assert driver.wait(30.0).exit_code == 0, driver.output()
    assert outcome.output.count("All scenario tests were passed successfully!") == 3, outcome.output


@pytest.mark.full
def test_scenario_in_asynchronous_mode(bench: Bench) -> None:
    """Nobody ticks: the world runs in real time, and ScenarioRunner and the driver both follow."""
    server = bench.serve("Town01")
    runner = bench.runner(server, "--scenario", "FollowLeadingVehicle_1")
    verdict = bench.verdict(runner, bench.driver(server))
    assert verdict.success, verdict.output


@pytest.mark.full
def test_open_scenario_lane_change(bench: Bench, shared_data: Path) -> None:
    server = bench.serve("Town04", "--lock-step")
    runner = bench.runner(server, "--sync", "--openscenario", shared_data / "openscenario" / "LaneChangeSimple.xosc")
    verdict = bench.verdict(runner, bench.driver(server))
    assert verdict.success, verdict.output


FOLLOW_GAP_M = 50.0
FOLLOW_LEAD_M = 20.0


@pytest.mark.full
def test_open_scenario_follow_leading_vehicle_asks_for_more_than_there_is(bench: Bench, shared_data: Path) -> None:
    """Everything but the driven distance, which no driver reaches who drives forward and keeps the lane.

    The leader stands 50 m ahead, drives 20 m, and stops; 10 s later the story is over. The file asks for 100 m.
    """
    server = bench.serve("Town01", "--lock-step")
    runner = bench.runner(
        server, "--sync", "--openscenario", shared_data / "openscenario" / "FollowLeadingVehicle.xosc"
    )
    verdict = bench.verdict(runner, bench.driver(server))
    failed = [name for name, criterion in verdict.criteria.items() if not criterion["success"]]
    assert failed == ["CheckDrivenDistance"], verdict.output
    assert 50.0 < verdict.criteria["CheckDrivenDistance"]["actual"] < FOLLOW_GAP_M + FOLLOW_LEAD_M


@pytest.mark.full
def test_open_scenario_follow_leading_vehicle_succeeds_with_a_run_up(bench: Bench, shared_data: Path) -> None:
    """A driver who backs up before it follows drives more than 100 m, and then every criterion holds."""
    server = bench.serve("Town01", "--lock-step")
    runner = bench.runner(
        server, "--sync", "--openscenario", shared_data / "openscenario" / "FollowLeadingVehicle.xosc"
    )
    verdict = bench.verdict(runner, bench.driver(server, "--back-up-m", "25"))
    assert verdict.success, verdict.output


@pytest.mark.full
def test_open_scenario_changing_weather(bench: Bench, shared_data: Path) -> None:
    """The file has no end and no criteria: the weather must change at 20 s as it says, and Ctrl-C ends it in good order."""
    server = bench.serve("Town01")
    runner = bench.runner(server, "--sync", "--openscenario", shared_data / "openscenario" / "ChangingWeather.xosc")
    assert runner.wait_for("Running scenario", MAX_S), runner.output()
    world = connect(server.address).get_world()
    before = after = world.get_weather()
    deadline_s = time.monotonic() + MAX_S
    while time.monotonic() < deadline_s and after.precipitation < 50.0:
        snapshot, after = world.get_snapshot(), world.get_weather()
    assert before.precipitation == pytest.approx(0.0)
    assert after.precipitation == pytest.approx(90.0)
    assert after.sun_altitude_angle != pytest.approx(before.sun_altitude_angle, abs=5.0)
    assert snapshot.timestamp.elapsed_seconds > 20.0
    runner.interrupt()
    outcome = runner.wait(30.0)
    assert outcome.exit_code is not None, outcome.output
    assert "No more scenarios .... Exiting" in outcome.output
    assert "Traceback" not in outcome.output
    assert not world.get_settings().synchronous_mode
    assert not list(world.get_actors().filter("vehicle.*"))
