"""Fifty clients at once, clients that die, and TrafficManagers of other clients."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import carla
import psutil
import pytest
from waits import asynchronous, newest_tick, until
from wiretap import Wiretap

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.port_lease import lease_ports
from alpamayo_sim.server.calls.episode_calls import FREE_POLLS_PER_FRAME

CLIENTS = 50
TICKS = 40
OWNER_TIMEOUT_S = 120.0

MANY = """
import json, os, sys, threading
import carla
port, count, ticks = map(int, sys.argv[1:])
clients = [carla.Client("127.0.0.1", port, 1) for _ in range(count)]
worlds, sensors, cars = [], [], []
seen = [[set(), set()] for _ in clients]
for k, client in enumerate(clients):
    client.set_timeout(120.0)
    worlds.append(client.get_world())
    if k == 0:
        settings = worlds[0].get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
        worlds[0].apply_settings(settings)
    point = worlds[0].get_map().get_spawn_points()[k]
    cars.append(worlds[k].spawn_actor(worlds[k].get_blueprint_library().find("vehicle.audi.tt"), point))
    for name, got in zip(("gnss", "imu"), seen[k]):
        blueprint = worlds[k].get_blueprint_library().find("sensor.other." + name)
        sensors.append(worlds[k].spawn_actor(blueprint, carla.Transform(), attach_to=cars[k]))
        sensors[-1].listen(lambda data, got=got: got.add(data.frame))
frames = [worlds[0].tick() for _ in range(ticks)]
done = threading.Event()
for _ in range(1500):
    following = sum(world.get_snapshot().frame == frames[-1] for world in worlds)
    if following == count and all(got.issuperset(frames) for pair in seen for got in pair):
        break
    done.wait(0.1)
complete = sum(got.issuperset(frames) for pair in seen for got in pair)
all_cars = {car.id for car in cars}
knowing = sum(all_cars <= {actor.id for actor in world.get_actors()} for world in worlds)
print(json.dumps({"complete": complete, "following": following, "knowing": knowing}), flush=True)
sys.stdin.readline()
os._exit(0)
"""


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer("Gridvale", seed=1) as running:
        yield running


def test_fifty_clients_with_sensors_all_see_every_frame(own_server: EmbeddedServer) -> None:
    command = [sys.executable, "-c", MANY, str(own_server.address.port), str(CLIENTS), str(TICKS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = json.loads(process.stdout.readline())
        connections = len(psutil.Process(own_server.pid).net_connections())
        process.kill()
    assert found == {"complete": 2 * CLIENTS, "following": CLIENTS, "knowing": CLIENTS}
    assert connections >= 4 * CLIENTS, "of each client the calls, the world's state and two sensors"
    world = connect(own_server.address).reload_world()
    assert newest_tick(world).frame < newest_tick(world).frame
    until(lambda: len(psutil.Process(own_server.pid).net_connections()) <= 10)


OWNER = f"""
import sys, carla
client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout({OWNER_TIMEOUT_S})
world = client.get_world()
settings = world.get_settings()
settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
world.apply_settings(settings)
car = world.spawn_actor(world.get_blueprint_library().find("vehicle.audi.tt"), world.get_map().get_spawn_points()[0])
gnss = world.spawn_actor(world.get_blueprint_library().find("sensor.other.gnss"), carla.Transform(), attach_to=car)
gnss.listen(lambda data: None)
manager = client.get_trafficmanager(int(sys.argv[2]))
print("ready", car.id, gnss.id, flush=True)
while sys.argv[3] == "ticks":
    world.tick()
sys.stdin.readline()
"""


def owner(server_port: int, manager_port: int, what: str) -> tuple[subprocess.Popen[str], list[int]]:
    """Start a client with a car, a sensor and a TrafficManager; return it and the ids of car and sensor."""
    command = [sys.executable, "-c", OWNER, str(server_port), str(manager_port), what]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ready, *ids = process.stdout.readline().split()
    assert ready == "ready"
    return process, [int(actor_id) for actor_id in ids]


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.fixture
def port() -> Iterator[int]:
    """A port for a TrafficManager that no other test's takes."""
    with lease_ports(1) as lease:
        yield lease.port


@pytest.mark.parametrize("what", ["ticks", "stands still"])
def test_world_goes_on_when_its_owner_is_killed_and_keeps_the_actors(
    own_server: EmbeddedServer, port: int, what: str
) -> None:
    process, ids = owner(own_server.address.port, port, what)
    time.sleep(0.3)
    end(process)
    client = connect(own_server.address)
    world = client.get_world()
    until(lambda: not world.get_settings().synchronous_mode)
    newest_tick(world)
    assert set(ids) <= {actor.id for actor in world.get_actors()}, "as in CARLA: actors belong to the world"
    client.apply_batch_sync([carla.command.DestroyActor(actor_id) for actor_id in ids], False)
    newest_tick(world)
    assert not set(ids) & {actor.id for actor in world.get_actors()}


REMOTE = """
import os, sys, time, carla
client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(120.0)
world = client.get_world()
car = world.get_actor(int(sys.argv[3]))
manager = client.get_trafficmanager(int(sys.argv[2]))
manager.global_percentage_speed_difference(10.0)
car.set_autopilot(True, int(sys.argv[2]))
start = car.get_location()
deadline = time.monotonic() + 120.0
while car.get_location().distance(start) <= 5.0 and time.monotonic() < deadline:
    world.wait_for_tick(120.0)
print("moved", car.get_location().distance(start), flush=True)
os._exit(0)
"""


@pytest.mark.timeout(600)
def test_second_client_uses_the_first_ones_traffic_manager_until_that_client_dies(
    own_server: EmbeddedServer, port: int
) -> None:
    process, ids = owner(own_server.address.port, port, "stands still")
    client = connect(own_server.address)
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode = False
    world.apply_settings(settings)
    command = [sys.executable, "-c", REMOTE, str(own_server.address.port), str(port), str(ids[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("moved "), done.stderr
    assert float(done.stdout.split()[1]) > 5.0, "the second client's process drives nothing itself"
    os.kill(process.pid, signal.SIGKILL)
    end(process)
    newest_tick(world)
    start_s = time.monotonic()
    successor, more = owner(own_server.address.port, port, "stands still")
    assert time.monotonic() - start_s < OWNER_TIMEOUT_S, "a successor must not look for the dead one until it times out"
    end(successor)
    client.apply_batch_sync([carla.command.DestroyActor(actor_id) for actor_id in ids + more], False)


def test_asynchronous_traffic_manager_leaves_the_processor_alone(
    own_server: EmbeddedServer, port: int, tmp_path: Path
) -> None:
    """It asks for the settings as fast as it is answered, and is answered a few times in every frame."""
    tap = Wiretap(own_server.address.port, tmp_path / "calls")
    process, ids = owner(tap.port, port, "stands still")
    world = connect(own_server.address).get_world()
    asynchronous(world, 0.05)
    first, mark = newest_tick(world).frame, len(tap.heard)
    while newest_tick(world).frame < first + 60:
        pass
    asked = sum(call.name == "get_episode_settings" for call in tap.since(mark))
    frames = newest_tick(world).frame - first
    end(process)
    tap.close()
    client = connect(own_server.address)
    client.apply_batch_sync([carla.command.DestroyActor(actor_id) for actor_id in ids], False)
    assert 30 < asked <= (FREE_POLLS_PER_FRAME + 1) * (frames + 2)
