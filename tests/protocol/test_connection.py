"""Connecting, maps, blueprints, settings, several clients."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib.resources import files

import carla
import pytest
from waits import LONG_S, asynchronous, newest_tick, until

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.port_lease import lease_ports


def test_versions_agree(client: carla.Client) -> None:
    assert client.get_server_version() == client.get_client_version() == "0.9.16"


def test_map_has_carlas_name_and_useful_spawn_points(client: carla.Client, world: carla.World) -> None:
    town = world.get_map()
    assert town.name == "Carla/Maps/Gridvale"
    assert "/Game/Carla/Maps/Gridvale" in client.get_available_maps()
    points = town.get_spawn_points()
    assert len(points) > 20
    for point in points[:20]:
        waypoint = town.get_waypoint(point.location)
        assert waypoint.transform.location.distance(point.location) < 1.0
    assert town.to_opendrive().lstrip().startswith("<?xml")


def test_every_blueprint_arrives(world: carla.World) -> None:
    library = world.get_blueprint_library()
    catalogue = json.loads(files("alpamayo_sim.world").joinpath("data/blueprints.json").read_text())
    assert len(library) == len(catalogue) == 214
    for record in catalogue:
        blueprint = library.find(record["id"])
        assert blueprint.tags and set(blueprint.tags) == set(record["tags"].split(","))
        for name, _, default, recommended, modifiable, _ in record["attributes"]:
            attribute = blueprint.get_attribute(name)
            assert attribute.is_modifiable == modifiable
            assert len(attribute.recommended_values) == len(recommended)
            if int(attribute.type) == int(carla.ActorAttributeType.String):
                assert attribute.as_str() == default


def test_settings_round_trip_and_are_checked(world: carla.World) -> None:
    settings = world.get_settings()
    settings.fixed_delta_seconds = 0.02
    settings.max_substeps = 12
    settings.deterministic_ragdolls = False
    world.apply_settings(settings)
    assert world.get_settings() == settings
    world.tick()
    assert world.get_snapshot().timestamp.delta_seconds == pytest.approx(0.02, abs=1e-7)
    settings.max_substeps = 99
    with pytest.raises(RuntimeError, match="max_substeps"):
        world.apply_settings(settings)
    assert world.get_settings().max_substeps == 12


def test_fixed_delta_in_asynchronous_mode(world: carla.World) -> None:
    for delta in (0.1, 0.05, 0.011112):
        asynchronous(world, delta)
        for _ in range(3):
            assert world.wait_for_tick().timestamp.delta_seconds == pytest.approx(delta, abs=1e-7)


def test_asynchronous_world_runs_by_itself_and_no_faster_than_real_time(world: carla.World) -> None:
    asynchronous(world, 0.05)
    first = world.wait_for_tick().timestamp
    for _ in range(10):
        last = world.wait_for_tick().timestamp
    simulated_s = last.elapsed_seconds - first.elapsed_seconds
    # By the server's clock: what this process gets late was not made faster.
    assert 0.5 - 1e-6 <= simulated_s <= last.platform_timestamp - first.platform_timestamp + 0.2


def test_max_rate_caps_synchronous_ticks() -> None:
    with EmbeddedServer("Gridvale", extra_args=("--max-rate", "50")) as server:
        world = connect(server.address).get_world()
        settings = world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
        world.apply_settings(settings)
        world.tick()
        start = time.monotonic()
        frames = [world.tick() for _ in range(21)]
        assert time.monotonic() - start >= 19 / 50, "the first one may be late and cost nothing"
        assert frames == list(range(frames[0], frames[0] + 21))


def test_polling_settings_in_asynchronous_mode_is_slowed_to_the_frames(world: carla.World) -> None:
    asynchronous(world, 0.05)
    start_frame, polls = newest_tick(world).frame, 40
    for _ in range(polls):
        assert not world.get_settings().synchronous_mode
    assert newest_tick(world).frame - start_frame >= polls / 4 - 2


def test_weather_round_trip(world: carla.World) -> None:
    before = world.get_weather()
    weather = carla.WeatherParameters.HardRainSunset
    world.set_weather(weather)
    assert world.get_weather() == weather
    world.set_weather(before)


def test_spectator_moves(world: carla.World) -> None:
    spectator = world.get_spectator()
    spectator.set_transform(carla.Transform(carla.Location(1.0, 2.0, 30.0), carla.Rotation(pitch=-45.0, yaw=90.0)))
    world.tick()
    pose = spectator.get_transform()
    assert (pose.location.x, pose.location.y, pose.location.z) == (1.0, 2.0, 30.0)
    assert pose.rotation.yaw == pytest.approx(90.0)


def test_two_clients_share_the_world(server: EmbeddedServer, world: carla.World, car: carla.Vehicle) -> None:
    second = connect(server.address).get_world()
    assert car.id in {actor.id for actor in second.get_actors()}
    frame = world.tick()
    until(lambda: second.get_snapshot().frame >= frame)
    assert second.get_snapshot().frame == frame
    assert second.get_actor(car.id).get_transform().location == car.get_transform().location


KILLED_CLIENT = """
import sys, carla
client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(120.0)
world = client.get_world()
settings = world.get_settings()
settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
world.apply_settings(settings)
client.get_trafficmanager(int(sys.argv[2]))
print("ready", flush=True)
while True:
    world.tick()
"""


def test_client_killed_while_ticking_does_not_block_the_next_one() -> None:
    with EmbeddedServer("Gridvale") as server, lease_ports(1) as lease:
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED_CLIENT, str(server.address.port), str(lease.port)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None and b"ready" in process.stdout.readline()
        time.sleep(0.3)
        process.kill()
        process.wait()
        process.stdout.close()
        client = connect(server.address)
        world = client.get_world()
        until(lambda: not world.get_settings().synchronous_mode)
        frames = [world.wait_for_tick(LONG_S).frame for _ in range(3)]
        assert frames == sorted(set(frames))
