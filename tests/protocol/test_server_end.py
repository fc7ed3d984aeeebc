"""What a client feels when its server ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import carla
import pytest

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

LIGHTS_CHANGE_AS_THE_SERVER_ENDS = """
import sys, time, carla
from alpamayo_sim.client.embedded import EmbeddedServer
rounds = int(sys.argv[1])
kept = []
for _ in range(rounds):
    with EmbeddedServer("Gridvale") as server:
        client = carla.Client(server.address.host, server.address.port)
        client.set_timeout(3.0)
        world = client.get_world()
        settings = world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
        world.apply_settings(settings)
        manager = world.get_lightmanager()
        lamps = manager.get_all_lights()
        world.tick()
        manager.turn_off(lamps)
        world.tick()
        kept.append((client, world, manager))
time.sleep(4.0)
print("alive", flush=True)
"""


def ended(server: EmbeddedServer) -> bool:
    """Return whether the server ends within ten seconds."""
    for _ in range(100):
        if not server.running:
            return True
        time.sleep(0.1)
    return False


def test_a_client_that_watches_the_lights_survives_the_end_of_its_server() -> None:
    """CARLA's client asks for the lights when a state says that they changed, and aborts when nobody answers."""
    done = subprocess.run(
        [sys.executable, "-c", LIGHTS_CHANGE_AS_THE_SERVER_ENDS, "4"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and done.stdout.endswith("alive\n"), done.stderr[-2000:]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_world_stands_still_and_calls_are_answered_until_the_server_is_gone(number: signal.Signals) -> None:
    with EmbeddedServer("Gridvale") as server:
        client = connect(server.address, timeout_s=2.0)
        world = client.get_world()
        frame = world.wait_for_tick().frame
        os.kill(server.pid, number)
        answered = 0
        before = time.monotonic()
        try:
            while time.monotonic() - before < 30.0:
                world.get_weather()
                answered += 1
        except RuntimeError:
            pass
        assert answered > 10
        assert ended(server)
        assert world.get_snapshot().frame - frame < 20


def test_a_second_signal_ends_it_at_once() -> None:
    with EmbeddedServer("Gridvale") as server:
        client = carla.Client(server.address.host, server.address.port)
        client.set_timeout(2.0)
        client.get_world()
        os.kill(server.pid, signal.SIGTERM)
        os.kill(server.pid, signal.SIGTERM)
        assert ended(server)
