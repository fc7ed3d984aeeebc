"""What stands beside the roads of a map that a client has sent as OpenDRIVE text: walls, and the poles of lights and signs.

CARLA's standalone OpenDRIVE mode builds such a map of the road mesh alone, with a wall along its outer edges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alpamayo_sim.roads import frontage
from alpamayo_sim.roads.statics import StaticBoxes, StaticKind, build_statics, drivable_cover

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap

WALL_LABEL = 4
WALL_SPACING_M, WALL_HALF_LENGTH_M, WALL_HALF_WIDTH_M = 4.0, 2.0, 0.1
WALL_OFFSET_M = 0.3
POLES = (StaticKind.LIGHT_POLE, StaticKind.SIGN_POLE)


def build_generated_statics(road_map: RoadMap, wall_height_m: float) -> StaticBoxes:
    """Return the poles of a map and walls of a height along the outer edges of its roads; no walls for a height of 0."""
    everything = build_statics(road_map)
    poles = np.isin(everything.kind, POLES)
    walls = _walls(road_map, wall_height_m)
    count = len(walls)
    return StaticBoxes(
        center=np.concatenate([walls[:, :3], everything.center[poles]]),
        extent=np.concatenate([walls[:, 3:6], everything.extent[poles]]),
        yaw_deg=np.concatenate([walls[:, 6], everything.yaw_deg[poles]]),
        label=np.concatenate([np.full(count, WALL_LABEL, np.uint8), everything.label[poles]]),
        kind=np.concatenate([np.full(count, int(StaticKind.GUARD_RAIL), np.uint8), everything.kind[poles]]),
        source=np.concatenate([np.full(count, -1, np.int32), everything.source[poles]]),
    )


def _walls(road_map: RoadMap, height_m: float) -> np.ndarray:
    """Return walls [N, 7]: centre, half sizes, yaw in degrees; clear of every lane that a car may use."""
    if height_m <= 0.0:
        return np.zeros((0, 7))
    edges = frontage.outer_edges(road_map, frontage.Raster.from_road_map(road_map)).every(WALL_SPACING_M)
    center = np.array(edges.xyz, np.float64)
    center[:, :2] += WALL_OFFSET_M * edges.outward
    center[:, 2] += 0.5 * height_m
    extent = np.tile([WALL_HALF_LENGTH_M, WALL_HALF_WIDTH_M, 0.5 * height_m], (len(center), 1))
    walls = np.column_stack([center, extent, edges.yaw_deg])
    if not len(walls):
        return walls
    blocks = drivable_cover(road_map).touched_by(walls[:, :3], walls[:, 3:6], walls[:, 6], 0.0)
    return walls[~blocks]
