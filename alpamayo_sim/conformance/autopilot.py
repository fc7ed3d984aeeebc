"""A process of its own that drives a few vehicles with CARLA's TrafficManager: `python -m ... HOST:PORT`.

Prints one JSON line of what it measured.
"""

from __future__ import annotations

import json
import os
import sys

import carla

from alpamayo_sim.client.connection import ServerAddress
from alpamayo_sim.client.port_lease import lease_ports

_VEHICLES = 4
_TICKS = 300
ROLE = "conformance_autopilot"


def measure(address: ServerAddress) -> dict[str, float]:
    """Drive for 15 s of simulated time and return vehicles, how many moved, distance from lanes and excess of speed."""
    client = carla.Client(address.host, address.port)
    client.set_timeout(60.0)
    world = client.get_world()
    road_map = world.get_map()
    blueprint = world.get_blueprint_library().find("vehicle.lincoln.mkz_2020")
    blueprint.set_attribute("role_name", ROLE)
    spots = road_map.get_spawn_points()
    commands = [carla.command.SpawnActor(blueprint, spot) for spot in spots[:: max(1, len(spots) // _VEHICLES)]]
    answers = client.apply_batch_sync(commands[:_VEHICLES], True)
    ids = [answer.actor_id for answer in answers if not answer.error]
    manager = client.get_trafficmanager(lease_ports(1).port)  # until this process ends
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(1)
    vehicles = [vehicle for vehicle in world.get_actors(ids) if isinstance(vehicle, carla.Vehicle)]
    try:
        for vehicle in vehicles:
            manager.ignore_lights_percentage(vehicle, 100.0)
            vehicle.set_autopilot(True, manager.get_port())
        return _watch(world, road_map, vehicles)
    finally:
        manager.set_synchronous_mode(False)
        client.apply_batch_sync([carla.command.DestroyActor(actor_id) for actor_id in ids], True)


def _watch(world: carla.World, road_map: carla.Map, vehicles: list[carla.Vehicle]) -> dict[str, float]:
    driven = dict.fromkeys((vehicle.id for vehicle in vehicles), 0.0)
    beside_m = over_mps = 0.0
    places = {vehicle.id: vehicle.get_location() for vehicle in vehicles}
    for tick in range(_TICKS):
        world.tick(60.0)
        for vehicle in vehicles:
            here = vehicle.get_location()
            driven[vehicle.id] += here.distance_2d(places[vehicle.id])
            places[vehicle.id] = here
            if tick % 10 == 0:
                lane = road_map.get_waypoint(here).transform.location
                beside_m = max(beside_m, lane.distance_2d(here))
                excess = vehicle.get_velocity().length() - vehicle.get_speed_limit() / 3.6
                over_mps = max(over_mps, excess)
    moved = sum(distance > 10.0 for distance in driven.values())
    return {"vehicles": len(vehicles), "moved": moved, "beside_m": beside_m, "over_limit_mps": over_mps}


if __name__ == "__main__":
    print(json.dumps(measure(ServerAddress.parse(sys.argv[1]))), flush=True)
    # The TrafficManager's threads do not end with the interpreter.
    os._exit(0)
