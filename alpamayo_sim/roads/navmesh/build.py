"""The navigation mesh of a map as the file that CARLA's clients ask for."""

from __future__ import annotations

import logging

from shapely.errors import GEOSException

from alpamayo_sim.roads.navmesh.mesh import build_mesh
from alpamayo_sim.roads.navmesh.tiles import tile_set
from alpamayo_sim.roads.road_map import RoadMap

_LOG = logging.getLogger(__name__)


def build_navmesh(road_map: RoadMap) -> bytes:
    """Return the tile set of a map; the same map always gives the same bytes.

    No bytes where lanes lie so oddly that no outline of them can be made: AI walkers stand still on such a map.
    """
    try:
        return tile_set(build_mesh(road_map))
    except GEOSException as error:
        _LOG.warning("no navigation mesh for %s, AI walkers stand still on it: %s", road_map.name, error)
        return b""
