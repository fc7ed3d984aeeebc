"""Episodes driven again with one thing changed, on real servers; without TrafficManager, so that all is exact."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import carla
import numpy as np
import pytest

from alpamayo_scenarios.benchmark.plan import task_seed
from alpamayo_scenarios.counterfactual.branch import Branch, BranchResult, BranchStore, ReplaySpec
from alpamayo_scenarios.counterfactual.comparison import compare
from alpamayo_scenarios.counterfactual.interventions import (
    ActorRef,
    HoldLight,
    Intervention,
    MoveActors,
    RemoveActors,
    RenewDriver,
)
from alpamayo_scenarios.counterfactual.pool import BranchPool
from alpamayo_scenarios.suite import SUITES
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.errors import InputError

FIRST = 23
"""The frame of an episode's first tick, or nearly so."""


def episode(route_id: str, cache: Path, *, walkers: int = 0) -> ReplaySpec:
    """A route of the suite `abilities` in Gridvale without background traffic."""
    return ReplaySpec(
        "Gridvale",
        str(SUITES / "abilities.xml"),
        route_id,
        task_seed(0, route_id, 0),
        walkers=walkers,
        cache=str(cache),
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> BranchStore:
    """Drives that several tests use."""
    return BranchStore(tmp_path_factory.mktemp("counterfactual") / "drives")


def drive(store: BranchStore, *branches: Branch) -> list[BranchResult]:
    """The results of branches, all driven."""
    report = BranchPool(store, jobs=1).drive(branches)
    assert report.given_up == {}
    return [store.read(branch) for branch in branches]


@pytest.fixture(scope="module")
def crossing(store: BranchStore) -> Branch:
    """People cross the road before the ego: the drive as it was, looked at 3 s after its start."""
    replay = episode("1099", store.folder.parent / "maps", walkers=12)
    return Branch(replay, at_frame=FIRST + 55, until_frame=FIRST + 175)


def changed(crossing: Branch, *interventions: Intervention) -> Branch:
    """The same drive with interventions."""
    return replace(crossing, interventions=interventions)


def test_a_drive_comes_out_the_same_to_the_last_bit(store: BranchStore, crossing: Branch, tmp_path: Path) -> None:
    (once,) = drive(store, crossing)
    (again,) = drive(BranchStore(tmp_path), crossing)
    assert once.tape.equals(again.tape) and once.decisions == again.decisions and once.present == again.present
    assert once.tape.frame[-1] == crossing.until_frame and len(once.tape) > 150 and once.ended == ""
    assert (np.diff(once.tape.frame) == 1).all()


def test_without_the_pedestrians_the_ego_drives_on_and_without_a_bystander_as_before(
    store: BranchStore, crossing: Branch
) -> None:
    (factual,) = drive(store, crossing)
    here = factual.tape.pose[factual.tape.row_of(crossing.at_frame), :2]

    def away_m(actor: ActorRef) -> float:
        return float(np.hypot(actor.x_m - here[0], actor.y_m - here[1]))

    people = sorted((one for one in factual.present if one.type_id.startswith("walker.")), key=away_m)
    crossing_people = tuple(one for one in people if away_m(one) < 45.0)
    bystander = people[-1]
    assert crossing_people and bystander not in crossing_people
    gone, moved, control = drive(
        store,
        changed(crossing, RemoveActors(crossing_people)),
        changed(crossing, MoveActors(crossing_people)),
        changed(crossing, RemoveActors((bystander,))),
    )
    for result in (gone, moved):
        difference = compare(factual.tape, result.tape, crossing.at_frame)
        assert difference.changed and difference.speed_mps > 1.0, "the ego need not slow down"
    assert not compare(factual.tape, control.tape, crossing.at_frame).changed
    assert f"({bystander.actor_id})" in control.done[0]


def test_who_is_not_there_cannot_be_removed(store: BranchStore, crossing: Branch) -> None:
    nobody = ActorRef(1, "vehicle.audi.a2", 9999.0, 9999.0)
    (result,) = drive(store, changed(crossing, RemoveActors((nobody,))))
    assert "no vehicle.audi.a2 within" in result.not_applicable
    assert int(result.tape.frame[-1]) == crossing.at_frame


def test_a_light_held_green_lets_the_ego_go(store: BranchStore) -> None:
    replay = episode("1129", store.folder.parent / "maps")
    (factual,) = drive(store, Branch(replay, until_frame=FIRST + 330))
    stops = [frame for frame, longitudinal, _ in factual.decisions if longitudinal == "stop_for_red_light"]
    assert stops, "the route leads to a red light"
    keyframe = stops[0] - 10
    slowest = factual.tape.row_of(keyframe) + int(np.argmin(factual.tape.speed_mps[factual.tape.row_of(keyframe) :]))
    stands = factual.tape.pose[slowest, :2]
    with EmbeddedServer("Gridvale", cache_dir=Path(replay.cache)) as server:
        client = connect(server.address)
        lights = [light for light in client.get_world().get_actors() if isinstance(light, carla.TrafficLight)]
        stop_lines = {
            light.id: [(p.transform.location.x, p.transform.location.y) for p in light.get_stop_waypoints()]
            for light in lights
        }
    nearest = min(stop_lines, key=lambda one: min(float(np.hypot(*(stands - place))) for place in stop_lines[one]))
    green, fresh = drive(
        store,
        Branch(replay, keyframe, (HoldLight(nearest, "green"),), keyframe + 120),
        Branch(replay, keyframe, (RenewDriver(),), keyframe + 120),
    )
    difference = compare(factual.tape, green.tape, keyframe)
    assert difference.changed and difference.speed_mps > 1.0
    assert "held at green" in green.done[0]
    assert not compare(factual.tape, fresh.tape, keyframe).changed, "a driver set up afresh stops just so"


def test_a_pool_survives_its_workers_and_finds_what_is_there(tmp_path: Path, crossing: Branch) -> None:
    store = BranchStore(tmp_path)
    short = replace(crossing, at_frame=-1, until_frame=FIRST + 5)
    killed = threading.Thread(target=_kill_first_worker, args=(time.monotonic() + 60.0,))
    killed.start()
    report = BranchPool(store, jobs=1).drive([short, short])
    killed.join()
    assert (report.driven, report.found, report.given_up) == (1, 0, {})
    assert store.read(short).tape.frame[-1] == short.until_frame
    again = BranchPool(store, jobs=1).drive([short])
    assert (again.driven, again.found) == (0, 1)


def test_an_episode_that_cannot_be_driven_is_the_users_to_mend(tmp_path: Path, crossing: Branch) -> None:
    gone = replace(crossing, replay=replace(crossing.replay, route_file=str(tmp_path / "gone.xml")))
    with pytest.raises(InputError, match=r"gone\.xml"):
        BranchPool(BranchStore(tmp_path), jobs=1).drive([gone])


def _kill_first_worker(deadline: float) -> None:
    """Kill the first worker of this process that shows up."""
    mine = f"\nPPid:\t{os.getpid()}\n"
    while time.monotonic() < deadline:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                is_mine = mine in (folder / "status").read_text()
                if is_mine and b"counterfactual.worker" in (folder / "cmdline").read_bytes():
                    os.kill(int(folder.name), signal.SIGKILL)
                    return
            except (FileNotFoundError, ProcessLookupError):
                continue
        time.sleep(0.01)
