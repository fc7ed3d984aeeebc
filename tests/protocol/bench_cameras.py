"""Measures cameras through real clients: `bench_cameras.py --worlds 8 --render-services 1 --traffic-manager`.

Each world is a server process with one client process of its own: 30 vehicles, 20 walkers and an ego with four cameras of
320x180; every frame is received and copied by the client before the next tick. Prints ticks per second and the processor time
of each part. Numbers are of this machine, everything sharing its cores. Ends with code 3 when a process fails.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bench_server
import carla
import numpy as np
import psutil

from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.render_service import RenderService
from alpamayo_sim.errors import InfrastructureError, InputError

YAWS_DEG = (0.0, 60.0, -60.0, 180.0)
FRAME_TIMEOUT_S = 30.0
WALKER_SPEED_MPS = 1.3


@dataclass(frozen=True)
class Share:
    """What one world did in the measured time."""

    ticks: int
    wall_s: float
    client_cpu_s: float
    server_cpu_s: float
    missed_signals: int
    checksum: int
    """Of the last frames, so that nobody can leave out their copying."""


class Cameras:
    """The cameras of the ego; frames are copied as they come."""

    def __init__(self, world: carla.World, ego: carla.Actor, count: int, size: tuple[int, int]) -> None:
        self._frames: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
        self._count = count
        self._sensors: list[carla.Sensor] = []
        self.images = np.zeros((count, size[1], size[0], 4), dtype=np.uint8)
        blueprint = world.get_blueprint_library().find("sensor.camera.rgb")
        blueprint.set_attribute("image_size_x", str(size[0]))
        blueprint.set_attribute("image_size_y", str(size[1]))
        for k in range(count):
            place = carla.Transform(carla.Location(x=1.5, z=1.6), carla.Rotation(yaw=YAWS_DEG[k % len(YAWS_DEG)]))
            sensor = world.spawn_actor(blueprint, place, attach_to=ego)
            sensor.listen(lambda image, k=k: self._take(k, image))
            self._sensors.append(sensor)

    def _take(self, k: int, image: carla.Image) -> None:
        self.images[k] = np.frombuffer(image.raw_data, dtype=np.uint8).reshape(image.height, image.width, 4)
        self._frames.put((k, image.frame))

    def wait(self, frame: int) -> None:
        """Wait until all cameras have sent the picture of a frame."""
        missing = self._count
        while missing:
            _, number = self._frames.get(timeout=FRAME_TIMEOUT_S)
            missing -= number == frame

    def end(self) -> None:
        for sensor in self._sensors:
            sensor.stop()
            sensor.destroy()


def spawn_walkers(bench: bench_server.Bench, count: int) -> int:
    """Let people walk from random places on the sidewalks."""
    world = bench.world
    blueprints = list(world.get_blueprint_library().filter("walker.pedestrian.*"))
    spawned = 0
    for k in range(20 * count):
        if spawned == count:
            return spawned
        place = world.get_random_location_from_navigation()
        walker = world.try_spawn_actor(
            blueprints[k % len(blueprints)],
            carla.Transform(place + carla.Location(z=1.0), carla.Rotation(yaw=37.0 * k)),
        )
        if walker is not None:
            walker.apply_control(carla.WalkerControl(walker.get_transform().get_forward_vector(), WALKER_SPEED_MPS))
            spawned += 1
    raise RuntimeError(f"only {spawned} of {count} walkers were spawned")


def drive(bench: bench_server.Bench, options: argparse.Namespace) -> Share:
    """Set the scene, wait for the start, and tick for the wished time."""
    bench.restart()
    bench.world.set_pedestrians_seed(5)
    manager = bench.traffic_manager() if options.traffic_manager else None
    ids = bench_server.spawn(bench, options.vehicles, manager.get_port() if manager else None)
    spawn_walkers(bench, options.walkers)
    ego = bench.world.get_actor(ids[0])
    if manager is None:
        throttle = carla.VehicleControl(throttle=0.25)
        bench.client.apply_batch_sync([carla.command.ApplyVehicleControl(i, throttle) for i in ids], False)
    cameras = Cameras(bench.world, ego, options.cameras, (options.width, options.height))
    server = psutil.Process(bench.server.pid)

    def tick(k: int) -> None:
        if manager is None:
            ego.apply_control(carla.VehicleControl(throttle=0.2 + 0.1 * (k % 100) / 100.0, steer=0.001 * (k % 7)))
        cameras.wait(bench.tick().frame)

    for k in range(options.warm_up):
        tick(k)
    print("ready", flush=True)
    sys.stdin.readline()
    for k in range(5):
        tick(k)
    cpu_s, server_cpu_s, start, ticks = time.process_time(), sum(server.cpu_times()[:2]), time.perf_counter(), 0
    while time.perf_counter() - start < options.seconds:
        tick(ticks)
        ticks += 1
    share = Share(
        ticks,
        time.perf_counter() - start,
        time.process_time() - cpu_s,
        sum(server.cpu_times()[:2]) - server_cpu_s,
        0,
        int(cameras.images.sum()),
    )
    cameras.end()
    return Share(**{**asdict(share), "missed_signals": bench.end_traffic(manager) if manager is not None else 0})


def one_world(options: argparse.Namespace) -> None:
    """Be the client of one world, with a server of its own; prints its share."""
    extra = ["--render-service", options.service] if options.service else []
    maps = [options.maps] if options.maps else []
    with EmbeddedServer(options.town, seed=options.number, maps_dirs=maps, extra_args=extra) as server:
        bench = bench_server.Bench(server, worker_threads=options.client_threads)
        with bench.watchdog:
            print("share", json.dumps(asdict(drive(bench, options))), flush=True)


def measure(options: argparse.Namespace, stack: ExitStack) -> tuple[list[Share], float]:
    """Run all worlds at once; return their shares and the processor time of the render services during the measured time."""
    services = [stack.enter_context(RenderService()) for _ in range(options.render_services)]
    children: list[subprocess.Popen[str]] = []
    for number in range(options.worlds):
        command = [sys.executable, __file__, "--number", str(number), *sys.argv[1:]]
        command += ["--service", services[number % len(services)].address] if services else []
        log = stack.enter_context(tempfile.TemporaryFile("w+"))  # noqa: SIM115
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=_environment(options)
        )
        stack.callback(child.kill)
        child.log = log  # pyright: ignore[reportAttributeAccessIssue]
        children.append(child)
    for child in children:
        _expect(child, "ready")
    processes = [psutil.Process(service.pid) for service in services]
    before_s = sum(sum(process.cpu_times()[:2]) for process in processes)
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    shares = [Share(**json.loads(_expect(child, "share"))) for child in children]
    services_s = sum(sum(process.cpu_times()[:2]) for process in processes) - before_s
    for child in children:
        child.wait()
    return shares, services_s


def _environment(options: argparse.Namespace) -> dict[str, str]:
    """Many processes with a thread for each core each are slower than one thread each."""
    several = {"LP_NUM_THREADS": "1"} if options.worlds > 1 and not options.render_services else {}
    return {**os.environ, **several}


def _expect(child: Any, word: str) -> str:
    for line in child.stdout:
        if line.startswith(word):
            return line[len(word) :].strip()
    child.log.seek(0)
    raise RuntimeError(f"a world's client ended early with code {child.wait()}: {child.log.read()[-3000:]}")


def report(options: argparse.Namespace, shares: list[Share], services_s: float) -> None:
    ticks = sum(share.ticks for share in shares)
    rates = [share.ticks / share.wall_s for share in shares]
    per_tick_ms = 1e3 / max(ticks, 1)
    parts = {
        "client": sum(share.client_cpu_s for share in shares),
        "server": sum(share.server_cpu_s for share in shares),
        "render service": services_s,
    }
    traffic = "TrafficManager" if options.traffic_manager else "no TrafficManager"
    print(
        f"{options.worlds} worlds, {options.render_services} render services, {options.cameras} cameras of "
        f"{options.width}x{options.height}, {options.vehicles} vehicles, {options.walkers} walkers, {traffic}: "
        f"{sum(rates):.0f} ticks/s in total ({min(rates):.0f} to {max(rates):.0f} each)"
    )
    cpu = ", ".join(f"{name} {per_tick_ms * seconds:.2f}" for name, seconds in parts.items())
    missed = sum(share.missed_signals for share in shares)
    print(
        f"  processor ms per tick: {cpu}; together {per_tick_ms * sum(parts.values()):.2f}; {missed} missed signals",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=1)
    parser.add_argument("--render-services", type=int, default=0, help="0: each server renders by itself")
    parser.add_argument("--traffic-manager", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--height", type=int, default=180)
    parser.add_argument("--vehicles", type=int, default=30)
    parser.add_argument("--walkers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--warm-up", type=int, default=60, help="ticks")
    parser.add_argument("--town", default="Town10HD")
    parser.add_argument("--maps", type=Path, default=bench_server.SHARED if bench_server.SHARED.is_dir() else None)
    parser.add_argument(
        "--client-threads", type=int, default=1, help="that receive frames, in each client; 0: one a core"
    )
    parser.add_argument("--number", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--service", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.number is not None:
        one_world(options)
        return 0
    with ExitStack() as stack:
        report(options, *measure(options, stack))
    return 0


if __name__ == "__main__":
    try:
        bench_server.end_process(main())
    except (RuntimeError, OSError, queue.Empty, InfrastructureError, InputError):
        traceback.print_exc()
        bench_server.end_process(3)
