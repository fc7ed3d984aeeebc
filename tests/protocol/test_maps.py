"""Changing the map under clients."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import carla
import pytest

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

XODR = files("alpamayo_sim.roads").joinpath("towns/data/Gridvale.xodr").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def own_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[carla.Client]:
    """A client of a server that no other test uses, with one more map."""
    folder = tmp_path_factory.mktemp("maps")
    (folder / "Elsewhere.xodr").write_text(XODR, encoding="utf-8")
    with EmbeddedServer("Gridvale", maps_dirs=[folder]) as server:
        yield connect(server.address)


def test_reload_keeps_the_map_and_forgets_the_actors(own_client: carla.Client) -> None:
    world = own_client.get_world()
    episode = world.id
    car = world.spawn_actor(
        world.get_blueprint_library().find("vehicle.audi.tt"), world.get_map().get_spawn_points()[0]
    )
    world.wait_for_tick()
    assert world.get_actor(car.id) is not None
    world = own_client.reload_world()
    assert world.id > episode
    assert world.get_map().name == "Carla/Maps/Gridvale"
    assert len(world.get_actors().filter("vehicle.*")) == 0
    assert min(actor.id for actor in world.get_actors()) > car.id


def test_load_world_by_name_keeps_or_resets_settings(own_client: carla.Client) -> None:
    world = own_client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    world = own_client.load_world("Elsewhere", False)
    assert world.get_settings().synchronous_mode
    assert world.get_map().name == "Carla/Maps/Elsewhere"
    frame = world.tick()
    assert world.get_snapshot().frame == frame
    world = own_client.load_world("/Game/Carla/Maps/Gridvale")
    assert not world.get_settings().synchronous_mode
    assert world.get_map().name == "Carla/Maps/Gridvale"


def test_unknown_map_is_an_error_that_names_the_known_ones(own_client: carla.Client) -> None:
    with pytest.raises(RuntimeError, match="Gridvale"):
        own_client.load_world("Atlantis")
    assert own_client.get_world().get_map().name == "Carla/Maps/Gridvale"


def test_generated_world(own_client: carla.Client) -> None:
    world = own_client.generate_opendrive_world(XODR)
    assert world.get_map().name == "Carla/Maps/OpenDriveMap"
    assert len(world.get_map().get_spawn_points()) > 20
    own_client.load_world("Gridvale")


@pytest.mark.parametrize("broken", ["", "not a map", XODR[: len(XODR) // 3], "<OpenDRIVE></OpenDRIVE>"])
def test_broken_opendrive_is_refused(own_client: carla.Client, broken: str) -> None:
    with pytest.raises(RuntimeError):
        own_client.generate_opendrive_world(broken)
    assert own_client.get_world().get_map().name == "Carla/Maps/Gridvale"


def test_real_town(shared_data: Path) -> None:
    with EmbeddedServer("Town02", maps_dirs=[shared_data / "maps"]) as server:
        world = connect(server.address).get_world()
        assert world.get_map().name == "Carla/Maps/Town02"
        assert len(world.get_map().get_spawn_points()) > 50
        assert len(world.get_actors().filter("traffic.traffic_light")) > 10
