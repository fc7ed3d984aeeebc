"""`alpamayo score --attach`: a second client that never ticks comes to the same verdicts as the one that drives."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import carla
import numpy as np
import pytest
from command_line import PROGRAM

from alpamayo_agents.registry import make_agent
from alpamayo_scenarios.episode import EpisodeSpec, run_episode
from alpamayo_scenarios.route_file import load_routes
from alpamayo_scenarios.signals_of_world import areas_of_world
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.metrics.episode_metrics import CRITERIA, EpisodeMetrics
from alpamayo_sim.metrics.episode_result import EpisodeIdentity, EpisodeResult
from alpamayo_sim.metrics.results.file import write_result_file
from alpamayo_sim.metrics.results.from_episode import leaderboard_file
from alpamayo_sim.roads.evaluator_route import EvaluatorPlanner
from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.route_planner import Route, RoutePlanner
from alpamayo_training.cli import main

TOWN = "Gridvale"
PROFILE = "leaderboard-2.0"
PATIENCE_S = 240.0
ATTEMPTS = 4
"""A client whose threads get no turn says that it was too slow, and is right."""
LOCK_STEP = ("--lock-step", "30")
"""So that the watcher has seen what happens before it is over."""
KEY_POINT_EVERY = 20
WATCHING = {"frames_judged_total", "frames_missed_total", "events_late_total", "actors_unknown_total"}

pytestmark = pytest.mark.timeout(1800)


class Watcher:
    """`alpamayo score --attach` in a process of its own."""

    def __init__(self, server: EmbeddedServer, routes: Path, out: Path, *more: str) -> None:
        self.out = out
        out.parent.mkdir(exist_ok=True)
        self._log = out.with_suffix(".log")
        arguments = ["score", "--attach", str(server.address), "--routes", str(routes), "--profile", PROFILE]
        with self._log.open("wb") as stream:
            self.process = subprocess.Popen(
                [*PROGRAM, *arguments, "--out", str(out), *more], stdout=stream, stderr=subprocess.STDOUT
            )
        self.wait_for("looking on")

    def said(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while text not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline_s, self.said()
            time.sleep(0.05)

    def end(self) -> int:
        return self.process.wait(timeout=PATIENCE_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def road_map() -> RoadMap:
    return load_road_map(TOWN)


@pytest.fixture(scope="module")
def route_file(road_map: RoadMap, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short routes of our town, as a leaderboard route file."""
    planner = RoutePlanner(road_map.carla_map)
    rows: list[str] = []
    for number, seed in enumerate((3, 4)):
        points = planner.random_route(np.random.default_rng(seed), 130.0, 180.0).points
        kept = [*points[:-10:KEY_POINT_EVERY], points[-1]]
        places = "".join(f'<position x="{x:.2f}" y="{y:.2f}" z="{z:.2f}"/>' for x, y, z in kept)
        rows.append(f'<route id="{number}" town="{TOWN}"><waypoints>{places}</waypoints></route>')
    path = tmp_path_factory.mktemp("routes") / "routes.xml"
    path.write_text(f"<routes>{''.join(rows)}</routes>")
    return path


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(TOWN, seed=1, extra_args=getattr(request, "param", LOCK_STEP)) as running:
        yield running


@pytest.fixture
def watch() -> Iterator[Callable[..., Watcher]]:
    with ExitStack() as stack:

        def start(*arguments: Any) -> Watcher:
            watcher = Watcher(*arguments)
            stack.callback(watcher.close)
            return watcher

        yield start


def drive(client: carla.Client, road_map: RoadMap, route: Route, route_id: str, repetition: int) -> EpisodeResult:
    """Drive one route blindly among others and return the verdict of the criteria that run in the driver's own process."""
    areas = areas_of_world(client.get_world())
    metrics = EpisodeMetrics(road_map, route, profile=PROFILE, criteria=tuple(CRITERIA), areas=areas)
    spec = EpisodeSpec(route, "route_follower", seed=2, vehicles=40)
    run_episode(client, spec, make_agent("route_follower"), road_map, metrics, lambda tick, found: None)
    identity = EpisodeIdentity(f"{route_id}_rep{repetition}", TOWN, route_id, "watched", 0, "embedded")
    return metrics.result(identity)


