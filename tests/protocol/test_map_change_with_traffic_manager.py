"""Changing the map in a client that has a TrafficManager, which benchmark evaluators do for every route."""

from __future__ import annotations

import subprocess
import sys

import pytest

from alpamayo_sim.client.embedded import EmbeddedServer

RUNS, WHOLE = 8, 5
"""Of so many runs so many have to be whole: the client library aborts or hangs now and then, whatever its server does."""
PATIENCE_S = 240.0
CLIENT = """
import sys
import carla
from alpamayo_scenarios.traffic_rescue import TrafficRescue
from alpamayo_sim.client.port_lease import lease_ports
from alpamayo_sim.client.synchronous import SynchronousWorld

client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(120.0)
settings = carla.WorldSettings(synchronous_mode=sys.argv[2] == "synchronous", fixed_delta_seconds=0.05)
client.get_world().apply_settings(settings)
lease = lease_ports(1)
manager = client.get_trafficmanager(lease.port)
manager.set_synchronous_mode(settings.synchronous_mode)
for _ in range(2):
    print("loading", flush=True)
    world = client.load_world("Gridvale", reset_settings=False)
    print("loaded", flush=True)
    stepper = SynchronousWorld(client, timeout_s=120.0)
    rescue = TrafficRescue(world, lease.port)
    spawn = world.get_map().get_spawn_points()[0]
    car = world.spawn_actor(world.get_blueprint_library().find("vehicle.audi.tt"), spawn)
    car.set_autopilot(True, lease.port)
    driven_m = 0.0
    while driven_m < 1.0:
        stepper.tick() if settings.synchronous_mode else world.wait_for_tick()
        state = world.get_snapshot().find(car.id)
        driven_m = state.get_transform().location.distance(spawn.location) if state else 0.0
    rescue.end()
    print("driving", flush=True)
settings.synchronous_mode = False
world.apply_settings(settings)
manager.shut_down()
"""


def _is_whole(port: int, mode: str) -> bool:
    """Run a client; return whether it came to its end, and not to one by a signal or to none at all."""
    command = [sys.executable, "-c", CLIENT, str(port), mode]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    assert done.returncode <= 0, done.stderr
    if done.returncode == 0:
        assert done.stdout.split() == ["loading", "loaded", "driving"] * 2
    return done.returncode == 0


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("mode", ["synchronous", "asynchronous"])
def test_load_world_right_after_the_start_of_a_traffic_manager(mode: str) -> None:
    """The client library crashes if the new episode is heard of too early, or its TrafficManager is in mid-step."""
    whole = lost = 0
    with EmbeddedServer("Gridvale", seed=1) as server:
        while whole < WHOLE and lost <= RUNS - WHOLE:
            if _is_whole(server.address.port, mode):
                whole += 1
            else:
                lost += 1
    assert whole == WHOLE, f"{lost} of {whole + lost} clients were lost"
