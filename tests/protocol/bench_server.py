"""Measures the server with the real client: `python tests/protocol/bench_server.py [--maps DIR] [--ticks N] [--only NAME]`.

Prints a table of speeds, latencies and memory beside their limits, and a hash of all actor states over 2,000 ticks with 20
TrafficManager vehicles from three fresh pairs of processes. Ends with code 1 when the hashes differ, with code 3 when the server
is gone or no tick came for a minute. Numbers are of this machine, client and server sharing its cores.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import socket
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import carla
import numpy as np
import psutil

from alpamayo_scenarios.traffic_rescue import TrafficRescue
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.client.watchdog import CLIENT_TIMEOUT_S, ServerWatchdog
from alpamayo_sim.errors import InfrastructureError, InputError

STEP_S = 0.05
HASH_VEHICLES = 20
CLEARANCE_M = 8.0
MEGABYTE = 1e6
RECORDER_BLOCK = 200
CHOICES = ("speed", "managed", "recorder", "cameras", "latency", "load", "determinism")
SHARED = Path(os.environ.get("ALPAMAYO_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data" / "maps"


@dataclass(frozen=True)
class Row:
    """One measured number, and the limit it is to keep, if there is one."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    note: str = ""

    def __str__(self) -> str:
        text = f"{self.name:44s} {self.value:9.1f} {self.unit:8s}"
        if self.limit is not None:
            text += f" limit {self.limit:g}: {'over' if self.value > self.limit else 'under'}"
        return f"{text} {self.note}".rstrip()


