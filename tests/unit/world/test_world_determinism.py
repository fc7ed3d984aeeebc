"""The states of a crowded scene repeat bit by bit in a fresh process."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
from stepping import TICK_S, WALKER

from alpamayo_sim.frames import Transform
from alpamayo_sim.world.world import World

HASH_SCRIPT = """
import hashlib, sys
sys.path.insert(0, {folder!r})
from test_world_determinism import scripted_hash
print(scripted_hash())
"""


def scripted_hash() -> str:
    """Hash of all states of 2000 steps of a crowded scene."""
    sys.path.insert(0, str(Path(__file__).parent))
    from conftest import FLAT_ROAD

    from alpamayo_sim.roads.road_map import road_map_from_text

    world = World(road_map_from_text("flat", FLAT_ROAD), None, seed=3)
    rng = np.random.default_rng(7)
    models = (
        "vehicle.lincoln.mkz_2020",
        "vehicle.carlamotors.firetruck",
        "vehicle.yamaha.yzf",
        "vehicle.tesla.model3",
    )
    cars = [
        world.spawn(
            models[i % 4],
            {},
            Transform(60.0 + 14.0 * (i // 2), 3.0 + 8.0 * (i % 2), 0.5, 0.0, 10.0 * (i % 5)),
        ).id
        for i in range(16)
    ]
    walkers = [world.spawn(WALKER, {}, Transform(55.0 + 12.0 * i, 7.5, 1.0)).id for i in range(8)]
    digest = hashlib.sha256()
    for step in range(2000):
        if step % 40 == 0:
            for car in cars:
                world.apply_vehicle_control(
                    car, *rng.random(1).tolist(), float(rng.normal(0, 0.3)), float(rng.random() < 0.3)
                )
            for walker in walkers:
                world.apply_walker_control(walker, (*rng.normal(0, 1, 2).tolist(), 0.0), 1.5)
        events = world.step(TICK_S)
        for name in ("location", "rotation_deg", "velocity_mps", "angular_velocity_dps", "acceleration_mps2"):
            digest.update(np.ascontiguousarray(world.actors.records[name]).tobytes())
        digest.update(repr(events).encode())
    return digest.hexdigest()


def test_two_processes_give_bit_identical_states() -> None:
    script = HASH_SCRIPT.format(folder=str(Path(__file__).parent))
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True) for _ in range(2)
    ]
    hashes = [run.stdout.strip() for run in runs]
    assert hashes[0] == hashes[1] and len(hashes[0]) == len(hashlib.sha256().hexdigest())
