"""Measures the server with the real client: `python tests/protocol/bench_server.py [--maps DIR] [--ticks N] [--only NAME]`.

Prints a table of speeds, latencies and memory, and a hash of all actor states over 2,000 ticks with 20 TrafficManager vehicles
from three fresh pairs of processes (they must be equal). Numbers are of this machine, client and server sharing its cores.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import struct
import subprocess
import sys
import time
from pathlib import Path

import carla
import numpy as np
import psutil

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

STEP_S = 0.05
SHARED = Path(os.environ.get("ALPAMAYO_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data" / "maps"


def synchronous(client: carla.Client) -> carla.World:
    """Put the world into synchronous mode and start its episode anew, so that nothing depends on when we connected."""
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, STEP_S
    world.apply_settings(settings)
    return client.reload_world(False)


def spawn(client: carla.Client, world: carla.World, count: int, traffic_manager_port: int | None) -> list[int]:
    """Spawn cars at the first spawn points of the map."""
    blueprints = [b for b in world.get_blueprint_library().filter("vehicle.*") if b.get_attribute("base_type") == "car"]
    commands = []
    for k, point in enumerate(world.get_map().get_spawn_points()):
        command = carla.command.SpawnActor(blueprints[k % len(blueprints)], point)
        if traffic_manager_port is not None:
            command = command.then(carla.command.SetAutopilot(carla.command.FutureActor, True, traffic_manager_port))
        commands.append(command)
        if len(commands) == count:
            break
    answers = client.apply_batch_sync(commands, True)
    ids = [answer.actor_id for answer in answers if not answer.error]
    if len(ids) < count:
        print(f"only {len(ids)} of {count} cars were spawned", file=sys.stderr)
    return ids


def traffic_manager(client: carla.Client) -> carla.TrafficManager:
    manager = client.get_trafficmanager(random.SystemRandom().randrange(20000, 60000))
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(7)
    return manager


def ticks_per_second(world: carla.World, driven: carla.Actor | None, ticks: int, wait_for: list[list[object]]) -> float:
    for _ in range(50):
        world.tick()
    start = time.perf_counter()
    for k in range(ticks):
        if driven is not None:
            driven.apply_control(carla.VehicleControl(throttle=0.3 + 0.3 * (k % 100) / 100.0, steer=0.001 * (k % 7)))
        seen = [len(images) for images in wait_for]
        world.tick()
        while any(len(images) == before for images, before in zip(wait_for, seen, strict=True)):
            time.sleep(0.0001)
    return ticks / (time.perf_counter() - start)


def measure_speed(server: EmbeddedServer, vehicles: int, cameras: int, managed: bool, ticks: int) -> float:
    client = connect(server.address)
    world = synchronous(client)
    manager = traffic_manager(client) if managed else None
    ids = spawn(client, world, vehicles, manager.get_port() if manager else None)
    ego = world.get_actor(ids[0])
    streams: list[list[object]] = []
    sensors = []
    for _ in range(cameras):
        blueprint = world.get_blueprint_library().find("sensor.camera.rgb")
        blueprint.set_attribute("image_size_x", "320")
        blueprint.set_attribute("image_size_y", "180")
        camera = world.spawn_actor(blueprint, carla.Transform(carla.Location(x=1.5, z=1.6)), attach_to=ego)
        images: list[object] = []
        camera.listen(images.append)
        streams.append(images)
        sensors.append(camera)
    speed = ticks_per_second(world, None if managed else ego, ticks, streams)
    for sensor in sensors:
        sensor.stop()
        sensor.destroy()
    if manager is not None:
        manager.shut_down()
    return speed


def measure_latency(server: EmbeddedServer, calls: int = 5000) -> tuple[float, float]:
    """Return (p50, p99) of a call in microseconds."""
    client = connect(server.address)
    world = synchronous(client)
    durations = np.empty(calls)
    for k in range(calls):
        start = time.perf_counter()
        world.get_weather()
        durations[k] = time.perf_counter() - start
    return tuple((1e6 * np.percentile(durations, (50, 99))).tolist())


def state_hash(maps: Path | None, town: str, ticks: int) -> str:
    """Return the hash of the states of 20 TrafficManager vehicles in a fresh server."""
    with EmbeddedServer(town, seed=3, maps_dirs=[maps] if maps else []) as server:
        client = connect(server.address)
        world = synchronous(client)
        manager = traffic_manager(client)
        ids = spawn(client, world, 20, manager.get_port())
        digest = hashlib.sha256()
        for _ in range(ticks):
            world.tick()
            snapshot = world.get_snapshot()
            for actor_id in ids:
                actor = snapshot.find(actor_id)
                pose, velocity = actor.get_transform(), actor.get_velocity()
                digest.update(
                    struct.pack(
                        "<9f",
                        pose.location.x, pose.location.y, pose.location.z,
                        pose.rotation.pitch, pose.rotation.yaw, pose.rotation.roll,
                        velocity.x, velocity.y, velocity.z,
                    )
                )  # fmt: skip
        manager.shut_down()
    return digest.hexdigest()


def determinism(options: argparse.Namespace) -> str:
    """Run `state_hash` in three fresh client processes, each with a fresh server."""
    command = [sys.executable, __file__, "--town", options.town, "--hash", "--ticks", str(options.hash_ticks)]
    if options.maps:
        command += ["--maps", str(options.maps)]
    hashes = []
    for _ in range(3):
        output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=280).stdout
        hashes.append(next(line.split()[1] for line in output.splitlines() if line.startswith("hash ")))
    return f"{'equal' if len(set(hashes)) == 1 else 'DIFFERENT'}: {' '.join(h[:12] for h in hashes)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--town", default="Town01")
    parser.add_argument("--maps", type=Path, default=SHARED if SHARED.is_dir() else None)
    parser.add_argument("--ticks", type=int, default=2000)
    parser.add_argument("--hash-ticks", type=int, default=2000)
    parser.add_argument("--only", choices=("speed", "managed", "cameras", "latency", "load", "determinism"))
    parser.add_argument("--hash", action="store_true")
    options = parser.parse_args()
    if options.hash:
        print("hash", state_hash(options.maps, options.town, options.ticks), flush=True)
        os._exit(0)
    rows: list[tuple[str, str]] = []

    def wanted(name: str) -> bool:
        return options.only in (None, name)

    folders = [options.maps] if options.maps else []
    with EmbeddedServer(options.town, maps_dirs=folders) as server:
        process = psutil.Process(server.pid)
        if wanted("speed"):
            speed = measure_speed(server, 50, 0, False, options.ticks)
            rows.append(("50 vehicles, one control a tick", f"{speed:.0f} ticks/s"))
        if wanted("latency"):
            median, tail = measure_latency(server)
            rows.append(("call round trip", f"p50 {median:.0f} us, p99 {tail:.0f} us"))
        rows.append(("server memory, no cameras", f"{process.memory_info().rss / 2**20:.0f} MiB"))
        if wanted("managed"):
            speed = measure_speed(server, 60, 0, True, options.ticks)
            rows.append(("60 TrafficManager vehicles", f"{speed:.0f} ticks/s"))
        if wanted("load") and "Town04" in "".join(connect(server.address).get_available_maps()):
            client = connect(server.address)
            start = time.perf_counter()
            client.load_world("Town04")
            rows.append(("load of Town04", f"{time.perf_counter() - start:.2f} s"))
            rows.append(("server memory after it", f"{process.memory_info().rss / 2**20:.0f} MiB"))
            client.load_world(options.town)
        if wanted("cameras"):
            for cameras in (1, 4):
                speed = measure_speed(server, 50, cameras, False, min(200, options.ticks))
                rows.append((f"50 vehicles, {cameras} x 320x180", f"{speed:.1f} ticks/s"))
            rows.append(("server memory with cameras", f"{process.memory_info().rss / 2**20:.0f} MiB"))
    if wanted("determinism"):
        rows.append((f"20 vehicles, {options.hash_ticks} ticks, 3 fresh runs", determinism(options)))
    for name, value in rows:
        print(f"{name:44s} {value}", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