class Bench:
    """A server under a watchdog, with its world in synchronous mode."""

    def __init__(self, server: EmbeddedServer, *, worker_threads: int = 0) -> None:
        self.server = server
        self.client = connect(server.address, timeout_s=CLIENT_TIMEOUT_S, worker_threads=worker_threads)
        self.watchdog = ServerWatchdog(server.address, lambda: server.running, self._lost)
        self._synchronous = self.restart()
        self._rescue: TrafficRescue | None = None

    @property
    def world(self) -> carla.World:
        return self._synchronous.world

    def restart(self) -> SynchronousWorld:
        """Start the episode anew, so that nothing depends on when we connected or on what was measured before."""
        with SynchronousWorld(self.client, step_s=STEP_S):
            self.client.reload_world(False)
        self._synchronous = SynchronousWorld(self.client, step_s=STEP_S, timeout_s=CLIENT_TIMEOUT_S)
        self._synchronous.__enter__()
        self.watchdog.ticked()
        return self._synchronous

    def tick(self) -> carla.WorldSnapshot:
        """Advance the world by one step, as an episode does."""
        snapshot = self._synchronous.tick()
        self.watchdog.ticked()
        return snapshot

    def traffic_manager(self) -> carla.TrafficManager:
        """Start a TrafficManager whose lost signals are repeated."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        manager = self.client.get_trafficmanager(port)
        manager.set_synchronous_mode(True)
        manager.set_random_device_seed(7)
        self._rescue = TrafficRescue(self.world, port)
        return manager

    def end_traffic(self, manager: carla.TrafficManager) -> int:
        """End a TrafficManager; return how often its signal had to be repeated."""
        assert self._rescue is not None
        self._rescue.end()
        manager.shut_down()
        return self._rescue.rescues

    def _lost(self, reason: str) -> None:
        print(f"error: {reason}\n{self.server.log()[-2000:]}", file=sys.stderr, flush=True)
        self.server.kill()
        os._exit(3)


def spawn(bench: Bench, count: int, traffic_manager_port: int | None) -> list[int]:
    """Spawn cars at the first spawn points of the map that are clear of one another."""
    world = bench.world
    blueprints = [b for b in world.get_blueprint_library().filter("vehicle.*") if b.get_attribute("base_type") == "car"]
    points: list[carla.Transform] = []
    for point in world.get_map().get_spawn_points():
        if all(point.location.distance(other.location) > CLEARANCE_M for other in points):
            points.append(point)
    commands = []
    for k, point in enumerate(points[:count]):
        command = carla.command.SpawnActor(blueprints[k % len(blueprints)], point)
        if traffic_manager_port is not None:
            command = command.then(carla.command.SetAutopilot(carla.command.FutureActor, True, traffic_manager_port))
        commands.append(command)
    answers = bench.client.apply_batch_sync(commands, True)
    ids = [answer.actor_id for answer in answers if not answer.error]
    if len(ids) < count:
        raise RuntimeError(f"only {len(ids)} of {count} cars were spawned")
    return ids


def ticks_per_second(bench: Bench, driven: carla.Vehicle | None, ticks: int, wait_for: list[list[object]]) -> float:
    for _ in range(50):
        bench.tick()
    start = time.perf_counter()
    for k in range(ticks):
        if driven is not None:
            driven.apply_control(carla.VehicleControl(throttle=0.3 + 0.3 * (k % 100) / 100.0, steer=0.001 * (k % 7)))
        seen = [len(images) for images in wait_for]
        bench.tick()
        while any(len(images) == before for images, before in zip(wait_for, seen, strict=True)):
            time.sleep(0.0001)
    return ticks / (time.perf_counter() - start)


def measure_speed(bench: Bench, vehicles: int, cameras: int, managed: bool, ticks: int) -> tuple[float, int]:
    """Return (ticks per second, how often TrafficManager's signal had to be repeated)."""
    bench.restart()
    manager = bench.traffic_manager() if managed else None
    ids = spawn(bench, vehicles, manager.get_port() if manager else None)
    ego = bench.world.get_actor(ids[0])
    streams: list[list[object]] = []
    sensors = []
    for _ in range(cameras):
        blueprint = bench.world.get_blueprint_library().find("sensor.camera.rgb")
        blueprint.set_attribute("image_size_x", "320")
        blueprint.set_attribute("image_size_y", "180")
        camera = bench.world.spawn_actor(blueprint, carla.Transform(carla.Location(x=1.5, z=1.6)), attach_to=ego)
        images: list[object] = []
        camera.listen(images.append)
        streams.append(images)
        sensors.append(camera)
    speed = ticks_per_second(bench, None if managed else ego, ticks, streams)
    for sensor in sensors:
        sensor.stop()
        sensor.destroy()
    return speed, bench.end_traffic(manager) if manager is not None else 0


def measure_recorder(bench: Bench, vehicles: int, managed: bool, ticks: int) -> tuple[list[float], list[float]]:
    """Return (median time of a tick, processor time of the server per tick) in ms, each without recorder and with it.

    Blocks of ticks with and without the recorder, which takes all additional data, take turns in one drive. The processor time
    counts also what is done while the client is busy.
    """
    process = psutil.Process(bench.server.pid)
    bench.restart()
    manager = bench.traffic_manager() if managed else None
    driven = [bench.world.get_actor(i) for i in spawn(bench, vehicles, manager.get_port() if manager else None)]
    times_s: tuple[list[float], list[float]] = ([], [])
    busy_s = [0.0, 0.0]
    while len(times_s[1]) < ticks:
        for recorded in (False, True):
            if recorded:
                bench.client.start_recorder("bench_server.log", True)
            if not managed:
                controls = [
                    carla.command.ApplyVehicleControl(car, carla.VehicleControl(throttle=0.4)) for car in driven
                ]
                bench.client.apply_batch_sync(controls, False)
            bench.tick()
            before = process.cpu_times()
            for _ in range(RECORDER_BLOCK):
                start = time.perf_counter()
                bench.tick()
                times_s[recorded].append(time.perf_counter() - start)
            after = process.cpu_times()
            busy_s[recorded] += after.user + after.system - before.user - before.system
            if recorded:
                bench.client.stop_recorder()
    if manager is not None:
        bench.end_traffic(manager)
    medians_ms = [1e3 * float(np.median(times)) for times in times_s]
    return medians_ms, [1e3 * busy / len(times) for busy, times in zip(busy_s, times_s, strict=True)]


def measure_latency(bench: Bench, calls: int = 5000) -> tuple[float, float]:
    """Return (p50, p99) of a call in microseconds."""
    bench.restart()
    durations = np.empty(calls)
    for k in range(calls):
        start = time.perf_counter()
        bench.world.get_weather()
        durations[k] = time.perf_counter() - start
    bench.watchdog.ticked()
    return tuple((1e6 * np.percentile(durations, (50, 99))).tolist())


def state_hash(maps: Path | None, town: str, ticks: int) -> tuple[str, int]:
    """Return the hash of the states of all actors, 20 TrafficManager vehicles among them, in a fresh server.

    The second number tells how often TrafficManager's signal had to be repeated: such a run has an extra step of the
    traffic, so its hash proves nothing.
    """
    with EmbeddedServer(town, seed=3, maps_dirs=[maps] if maps else []) as server:
        bench = Bench(server)
        with bench.watchdog:
            manager = bench.traffic_manager()
            ids = spawn(bench, HASH_VEHICLES, manager.get_port())
            digest = hashlib.sha256()
            start = [bench.world.get_actor(i).get_location() for i in ids]
            for _ in range(ticks):
                for actor in sorted(bench.tick(), key=lambda actor: actor.id):
                    pose = actor.get_transform()
                    vectors = (actor.get_velocity(), actor.get_angular_velocity(), actor.get_acceleration())
                    rotation = (pose.rotation.pitch, pose.rotation.yaw, pose.rotation.roll)
                    numbers = [x for v in (pose.location, *vectors) for x in (v.x, v.y, v.z)]
                    digest.update(struct.pack("<I15f", actor.id, *numbers, *rotation))
            moved = [
                bench.world.get_actor(i).get_location().distance(place) for i, place in zip(ids, start, strict=True)
            ]
            if sum(distance > 1.0 for distance in moved) < len(ids) // 2:
                raise RuntimeError("the traffic does not move: its states prove nothing")
            rescues = bench.end_traffic(manager)
    return digest.hexdigest(), rescues


def fresh_hash(maps: Path | None, town: str, ticks: int) -> str:
    """Return `state_hash` of a fresh client process with a fresh server; one with a repeated signal is run again."""
    command = [sys.executable, __file__, "--town", town, "--hash", "--hash-ticks", str(ticks)]
    command += ["--maps", str(maps)] if maps else []
    for _ in range(5):
        done = subprocess.run(command, capture_output=True, text=True, timeout=280)
        if done.returncode:
            raise RuntimeError(f"a run ended with code {done.returncode}: {done.stderr[-2000:]}")
        digest, rescues = next(line.split()[1:] for line in done.stdout.splitlines() if line.startswith("hash "))
        if rescues == "0":
            return digest
        print(f"TrafficManager missed {rescues} signals; this run is repeated", file=sys.stderr)
    raise RuntimeError("TrafficManager missed a signal in each of 5 runs: this machine is too busy")


def determinism(maps: Path | None, town: str, ticks: int) -> list[str]:
    """Return the hashes of three fresh pairs of client and server processes."""
    return [fresh_hash(maps, town, ticks) for _ in range(3)]


def measure(bench: Bench, wanted: Callable[[str], bool], town: str, ticks: int) -> list[Row]:
    """Return what one server is measured for."""
    process = psutil.Process(bench.server.pid)
    rows: list[Row] = []

    def memory(name: str, limit: float | None) -> None:
        rows.append(Row(name, process.memory_info().rss / MEGABYTE, "MB", limit))

    if wanted("speed"):
        rows.append(
            Row("50 vehicles, one control a tick", measure_speed(bench, 50, 0, False, ticks)[0], "ticks/s", 1500)
        )
    if wanted("latency"):
        median, tail = measure_latency(bench)
        rows.append(Row("call round trip, p50", median, "us", 150, f"(p99 {tail:.0f} us)"))
    memory("server memory, no cameras", 300)
    if wanted("managed"):
        speed, rescues = measure_speed(bench, 60, 0, True, ticks)
        rows.append(Row("60 TrafficManager vehicles", speed, "ticks/s", 400, f"({rescues} missed signals)"))
    if wanted("recorder"):
        for managed, kind in ((True, "60 TrafficManager vehicles"), (False, "60 vehicles")):
            (without, recorded), busy = measure_recorder(bench, 60, managed, ticks)
            note = f"({without:.2f} and {recorded:.2f} ms a tick; the server works {busy[0]:.2f} and {busy[1]:.2f} ms)"
            rows.append(Row(f"recorder, {kind}", 100.0 * (recorded / without - 1.0), "% slower", 10, note))
    if wanted("load") and "Town04" in "".join(bench.client.get_available_maps()):
        start = time.perf_counter()
        bench.client.load_world("Town04")
        rows.append(Row("load of Town04", time.perf_counter() - start, "s", 3))
        memory("server memory after it, no cameras", 300)
        bench.client.load_world(town)
    if wanted("cameras"):
        for cameras in (1, 4):
            speed, _ = measure_speed(bench, 50, cameras, False, min(200, ticks))
            rows.append(Row(f"50 vehicles, {cameras} x 320x180", speed, "ticks/s"))
        memory("server memory with cameras", None)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--town", default="Town01")
    parser.add_argument("--maps", type=Path, default=SHARED if SHARED.is_dir() else None)
    parser.add_argument("--ticks", type=int, default=2000)
    parser.add_argument("--hash-ticks", type=int, default=2000)
    parser.add_argument("--only", choices=CHOICES)
    parser.add_argument("--hash", action="store_true", help="print the hash of one run and the missed signals")
    options = parser.parse_args()
    if options.hash:
        print("hash", *state_hash(options.maps, options.town, options.hash_ticks), flush=True)
        return 0

    def wanted(name: str) -> bool:
        return options.only in (None, name)

    if options.only != "determinism":
        with EmbeddedServer(options.town, maps_dirs=[options.maps] if options.maps else []) as server:
            bench = Bench(server)
            with bench.watchdog:
                for row in measure(bench, wanted, options.town, options.ticks):
                    print(row, flush=True)
    if not wanted("determinism"):
        return 0
    hashes = determinism(options.maps, options.town, options.hash_ticks)
    equal = len(set(hashes)) == 1
    name = f"{HASH_VEHICLES} vehicles, {options.hash_ticks} ticks, 3 fresh runs"
    print(f"{name:44s} {'equal' if equal else 'DIFFERENT'}: {' '.join(digest[:12] for digest in hashes)}", flush=True)
    return 0 if equal else 1


def end_process(code: int) -> None:
    """End without the client library's clean-up, which waits for servers that are gone."""
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    try:
        end_process(main())
    except (RuntimeError, OSError, subprocess.SubprocessError, InfrastructureError, InputError):
        traceback.print_exc()
        end_process(3)
