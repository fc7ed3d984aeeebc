"""Hostile and broken input on both ports: the server answers or closes, and goes on serving others."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
from typing import Any

import carla
import msgpack
import psutil
import pytest
from waits import LONG_S, until

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer


class RawClient:
    """Speaks msgpack-RPC by hand."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=LONG_S)
        self.unpacker = msgpack.Unpacker(raw=False)

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def answer(self) -> Any:
        while True:
            try:
                return next(self.unpacker)
            except StopIteration:
                data = self.socket.recv(65536)
                if not data:
                    raise ConnectionError("closed by the server") from None
                self.unpacker.feed(data)

    def call(self, name: str, *arguments: Any) -> Any:
        self.socket.sendall(msgpack.packb([0, 7, name, [[False], *arguments]]))
        kind, message_id, error, result = self.answer()
        assert (kind, message_id, error) == (1, 7, None)
        return result


@pytest.fixture
def raw(server: EmbeddedServer, world: carla.World) -> RawClient:
    return RawClient(server.address.port)


def test_unknown_call_gets_an_error_of_its_family(raw: RawClient) -> None:
    assert raw.call("get_flux_capacitor")[0][0] == 0
    assert "not implemented" in raw.call("get_flux_capacitor")[0][1][0]
    assert raw.call("set_flux_capacitor", 1)[0][0] is True


@pytest.mark.parametrize(
    ("name", "arguments", "void"),
    [
        ("set_actor_location", (1, "here"), True),
        ("set_actor_location", (1, [0.0, 0.0]), True),
        ("set_actor_location", (1, [float("nan"), 0.0, 0.0]), True),
        ("set_actor_location", (1, [1e30, 0.0, 0.0]), True),
        ("set_actor_location", (-1, [0.0, 0.0, 0.0]), True),
        ("set_actor_location", (), True),
        ("apply_control_to_vehicle", (1, [1, 2, 3]), True),
        ("get_actors_by_id", ("all",), False),
        ("spawn_actor", ([0, "vehicle.audi.tt", []], None), False),
        ("set_episode_settings", ([True] * 11,), False),
        ("get_sensor_token", (4_000_000_000,), False),
        ("request_file", ("/etc/passwd",), False),
        ("load_new_episode", ("../../etc/passwd", True, 0), True),
        ("draw_debug_shape", ([[[4, [[0.0] * 3, "x" * 100_000, False]]], [1, 2, 3], 1.0, False],), True),
        ("apply_color_texture_to_objects", (["x"], 0, []), True),
    ],
)
def test_wrong_arguments_are_errors_on_a_living_connection(
    raw: RawClient, name: str, arguments: tuple[Any, ...], void: bool
) -> None:
    result = raw.call(name, *arguments)
    assert result[0][0] is True if void else result[0][0] == 0
    assert isinstance(result[0][1][0], str)
    assert raw.call("version") == [[1, "0.9.16"]]


def test_batch_with_broken_commands_answers_each(raw: RawClient) -> None:
    answers = raw.call("apply_batch", [[[2, [1, 2]]], 5, [[99, [1]]], [[0, []]], [[6, [1, None]]]], False)
    assert [answer[0][0] for answer in answers] == [0] * 5
    assert raw.call("apply_batch", "all of them", False)[0][0][0] == 0


def test_boxes_of_actors_that_are_gone(raw: RawClient, world: carla.World, car: carla.Vehicle) -> None:
    box = raw.call("get_actor_bounding_box", car.id)
    car.destroy()
    assert raw.call("get_actor_bounding_box", car.id) == box
    assert raw.call("set_actor_simulate_physics", car.id, False) == [[False]]
    assert raw.call("get_actor_bounding_box", 3_999_999_999)[0][0] == 1


def test_answer_ids_match_when_requests_are_pipelined(raw: RawClient) -> None:
    names = ["version", "get_weather_parameters", "nonsense", "get_map_info"]
    requests = [msgpack.packb([0, k, names[k % 4], [[k % 2 == 0]]]) for k in range(400)]
    raw.socket.sendall(b"".join(requests))
    assert [raw.answer()[1] for _ in range(400)] == list(range(400))


