"""Crosswalk polygons of a map."""

from __future__ import annotations

import carla
import numpy as np
from numpy.typing import NDArray


def crosswalk_polygons(carla_map: carla.Map) -> tuple[NDArray[np.float64], ...]:
    """Return one polygon [K, 3] per crosswalk in the CARLA world frame; the last point does not repeat the first.

    `carla.Map.get_crosswalks` gives one list in which each polygon ends where it began.
    """
    polygons: list[NDArray[np.float64]] = []
    ring: list[tuple[float, float, float]] = []
    for place in carla_map.get_crosswalks():
        point = (place.x, place.y, place.z)
        if len(ring) >= 3 and np.hypot(point[0] - ring[0][0], point[1] - ring[0][1]) < 1e-3:
            polygons.append(np.array(ring))
            ring = []
        else:
            ring.append(point)
    return tuple(polygons)
