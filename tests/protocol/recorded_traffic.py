"""Cars under TrafficManager and pedestrians, recorded: `python recorded_traffic.py FOLDER TICKS` prints what was seen."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import carla
from managed_traffic import managed_world

NAME = "traffic.log"
WALKERS = 6


def spawn_walkers(world: carla.World) -> list[carla.Walker]:
    """Return pedestrians beside the road that walk along it."""
    blueprint = world.get_blueprint_library().filter("walker.pedestrian.*")[0]
    walkers: list[carla.Walker] = []
    for point in world.get_map().get_spawn_points()[1::7]:
        right = point.get_right_vector()
        place = point.location + carla.Location(7.0 * right.x, 7.0 * right.y, 1.0)
        walker = world.try_spawn_actor(blueprint, carla.Transform(place, point.rotation))
        if walker is not None:
            walker.apply_control(carla.WalkerControl(point.get_forward_vector(), 1.4))
            walkers.append(walker)
        if len(walkers) == WALKERS:
            break
    return walkers


def pose_of(state: carla.ActorSnapshot) -> list[float]:
    """Return x, y, z, pitch, yaw, roll."""
    pose = state.get_transform()
    place, turn = pose.location, pose.rotation
    return [place.x, place.y, place.z, turn.pitch, turn.yaw, turn.roll]


def place_of(light: carla.TrafficLight) -> str:
    """Return a name for a light that holds in another server too."""
    place = light.get_location()
    return f"{place.x:.2f} {place.y:.2f}"


def main(folder: Path, ticks: int) -> None:
    """Record a drive and print the ids and every tick's poses, lamps and signals."""
    with managed_world(5, "--recordings", str(folder)) as managed:
        client, synchronous, manager = managed.client, managed.synchronous, managed.manager
        world = synchronous.world
        cars = managed.spawn()
        manager_cars = world.get_actors(cars)
        for car in manager_cars:
            manager.update_vehicle_lights(car, True)
        walkers = [walker.id for walker in spawn_walkers(world)]
        synchronous.tick()
        path = client.start_recorder(NAME, True)
        found: list[dict[str, dict[str, object]]] = []
        lights = list(world.get_actors().filter("traffic.traffic_light"))
        for tick in range(ticks):
            if tick == 20:
                for car in manager_cars:
                    car.open_door(carla.VehicleDoor.FL)
            if tick == 30:
                world.set_weather(carla.WeatherParameters.ClearNight)
            if tick == 50:
                lights[0].set_state(carla.TrafficLightState.Yellow)
            if tick == 40:
                client.apply_batch_sync([carla.command.DestroyActor(cars[-1])], False)
            snapshot = synchronous.tick()
            states = {str(i): snapshot.find(i) for i in [*cars, *walkers]}
            present = [car for car in manager_cars if states[str(car.id)] is not None]
            lamps = {str(car.id): int(car.get_light_state()) for car in present}
            found.append(
                {
                    "poses": {i: pose_of(state) for i, state in states.items() if state is not None},
                    "lamps": lamps,
                    "signals": {place_of(light): int(light.state) for light in lights},
                }
            )
        client.stop_recorder()
        world.get_settings()
        told = {"path": path, "cars": cars, "walkers": walkers, "ticks": found, "rescues": managed.rescue.rescues}
        print(json.dumps(told), flush=True)
        os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