def test_client_that_reads_nothing_is_not_buffered_for_ever(server: EmbeddedServer, world: carla.World) -> None:
    memory = psutil.Process(server.pid)
    before = memory.memory_info().rss
    with RawClient(server.address.port) as client:
        client.socket.settimeout(0.5)
        request = msgpack.packb([0, 1, "get_map_data", [[False]]]) * 200
        try:
            for _ in range(50):
                client.socket.sendall(request)
        except TimeoutError:
            pass
        world.tick()
        assert memory.memory_info().rss - before < 200 << 20
    world.tick()


def test_subscriber_that_reads_nothing_does_not_stall_the_world(
    server: EmbeddedServer, world: carla.World, raw: RawClient
) -> None:
    episode_token = raw.call("get_episode_info")[0][1][1][0]
    stream_id, port = struct.unpack_from("<IH", episode_token)
    with socket.create_connection(("127.0.0.1", port)) as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.sendall(struct.pack("<I", stream_id))
        before = psutil.Process(server.pid).memory_info().rss
        first = world.tick()
        for _ in range(3000):
            last = world.tick()
        assert last == first + 3000
        assert psutil.Process(server.pid).memory_info().rss - before < 300 << 20


def garbage(random_: random.Random) -> bytes:
    kind = random_.randrange(6)
    if kind == 0:
        return random_.randbytes(random_.randrange(1, 400))
    if kind == 1:
        return b"\xdd\xff\xff\xff\xff" * random_.randrange(1, 300)
    if kind == 2:
        return b"\x91" * random_.randrange(1, 3000)
    if kind == 3:
        return b"\xc6\xff\xff\xff\xf0" + random_.randbytes(50)
    if kind == 4:
        whole = msgpack.packb([0, 1, "spawn_actor", [[False], [1, "vehicle.audi.tt", []], [[0.0] * 3, [0.0] * 3]]])
        cut = bytearray(whole[: random_.randrange(1, len(whole))])
        cut[random_.randrange(len(cut))] = random_.randrange(256)
        return bytes(cut)
    return msgpack.packb(
        random_.choice([None, 5, "hello", {}, [], [0], [0, 1, 2, 3], [1, 2, None, 4], [0, "x", "y", []]])
    )


def test_hundreds_of_broken_messages_on_both_ports(server: EmbeddedServer, world: carla.World) -> None:
    random_ = random.Random(5)
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    for k in range(1500):
        port = server.address.port + (k % 4 == 3)
        broken = contextlib.suppress(ConnectionResetError, BrokenPipeError)
        with socket.create_connection(("127.0.0.1", port), timeout=LONG_S) as sock, broken:
            sock.sendall(garbage(random_))
        if k % 50 == 0:
            world.tick()
    frame = world.tick()
    assert world.get_snapshot().frame == frame
    assert process.memory_info().rss - before < 300 << 20
    until(lambda: world.tick() > frame and len(process.net_connections()) <= 40)


def test_a_flood_of_warnings_does_not_hang_the_server() -> None:
    random_ = random.Random(11)
    with EmbeddedServer("Gridvale", seed=1) as own:
        client = connect(own.address)
        world = client.get_world()
        settings = world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
        world.apply_settings(settings)
        for _ in range(2500):
            broken = contextlib.suppress(ConnectionResetError, BrokenPipeError)
            with socket.create_connection(("127.0.0.1", own.address.port), timeout=LONG_S) as sock, broken:
                sock.sendall(garbage(random_))
        with RawClient(own.address.port) as raw:
            assert raw.call("version") == [[1, "0.9.16"]]
        first = world.tick()
        assert world.tick() == first + 1
        assert len(own.log()) > 60_000, "the flood must be more than a pipe nobody reads would hold"
        assert own.running
