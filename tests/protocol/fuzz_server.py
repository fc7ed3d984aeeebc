"""Hostile clients on both ports: `python fuzz_server.py --frames 100000 --seed 1` prints what became of the server.

Eight RPC connections send valid, broken, truncated and misplaced calls of every registered method; others subscribe wrongly, do
not read, or reset the connection in the middle of a message. Between them real clients are killed in the middle of a tick and of
a camera's stream. Now and then, and at the end, a new real client must be able to drive. Exit code 0: the server lived, answered
and did not grow; 1: it did not.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import random
import select
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent))

from fuzz_frames import Frames

from alpamayo_sim.client.embedded import EmbeddedServer

CONNECTIONS = 8
ANSWER_PATIENCE_S = 900.0
"""For what the server does one after the other: maps that take up to 90 s each may wait, and the machine may be busy."""
PATIENCE_S = 0.25
"""How long most calls' answers are waited for, so that the server has handled a call before its connection is reset."""
DEFECT = b"internal error"
MAX_RSS_GROWTH_MB = 400.0
"""Above the server's memory before the attack, at any time."""
NEXT_CLIENT = """
import os, sys, carla
client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(900.0)
world = client.get_world()
settings = world.get_settings()
settings.synchronous_mode, settings.fixed_delta_seconds, settings.no_rendering_mode = True, 0.05, False
settings.substepping, settings.max_substep_delta_time, settings.max_substeps = True, 0.01, 10
world.apply_settings(settings)
world = client.load_world("Gridvale", False)
library, points = world.get_blueprint_library(), world.get_map().get_spawn_points()
car = world.spawn_actor(library.find("vehicle.lincoln.mkz_2020"), points[0])
start = car.get_location()
blueprint = library.find("sensor.camera.rgb")
blueprint.set_attribute("image_size_x", "64")
blueprint.set_attribute("image_size_y", "48")
camera = world.spawn_actor(blueprint, carla.Transform(carla.Location(z=2.0)), attach_to=car)
images = []
camera.listen(lambda image: images.append(image.frame))
for _ in range(40):
    car.apply_control(carla.VehicleControl(throttle=0.7))
    frame = world.tick()
camera.stop()
print("drove", round(car.get_location().distance(start), 1), len(images), flush=True)
while len(sys.argv) > 2:
    car.apply_control(carla.VehicleControl(throttle=0.7))
    world.tick()
os._exit(0)
"""


