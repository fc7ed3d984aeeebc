"""The actors and steps that the tests of this folder share."""

from __future__ import annotations

import numpy as np

from alpamayo_sim.world.world import World

CAR, WALKER, CAMERA = "vehicle.lincoln.mkz_2020", "walker.pedestrian.0001", "sensor.camera.rgb"
TICK_S = 0.05


def run(world: World, seconds: float) -> None:
    for _ in range(round(seconds / TICK_S)):
        world.step(TICK_S)


def velocity(world: World, actor_id: int) -> np.ndarray:
    return world.actors.velocity_mps[world.row(actor_id)].copy()
