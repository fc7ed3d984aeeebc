"""Lock-step: a driver in another process that only follows the world handles every frame of a client that ticks at full speed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import carla
import pytest
from waits import until

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

DRIVER = Path(__file__).with_name("following_driver.py")
LONG_PATIENCE_S, PATIENCE_S = 60.0, 0.3
DRIVES = [
    ("batch", 300, LONG_PATIENCE_S),
    # Controls that do not change are not sent, and each such frame costs the patience.
    pytest.param("call", 120, PATIENCE_S, marks=pytest.mark.full),
    pytest.param("batch", 5000, LONG_PATIENCE_S, marks=pytest.mark.full),
]
"""How a driver sends its controls, for how many frames, and how long a tick waits for it."""


@contextmanager
def ticking(patience_s: float) -> Iterator[tuple[EmbeddedServer, carla.World, carla.Vehicle]]:
    """A server in lock-step, a synchronous world of it and a car."""
    with EmbeddedServer("Gridvale", extra_args=("--lock-step", str(patience_s))) as server:
        world = connect(server.address).get_world()
        settings = world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
        world.apply_settings(settings)
        blueprint = world.get_blueprint_library().find("vehicle.lincoln.mkz_2020")
        car = world.spawn_actor(blueprint, world.get_map().get_spawn_points()[0])
        assert isinstance(car, carla.Vehicle)
        world.tick()
        yield server, world, car


@pytest.mark.parametrize(("way", "ticks", "patience_s"), DRIVES)
def test_external_driver_handles_every_frame(way: str, ticks: int, patience_s: float) -> None:
    with ticking(patience_s) as (server, world, car):
        start = car.get_location()
        command = [sys.executable, str(DRIVER), str(server.address.port), str(car.id), str(ticks), way]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
            assert driver.stdout is not None
            assert driver.stdout.readline().strip() == "ready"
            frames = [world.tick(2.0 * LONG_PATIENCE_S) for _ in range(ticks)]
            found = json.loads(driver.stdout.readline())
        overtaken = found.pop("overtaken")
        assert found == {"first": frames[0], "last": frames[-1], "handled": ticks}
        assert way == "call" or overtaken == 0, "the world has waited for every control"
        assert car.get_location().distance(start) > 5.0


def test_follower_that_is_stuck_costs_its_patience_and_no_more() -> None:
    with ticking(PATIENCE_S) as (server, world, _):
        bystander = connect(server.address).get_world()
        first = world.tick()
        until(lambda: bystander.get_snapshot().frame == first)
        start_s = time.monotonic()
        frames = [world.tick() for _ in range(4)]
        assert frames == list(range(first + 1, first + 5))
        assert time.monotonic() - start_s >= 3 * PATIENCE_S
        assert bystander.get_snapshot().frame <= frames[-1]


def test_a_client_alone_waits_for_nobody() -> None:
    with ticking(LONG_PATIENCE_S) as (_, world, _):
        start_s = time.monotonic()
        for _ in range(100):
            world.tick()
        assert time.monotonic() - start_s < 100 * LONG_PATIENCE_S / 2, "half of what one follower would cost"
