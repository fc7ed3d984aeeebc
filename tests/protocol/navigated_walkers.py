"""AI walkers of the real client, started as CARLA's `generate_traffic.py` starts them, and what became of them.

`python navigated_walkers.py TOWN [WALKERS TICKS CROSS_FACTOR CARS]` starts a server, lets them walk and prints a JSON line.
"""

from __future__ import annotations

import json
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import carla
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.port_lease import lease_ports
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.roads.navmesh.areas import walkable_areas
from alpamayo_sim.roads.navmesh.kinds import Area
from alpamayo_sim.roads.road_map import RoadMap, load_road_map

WALKING_MPS = 0.2
STEP_S = 0.05


@dataclass
class Crowd:
    """Walkers, their controllers and the speeds that they were given."""

    walkers: list[int]
    controllers: list[int]
    speeds_mps: list[float]


def start_crowd(client: carla.Client, count: int, cross_factor: float, seed: int, running: float = 0.0) -> Crowd:
    """Spawn up to `count` walkers and set them going, step by step as `generate_traffic.py` does."""
    world = client.get_world()
    world.set_pedestrians_seed(seed)
    chance = random.Random(seed)
    places = [world.get_random_location_from_navigation() for _ in range(count)]
    assert None not in places
    blueprints = world.get_blueprint_library().filter("walker.pedestrian.*")
    batch, speeds = [], []
    for place in places:
        blueprint = chance.choice(blueprints)
        if blueprint.has_attribute("is_invincible"):
            blueprint.set_attribute("is_invincible", "false")
        speeds.append(float(blueprint.get_attribute("speed").recommended_values[2 if chance.random() < running else 1]))
        batch.append(carla.command.SpawnActor(blueprint, carla.Transform(place)))
    answers = client.apply_batch_sync(batch, True)
    speeds = [speed for speed, answer in zip(speeds, answers, strict=True) if not answer.error]
    walkers = [answer.actor_id for answer in answers if not answer.error]
    kind = world.get_blueprint_library().find("controller.ai.walker")
    batch = [carla.command.SpawnActor(kind, carla.Transform(), walker) for walker in walkers]
    controllers = [answer.actor_id for answer in client.apply_batch_sync(batch, True)]
    world.tick()
    world.set_pedestrians_cross_factor(cross_factor)
    for controller, speed in zip(world.get_actors(controllers), speeds, strict=True):
        controller.start()
        controller.go_to_location(world.get_random_location_from_navigation())
        controller.set_max_speed(speed)
    return Crowd(walkers, controllers, speeds)


def stop_crowd(client: carla.Client, crowd: Crowd) -> None:
    """End walkers and controllers as `generate_traffic.py` does."""
    for controller in client.get_world().get_actors(crowd.controllers):
        controller.stop()
    client.apply_batch_sync([carla.command.DestroyActor(i) for i in crowd.controllers + crowd.walkers], True)


def track(world: carla.World, ids: list[int], ticks: int) -> NDArray[np.float64]:
    """Return x, y, z and yaw [T, N, 4] of actors over `ticks` ticks, NaN once they are gone."""
    places = np.full((ticks, len(ids), 4), np.nan)
    for tick in range(ticks):
        world.tick()
        snapshot = world.get_snapshot()
        for k, actor_id in enumerate(ids):
            found = snapshot.find(actor_id)
            if found is not None:
                pose = found.get_transform()
                places[tick, k] = pose.location.x, pose.location.y, pose.location.z, pose.rotation.yaw
    return places


