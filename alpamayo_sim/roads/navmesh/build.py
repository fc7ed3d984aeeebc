"""The navigation mesh of a map as the file that CARLA's clients ask for."""

from __future__ import annotations

from alpamayo_sim.roads.navmesh.mesh import build_mesh
from alpamayo_sim.roads.navmesh.tiles import tile_set
from alpamayo_sim.roads.road_map import RoadMap


def build_navmesh(road_map: RoadMap) -> bytes:
    """Return the tile set of a map; the same map always gives the same bytes."""
    return tile_set(build_mesh(road_map))
