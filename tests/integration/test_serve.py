"""`alpamayo serve` as a process, the entry file as evaluators load it, and the world of a real server that the test ticks.

The leaderboard's base class is stood in for here; tests/third_party runs the evaluators themselves.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import signal
import subprocess
import sys
import time
import types
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from enum import Enum
from pathlib import Path
from typing import Any

import carla
import numpy as np
import pytest

from alpamayo_scenarios.traffic_rescue import TrafficRescue
from alpamayo_sim.client.connection import ServerAddress, connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.port_lease import lease_ports
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.roads.evaluator_route import EvaluatorPlanner
from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.route_planner import Route, RoutePlanner

ROOT = Path(__file__).resolve().parents[2]
TOWN = "Gridvale"
STEP_S = 0.05
LONG_S = 120.0

pytestmark = pytest.mark.timeout(900)


class Serve:
    """`alpamayo serve` on a free port."""

    def __init__(self, agent: str, folder: Path) -> None:
        self.log = folder / "steps"
        self.errors = folder / "serve.err"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "alpamayo_training.cli", "serve", "--agent", agent, "--port", "0",
             "--cache", str(folder / "maps"), "--log", str(self.log)],
            stdout=subprocess.PIPE, stderr=self.errors.open("w"), text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        )  # fmt: skip
        assert self.process.stdout is not None
        self.ready = json.loads(self.process.stdout.readline() or "null")
        assert self.ready, self.errors.read_text()
        self.address = f"127.0.0.1:{self.ready['port']}"

    def status(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://{self.address}/status", timeout=LONG_S) as page:
            return json.load(page)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(LONG_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], Serve]]:
    with ExitStack() as stack:

        def start(agent: str) -> Serve:
            serving = Serve(agent, tmp_path)
            stack.callback(lambda: serving.process.poll() is not None or serving.end())
            return serving

        yield start


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(TOWN, seed=1, extra_args=("--synchronous",)) as running:
        yield running


class Option(Enum):
    """Stands in for CARLA's RoadOption, which is in the package `agents`."""

    VOID, LEFT, RIGHT, STRAIGHT, LANEFOLLOW, CHANGELANELEFT, CHANGELANERIGHT = -1, 1, 2, 3, 4, 5, 6


class Track(Enum):
    SENSORS, MAP, SENSORS_QUALIFIER, MAP_QUALIFIER = "SENSORS", "MAP", "SENSORS_QUALIFIER", "MAP_QUALIFIER"


class StandIn:
    """What the evaluators' base class does for an agent, Bench2Drive's part included."""

    hero_actor: carla.Vehicle

    def __init__(self, carla_host: str, carla_port: int, debug: bool = False) -> None:
        self._global_plan: list[Any] = []
        self._global_plan_world_coord: list[Any] = []

    def set_global_plan(self, gps: list[Any], world: list[Any]) -> None:
        rows = [*range(0, len(world), 50), len(world) - 1]
        self._global_plan, self._global_plan_world_coord = [gps[i] for i in rows], [world[i] for i in rows]

    def get_metric_info(self) -> dict[str, list[float]]:
        where = self.hero_actor.get_transform().location
        return {"location": [where.x, where.y, where.z]}


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The entry file's module."""
    base = types.ModuleType("leaderboard.autoagents.autonomous_agent")
    base.AutonomousAgent, base.Track = StandIn, Track  # type: ignore[attr-defined]
    provider = types.ModuleType("srunner.scenariomanager.carla_data_provider")
    provider.CarlaDataProvider = types.SimpleNamespace(get_traffic_manager_port=lambda: 9)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, provider.__name__, provider)
    for name in ("leaderboard", "leaderboard.autoagents", "srunner", "srunner.scenariomanager"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, base.__name__, base)
    monkeypatch.syspath_prepend(str(ROOT / "agents"))
    for variable in ("SAVE_PATH", "ALPAMAYO_SERVE", "CHALLENGE_TRACK_CODENAME"):
        monkeypatch.delenv(variable, raising=False)
    sys.modules.pop("alpamayo_leaderboard", None)
    yield importlib.import_module("alpamayo_leaderboard")
    sys.modules.pop("alpamayo_leaderboard", None)


