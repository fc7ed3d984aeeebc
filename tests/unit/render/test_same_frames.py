"""The same seed gives the same frames, byte by byte, in processes that know nothing of each other."""

from __future__ import annotations

import subprocess
import sys

DRIVE = """
import hashlib
import sys
from contextlib import suppress

import numpy as np

from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.statics import build_statics
from alpamayo_sim.sensors.scene_writer import SceneWriter
from alpamayo_sim.world.blueprints import catalogue
from alpamayo_sim.world.errors import SpawnError
from alpamayo_sim.world.weather import Weather
from alpamayo_sim.world.world import World

seed = int(sys.argv[1])
road_map = load_road_map("Oldwick")
statics = build_statics(road_map)
world, rng = World(road_map, statics, seed=seed), np.random.default_rng(seed)
world.weather = Weather(precipitation=70.0, wetness=60.0, precipitation_deposits=50.0, sun_altitude_angle=-20.0)
vehicles, walkers = ([b.id for b in catalogue().values() if b.id.startswith(p)] for p in ("vehicle.", "walker."))
eye = Transform(*(float(v) for v in road_map.spawn_points[0]))
for k, point in enumerate(road_map.spawn_points[np.append(0, rng.permutation(len(road_map.spawn_points))[:20])]):
    pose = Transform(*(float(v) for v in point))
    with suppress(SpawnError):
        car = world.spawn(str(rng.choice(vehicles)), {}, pose).id
        world.apply_vehicle_control(car, float(rng.uniform(0.2, 0.8)), float(rng.normal(0.0, 0.1)), 0.0)
        world.vehicles.light_flags[world.vehicle(car, "light")] = 1 | 2 | 8 | 32
    with suppress(SpawnError):
        walker = world.spawn(str(rng.choice(walkers)), {}, compose(pose, Transform(9.0, 1.5, 1.0, 0.0, 90.0, 0.0))).id
        world.apply_walker_control(walker, (0.0, 1.0, 0.0), float(rng.uniform(0.5, 2.0)))
renderer, writer, digest = Renderer(Scene.from_road_map(road_map, statics)), SceneWriter(world), hashlib.sha256()
shades = set()
for tick in range(18):
    world.step(0.05)
    if tick % 6 == 5:
        views = [CameraView(eye._replace(yaw=eye.yaw + turn), 160, 96, 90.0) for turn in (0.0, 70.0, -70.0)]
        for image in renderer.render(views, writer.frame()):
            digest.update(image.tobytes())
            shades.add(int(np.ptp(image[..., :3])))
assert min(shades) > 60, "there is something in the pictures"
print(digest.hexdigest())
"""


def _frames(seed: int) -> str:
    command = [sys.executable, "-c", DRIVE, str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_same_seed_gives_the_same_frames_and_another_does_not() -> None:
    first = _frames(5)
    assert len(first) == 64
    assert _frames(5) == first
    assert _frames(6) != first
