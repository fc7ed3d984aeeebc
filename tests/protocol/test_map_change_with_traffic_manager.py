"""Changing the map in a client that has a TrafficManager, which benchmark evaluators do for every route."""

from __future__ import annotations

import subprocess
import sys

import pytest

from alpamayo_sim.client.embedded import EmbeddedServer

ATTEMPTS = 8
PATIENCE_S = 60.0
CLIENT = """
import socket, sys
import carla

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    free_port = probe.getsockname()[1]
client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(30.0)
settings = carla.WorldSettings(synchronous_mode=sys.argv[2] == "synchronous", fixed_delta_seconds=0.05)
client.get_world().apply_settings(settings)
manager = client.get_trafficmanager(free_port)
manager.set_synchronous_mode(settings.synchronous_mode)
for _ in range(2):
    print("loading", flush=True)
    world = client.load_world("Gridvale", reset_settings=False)
    print("loaded", flush=True)
    spawn = world.get_map().get_spawn_points()[0]
    car = world.spawn_actor(world.get_blueprint_library().find("vehicle.audi.tt"), spawn)
    car.set_autopilot(True, manager.get_port())
    driven_m = 0.0
    while driven_m < 1.0:
        world.tick() if settings.synchronous_mode else world.wait_for_tick()
        state = world.get_snapshot().find(car.id)
        driven_m = state.get_transform().location.distance(spawn.location) if state else 0.0
    print("driving", flush=True)
settings.synchronous_mode = False
world.apply_settings(settings)
manager.shut_down()
"""


def _run(port: int, mode: str) -> list[str] | None:
    """Return what the client printed; None if a tick hangs, which the client library's TrafficManager does now and then."""
    command = [sys.executable, "-c", CLIENT, str(port), mode]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired as hung:
        printed = (hung.stdout or b"").decode().split()
        assert printed
        assert printed[-1] == "loaded", "load_world hangs"
        return None
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().split()


@pytest.mark.parametrize("mode", ["synchronous", "asynchronous"])
def test_load_world_right_after_the_start_of_a_traffic_manager(mode: str) -> None:
    """The client library crashes if the new episode is heard of too early, or its TrafficManager is in mid-step."""
    with EmbeddedServer("Gridvale", seed=1) as server:
        runs = [_run(server.address.port, mode) for _ in range(ATTEMPTS)]
    whole = [printed for printed in runs if printed is not None]
    assert len(whole) > len(runs) // 2
    for printed in whole:
        assert printed == ["loading", "loaded", "driving"] * 2
