"""CARLA's TrafficManager on our server: traffic moves, stops at red, and is the same every time."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

CLIENT = """
import hashlib, json, os, random, struct, sys
import carla
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

ticks = int(sys.argv[1])
with EmbeddedServer("Gridvale", seed=3) as server:
    client = connect(server.address)
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    world = client.reload_world(False)
    manager = client.get_trafficmanager(random.SystemRandom().randrange(20000, 60000))
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(7)
    blueprints = [b for b in world.get_blueprint_library().filter("vehicle.*") if b.get_attribute("base_type") == "car"]
    points = []
    for point in world.get_map().get_spawn_points():
        if all(point.location.distance(other.location) > 12.0 for other in points):
            points.append(point)
    auto = carla.command.SetAutopilot(carla.command.FutureActor, True, manager.get_port())
    batch = [carla.command.SpawnActor(blueprints[k % len(blueprints)], p).then(auto) for k, p in enumerate(points[:20])]
    ids = [answer.actor_id for answer in client.apply_batch_sync(batch, True) if not answer.error]
    digest, waited, ran, moved = hashlib.sha256(), set(), set(), set()
    start = {i: world.get_snapshot().find(i).get_transform().location for i in ids}
    for tick in range(ticks):
        world.tick()
        snapshot = world.get_snapshot()
        for i in ids:
            state = snapshot.find(i)
            pose, velocity = state.get_transform(), state.get_velocity()
            digest.update(struct.pack("<6f", pose.location.x, pose.location.y, pose.location.z, pose.rotation.yaw,
                                      velocity.x, velocity.y))
            if pose.location.distance(start[i]) > 5.0:
                moved.add(i)
        if tick % 5 == 0:
            for vehicle in world.get_actors(ids):
                if vehicle.is_at_traffic_light() and vehicle.get_traffic_light_state() == carla.TrafficLightState.Red:
                    (waited if vehicle.get_velocity().length() < 0.1 else ran).add((vehicle.id))
    print(json.dumps({"spawned": len(ids), "moved": len(moved), "waited": len(waited), "hash": digest.hexdigest()}), flush=True)
    manager.shut_down()
    server.close()
    os._exit(0)
"""


def drive(ticks: int) -> dict[str, Any]:
    """Run a client with its own server in a fresh process."""
    command = [sys.executable, "-c", CLIENT, str(ticks)]
    output = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    return json.loads(next(line for line in output.splitlines() if line.startswith("{")))


def test_traffic_moves_waits_at_red_and_repeats_bit_by_bit() -> None:
    first, second = drive(600), drive(600)
    assert first["spawned"] == 20
    assert first["moved"] >= 17
    assert first["waited"] >= 3
    assert second["hash"] == first["hash"]
