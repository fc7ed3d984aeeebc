"""What the exercises of the remote calls work on, and their table."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import carla
import msgpack
import pytest
from waits import LONG_S
from wiretap import Heard, Wiretap

from alpamayo_sim.client.connection import ServerAddress, connect
from alpamayo_sim.client.embedded import EmbeddedServer


class RawClient:
    """Speaks msgpack-RPC by hand, for what no Python binding sends."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=LONG_S)
        self._unpacker = msgpack.Unpacker(raw=False, unicode_errors="surrogateescape")
        self._number = 0

    def call(self, name: str, *arguments: Any) -> Any:
        """Return the result of a call, envelope and all."""
        self._number += 1
        self._socket.sendall(msgpack.packb([0, self._number, name, [[False], *arguments]]))
        while True:
            for kind, number, error, result in self._unpacker:
                assert (kind, number, error) == (1, self._number, None)
                return result
            data = self._socket.recv(1 << 16)
            assert data, "closed by the server"
            self._unpacker.feed(data)

    def value(self, name: str, *arguments: Any) -> Any:
        """Return the value of a call that must succeed."""
        ((index, value),) = self.call(name, *arguments)
        assert index == 1, value
        return value

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


@dataclass
class Scene:
    """A synchronous world with a car, a second car, a walker and a light; the client speaks through the wiretap."""

    tap: Wiretap
    client: carla.Client
    raw: RawClient
    folder: Path
    world: carla.World
    car: carla.Vehicle
    other: carla.Vehicle
    walker: carla.Walker
    light: carla.TrafficLight
    sensor: carla.Sensor

    def tick(self, count: int = 1) -> None:
        """Advance the world."""
        for _ in range(count):
            self.world.tick()

    def last(self, name: str) -> Heard:
        """Return the newest call of a name."""
        return next(heard for heard in reversed(self.tap.heard) if heard.name == name)

    def another_client(self) -> carla.Client:
        """Return a client that knows nothing yet."""
        client = carla.Client("127.0.0.1", self.tap.port)
        client.set_timeout(LONG_S)
        return client


def synchronous(world: carla.World) -> None:
    """Put a world into synchronous mode."""
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)


def make_scene(tap: Wiretap, client: carla.Client, raw: RawClient, folder: Path) -> Scene:
    """Return the scene of the world that the client has loaded."""
    world = client.get_world()
    synchronous(world)
    world.tick()
    library, points = world.get_blueprint_library(), world.get_map().get_spawn_points()
    car = world.spawn_actor(library.find("vehicle.lincoln.mkz_2020"), points[0])
    other = world.spawn_actor(library.find("vehicle.audi.tt"), points[4])
    place = carla.Transform(points[2].location + carla.Location(z=1.0), carla.Rotation(yaw=30.0))
    walker = world.spawn_actor(library.find("walker.pedestrian.0001"), place)
    sensor = world.spawn_actor(library.find("sensor.other.gnss"), carla.Transform(), attach_to=car)
    for _ in range(20):
        world.tick()
    light = world.get_actors().filter("traffic.traffic_light")[0]
    return Scene(tap, client, raw, folder, world, car, other, walker, light, sensor)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A scene on a server of one test module alone, behind the wiretap."""
    with EmbeddedServer("Gridvale", seed=3) as server:
        folder = tmp_path_factory.mktemp("files")
        tap = Wiretap(server.address.port, folder / "calls")
        raw = RawClient(tap.port)
        client = connect(ServerAddress("127.0.0.1", tap.port))
        yield make_scene(tap, client, raw, folder)
        raw.close()
        # The server goes first: states reach the client past the relay, and CARLA's client aborts its process when it asks for
        # the lights that a state says have changed and nobody answers.
        server.close()
        tap.close()


@dataclass(frozen=True)
class Exercise:
    """One call: how a client sends it and what it must bring about."""

    name: str
    run: Callable[[Scene], None]
    refused: frozenset[str]
    """The calls that it sends wrongly on purpose: these, and no others, the server has to answer with an error."""
    last: bool
    """Whether the scene is another one afterwards."""


EXERCISES: dict[str, Exercise] = {}


def exercise(
    *names: str, refused: bool | Sequence[str] = False, last: bool = False
) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    """Enter the decorated function as the exercise of calls; `refused` names those that are refused, True stands for `names`."""
    errors = frozenset((names if refused else ()) if isinstance(refused, bool) else refused)

    def register(function: Callable[[Scene], None]) -> Callable[[Scene], None]:
        for name in names:
            assert name not in EXERCISES
            EXERCISES[name] = Exercise(name, function, errors, last)
        return function

    return register
