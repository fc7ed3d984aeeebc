"""The floor of junctions between the paths that lanes take through them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from alpamayo_sim.roads.lanes import LaneType

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap

CLOSING_M = 3.0
"""Gaps between lanes narrower than twice this are paved."""
BELOW_M = 0.02
"""The floor lies this much below the lanes."""
ISLAND_M2 = 120.0
"""Unpaved islands smaller than this are paved."""
EVERY = 3
"""Every which sample of a lane its outline takes."""


@dataclass(frozen=True)
class JunctionFloor:
    """One paved area: its outline in the x-y plane, `vertices` [V, 3] and `triangles` [T, 3]."""

    outline: shapely.Polygon
    vertices: NDArray[np.floating]
    triangles: NDArray[np.integer]

    def holds(self, points: NDArray[np.floating], storey_m: float) -> NDArray[np.bool_]:
        """Return whether points [M, 3] lie on the floor, give or take a storey of height."""
        low_x, low_y, high_x, high_y = self.outline.bounds
        near = (points[:, 0] > low_x) & (points[:, 0] < high_x) & (points[:, 1] > low_y) & (points[:, 1] < high_y)
        held = np.zeros(len(points), dtype=np.bool_)
        level = 0.5 * (self.vertices[:, 2].min() + self.vertices[:, 2].max())
        reach = storey_m + 0.5 * float(np.ptp(self.vertices[:, 2]))
        near &= np.abs(points[:, 2] - level) <= reach
        held[near] = shapely.contains_xy(self.outline, points[near, 0], points[near, 1])
        return held


def junction_floors(road_map: RoadMap) -> Iterator[JunctionFloor]:
    """Yield the floors of all junctions: driving lanes and shoulders with the narrow gaps between them closed."""
    lanes = road_map.lanes
    paved = np.isin(lanes.lane_type, [int(LaneType.DRIVING), int(LaneType.SHOULDER), int(LaneType.BIDIRECTIONAL)])
    for junction in np.unique(lanes.junction_id[lanes.is_junction & paved]):
        members = np.nonzero((lanes.junction_id == junction) & lanes.is_junction & paved)[0]
        outlines, points = [], []
        for lane in members:
            pick = np.unique(np.append(np.arange(lanes.start[lane], lanes.stop[lane], EVERY), lanes.stop[lane] - 1))
            right = np.stack([-lanes.tangent[pick, 1], lanes.tangent[pick, 0]], axis=1) * lanes.width[pick, None] * 0.5
            xy = lanes.xyz[pick, :2]
            outlines.append(np.concatenate([xy - right, (xy + right)[::-1]]))
            points.append(lanes.xyz[pick])
        shape = shapely.union_all(shapely.make_valid([shapely.Polygon(o) for o in outlines]))
        closed = shapely.buffer(shapely.buffer(shape, CLOSING_M, quad_segs=2), -CLOSING_M, quad_segs=2)
        closed = shapely.simplify(closed, 0.1)
        samples = np.concatenate(points)
        tree = KDTree(samples[:, :2])
        for part in shapely.get_parts(closed):
            if isinstance(part, shapely.Polygon) and part.area > 1.0:
                polygon = _without_small_holes(part)
                shapely.prepare(polygon)
                yield JunctionFloor(polygon, *_triangulated(polygon, samples, tree))


def _without_small_holes(shape: shapely.Polygon) -> shapely.Polygon:
    islands = [hole for hole in shape.interiors if shapely.Polygon(hole).area > ISLAND_M2]
    return shapely.Polygon(shape.exterior, islands)


def _triangulated(
    polygon: shapely.Polygon, samples: NDArray[np.floating], tree: KDTree
) -> tuple[NDArray[np.floating], NDArray[np.integer]]:
    pieces = shapely.get_parts(shapely.constrained_delaunay_triangles(polygon))
    corners = np.array([np.asarray(p.exterior.coords)[:3] for p in pieces]).reshape(-1, 2)
    distance, nearest = tree.query(corners, k=min(3, len(samples)))
    distance, nearest = distance.reshape(len(corners), -1), nearest.reshape(len(corners), -1)
    weight = 1.0 / (distance + 0.1) ** 2
    z = (samples[nearest, 2] * weight).sum(axis=1) / weight.sum(axis=1) - BELOW_M
    triangles = np.arange(len(corners), dtype=np.int32).reshape(-1, 3)
    a, b, c = (corners[triangles[:, k]] for k in range(3))
    clockwise = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]) < 0.0
    triangles[clockwise] = triangles[clockwise][:, ::-1]
    return np.column_stack([corners, z]), triangles