class Attack:
    """One attack on one server."""

    def __init__(self, server: EmbeddedServer, seed: int) -> None:
        self.server = server
        self.port = server.address.port
        self.frames = Frames(seed)
        self.random = random.Random(seed + 1)
        self.process = psutil.Process(server.pid)
        self.counts: collections.Counter[str] = collections.Counter()
        self.connections: list[socket.socket] = []
        self.defects: set[str] = set()
        self.first_rss_mb = self.most_rss_mb = self.rss_mb()

    def rss_mb(self) -> float:
        return self.process.memory_info().rss / (1 << 20)

    def connect(self, port: int) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_PATIENCE_S)
        self.counts["connections"] += 1
        return connection

    def reset(self, connection: socket.socket) -> None:
        """Close a connection, half of the time by a reset in the middle of whatever it was doing."""
        if self.random.random() < 0.5:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    def drain(self, connection: socket.socket, patience_s: float) -> bool:
        """Read what the server answers within some time; return whether the connection is still open."""
        while select.select([connection], [], [], patience_s)[0]:
            data = connection.recv(1 << 18)
            self.counts["answers_read"] += 1
            self.note_defects(data)
            patience_s = 0.0
            if not data:
                return False
        return True

    def note_defects(self, data: bytes) -> None:
        """Keep what the server calls its own error, which no frame may cause."""
        start = data.find(DEFECT)
        if start >= 0:
            self.defects.add(data[max(0, start - 60) : start + 120].decode(errors="replace"))

    def send_map(self) -> None:
        """Send broken OpenDRIVE, and make it the world if the server takes it."""
        with contextlib.closing(self.connect(self.port)) as connection:
            for name in ("copy_opendrive_to_file", "load_new_episode"):
                arguments = (
                    self.frames.valid_arguments(name) if name.startswith("copy") else ["OpenDriveMap", True, 0xFFFF]
                )
                connection.sendall(self.frames.request(name, arguments, 1))
                answer = connection.recv(1 << 16)
                self.note_defects(answer)
                if b"\x91\x91\xc2" not in answer:
                    self.counts["maps_refused"] += 1
                    return
            self.counts["maps_taken"] += 1

    def send_call(self) -> None:
        """Send one frame to the RPC port over one of the open connections."""
        while len(self.connections) < CONNECTIONS:
            self.connections.append(self.connect(self.port))
        place = self.random.randrange(CONNECTIONS)
        connection = self.connections[place]
        connection.settimeout(20.0)
        frame, whole = self.frames.rpc()
        try:
            connection.sendall(frame)
            patience_s = PATIENCE_S if whole and self.random.random() < 0.9 else 0.0
            keeps = self.drain(connection, patience_s) and self.random.random() < (0.995 if whole else 0.2)
        except (ConnectionError, TimeoutError):
            keeps = False
            self.counts["refused_or_clogged"] += 1
        if not keeps:
            self.reset(self.connections.pop(place))

    def send_subscription(self) -> None:
        """Send one frame to the streaming port."""
        connection = self.connect(self.port + 1)
        with contextlib.suppress(ConnectionError):
            connection.sendall(self.frames.subscription())
            if self.random.random() < 0.3:
                self.drain(connection, PATIENCE_S)
        self.reset(connection)

    def next_client(self) -> None:
        """Check that a real client can take over: connect, change the map, spawn, see and drive."""
        done = subprocess.run(
            [sys.executable, "-c", NEXT_CLIENT, str(self.port)],
            capture_output=True,
            text=True,
            timeout=ANSWER_PATIENCE_S,
            check=False,
        )
        words = done.stdout.split()
        if done.returncode or not words or float(words[1]) < 1.0:
            raise RuntimeError(f"the next client could not drive: {done.stdout} {done.stderr[-2000:]}")
        self.counts["next_clients"] += 1

    def kill_client(self) -> None:
        """Kill a real client that ticks and has a camera."""
        client = subprocess.Popen(
            [sys.executable, "-c", NEXT_CLIENT, str(self.port), "for ever"], stdout=subprocess.PIPE
        )
        assert client.stdout is not None
        client.stdout.readline()
        time.sleep(self.random.uniform(0.0, 0.2))
        client.kill()
        client.communicate()
        self.counts["killed_clients"] += 1

    def run(self, count: int, checks: int) -> None:
        """Send `count` frames; RuntimeError when the server fails."""
        next_check = every = count // checks
        for number in range(count):
            if self.random.random() < 0.15:
                self.send_subscription()
                self.counts["stream_frames"] += 1
            else:
                self.send_call()
                self.counts["rpc_frames"] += 1
            if number % 500 == 0:
                self.look()
            if number % 1000 == 0:
                self.send_map()
            if number + 1 >= next_check:
                next_check += every
                for connection in self.connections:
                    self.reset(connection)
                self.connections.clear()
                self.kill_client()
                self.next_client()
                print(json.dumps({"frames": number + 1, "rss_mb": round(self.rss_mb()), **self.counts}), flush=True)

    def look(self) -> None:
        """Check that the server lives and has not grown."""
        if not self.server.running:
            raise RuntimeError(f"the server died: {self.server.log()[-3000:]}")
        self.most_rss_mb = max(self.most_rss_mb, self.rss_mb())
        if self.defects:
            raise RuntimeError("defects: " + "\n".join(sorted(self.defects)))
        if self.most_rss_mb - self.first_rss_mb > MAX_RSS_GROWTH_MB:
            raise RuntimeError(f"the server grew from {self.first_rss_mb:.0f} to {self.most_rss_mb:.0f} MB")


def attack(count: int, seed: int, checks: int = 4) -> dict[str, object]:
    """Attack a fresh server and return what happened; RuntimeError when it failed."""
    # A server with a user's patience: hostile clients ask for streams and never connect.
    with EmbeddedServer("Gridvale", seed=seed, environment={"ALPAMAYO_PATIENCE": "1"}) as server:
        found = Attack(server, seed)
        found.next_client()
        found.first_rss_mb = found.rss_mb()
        try:
            found.run(count, checks)
            found.look()
        finally:
            log = server.log()
            failures = [line for line in log.splitlines() if line.startswith("ERROR")]
            if failures:
                print(log[log.index("\nERROR") :][:10_000], file=sys.stderr)
        if failures:
            raise RuntimeError(f"the server has {len(failures)} defects, the first of them: {failures[0]}")
        rss = {"first": found.first_rss_mb, "most": found.most_rss_mb, "last": found.rss_mb()}
        return {"seed": seed, **found.counts, "rss_mb": {name: round(value) for name, value in rss.items()}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--checks", type=int, default=10, help="how often a real client is killed and another one must drive"
    )
    options = parser.parse_args()
    try:
        print(json.dumps(attack(options.frames, options.seed, options.checks)), flush=True)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
