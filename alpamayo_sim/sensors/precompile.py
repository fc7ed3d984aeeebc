"""Compiles the ray caster ahead of time: `python -m alpamayo_sim.sensors.precompile`.

Else the first tick with a lidar or radar would take some seconds; done in a process of its own it leaves only the cache.
"""

from __future__ import annotations

import numpy as np

from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.road_map import available_towns, load_road_map
from alpamayo_sim.roads.statics import build_statics
from alpamayo_sim.sensors.ray_kernel import cast_rays
from alpamayo_sim.sensors.ray_scene import RayScene
from alpamayo_sim.world.precompile import fill_cache, is_cached
from alpamayo_sim.world.world import World


def is_compiled() -> bool:
    """Whether the cache holds compiled code of the ray caster."""
    return is_cached(cast_rays.stats.cache_path, "ray_kernel.cast_rays")


def compile_all() -> None:
    """Compile the ray caster by casting a ray."""
    road_map = load_road_map(available_towns()[0])
    world = World(road_map, build_statics(road_map))
    place = Transform(*road_map.spawn_points[0].tolist())
    RayScene().cast(world, place, np.array([[1.0, 0.0, 0.0]]), 10.0)


def ensure_compiled() -> None:
    """Fill the cache in a child process if it is empty. Raises InfrastructureError when that process fails."""
    if not is_compiled():
        fill_cache("alpamayo_sim.sensors.precompile", "the ray caster")


if __name__ == "__main__":
    compile_all()
