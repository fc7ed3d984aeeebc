"""What a client feels when its server ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import carla
import pytest
from waits import LONG_S, until

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

ATTEMPTS = 5
"""A client that gets no turn for as long as the server's farewell lasts is too late on any machine."""
LATE_QUESTIONS = """
import socket, sys, threading, time
def pump(source, sink):
    while data := source.recv(65536):
        if b"query_lights_state" in data:
            time.sleep(0.03)
        sink.sendall(data)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    near = listener.accept()[0]
    far = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    for pair in ((near, far), (far, near)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""
"""A relay that holds a client's question for the lights back a little, as a busy machine may."""

LIGHTS_CHANGE_AS_THE_SERVER_ENDS = """
import subprocess, sys, time, carla
from alpamayo_sim.client.embedded import EmbeddedServer, die_with_parent
kept = []
for _ in range(int(sys.argv[1])):
    with EmbeddedServer("Gridvale") as server:
        relay = subprocess.Popen(
            [sys.executable, "-c", sys.argv[2], str(server.address.port)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent,
        )
        client = carla.Client("127.0.0.1", int(relay.stdout.readline()))
        client.set_timeout(60.0)
        world = client.get_world()
        world.apply_settings(carla.WorldSettings(synchronous_mode=True, fixed_delta_seconds=0.05))
        manager = world.get_lightmanager()
        world.tick()
        manager.turn_off(manager.get_all_lights())
        world.tick()
        time.sleep(0.3)
        world.tick()
        kept.append((client, world, manager))
        client.set_timeout(3.0)
    kept.append(relay)
time.sleep(4.0)
for relay in kept[1::2]:
    relay.kill()
print("alive", flush=True)
"""


def test_a_client_that_watches_the_lights_survives_the_end_of_its_server() -> None:
    """CARLA's client asks for the lights when a state says that they changed, and aborts when nobody answers."""
    command = [sys.executable, "-c", LIGHTS_CHANGE_AS_THE_SERVER_ENDS, "3", LATE_QUESTIONS]
    for _ in range(ATTEMPTS):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.endswith("alive\n"):
            return
        assert done.returncode < 0, f"it ended by an error, not by a signal: {done.stderr[-2000:]}"
    raise AssertionError(f"aborted {ATTEMPTS} times: {done.stderr[-2000:]}")


def answers_after(number: signal.Signals) -> int:
    """Return how many calls a server answers after a signal; its world stands still meanwhile, and it ends."""
    with EmbeddedServer("Gridvale") as server:
        client = connect(server.address)
        world = client.get_world()
        world.wait_for_tick(LONG_S)
        published_s: list[float] = []
        world.on_tick(lambda state: published_s.append(state.timestamp.platform_timestamp))
        client.set_timeout(2.0)
        os.kill(server.pid, number)
        signalled_s = time.monotonic()
        answered = 0
        try:
            while time.monotonic() - signalled_s < LONG_S:
                world.get_weather()
                answered += 1
        except RuntimeError:
            pass
        until(lambda: not server.running)
        # The clock is this machine's, so states that were on their way to the client do not count.
        assert sum(each > signalled_s for each in published_s) < 20
        return answered


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_world_stands_still_and_calls_are_answered_until_the_server_is_gone(number: signal.Signals) -> None:
    assert any(answers_after(number) > 10 for _ in range(ATTEMPTS))


def test_a_second_signal_ends_it_at_once() -> None:
    with EmbeddedServer("Gridvale") as server:
        client = carla.Client(server.address.host, server.address.port)
        client.set_timeout(LONG_S)
        client.get_world()
        os.kill(server.pid, signal.SIGTERM)
        os.kill(server.pid, signal.SIGTERM)
        until(lambda: not server.running)
