"""Compiles what prepares pictures ahead of time: `python -m alpamayo_sim.sensors.precompile_cameras`.

Else the first tick with a camera would take ten seconds, longer than many clients wait. Needs no OpenGL.
"""

from __future__ import annotations

from alpamayo_sim.frames import Transform
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.instance_kernels import body_rows
from alpamayo_sim.render.preparation import Preparation
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.roads.road_map import available_towns, load_road_map
from alpamayo_sim.roads.statics import build_statics
from alpamayo_sim.sensors.scene_writer import SceneWriter
from alpamayo_sim.world.precompile import fill_cache, is_cached
from alpamayo_sim.world.world import World

ROWS = 4096
"""Of pixels in a batch; any number will do."""


def is_compiled() -> bool:
    """Whether the cache holds compiled code of the instances' rows."""
    return is_cached(body_rows.stats.cache_path, "instance_kernels.body_rows")


def compile_all() -> None:
    """Compile culling and rows by preparing a picture of a car."""
    road_map = load_road_map(available_towns()[0])
    statics = build_statics(road_map)
    world = World(road_map, statics)
    place = Transform(*road_map.spawn_points[0].tolist())
    world.spawn("vehicle.lincoln.mkz_2020", {}, place)
    camera = CameraView(place._replace(z=place.z + 2.0), 64, 36)
    for _ in Preparation(Scene.from_road_map(road_map, statics)).batches([camera], SceneWriter(world).frame(), ROWS):
        pass


def ensure_compiled() -> None:
    """Fill the cache in a child process if it is empty. Raises InfrastructureError when that process fails."""
    if not is_compiled():
        fill_cache("alpamayo_sim.sensors.precompile_cameras", "what prepares pictures")


if __name__ == "__main__":
    compile_all()
