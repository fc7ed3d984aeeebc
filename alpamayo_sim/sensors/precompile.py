"""Compiles the ray caster ahead of time: `python -m alpamayo_sim.sensors.precompile`.

Else the first tick with a lidar or radar would take some seconds; done in a process of its own it leaves only the cache.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from alpamayo_sim.errors import InfrastructureError
from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.road_map import available_towns, load_road_map
from alpamayo_sim.roads.statics import build_statics
from alpamayo_sim.sensors.ray_kernel import cast_rays
from alpamayo_sim.sensors.ray_scene import RayScene
from alpamayo_sim.world.world import World

TIMEOUT_S = 300.0


def is_compiled() -> bool:
    """Whether the cache holds compiled code of the ray caster."""
    return any(Path(str(cast_rays.stats.cache_path)).glob("ray_kernel.cast_rays-*.nbi"))


def compile_all() -> None:
    """Compile the ray caster by casting a ray."""
    road_map = load_road_map(available_towns()[0])
    world = World(road_map, build_statics(road_map))
    place = Transform(*road_map.spawn_points[0].tolist())
    RayScene().cast(world, place, np.array([[1.0, 0.0, 0.0]]), 10.0)


def ensure_compiled() -> None:
    """Fill the cache in a child process if it is empty. Raises InfrastructureError when that process fails."""
    if is_compiled():
        return
    command = [sys.executable, "-m", "alpamayo_sim.sensors.precompile"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(f"compiling the ray caster took more than {TIMEOUT_S:.0f} s") from error
    if result.returncode != 0:
        raise InfrastructureError(f"compiling the ray caster failed: {result.stderr.strip()[-500:]}")


if __name__ == "__main__":
    compile_all()