def judge(road_map: RoadMap, places: NDArray[np.float64], half_heights_m: NDArray[np.float64]) -> dict[str, float]:
    """Return what tracks [T, N, 4] of walkers are worth; the walkers have these half heights [N]."""
    areas = walkable_areas(road_map)
    xy = places[:, :, :2]
    step = np.linalg.norm(np.diff(xy, axis=0), axis=2)
    alive = ~np.isnan(places[:, :, 0])
    flat = places[alive][:, :3]
    sidewalk, road = areas[Area.SIDEWALK], shapely.union_all([areas[Area.ROAD], areas[Area.CROSSWALK]])
    everything = shapely.buffer(shapely.union_all(list(areas.values())), 0.1)
    for shape in (sidewalk, road, everything):
        shapely.prepare(shape)
    on_road = np.zeros(alive.shape, dtype=bool)
    on_road[alive] = shapely.contains_xy(road, flat[:, 0], flat[:, 1])
    off = ~shapely.contains_xy(everything, flat[:, 0], flat[:, 1])
    feet = flat[:, 2] - np.broadcast_to(half_heights_m, alive.shape)[alive]
    error = _height_error(road_map, flat[:, :2], feet)
    nearest = np.concatenate([_nearest(frame[there]) for frame, there in zip(xy, alive, strict=True)])
    late = step[-len(step) // 4 :]
    return {
        "walkers": places.shape[1],
        "alive": float(alive[-1].mean()),
        "moving": float((np.nansum(late, axis=0) > WALKING_MPS * STEP_S * len(late)).mean()),
        "time_walking": float((step > WALKING_MPS * STEP_S)[alive[1:]].mean()),
        "distance_m": float(np.nansum(step, axis=0).mean()),
        "crossed": float(np.mean([_crossed(on_road[:, k], xy[:, k]) for k in range(xy.shape[1])])),
        "time_on_road": float(on_road[alive].mean()),
        "time_off": float(off.mean()),
        "time_overlapping": float((nearest < 0.4).mean()),
        "height_error_p99_m": float(np.percentile(error, 99)),
        "height_error_max_m": float(error.max()),
        "fastest_mps": float(np.nanmax(np.nanpercentile(step, 99, axis=0)) / STEP_S),
    }


def _height_error(road_map: RoadMap, xy: NDArray[np.float64], feet: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far feet [M] are from the ground at places [M, 2], at a kerb (15 cm around) from the nearer of its two."""
    around = [(0.0, 0.0), (0.15, 0.0), (-0.15, 0.0), (0.0, 0.15), (0.0, -0.15)]
    heights = [road_map.ground.height(xy + np.array(step), feet + 0.2)[0] for step in around]
    return np.abs(np.stack(heights) - feet).min(axis=0)


def share_in_cars(places: NDArray[np.float64], cars: NDArray[np.float64], extents_m: NDArray[np.float64]) -> float:
    """Return the share of the walkers' time inside of a car: tracks [T, N, 3], cars [T, C, 3] x, y, yaw, extents [C, 2]."""
    delta = places[:, :, None, :2] - cars[:, None, :, :2]
    yaw = np.radians(cars[:, None, :, 2])
    along = delta[..., 0] * np.cos(yaw) + delta[..., 1] * np.sin(yaw)
    across = delta[..., 1] * np.cos(yaw) - delta[..., 0] * np.sin(yaw)
    return float(((np.abs(along) < extents_m[:, 0]) & (np.abs(across) < extents_m[:, 1])).any(axis=2).mean())


def _nearest(frame: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each walker's distance to the nearest other one."""
    return KDTree(frame).query(frame, k=2)[0][:, 1] if len(frame) > 1 else np.full(len(frame), np.inf)


def _crossed(on_road: NDArray[np.bool_], xy: NDArray[np.float64]) -> bool:
    """Whether a walker went onto a road and left it at least 4 m from where it had stepped on it."""
    edges = np.flatnonzero(np.diff(on_road.astype(np.int8)))
    pairs = [(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True) if on_road[a + 1]]
    return any(np.linalg.norm(xy[b + 1] - xy[a]) > 4.0 for a, b in pairs)


def start_cars(client: carla.Client, count: int) -> tuple[list[int], int]:
    """Spawn cars under a TrafficManager of this process and return their ids and its port."""
    port = lease_ports(1).port  # until this process ends
    manager = client.get_trafficmanager(port)
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(7)
    world = client.get_world()
    blueprints = [b for b in world.get_blueprint_library().filter("vehicle.*") if b.get_attribute("base_type") == "car"]
    auto = carla.command.SetAutopilot(carla.command.FutureActor, True, port)
    points = world.get_map().get_spawn_points()
    batch = [
        carla.command.SpawnActor(blueprints[k % len(blueprints)], point).then(auto)
        for k, point in enumerate(points[:: max(len(points) // max(count, 1), 1)][:count])
    ]
    return [answer.actor_id for answer in client.apply_batch_sync(batch, True) if not answer.error], port


def main(town: str, walkers: int = 50, ticks: int = 2000, cross_factor: float = 0.3, cars: int = 0) -> None:
    """Let walkers walk on a fresh server and print what became of them."""
    shared = Path(os.environ.get("ALPAMAYO_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    maps = [shared / "data" / "maps"]
    with EmbeddedServer(town, seed=1, maps_dirs=maps) as server:
        client = connect(server.address, timeout_s=60.0)
        with SynchronousWorld(client, timeout_s=60.0) as synchronous:
            world = synchronous.world
            car_ids, port = start_cars(client, cars) if cars else ([], 0)
            if cars:
                from alpamayo_scenarios.traffic_rescue import TrafficRescue

                TrafficRescue(world, port)
            crowd = start_crowd(client, walkers, cross_factor, seed=5)
            half = np.array([a.bounding_box.extent.z for a in world.get_actors(crowd.walkers)])
            order = [a.id for a in world.get_actors(crowd.walkers)]
            boxes = [a.bounding_box.extent for a in world.get_actors(car_ids)]
            everyone = track(world, [*order, *(a.id for a in world.get_actors(car_ids))], ticks)
            places, car_poses = everyone[:, : len(order)], everyone[:, len(order) :, [0, 1, 3]]
            found = judge(load_road_map(town, maps_dirs=maps), places, half)
            if cars:
                found["time_in_cars"] = share_in_cars(places, car_poses, np.array([(e.x, e.y) for e in boxes]))
                found["cars_moved_m"] = float(
                    np.nansum(np.hypot(*np.diff(car_poses[:, :, :2], axis=0).T), axis=1).mean()
                )
            if "NAV_TRACKS" in os.environ:
                tracks = [[row for row in places[::5, k].tolist() if row[0] == row[0]] for k in range(places.shape[1])]
                Path(os.environ["NAV_TRACKS"]).write_text(json.dumps(tracks))
            print(json.dumps({"town": town, "cars": len(car_ids), **found}), flush=True)
            os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], *(int(v) for v in sys.argv[2:4]), *(float(v) for v in sys.argv[4:5]), *map(int, sys.argv[5:6]))
