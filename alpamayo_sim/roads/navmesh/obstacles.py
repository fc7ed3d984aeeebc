"""Poles and other fixed things that stand on sidewalks: walkers go round them."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from alpamayo_sim.roads.navmesh.kinds import AGENT_RADIUS_M
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.statics import StaticBoxes, build_statics

NEIGHBOURHOOD_M = 4.0
SLIVER_M2 = 0.5


def without_obstacles(ground: BaseGeometry, road_map: RoadMap) -> BaseGeometry:
    """Return the ground where the middle of a walker has room between the map's fixed things.

    One that would leave no way past on this ground is walked through, as people squeeze past it.
    """
    shapely.prepare(ground)
    holes = shapely.buffer(_footprints(build_statics(road_map)), AGENT_RADIUS_M, join_style="mitre")
    taken: list[BaseGeometry] = []
    for hole in holes[shapely.intersects(ground, holes)]:
        around = ground.intersection(shapely.buffer(hole, NEIGHBOURHOOD_M, quad_segs=2))
        left = shapely.get_parts(around.difference(hole))
        if (shapely.area(left) > SLIVER_M2).sum() <= len(shapely.get_parts(around)):
            taken.append(hole)
    return ground.difference(shapely.union_all(taken))


def _footprints(boxes: StaticBoxes) -> NDArray[np.object_]:
    """Return the outlines of boxes seen from above."""
    yaw = np.radians(boxes.yaw_deg)
    along = np.stack([np.cos(yaw), np.sin(yaw)], axis=1)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    corners = [
        boxes.center[:, :2] + a * along * boxes.extent[:, :1] + b * across * boxes.extent[:, 1:2]
        for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))
    ]
    return np.array([shapely.Polygon(ring) for ring in np.stack(corners, axis=1)], dtype=object)
