"""A town, a route, and a finished run to look at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_bench import DRIVES, changed, make_run
from synthetic_drive import drive

from alpamayo_sim.metrics.episode_metrics import EpisodeMetrics
from alpamayo_sim.metrics.episode_result import EpisodeIdentity, summarise
from alpamayo_sim.metrics.tick import CollisionEvent, TickRecord
from alpamayo_sim.record.episode_recorder import EpisodeRecorder
from alpamayo_sim.record.run_folder import RunFolder
from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.route_planner import Route, RoutePlanner

HOSTILE = 'Stop </script><script>alert(1)</script> & "wait" \ud800 信号が赤なので止まります 🚦'


@pytest.fixture(scope="session")
def road_map() -> RoadMap:
    return load_road_map("Gridvale")


@pytest.fixture(scope="session")
def route(road_map: RoadMap) -> Route:
    return RoutePlanner(road_map.carla_map).random_route(np.random.default_rng(7), 300.0, 500.0)


@pytest.fixture(scope="session")
def ticks(road_map: RoadMap, route: Route) -> list[TickRecord]:
    """Eight seconds at 20 Hz with a collision after three."""
    records = list(drive(road_map, route, seconds=8.0, others=25, reasoning=HOSTILE))
    hit = CollisionEvent(60, 3.0, 101, "vehicle.tesla.model3", 1200.0)
    records[60] = replace(records[60], collisions=(hit,))
    return records


@pytest.fixture(scope="session")
def identity() -> EpisodeIdentity:
    return EpisodeIdentity("route-1_seed-3", "Gridvale", "route-1", "expert", 3, "embedded")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return new_run(tmp_path)


@pytest.fixture(scope="session")
def bench_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A benchmark run of seven episodes; tests only read it, or write its pages again."""
    return make_run(tmp_path_factory.mktemp("bench"), "before", DRIVES)


@pytest.fixture(scope="session")
def second_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The same routes driven differently."""
    return make_run(tmp_path_factory.mktemp("bench"), "after", changed(DRIVES), agent="route_follower")


def new_run(folder: Path) -> RunFolder:
    return RunFolder.create(folder / "runs", "drive", {"town": "Gridvale", "agent": {"name": "expert"}})


@pytest.fixture(scope="session")
def finished_run(
    tmp_path_factory: pytest.TempPathFactory,
    road_map: RoadMap,
    route: Route,
    ticks: list[TickRecord],
    identity: EpisodeIdentity,
) -> RunFolder:
    """A run with one episode; tests only read it, or write its report again."""
    run = new_run(tmp_path_factory.mktemp("finished"))
    metrics = EpisodeMetrics(road_map, route)
    with EpisodeRecorder(run, identity, road_map, route, details={"weather": "<ClearNoon>"}) as recorder:
        for tick in ticks:
            recorder.write(tick, metrics.update(tick))
        result = metrics.result(identity, wall_time_s=2.0)
        recorder.close(result)
    run.write_summary(summarise([result]))
    return run
