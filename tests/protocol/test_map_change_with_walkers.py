"""Changing the map in a client whose AI walkers are walking, as programs after `generate_traffic.py` may do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ATTEMPTS = 4
"""CARLA's client library may abort all the same when its threads get no turn in the middle of a change."""
CLIENT = """
import sys
import carla
from navigated_walkers import start_crowd
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

changes, synchronous = int(sys.argv[1]), sys.argv[2] == "synchronous"
with EmbeddedServer("Gridvale") as server:
    client = connect(server.address, timeout_s=120.0)
    lights = client.get_world().get_lightmanager()
    for change in range(changes):
        world = client.load_world(("Oldwick", "Gridvale")[change % 2])
        world.apply_settings(carla.WorldSettings(synchronous_mode=synchronous, fixed_delta_seconds=0.05))
        crowd = start_crowd(client, 10, 0.2, seed=change)
        walkers = world.get_actors(crowd.walkers)
        starts = [walker.get_location() for walker in walkers]
        for _ in range(20):
            world.tick() if synchronous else world.wait_for_tick()
        print(max(walker.get_location().distance(start) for walker, start in zip(walkers, starts)), flush=True)
print("ended", flush=True)
"""


def _distances_m(changes: int, mode: str) -> list[float]:
    """Return how far the fastest walker came on each map; nobody stops or destroys walkers before the next one is loaded."""
    for _ in range(ATTEMPTS):
        done = subprocess.run(
            [sys.executable, "-c", CLIENT, str(changes), mode],
            capture_output=True, text=True, check=False, cwd=Path(__file__).parent,
        )  # fmt: skip
        if done.returncode >= 0:
            break
    assert done.returncode == 0, done.stderr[-2000:]
    *distances, last = done.stdout.split()
    assert last == "ended"
    return [float(distance) for distance in distances]


@pytest.mark.parametrize("changes", [2, pytest.param(120, marks=[pytest.mark.full, pytest.mark.timeout(1200)])])
@pytest.mark.parametrize("mode", ["synchronous", "asynchronous"])
def test_load_world_with_walkers_on_their_way(mode: str, changes: int) -> None:
    distances = _distances_m(changes, mode)
    assert len(distances) == changes
    assert min(distances) > 0.3, "walkers walk on every map"
