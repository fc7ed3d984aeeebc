"""A real server process and the real `carla` client, shared by the tests of one file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import carla
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

TOWN = "Gridvale"
STEP_S = 0.05


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """A server on one of our towns: a file's own, so that nothing depends on which files came before.

    Its world stands still until it is ticked, so that nothing depends on when that is either.
    """
    with EmbeddedServer(TOWN, seed=1, extra_args=("--synchronous",)) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: EmbeddedServer) -> carla.Client:
    """A client of it."""
    return connect(server.address)


@pytest.fixture
def world(client: carla.Client) -> Iterator[carla.World]:
    """The world in synchronous mode; what a test spawns is destroyed after it."""
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, STEP_S
    settings.no_rendering_mode = False
    world.apply_settings(settings)
    world.tick()
    before = {actor.id for actor in world.get_actors()}
    yield world
    world.apply_settings(settings)
    world.tick()
    ids = [actor.id for actor in world.get_actors() if actor.id not in before]
    # Not with its own tick: the library holds Python's lock in it, for which the sensors' last callbacks wait.
    client.apply_batch_sync([carla.command.DestroyActor(actor_id) for actor_id in ids], False)
    world.tick()


@pytest.fixture
def library(world: carla.World) -> carla.BlueprintLibrary:
    """The blueprint catalogue."""
    return world.get_blueprint_library()


@pytest.fixture
def spawn_points(world: carla.World) -> list[carla.Transform]:
    """The map's spawn points."""
    return world.get_map().get_spawn_points()


@pytest.fixture
def car(world: carla.World, library: carla.BlueprintLibrary, spawn_points: list[carla.Transform]) -> carla.Vehicle:
    """A car that has settled on its wheels."""
    vehicle = world.spawn_actor(library.find("vehicle.lincoln.mkz_2020"), spawn_points[0])
    for _ in range(20):
        world.tick()
    return vehicle
