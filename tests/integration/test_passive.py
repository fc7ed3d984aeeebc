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
from command_line import PROGRAM, alpamayo

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

TOWN = "Gridvale"
PROFILE = "leaderboard-2.0"
PATIENCE_S = 60.0
KEY_POINT_EVERY = 20
WATCHING = {"frames_judged_total", "frames_missed_total", "events_late_total"}

pytestmark = pytest.mark.timeout(240)


class Watcher:
    """`alpamayo score --attach` in a process of its own."""

    def __init__(self, server: EmbeddedServer, routes: Path, out: Path, *more: str) -> None:
        self.out = out
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
    with EmbeddedServer(TOWN, seed=1, extra_args=getattr(request, "param", ())) as running:
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


@pytest.mark.parametrize("server", [("--lock-step", "0.05"), ()], ids=["lock-step", "no waiting"], indirect=True)
def test_two_episodes_get_the_driver_s_own_verdicts(
    server: EmbeddedServer, road_map: RoadMap, route_file: Path, watch: Callable[..., Watcher], tmp_path: Path
) -> None:
    """The same to the last digit, also of a server that does not wait: frames queue up in the client."""
    watcher = watch(server, route_file, tmp_path / "seen.json")
    client = connect(server.address)
    before = {actor.type_id for actor in client.get_world().get_actors()}
    planner = EvaluatorPlanner(road_map.carla_map)
    routes = {spec.route_id: planner.trace(spec.waypoints) for spec in load_routes(route_file)}
    own = [drive(client, road_map, route, route_id, 0) for route_id, route in routes.items()]
    assert watcher.end() == 0, watcher.said()
    assert sum(result.infractions_total for result in own) > 0, "the drive has to give the criteria something to find"

    write_result_file(tmp_path / "own.json", leaderboard_file(own))
    seen, known = (json.loads(path.read_text()) for path in (watcher.out, tmp_path / "own.json"))
    assert without_machine_time(seen) == without_machine_time(known)
    events = json.loads(watcher.out.with_name("seen_events.json").read_text())["episodes"]
    for result, episode in zip(own, events, strict=True):
        assert {name: value for name, value in episode["values"].items() if name not in WATCHING} == result.values
        assert episode["values"]["frames_missed_total"] == 0
        assert [i["message"] for i in episode["infractions"]] == [i.message for i in result.infractions]
        assert [i["frame"] for i in episode["infractions"]] == [i.frame for i in result.infractions]
    assert sorted(path.name for path in (tmp_path / "seen_episodes").iterdir()) == ["0_rep0.json", "1_rep0.json"]
    after = {actor.type_id for actor in client.get_world().get_actors()}
    assert not {kind for kind in after - before if kind.startswith("sensor")}, "its sensors are gone"
