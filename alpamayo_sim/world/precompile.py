"""Compiles the kernels of roads and world ahead of time: `python -m alpamayo_sim.world.precompile`.

Compilation takes some tens of seconds and 100 MB that the process keeps; done in a process of its own it leaves only the cache.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from alpamayo_sim.errors import InfrastructureError
from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.road_map import available_towns, load_road_map
from alpamayo_sim.roads.statics import build_statics
from alpamayo_sim.world.kernel import advance
from alpamayo_sim.world.world import World

TIMEOUT_S = 300.0


def is_cached(cache_path: object, kernel: str) -> bool:
    """Return whether numba's cache in a folder holds compiled code of a kernel (`module.function`)."""
    return any(Path(str(cache_path)).glob(f"{kernel}-*.nbi"))


def fill_cache(module: str, what: str) -> None:
    """Compile in a child process, `python -m module`; InfrastructureError, about `what`, when that process fails."""
    try:
        result = subprocess.run(
            [sys.executable, "-m", module], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(f"compiling {what} took more than {TIMEOUT_S:.0f} s") from error
    if result.returncode != 0:
        raise InfrastructureError(f"compiling {what} failed: {result.stderr.strip()[-500:]}")


def is_compiled() -> bool:
    """Whether the cache holds compiled code of the world's step."""
    return is_cached(advance.stats.cache_path, "kernel.advance")


def compile_all() -> None:
    """Compile every kernel that a running world needs, by running one."""
    road_map = load_road_map(available_towns()[0])
    world = World(road_map, build_statics(road_map))
    x, y, z, pitch, yaw, roll = road_map.spawn_points[0].tolist()
    world.spawn("vehicle.lincoln.mkz_2020", {}, Transform(x, y, z, pitch, yaw, roll))
    world.step(0.05)


def ensure_compiled() -> None:
    """Fill the cache in a child process if it is empty. Raises InfrastructureError when that process fails."""
    if not is_compiled():
        fill_cache("alpamayo_sim.world.precompile", "the simulator")


if __name__ == "__main__":
    compile_all()
