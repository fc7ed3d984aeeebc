"""What clients may make the server keep is bounded: requests, answers, cameras, connections."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

import carla
import msgpack
import psutil
import pytest
from test_malformed import RawClient
from waits import LONG_S, until

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

MEGABYTE = 1 << 20
MUCH_SENT = 100 * MEGABYTE
"""Half of what is sent at most: what the server reads before it refuses, and what lies in the kernel's buffers."""


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer("Gridvale", seed=1) as running:
        yield running


def sent_until_refused(port: int, head: bytes, rest: bytes, times: int) -> int:
    """Send `head`, then `rest` many times; return how many bytes were sent before the server closed the connection."""
    sent = 0
    with socket.create_connection(("127.0.0.1", port), timeout=LONG_S) as connection:
        try:
            connection.sendall(head)
            for _ in range(times):
                connection.sendall(rest)
                sent += len(rest)
        except (ConnectionError, TimeoutError):
            pass
    return sent


def test_a_request_without_end_is_refused(own_server: EmbeddedServer) -> None:
    head = b"\x94\x00\x01" + msgpack.packb("get_actors_by_id") + b"\xdd\x00\x00\x00\x02\x91\xc2\xdb\x03\x00\x00\x00"
    assert sent_until_refused(own_server.address.port, head, b"x" * MEGABYTE, 200) < MUCH_SENT


def test_a_small_request_of_very_many_things_is_refused(own_server: EmbeddedServer) -> None:
    process = psutil.Process(own_server.pid)
    before = process.memory_info().rss
    large = msgpack.packb("copy_opendrive_to_file")
    head = b"\x94\x00\x01" + large + b"\xdd\x00\x01\x00\x00"
    empty_arrays = b"\xdd\x00\x00\x04\x00" + b"\x90" * 1024
    assert sent_until_refused(own_server.address.port, head, empty_arrays * 256, 800) < MUCH_SENT
    with RawClient(own_server.address.port) as raw:
        assert raw.call("version") == [[1, "0.9.16"]]
    assert process.memory_info().rss - before < 1000 * MEGABYTE


def test_opendrive_of_many_megabytes_may_come(own_server: EmbeddedServer) -> None:
    with RawClient(own_server.address.port) as raw:
        text = "<OpenDRIVE>" + " " * (20 * MEGABYTE)
        answer = raw.call("copy_opendrive_to_file", text, [2.0, 50.0, 1.0, 0.6, True, True, True])
        assert answer[0][0] is True
        assert raw.call("version") == [[1, "0.9.16"]]


def test_unread_answers_of_many_clients_are_bounded(own_server: EmbeddedServer) -> None:
    process = psutil.Process(own_server.pid)
    before = process.memory_info().rss
    requests = msgpack.packb([0, 1, "get_map_data", [[False]]]) * 100
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", own_server.address.port)))
            connection.sendall(requests)
        with RawClient(own_server.address.port) as raw:
            for _ in range(20):
                assert raw.call("version") == [[1, "0.9.16"]]
        assert process.memory_info().rss - before < 400 * MEGABYTE


def test_all_cameras_together_have_a_limit(own_server: EmbeddedServer) -> None:
    world = connect(own_server.address).get_world()
    blueprint = world.get_blueprint_library().find("sensor.camera.rgb")
    blueprint.set_attribute("image_size_x", "4096")
    blueprint.set_attribute("image_size_y", "4096")
    cameras = [world.spawn_actor(blueprint, carla.Transform()) for _ in range(4)]
    with pytest.raises(RuntimeError, match="all cameras together"):
        world.spawn_actor(blueprint, carla.Transform())
    cameras.pop().destroy()
    cameras.append(world.spawn_actor(blueprint, carla.Transform()))
    for camera in cameras:
        camera.destroy()


def test_connections_have_a_limit_and_are_refused_at_once(own_server: EmbeddedServer) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(700):
            connection = socket.create_connection(("127.0.0.1", own_server.address.port), timeout=LONG_S)
            stack.enter_context(connection)
        assert connection.recv(1) == b"", "refused, not left waiting"
        assert "refused a connection" in own_server.log()

    def gets_in() -> bool:
        with contextlib.suppress(ConnectionError), RawClient(own_server.address.port) as raw:
            return raw.call("version") == [[1, "0.9.16"]]
        return False

    until(gets_in)


def test_broken_sensor_tick_leaves_no_actor_behind(own_server: EmbeddedServer) -> None:
    with RawClient(own_server.address.port) as raw:
        attributes = [["sensor_tick", 3, "soon"]]
        answer = raw.call("spawn_actor", [0, "sensor.other.gnss", attributes], [[0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
        assert answer[0][0] == 0
        world_state = struct.unpack_from("<IH", raw.call("get_episode_info")[0][1][1][0])
        assert world_state[0] == 1
    world = connect(own_server.address).get_world()
    assert not world.get_actors().filter("sensor.other.gnss")