def without_machine_time(document: dict[str, Any]) -> dict[str, Any]:
    """A result file without how long it took on this machine."""
    for record in [*document["_checkpoint"]["records"], document["_checkpoint"]["global_record"]]:
        record["meta"].pop("duration_system")
    return document


@pytest.mark.parametrize("server", [LOCK_STEP, ()], ids=["lock-step", "no waiting"], indirect=True)
def test_two_episodes_get_the_driver_s_own_verdicts(
    server: EmbeddedServer,
    road_map: RoadMap,
    route_file: Path,
    watch: Callable[..., Watcher],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """The same to the last digit, also of a server that does not wait, unless the watcher says that it was too slow."""
    waits = request.node.callspec.params["server"] == LOCK_STEP
    client = connect(server.address)
    before = {actor.type_id for actor in client.get_world().get_actors()}
    planner = EvaluatorPlanner(road_map.carla_map)
    routes = {spec.route_id: planner.trace(spec.waypoints) for spec in load_routes(route_file)}
    for attempt in range(ATTEMPTS):
        watcher = watch(server, route_file, tmp_path / str(attempt) / "seen.json")
        own = [drive(client, road_map, route, route_id, 0) for route_id, route in routes.items()]
        assert watcher.end() == 0, watcher.said()
        assert sum(result.infractions_total for result in own) > 0, (
            "the drive has to give the criteria something to find"
        )
        if "note:" not in watcher.said():
            break
        if not waits:
            return
    assert "note:" not in watcher.said()
    write_result_file(tmp_path / "own.json", leaderboard_file(own))
    seen, known = (json.loads(path.read_text()) for path in (watcher.out, tmp_path / "own.json"))
    assert without_machine_time(seen) == without_machine_time(known)
    events = json.loads(watcher.out.with_name("seen_events.json").read_text())["episodes"]
    for result, episode in zip(own, events, strict=True):
        assert {name: value for name, value in episode["values"].items() if name not in WATCHING} == result.values
        assert episode["values"]["frames_missed_total"] == 0
        assert [i["message"] for i in episode["infractions"]] == [i.message for i in result.infractions]
        assert [i["frame"] for i in episode["infractions"]] == [i.frame for i in result.infractions]
    assert sorted(path.name for path in watcher.out.with_name("seen_episodes").iterdir()) == [
        "0_rep0.json",
        "1_rep0.json",
    ]
    after = {actor.type_id for actor in client.get_world().get_actors()}
    assert not {kind for kind in after - before if kind.startswith("sensor")}, "its sensors are gone"


def spawn_hero(world: carla.World, pose: carla.Transform) -> carla.Vehicle:
    blueprint = world.get_blueprint_library().find("vehicle.lincoln.mkz_2020")
    blueprint.set_attribute("role_name", "hero")
    hero = world.spawn_actor(blueprint, pose)
    assert isinstance(hero, carla.Vehicle)
    return hero


def synchronous(client: carla.Client) -> carla.World:
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    return world


@pytest.fixture
def start(road_map: RoadMap, route_file: Path) -> carla.Transform:
    """Where the first route begins."""
    route = EvaluatorPlanner(road_map.carla_map).trace(load_routes(route_file)[0].waypoints)
    x, y, z = route.points[0].tolist()
    return carla.Transform(carla.Location(x, y, z), carla.Rotation(yaw=float(route.yaw_deg[0])))


def go(world: carla.World, hero: carla.Vehicle, ticks: int) -> None:
    for _ in range(ticks):
        hero.apply_control(carla.VehicleControl(throttle=0.5))
        world.tick()


def test_an_ego_that_is_gone_before_its_end_is_stopped_and_the_next_one_is_judged_anew(
    server: EmbeddedServer, route_file: Path, start: carla.Transform, watch: Callable[..., Watcher], tmp_path: Path
) -> None:
    """An ego away from every start is left alone; one that goes with its world is judged as far as it came."""
    watcher = watch(server, route_file, tmp_path / "seen.json", "--route", "0", "--repetitions", "2")
    client = connect(server.address)
    world = synchronous(client)
    elsewhere = max(world.get_map().get_spawn_points(), key=lambda pose: pose.location.distance(start.location))
    stranger = spawn_hero(world, elsewhere)
    go(world, stranger, 20)
    watcher.wait_for("away from the start of every route")
    stranger.destroy()
    world.tick()
    go(world, spawn_hero(world, start), 60)
    client.load_world(TOWN, reset_settings=False)
    world = client.get_world()
    for _ in range(5):
        world.tick()
    watcher.wait_for("route 0: stopped")
    hero = spawn_hero(world, start)
    go(world, hero, 80)
    hero.destroy()
    world.tick()
    assert watcher.end() == 0, watcher.said()
    records = json.loads(watcher.out.read_text())["_checkpoint"]["records"]
    assert [record["route_id"] for record in records] == ["RouteScenario_0_rep0", "RouteScenario_0_rep1"]
    assert [record["status"] for record in records] == ["Failed", "Failed"]
    assert all(0.0 < record["scores"]["score_route"] < 50.0 for record in records)
    assert records[1]["meta"]["duration_game"] > records[0]["meta"]["duration_game"]


def test_ctrl_c_keeps_what_was_judged_and_leaves_the_world_as_it_was(
    server: EmbeddedServer, route_file: Path, start: carla.Transform, watch: Callable[..., Watcher], tmp_path: Path
) -> None:
    watcher = watch(server, route_file, tmp_path / "seen.json", "--route", "0", "--repetitions", "9")
    client = connect(server.address)
    world = synchronous(client)
    first = spawn_hero(world, start)
    go(world, first, 40)
    watcher.wait_for("judging")
    first.destroy()
    world.tick()
    watcher.wait_for("route 0: stopped")
    hero = spawn_hero(world, start)
    while len(world.get_actors().filter("sensor.*")) < 2:
        go(world, hero, 1)
    sensors = [actor.type_id for actor in world.get_actors().filter("sensor.*")]
    assert sorted(sensors) == ["sensor.other.collision", "sensor.other.lane_invasion"]
    watcher.process.send_signal(signal.SIGINT)
    assert watcher.end() == 130, watcher.said()
    assert "1 of 9 episodes were judged" in watcher.said()
    assert len(json.loads(watcher.out.read_text())["_checkpoint"]["records"]) == 1
    go(world, hero, 5)
    assert not list(world.get_actors().filter("sensor.*")), "its sensors are gone, the ego is not"


def test_the_end_of_the_server_ends_the_watch(
    server: EmbeddedServer, route_file: Path, start: carla.Transform, watch: Callable[..., Watcher], tmp_path: Path
) -> None:
    watcher = watch(server, route_file, tmp_path / "seen.json")
    world = synchronous(connect(server.address))
    go(world, spawn_hero(world, start), 40)
    watcher.wait_for("judging")
    server.kill()
    assert watcher.end() == 3, watcher.said()
    assert "0 of 2 episodes were judged" in watcher.said()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--attach", "127.0.0.1:9"), "--routes"),
        (("--attach", "nowhere", "--routes", "FILE"), "HOST:PORT"),
        (("--attach", "127.0.0.1:9", "--routes", "FILE", "--route", "17"), "17"),
        (("--attach", "127.0.0.1:9", "--routes", "FILE", "results.json"), "leave the files out"),
        (("--attach", "127.0.0.1:9", "--routes", "FILE", "--repetitions", "0"), "--repetitions"),
        ((), "--attach"),
    ],
)
def test_bad_input_is_named(
    arguments: tuple[str, ...], named: str, route_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(route_file) if argument == "FILE" else argument for argument in arguments]
    assert main(["score", *given]) == 2
    assert named in capsys.readouterr().err


def test_nobody_there_is_infrastructure(route_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "--attach", "127.0.0.1:9", "--routes", str(route_file)]) == 3
    assert "127.0.0.1:9" in capsys.readouterr().err
