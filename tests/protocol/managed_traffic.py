"""Twenty cars under TrafficManager on a fresh server: `python managed_traffic.py TICKS` prints what became of them as JSON."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import carla

from alpamayo_scenarios.traffic_rescue import TrafficRescue
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.port_lease import lease_ports
from alpamayo_sim.client.synchronous import SynchronousWorld

CARS = 20


@dataclass(frozen=True)
class ManagedWorld:
    """A synchronous world whose episode has just begun, and a TrafficManager."""

    client: carla.Client
    synchronous: SynchronousWorld
    manager: carla.TrafficManager
    rescue: TrafficRescue

    def spawn(self) -> list[int]:
        """Return the ids of cars that TrafficManager drives."""
        return spawn(self.client, self.manager.get_port())


@contextmanager
def managed_world(seed: int, *server_options: str) -> Iterator[ManagedWorld]:
    """A fresh server with a TrafficManager whose lost signals are repeated.

    End the process inside: TrafficManager's thread aborts a process whose server ends first; the server ends with the process.
    """
    with EmbeddedServer("Gridvale", seed=seed, extra_args=("--synchronous", *server_options)) as server:
        client = connect(server.address, timeout_s=100.0)
        with SynchronousWorld(client, timeout_s=100.0) as synchronous, lease_ports(1) as lease:
            manager = client.get_trafficmanager(lease.port)
            manager.set_synchronous_mode(True)
            manager.set_random_device_seed(7)
            yield ManagedWorld(client, synchronous, manager, TrafficRescue(synchronous.world, lease.port))


def main(ticks: int) -> None:
    with managed_world(3) as managed:
        found = follow(managed.synchronous, managed.spawn(), ticks)
        print(json.dumps({**found, "rescues": managed.rescue.rescues}), flush=True)
        os._exit(0)


def spawn(client: carla.Client, port: int) -> list[int]:
    world = client.get_world()
    blueprints = [b for b in world.get_blueprint_library().filter("vehicle.*") if b.get_attribute("base_type") == "car"]
    points: list[carla.Transform] = []
    for point in world.get_map().get_spawn_points():
        if all(point.location.distance(other.location) > 12.0 for other in points):
            points.append(point)
    auto = carla.command.SetAutopilot(carla.command.FutureActor, True, port)
    batch = [
        carla.command.SpawnActor(blueprints[k % len(blueprints)], p).then(auto) for k, p in enumerate(points[:CARS])
    ]
    return [answer.actor_id for answer in client.apply_batch_sync(batch, True) if not answer.error]


def follow(synchronous: SynchronousWorld, ids: list[int], ticks: int) -> dict[str, int | str]:
    digest, waited, moved = hashlib.sha256(), set[int](), set[int]()
    start = {i: synchronous.world.get_snapshot().find(i).get_transform().location for i in ids}
    for tick in range(ticks):
        snapshot = synchronous.tick()
        for i in ids:
            state = snapshot.find(i)
            pose, velocity = state.get_transform(), state.get_velocity()
            x, y, z = pose.location.x, pose.location.y, pose.location.z
            digest.update(struct.pack("<6f", x, y, z, pose.rotation.yaw, velocity.x, velocity.y))
            if pose.location.distance(start[i]) > 5.0:
                moved.add(i)
        if tick % 5 == 0:
            for vehicle in synchronous.world.get_actors(ids):
                at_red = (
                    vehicle.is_at_traffic_light() and vehicle.get_traffic_light_state() == carla.TrafficLightState.Red
                )
                if at_red and vehicle.get_velocity().length() < 0.1:
                    waited.add(vehicle.id)
    return {"spawned": len(ids), "moved": len(moved), "waited": len(waited), "hash": digest.hexdigest()}


if __name__ == "__main__":
    main(int(sys.argv[1]))
