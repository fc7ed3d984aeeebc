"""A new episode begins after the answer that announces it: CARLA's client library aborts its process otherwise.

On `load_world` the library subscribes to the world's state anew; a message that it handles in that moment ends the new
subscription.
"""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
from collections.abc import Iterator

import pytest
from test_malformed import RawClient
from waits import LONG_S, newest_tick, until

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

EPISODE = struct.Struct("<Q")
EPISODE_OFFSET = 48
ATTEMPTS = 4
"""CARLA's client library may abort all the same when its thread gets no turn in the middle of handling a message."""


class Follower:
    """A raw subscriber of the world's state."""

    def __init__(self, raw: RawClient) -> None:
        token = raw.call("get_episode_info")[0][1][1][0]
        stream_id, port = struct.unpack_from("<IH", token)
        raw.call("get_sensor_token", stream_id)
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=LONG_S)
        self.socket.sendall(struct.pack("<I", stream_id))

    def next(self) -> int:
        """Return the episode of the next message."""
        size = struct.unpack("<I", self._read(4))[0]
        payload = self._read(size)
        return EPISODE.unpack_from(payload, EPISODE_OFFSET)[0]

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            assert more
            data += more
        return data

    def quiet_for(self, seconds: float) -> bool:
        self.socket.settimeout(seconds)
        try:
            return not self.socket.recv(1, socket.MSG_PEEK)
        except (TimeoutError, BlockingIOError):
            return True
        finally:
            self.socket.settimeout(LONG_S)


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedServer]:
    """A server that waits for a minute where others wait for half a second, so that these tests may be slow."""
    with EmbeddedServer("Gridvale", seed=1, environment={"ALPAMAYO_PATIENCE": "120"}) as running:
        yield running


def test_new_episode_waits_until_the_caller_has_subscribed_again(own_server: EmbeddedServer) -> None:
    with RawClient(own_server.address.port) as raw:
        first = Follower(raw)
        old = first.next()
        assert raw.call("load_new_episode", "", True, 0xFFFF) == [[False]]
        while not first.quiet_for(0.0):
            assert first.next() == old, "published before the answer"
        assert first.quiet_for(0.1), "published between the answer and the new subscription"
        assert raw.call("get_episode_info")[0][1][0] == old, "as in CARLA, whose map change takes a while"
        again = Follower(raw)
        assert again.next() == old, "the state at hand comes at once"
        assert again.next() == old + 1
        assert first.next() == old + 1
        assert raw.call("get_episode_info")[0][1][0] == old + 1


def test_caller_that_does_not_subscribe_again_gets_its_episode_too() -> None:
    with (
        EmbeddedServer("Gridvale", environment={"ALPAMAYO_PATIENCE": "1"}) as server,
        RawClient(server.address.port) as raw,
    ):
        old = raw.call("get_episode_info")[0][1][0]
        raw.call("load_new_episode", "", True, 0xFFFF)
        until(lambda: raw.call("get_episode_info")[0][1][0] == old + 1)


def test_caller_that_dies_does_not_leave_the_world_standing(own_server: EmbeddedServer) -> None:
    with RawClient(own_server.address.port) as raw:
        raw.call("load_new_episode", "", True, 0xFFFF)
    world = connect(own_server.address).get_world()
    assert newest_tick(world).frame < newest_tick(world).frame


RELOADS = """
import os, sys, carla
client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(120.0)
world = client.get_world()
settings = world.get_settings()
settings.synchronous_mode, settings.fixed_delta_seconds = sys.argv[2] == "synchronous", 0.05
world.apply_settings(settings)
for _ in range(int(sys.argv[3])):
    world = client.reload_world(False)
    world.tick() if settings.synchronous_mode else world.wait_for_tick()
print("survived", flush=True)
os._exit(0)
"""


def reload(server: EmbeddedServer, mode: str, times: int, attempts: int = 1) -> None:
    command = [sys.executable, "-c", RELOADS, str(server.address.port), mode, str(times)]
    for _ in range(attempts):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if "survived" in done.stdout:
            return
        assert done.returncode < 0, f"it ended by an error, not by a signal: {done.stderr[-2000:]}"
    raise AssertionError(f"{done.returncode}: {done.stderr[-2000:]}")


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_client_survives_many_reloads(own_server: EmbeddedServer, mode: str) -> None:
    reload(own_server, mode, 12, ATTEMPTS)


@pytest.mark.full
@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_client_survives_very_many_reloads(own_server: EmbeddedServer, mode: str) -> None:
    reload(own_server, mode, 400)
