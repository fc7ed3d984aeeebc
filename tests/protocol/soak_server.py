"""A server under churn: does its memory stay flat? `python soak_server.py --ticks 1000000` prints what it found.

Clients come and go, one in five killed in the middle of a tick: each spawns and destroys vehicles and walkers, switches
sensors on and off, draws, changes the weather, and now and then loads a map. Beside them others subscribe and do not read. The
server's own statistics (SIGUSR1) are taken after each client. Exit code 0: memory is flat; 1: it grows, or the server failed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import carla
import numpy as np
from numpy.typing import NDArray
from scipy.stats import theilslopes

from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.server.statistics import PREFIX

STEP_S = 0.05
CAMERA_TICKS = 10
MEGABYTE = 1 << 20
MAX_GROWTH_MB = 16.0
"""By how much the trend of the memory may rise from its first third to its end."""
MAX_OBJECT_GROWTH = 0.05
CAMERA = {"image_size_x": "64", "image_size_y": "48"}


def churn(port: int, seed: int, ticks: int, block_ticks: int) -> None:
    """One client's life, in a process of its own: all actors are new every `block_ticks`."""
    rng = np.random.default_rng(seed)
    client = carla.Client("127.0.0.1", port)
    client.set_timeout(60.0)
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, STEP_S
    world.apply_settings(settings)
    if seed % 8 == 0:
        towns = sorted(client.get_available_maps())
        world = client.load_world(towns[int(rng.integers(len(towns)))], False)
    elif seed % 3 == 0:
        world = client.reload_world(False)
    library, points = world.get_blueprint_library(), world.get_map().get_spawn_points()
    cars = [b for b in library.filter("vehicle.*") if int(b.get_attribute("number_of_wheels")) == 4]
    people = list(library.filter("walker.pedestrian.*"))
    listening: list[carla.Sensor] = []
    print("ready", flush=True)
    for block in range(ticks // block_ticks):
        chosen = rng.permutation(len(points))[:20]
        commands = [carla.command.SpawnActor(cars[int(rng.integers(len(cars)))], points[i]) for i in chosen]
        for i in chosen[:5]:
            above = carla.Transform(points[i].location + carla.Location(x=3.0, z=1.0))
            commands.append(carla.command.SpawnActor(people[int(rng.integers(len(people)))], above))
        ids = [answer.actor_id for answer in client.apply_batch_sync(commands, False) if not answer.error]
        world.tick()
        actors = list(world.get_actors(ids))
        ego = actors[0]
        for name in ("gnss", "imu", "collision"):
            listening.append(world.spawn_actor(library.find(f"sensor.other.{name}"), carla.Transform(), attach_to=ego))
        if block % 5 == 0:
            blueprint = library.find("sensor.camera.rgb")
            for name, value in CAMERA.items():
                blueprint.set_attribute(name, value)
            listening.append(world.spawn_actor(blueprint, carla.Transform(carla.Location(z=2.0)), attach_to=ego))
        for sensor in listening:
            sensor.listen(lambda data: None)
        world.debug.draw_point(ego.get_location(), life_time=float(rng.uniform(0.1, 10.0)))
        world.set_weather(carla.WeatherParameters(cloudiness=float(rng.uniform(0.0, 100.0))))
        for tick in range(block_ticks):
            if isinstance(ego, carla.Vehicle):
                ego.apply_control(
                    carla.VehicleControl(throttle=float(rng.random()), steer=float(rng.uniform(-1.0, 1.0)))
                )
            world.tick()
            if tick == CAMERA_TICKS and block % 5 == 0:
                camera = listening.pop()
                camera.stop()
                camera.destroy()
        for sensor in listening:
            sensor.stop()
        ids += [sensor.id for sensor in listening]
        listening.clear()
        # Not with its own tick: the library holds Python's lock in it, for which the sensors' last callbacks wait.
        client.apply_batch_sync([carla.command.DestroyActor(i) for i in ids], False)
        world.tick()


class Soak:
    """One server and what was sampled of it."""

    def __init__(self, server: EmbeddedServer, seed: int, ticks_per_client: int, block_ticks: int) -> None:
        self.server = server
        self.client_arguments = [str(ticks_per_client), str(block_ticks)]
        self.rng = np.random.default_rng(seed)
        self.samples: list[dict[str, Any]] = []
        self.failed_clients: list[str] = []
        self.killed = 0

    def sample(self) -> dict[str, Any]:
        """Return the server's statistics, and keep them."""
        known = self.server.log().count(PREFIX)
        os.kill(self.server.pid, signal.SIGUSR1)
        deadline = time.monotonic() + 120.0
        while time.monotonic() < deadline:
            lines = [line for line in self.server.log().splitlines() if PREFIX in line]
            if len(lines) > known or (lines and self.samples and self._parse(lines[-1]) != self.samples[-1]):
                self.samples.append(self._parse(lines[-1]))
                return self.samples[-1]
            time.sleep(0.05)
        raise RuntimeError("the server does not answer a request for its statistics")

    @staticmethod
    def _parse(line: str) -> dict[str, Any]:
        return json.loads(line.split(PREFIX, 1)[1])

    def one_client(self, seed: int) -> None:
        """Let one client live, or kill it; a silent subscriber stands by."""
        command = [sys.executable, __file__, "--churn", str(self.server.address.port), str(seed)]
        command += self.client_arguments
        with socket.create_connection(("127.0.0.1", self.server.address.port + 1)) as silent:
            silent.sendall(struct.pack("<I", 1))
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            assert process.stdout is not None
            process.stdout.readline()
            if self.rng.random() < 0.2:
                time.sleep(float(self.rng.uniform(0.1, 3.0)))
                process.kill()
                self.killed += 1
                process.communicate()
                return
            _, errors = process.communicate(timeout=600.0)
            if process.returncode:
                self.failed_clients.append(f"client {seed} ended with {process.returncode}: {errors[-2000:]}")


def flatness(ticks: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Return by how much the trend (Theil-Sen) of `values` rises from the first third of `ticks` to the end."""
    late = ticks >= ticks[0] + (ticks[-1] - ticks[0]) / 3.0
    slope = float(theilslopes(values[late], ticks[late])[0])
    return slope * float(ticks[-1] - ticks[late][0])


def soak(options: argparse.Namespace) -> int:
    """Run and report; returns the exit code."""
    ticks, log = options.ticks, options.log
    end_s = time.monotonic() + options.hours * 3600.0
    with EmbeddedServer("Gridvale", seed=options.seed, maps_dirs=options.maps) as server:
        run = Soak(server, options.seed, options.ticks_per_client, options.block_ticks)
        first, done, number = run.sample()["frame"], 0, 0
        while done < ticks and time.monotonic() < end_s and server.running and len(run.failed_clients) < 5:
            number += 1
            run.one_client(number)
            found = run.sample()
            done = found["frame"] - first
            line = json.dumps({"client": number, "ticks": done, **found})
            if log is not None:
                with log.open("a") as file:
                    file.write(line + "\n")
        alive = server.running
        report = summary(run, done)
        report["clients"], report["server_alive"] = number, alive
        print(json.dumps(report, indent=1), flush=True)
    flat = is_flat(report)
    return 0 if alive and flat and not run.failed_clients else 1


def summary(run: Soak, done: int) -> dict[str, Any]:
    """Return the numbers that the run is judged by."""
    frames = np.array([sample["frame"] for sample in run.samples], float)
    memory = np.array([sample["rss_bytes"] for sample in run.samples], float) / MEGABYTE
    objects = np.array([sample["python_objects"] for sample in run.samples], float)
    return {
        "ticks": done,
        "uptime_s": run.samples[-1]["uptime_s"],
        "killed_clients": run.killed,
        "failed_clients": run.failed_clients,
        "episodes": run.samples[-1]["episode"],
        "rss_mb": {"first": memory[0], "least": memory.min(), "most": memory.max(), "last": memory[-1]},
        "rss_growth_mb": flatness(frames, memory),
        "python_objects": {"first": int(objects[0]), "most": int(objects.max()), "last": int(objects[-1])},
        "python_objects_growth": flatness(frames, objects) / float(objects.mean()),
        "last": run.samples[-1],
    }


def is_flat(report: dict[str, Any]) -> bool:
    """Return whether neither memory nor the number of objects rises."""
    return report["rss_growth_mb"] < MAX_GROWTH_MB and report["python_objects_growth"] < MAX_OBJECT_GROWTH


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=1_000_000)
    parser.add_argument("--hours", type=float, default=24.0, help="end after so long, whatever was reached")
    parser.add_argument("--ticks-per-client", type=int, default=5000)
    parser.add_argument("--block-ticks", type=int, default=100, help="all actors are new every so many ticks")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--maps", type=Path, action="append", default=[])
    parser.add_argument("--log", type=Path, help="file that gets every sample as a line of JSON")
    parser.add_argument(
        "--churn", type=int, nargs=4, metavar=("PORT", "SEED", "TICKS", "BLOCK"), help=argparse.SUPPRESS
    )
    options = parser.parse_args()
    if options.churn:
        with contextlib.suppress(KeyboardInterrupt):
            churn(*options.churn)
        sys.stdout.flush()
        os._exit(0)
    return soak(options)


if __name__ == "__main__":
    sys.exit(main())