@pytest.fixture(scope="module")
def route() -> Route:
    """A route of 150 m or so in which the ego turns at a junction, as the evaluators trace it."""
    carla_map = load_road_map(TOWN).carla_map
    planner = RoutePlanner(carla_map)
    for seed in range(50):
        meant = planner.random_route(np.random.default_rng(seed), 130.0, 170.0)
        if np.isin(meant.road_option, (1, 2)).any() and not meant.in_junction[0]:
            return EvaluatorPlanner(carla_map).trace([meant.transform(0), meant.transform(-1)])
    raise AssertionError("no such route")


class Episode:
    """The evaluator's part: spawns the ego, ticks, hands sensor data over and applies what comes back."""

    def __init__(
        self, stack: ExitStack, entry: Any, address: ServerAddress, route: Route, *, rendering: bool = False
    ) -> None:
        self.client = connect(address)
        self.synchronous = stack.enter_context(SynchronousWorld(self.client, step_s=STEP_S, rendering=rendering))
        self.world = self.synchronous.world
        self.route = route
        blueprint = self.world.get_blueprint_library().find("vehicle.lincoln.mkz_2020")
        blueprint.set_attribute("role_name", "hero")
        poses = [self._pose(row) for row in range(len(route.points))]
        start = poses[0]
        self.ego = self.world.spawn_actor(
            blueprint, carla.Transform(start.location + carla.Location(z=0.5), start.rotation)
        )
        stack.callback(lambda: self.client.apply_batch_sync([carla.command.DestroyActor(self.ego.id)]))
        self.agent = entry.AlpamayoAgent(address.host, address.port, False)
        self.agent.hero_actor = self.ego
        stack.callback(self.agent.destroy)
        gps = [({"lat": 0.0, "lon": 0.0, "z": 0.0}, None) for _ in poses]
        plan = [(pose, Option(int(option))) for pose, option in zip(poses, route.road_option, strict=True)]
        self.agent.set_global_plan(gps, plan)
        self.frame = 0
        for _ in range(20):
            self.tick()

    def _pose(self, row: int) -> carla.Transform:
        x, y, z = (float(v) for v in self.route.points[row])
        return carla.Transform(carla.Location(x, y, z), carla.Rotation(yaw=float(self.route.yaw_deg[row])))

    def tick(self) -> None:
        self.frame = self.synchronous.tick().frame

    def step(self, time_s: float, **sensors: Any) -> carla.VehicleControl:
        self.tick()
        readings = {name: (self.frame, data) for name, data in sensors.items()}
        control = self.agent.run_step({"gnss": (self.frame, np.zeros(3)), **readings}, time_s)
        self.ego.apply_control(control)
        return control

    def left_m(self) -> float:
        here = self.ego.get_transform().location
        x, y, _ = self.route.points[-1].tolist()
        return math.hypot(here.x - x, here.y - y)


