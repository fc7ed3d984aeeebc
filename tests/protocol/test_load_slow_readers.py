"""Subscribers that read slowly or not at all: who loses what, and that the world goes on."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator

import carla
import psutil
import pytest
from soak_server import Soak
from test_malformed import RawClient
from waits import LONG_S

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.server.back_pressure import CLOGGED_PATIENCE_S, MAX_QUEUED_MESSAGES, MAX_TOTAL_BYTES

MEGABYTE = 1 << 20
HEADER = struct.Struct("<QQd")


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedServer]:
    """A server as users have it: half a second is its patience with readers."""
    with EmbeddedServer("Gridvale", seed=1, environment={"ALPAMAYO_PATIENCE": "1"}) as running:
        yield running


@pytest.fixture
def patient_server() -> Iterator[EmbeddedServer]:
    """A server that waits for a minute for a reader that gets no turn."""
    with EmbeddedServer("Gridvale", seed=1, environment={"ALPAMAYO_PATIENCE": "120"}) as running:
        yield running


@contextlib.contextmanager
def synchronous(server: EmbeddedServer) -> Iterator[carla.World]:
    world = connect(server.address).load_world("Gridvale")
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    yield world
    settings.synchronous_mode = False
    world.apply_settings(settings)


@pytest.fixture
def own_world(own_server: EmbeddedServer) -> Iterator[carla.World]:
    with synchronous(own_server) as world:
        yield world


class Reader:
    """A raw subscriber of one stream with a small receive buffer."""

    def __init__(self, port: int, stream_id: int) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(struct.pack("<I", stream_id))
        self.frames: list[int] = []

    def read_one(self, pause_s: float = 0.0) -> None:
        size = struct.unpack("<I", self._read(4))[0]
        payload = self._read(size)
        self.frames.append(HEADER.unpack_from(payload)[1])
        time.sleep(pause_s)

    def _read(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            part = self.socket.recv(min(size, 1 << 16))
            if not part:
                raise ConnectionError("closed")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def test_synchronous_world_waits_for_a_slow_reader_that_then_misses_nothing(patient_server: EmbeddedServer) -> None:
    ticks = 6 * MAX_QUEUED_MESSAGES
    with synchronous(patient_server) as world:
        reader = Reader(patient_server.address.port + 1, 1)
        reader.read_one()
        thread = threading.Thread(target=lambda: [reader.read_one(0.0005) for _ in range(ticks)])
        thread.start()
        frames = [world.tick() for _ in range(ticks)]
        thread.join(LONG_S)
        reader.socket.close()
    assert reader.frames[1:] == frames


def test_reader_that_stops_reading_costs_a_moment_once_and_later_gets_the_newest(
    own_server: EmbeddedServer, own_world: carla.World
) -> None:
    reader = Reader(own_server.address.port + 1, 1)
    reader.read_one()
    ticks = 12 * MAX_QUEUED_MESSAGES
    start_s = time.monotonic()
    frames = [own_world.tick() for _ in range(ticks)]
    assert frames == list(range(frames[0], frames[0] + ticks))
    assert time.monotonic() - start_s < ticks * CLOGGED_PATIENCE_S / 10.0, "not waited for at every tick"
    while reader.frames[-1] < frames[-1]:
        reader.read_one()
    reader.socket.close()
    assert reader.frames == sorted(set(reader.frames)), "whole messages, in order"
    assert MAX_QUEUED_MESSAGES < len(reader.frames) < ticks
    assert reader.frames[-MAX_QUEUED_MESSAGES:] == frames[-MAX_QUEUED_MESSAGES:]


def test_queues_of_many_readers_together_are_bounded(own_server: EmbeddedServer, own_world: carla.World) -> None:
    process = psutil.Process(own_server.pid)
    blueprint = own_world.get_blueprint_library().find("sensor.camera.rgb")
    blueprint.set_attribute("image_size_x", "320")
    blueprint.set_attribute("image_size_y", "180")
    sensor = own_world.spawn_actor(blueprint, carla.Transform(carla.Location(z=50.0)))
    with RawClient(own_server.address.port) as raw:
        token = raw.call("get_actors_by_id", [sensor.id])[0][1][0][-1]
    stream_id = struct.unpack_from("<I", token)[0]
    before = process.memory_info().rss
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(Reader(own_server.address.port + 1, stream_id).socket)
        frames = [own_world.tick() for _ in range(60)]
        assert frames == list(range(frames[0], frames[0] + 60))
        assert process.memory_info().rss - before < MAX_TOTAL_BYTES + 250 * MEGABYTE, "40 x 32 MiB would be more"
    sensor.destroy()


def test_statistics_are_logged_on_request(own_server: EmbeddedServer, own_world: carla.World) -> None:
    soak = Soak(own_server, 1, 0, 0)
    before = soak.sample()
    reader = Reader(own_server.address.port + 1, 1)
    reader.read_one()
    for _ in range(12 * MAX_QUEUED_MESSAGES):
        own_world.tick()
    found = soak.sample()
    reader.socket.close()
    assert found["frame"] >= before["frame"] + 12 * MAX_QUEUED_MESSAGES
    assert found["dropped_messages"] > before["dropped_messages"] and found["queued_bytes"] > 0
    assert own_server.running
