"""A drive with TrafficManager, recorded, and played back by a fresh server."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import carla
import pytest
from recorded_traffic import NAME, place_of, pose_of

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

TICKS = 120
CENTIMETRE = 0.01


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder of the recording, and what the client saw while it was made."""
    folder = tmp_path_factory.mktemp("recordings")
    script = Path(__file__).parent / "recorded_traffic.py"
    for _ in range(5):  # CARLA's TrafficManager may abort its process
        result = subprocess.run(
            [sys.executable, str(script), str(folder), str(TICKS)], capture_output=True, text=True, check=False
        )
        if result.returncode == 0:
            return folder, json.loads(result.stdout.splitlines()[-1])
    pytest.fail(f"the drive ended with {result.returncode}: {result.stderr[-2000:]}")


@pytest.fixture(scope="module")
def fresh(drive: tuple[Path, dict[str, Any]]) -> Iterator[carla.Client]:
    """A client of a server that knows nothing but the recording; its world is synchronous."""
    with EmbeddedServer("Gridvale", seed=99, extra_args=("--recordings", str(drive[0]))) as server:
        client = connect(server.address)
        world = client.get_world()
        settings = world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
        world.apply_settings(settings)
        yield client


def _apart(now: list[float], then: list[float]) -> tuple[float, float]:
    """Return how far two poses are apart, in metres and degrees."""
    angles = [abs((a - b + 180.0) % 360.0 - 180.0) for a, b in zip(now[3:], then[3:], strict=True)]
    return math.dist(now[:3], then[:3]), max(angles)


def test_replay_shows_what_was_recorded(drive: tuple[Path, dict[str, Any]], fresh: carla.Client) -> None:
    _, told = drive
    world = fresh.get_world()
    text = fresh.replay_file(NAME, 0.0, 0.0, 0)
    assert f"Total time recorded: {(TICKS - 1) * 0.05:g}\n" in text
    signals = list(world.get_actors().filter("traffic.traffic_light"))
    farthest, turned, compared = 0.0, 0.0, 0
    driven, moved = told["cars"][0], 0.0
    # as in CARLA, places come one frame later than events, signals and lamps
    for then, soon in itertools.pairwise(told["ticks"]):
        world.tick()
        snapshot = world.get_snapshot()
        for actor_id, pose in then["poses"].items():
            state = snapshot.find(int(actor_id))
            if state is None:
                assert actor_id not in soon["poses"], f"{actor_id} is missing"
                continue
            metres, degrees = _apart(pose_of(state), pose)
            farthest, turned, compared = max(farthest, metres), max(turned, degrees), compared + 1
        moved = max(moved, _apart(then["poses"][str(driven)], told["ticks"][0]["poses"][str(driven)])[0])
        assert {place_of(light): int(light.state) for light in signals} == soon["signals"]
        for car in world.get_actors([int(i) for i in soon["poses"] if int(i) in told["cars"]]):
            # TrafficManager sets lamps between ticks, before or after this client has asked for them
            assert int(car.get_light_state()) in (then["lamps"][str(car.id)], soon["lamps"][str(car.id)])
    assert farthest < CENTIMETRE and turned < 0.05, (farthest, turned)
    assert compared > 20 * TICKS and moved > 5.0
    assert len({str(then["signals"]) for then in told["ticks"]}) > 1, "no signal ever changed"
    assert len({lamp for then in told["ticks"] for lamp in then["lamps"].values()}) > 1, "no lamp was ever lit"
    assert world.get_snapshot().find(told["cars"][-1]) is None, "what was destroyed while recording is gone"


def test_frames_between_are_interpolated(drive: tuple[Path, dict[str, Any]], fresh: carla.Client) -> None:
    _, told = drive
    world = fresh.get_world()
    car = str(told["cars"][0])
    fresh.set_replayer_time_factor(0.5)
    try:
        fresh.replay_file(NAME, 0.0, 0.0, 0)
        for tick in range(2, 42):
            world.tick()
            if tick == 2:
                world.tick()
            # after `tick` half steps frame tick // 2 + 1 lasts, between the places of the frame before and of this one
            before, after = (told["ticks"][tick // 2 - 1 + k]["poses"][car][:3] for k in (0, 1))
            share = 0.5 * (tick % 2)
            expected = [a + share * (b - a) for a, b in zip(before, after, strict=True)]
            shown = pose_of(world.get_snapshot().find(int(car)))
            assert math.dist(shown[:3], expected) < CENTIMETRE, tick
    finally:
        fresh.set_replayer_time_factor(1.0)
        fresh.stop_replayer(True)


@pytest.mark.parametrize(("start_s", "first"), [(2.0, 40), (-2.95, 60)])
def test_start_counts_from_the_beginning_or_the_end(
    drive: tuple[Path, dict[str, Any]], fresh: carla.Client, start_s: float, first: int
) -> None:
    _, told = drive
    world = fresh.get_world()
    car = str(told["cars"][1])
    text = fresh.replay_file(NAME, start_s, 1.0, 0)
    assert f"Replaying from {first * 0.05:g} s - {first * 0.05 + 1.0:g} s" in text
    for tick in range(first, first + 18):
        world.tick()
        shown = pose_of(world.get_snapshot().find(int(car)))
        recorded = (told["ticks"][k]["poses"][car] for k in (tick - 1, tick, tick + 1))
        assert min(_apart(shown, pose)[0] for pose in recorded) < CENTIMETRE
    for _ in range(3):
        world.tick()
    world.get_actor(int(car)).apply_control(carla.VehicleControl(throttle=1.0))
    before = pose_of(world.get_snapshot().find(int(car)))
    for _ in range(60):
        world.tick()
    assert _apart(pose_of(world.get_snapshot().find(int(car))), before)[0] > 1.0, "after its duration physics go on"


def test_queries_on_the_recording(drive: tuple[Path, dict[str, Any]], fresh: carla.Client) -> None:
    _, told = drive
    info = fresh.show_recorder_file_info(NAME, True)
    assert info.startswith("Version: 1\nMap: Gridvale\nDate: ")
    assert info.endswith(f"\nFrames: {TICKS}\nDuration: {(TICKS - 1) * 0.05:g} seconds\n")
    assert f" Destroy {told['cars'][-1]}\n" in info
    assert f"  Id: {told['cars'][0]}\n  Doors opened:  Front Left \n" in info
    assert info.count(" Physics Control events: ") == 1 and " Dynamic actors: " in info
    blocked = fresh.show_recorder_actors_blocked(NAME, 1.0, 100.0)
    assert "    Time     Id Actor                                 Duration\n" in blocked
    assert " spectator " in blocked