def test_the_expert_drives_a_route_through_the_model_server(
    serve: Callable[[str], Serve], server: EmbeddedServer, entry: Any, route: Route, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    serving = serve("expert")
    monkeypatch.setenv("SAVE_PATH", str(tmp_path / "save"))
    name = "RouteScenario_1_rep0_Gridvale_ParkedObstacle_1_None_01_02_03_04_05"
    with ExitStack() as stack:
        episode = Episode(stack, entry, server.address, route)
        episode.agent.setup(f"{serving.address}+an_earlier_route+{name}")
        assert episode.agent.track is entry.Track.SENSORS
        assert [sensor["type"] for sensor in episode.agent.sensors()] == ["sensor.other.gnss"]
        steps = 0
        while episode.left_m() > 8.0 and steps < 1800:
            control = episode.step(steps * STEP_S)
            steps += 1
            assert 0.0 <= control.throttle <= 1.0 and -1.0 <= control.steer <= 1.0 and 0.0 <= control.brake <= 1.0
        assert episode.left_m() <= 8.0, f"{episode.left_m():.0f} m are left after {steps} steps"
        (session,) = serving.status()["sessions"]
        assert session["steps"] == steps and session["route"] == name and session["median_ms"] > 0.0
        metrics = json.loads((tmp_path / "save" / name / "metric_info.json").read_text())
        assert list(metrics) == [str(step) for step in range(steps)]
        episode.agent.destroy()
        episode.agent.destroy()
    assert f"{steps} steps, round trip" in capfd.readouterr().out
    assert serving.end() == 130
    (log,) = serving.log.glob("*.jsonl")
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(rows) == steps and all(later["frame"] > row["frame"] for row, later in zip(rows, rows[1:], strict=False))
    assert any(row["reasoning"] for row in rows)
    assert f"{steps} steps, median" in serving.errors.read_text()


def test_an_agent_with_nothing_to_see_keeps_driving_when_sensors_fail(
    serve: Callable[[str], Serve], server: EmbeddedServer, entry: Any, route: Route
) -> None:
    serving = serve("route_follower")
    with ExitStack() as stack:
        episode = Episode(stack, entry, server.address, route)
        episode.agent.setup(serving.address)
        compass = np.array([0.0] * 6 + [math.nan])
        for step in range(30):
            episode.step(step * STEP_S, imu=compass, speed={"speed": None})
        episode.step(1.5, camera=np.zeros((90, 160, 4), dtype=np.uint8), lidar=np.zeros((0, 4), dtype=np.float32))
        assert episode.ego.get_velocity().length() > 1.0


def test_the_agent_of_a_driving_model_brings_its_cameras_into_the_evaluators_world(
    serve: Callable[[str], Serve], server: EmbeddedServer, entry: Any, route: Route
) -> None:
    serving = serve("truth_vla:RouteVla")
    with ExitStack() as stack:
        episode = Episode(stack, entry, server.address, route, rendering=True)
        episode.agent.setup(serving.address)
        controls = [episode.step(step * STEP_S) for step in range(70)]
        assert all(control.brake == 1.0 for control in controls[:29]), "1.5 s of history come first"
        assert episode.ego.get_velocity().length() > 1.0
        assert len(episode.world.get_actors().filter("sensor.camera.rgb")) == 1
        episode.agent.destroy()
        episode.tick()
        assert len(episode.world.get_actors().filter("sensor.camera.rgb")) == 0
    with ExitStack() as stack:
        episode = Episode(stack, entry, server.address, route)
        episode.agent.setup(serving.address)
        with pytest.raises(Exception, match="no-rendering mode"):
            episode.step(0.0)


def test_a_policy_of_the_users_own_gets_cameras_and_plans_and_answers_several_evaluators(
    serve: Callable[[str], Serve], server: EmbeddedServer, entry: Any, route: Route
) -> None:
    serving = serve("camera_policy:CameraPolicy")
    with EmbeddedServer(TOWN, seed=2, extra_args=("--synchronous",)) as other, ExitStack() as stack:
        episodes = [Episode(stack, entry, where, route) for where in (server.address, other.address)]
        for episode in episodes:
            episode.agent.setup(serving.address)
            assert [sensor["id"] for sensor in episode.agent.sensors()] == ["front", "speed"]
            assert episode.agent.track is entry.Track.SENSORS
        for step, shade in ((0, 200), (1, 50)):
            for episode in episodes:
                image = np.full((90, 160, 4), shade, dtype=np.uint8)
                control = episode.step(step * STEP_S, front=image, speed={"speed": None})
                assert control.throttle == pytest.approx(shade / 255.0, abs=1e-3)
                assert control.steer == pytest.approx(len(episode.agent._global_plan) / 100.0, abs=1e-3)
        with pytest.raises(RuntimeError, match="the agent raised KeyError: 'front'"):
            episodes[0].step(0.1)
        assert serving.status()["batched_steps"] == 4


def test_routes_one_after_the_other_and_the_end_of_a_server_that_is_in_use(
    serve: Callable[[str], Serve], server: EmbeddedServer, entry: Any, route: Route
) -> None:
    serving = serve("constant_velocity")
    for _ in range(2):
        with ExitStack() as stack:
            episode = Episode(stack, entry, server.address, route)
            episode.agent.setup(serving.address)
            for step in range(5):
                episode.step(step * STEP_S)
    deadline_s = time.monotonic() + LONG_S
    while serving.status()["served"] < 2 and time.monotonic() < deadline_s:  # it hears of the end of the second one
        time.sleep(0.05)
    assert serving.status()["served"] == 2
    with ExitStack() as stack:
        episode = Episode(stack, entry, server.address, route)
        episode.agent.setup(serving.address)
        episode.step(0.0)
        serving.process.kill()
        serving.process.wait(LONG_S)
        with pytest.raises(Exception, match="connection"):
            for step in range(5):
                episode.step(step * STEP_S)
        episode.agent.destroy()


def test_two_evaluators_are_served_at_once(
    serve: Callable[[str], Serve], server: EmbeddedServer, entry: Any, route: Route
) -> None:
    serving = serve("route_follower")
    with EmbeddedServer(TOWN, seed=2, extra_args=("--synchronous",)) as other, ExitStack() as stack:
        episodes = [Episode(stack, entry, where, route) for where in (server.address, other.address)]
        for episode in episodes:
            episode.agent.setup(serving.address)
        for step in range(60):
            controls = [episode.step(step * STEP_S) for episode in episodes]
        assert len(serving.status()["sessions"]) == 2
        assert controls[0].throttle == pytest.approx(controls[1].throttle, abs=0.05)
        for episode in episodes:
            assert episode.ego.get_velocity().length() > 1.0


def test_a_world_without_an_ego_and_a_server_that_is_not_there_are_told_to_the_evaluator(
    serve: Callable[[str], Serve], server: EmbeddedServer, entry: Any, route: Route
) -> None:
    serving = serve("expert")
    with ExitStack() as stack:
        episode = Episode(stack, entry, server.address, route)
        episode.agent.setup(serving.address)
        episode.ego.destroy()
        with pytest.raises(RuntimeError, match="expected one vehicle with the role 'hero'"):
            episode.step(0.0)
    with ExitStack() as stack:
        episode = Episode(stack, entry, server.address, route)
        episode.agent._carla_address = ("127.0.0.1", 9)
        with pytest.raises(RuntimeError, match="nobody listens at 127\\.0\\.0\\.1:9"):
            episode.agent.setup(serving.address)


def test_a_real_traffic_manager_takes_the_signal_again(server: EmbeddedServer, entry: Any) -> None:
    from alpamayo_traffic_rescue import signal_again

    client = connect(server.address)
    with SynchronousWorld(client, step_s=STEP_S, rendering=False) as synchronous, lease_ports(1) as lease:
        manager = client.get_trafficmanager(lease.port)
        manager.set_synchronous_mode(True)
        assert signal_again(lease.port)
        rescue = TrafficRescue(synchronous.world, lease.port)  # a signal may be lost here too
        before = synchronous.tick().frame
        assert synchronous.tick().frame == before + 1
        rescue.end()
        manager.set_synchronous_mode(False)
        manager.shut_down()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--agent", "nobody"], "there are constant_velocity, expert, route_follower"),
        (["--agent", "alpamayo_agents.expert:Nobody"], "no class Nobody"),
        (["--agent", "json:JSONDecoder"], "no class JSONDecoder"),
        (["--agent", "no_such_module:X"], "no_such_module"),
        (["--port", "70000"], "--port"),
        (["--max-sessions", "0"], "--max-sessions"),
    ],
)
def test_bad_arguments_end_with_2_and_say_why(arguments: list[str], says: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "alpamayo_training.cli", "serve", *arguments],
        capture_output=True, text=True, timeout=240.0, check=False,
    )  # fmt: skip
    assert ended.returncode == 2 and says in ended.stderr


def test_a_port_that_is_taken_ends_with_3(serve: Callable[[str], Serve]) -> None:
    serving = serve("route_follower")
    ended = subprocess.run(
        [sys.executable, "-m", "alpamayo_training.cli", "serve", "--port", str(serving.ready["port"])],
        capture_output=True, text=True, timeout=240.0, check=False,
    )  # fmt: skip
    assert ended.returncode == 3 and "Choose another --port" in ended.stderr
