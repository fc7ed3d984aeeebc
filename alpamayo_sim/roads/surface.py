"""The ground as triangles: lanes of every type, kerbs, junction floors, verges and the land around.

CARLA world frame, metres. A triangle (a, b, c) shows the side to which (b - a) x (c - a) points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.ground_parts import GroundMesh, GroundParts, Surface
from alpamayo_sim.roads.junction_floor import junction_floors
from alpamayo_sim.roads.land import add_land
from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.strips import kept_samples, strip_triangles
from alpamayo_sim.roads.verges import add_verges

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap

__all__ = ["GroundMesh", "Surface", "build_ground_mesh"]
Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

OVERLAP_M = 0.03
"""Lane strips reach this far over their edges and ends, so that no seam shows between neighbours."""
HILLS_M = 1.0
"""Difference in height between a map's roads from which verges are sampled densely, at every `VERGE_EVERY`th lane sample."""
VERGE_EVERY = 5
NEAR_END_M, END_EVERY = 12.0, 3
"""Within this of a lane's end, where others come near, every third sample counts."""
_SURFACE_OF_LANE = {
    LaneType.SHOULDER: Surface.SHOULDER,
    LaneType.SIDEWALK: Surface.SIDEWALK,
    LaneType.MEDIAN: Surface.MEDIAN,
    LaneType.BIKING: Surface.BIKE,
    LaneType.BORDER: Surface.GRASS,
    LaneType.NONE: Surface.GRASS,
}
_BELOW_M = {Surface.SHOULDER: 0.006, Surface.BIKE: 0.003, Surface.MEDIAN: 0.012, Surface.GRASS: 0.012}
"""How far surfaces lie below the road, which covers them where lanes of a junction overlap."""


BELOW_FLOOR_M = 0.035
"""The same for medians within junctions, which are under the junction's floor."""


def build_ground_mesh(road_map: RoadMap) -> GroundMesh:
    """Return the triangles of everything one can stand on in a map."""
    keep = kept_samples(road_map.lanes)
    lane, center, right, half, rise = _cross_sections(road_map, keep)
    parts = GroundParts()
    _add_lanes(parts, road_map, lane, center, right, half, rise)
    _add_kerbs(parts, lane, center, right, half, rise)
    floors = list(junction_floors(road_map))
    for floor in floors:
        parts.add(floor.vertices, np.array([0.0, 0.0, 1.0]), Surface.ROAD, floor.triangles)
    hilly = bool(np.ptp(road_map.lanes.xyz[:, 2]) > HILLS_M)
    keep = np.union1d(keep, _verge_samples(road_map, hilly=hilly))
    lane, center, right, half, _ = _cross_sections(road_map, keep)
    add_verges(parts, road_map, lane, center, right, half, floors, hilly=hilly)
    add_land(parts, road_map)
    return parts.mesh()


def _verge_samples(road_map: RoadMap, *, hilly: bool) -> Ints:
    """Return the lane samples that verges need besides those of the road: near lanes' ends, and along uneven land."""
    lanes = road_map.lanes
    number = np.arange(len(lanes.xyz))
    to_end = np.minimum(lanes.along_m, lanes.length_m[lanes.lane_index] - lanes.along_m)
    near_end = (to_end < NEAR_END_M) & (number % END_EVERY == 0)
    return np.flatnonzero(near_end | (hilly & (number % VERGE_EVERY == 0)))


def _cross_sections(road_map: RoadMap, keep: NDArray[np.integer]) -> tuple[Ints, Floats, Floats, Floats, Floats]:
    """Return of the chosen samples: lane, middle of the surface, unit vector to the right, half width, height over the road."""
    lanes = road_map.lanes
    lane = np.asarray(lanes.lane_index)[keep]
    right = np.stack([-lanes.tangent[keep, 1], lanes.tangent[keep, 0]], axis=1)
    rise = np.asarray(lanes.height_m)[lane]
    center = lanes.xyz[keep] + np.column_stack([np.zeros((len(keep), 2)), rise])
    first = np.diff(lane, prepend=-1) != 0
    grown = OVERLAP_M * (np.append(first[1:], True).astype(np.float64) - first)
    center[:, :2] += np.stack([right[:, 1], -right[:, 0]], axis=1) * grown[:, None]
    return lane, center, right, lanes.width[keep] * 0.5, rise


def _edge(center: Floats, right: Floats, offset: Floats) -> Floats:
    return center + np.column_stack([right * offset[:, None], np.zeros(len(center))])


def _add_lanes(
    parts: GroundParts, road_map: RoadMap, lane: Ints, center: Floats, right: Floats, half: Floats, rise: Floats
) -> None:
    overlap = np.where(rise > 0.0, 0.0, OVERLAP_M)
    vertices = np.concatenate([_edge(center, right, -half - overlap), _edge(center, right, half + overlap)])
    table = np.array(
        [_SURFACE_OF_LANE.get(LaneType(t), Surface.ROAD) for t in road_map.lanes.lane_type], dtype=np.uint8
    )
    below = np.zeros(len(Surface))
    below[[int(s) for s in _BELOW_M]] = list(_BELOW_M.values())
    surface = np.tile(table[lane], 2)
    in_junction = np.tile(road_map.lanes.is_junction[lane], 2)
    green = np.isin(surface, [int(Surface.MEDIAN), int(Surface.GRASS)])
    vertices[:, 2] -= np.where(in_junction & green, BELOW_FLOOR_M, below[surface])
    parts.add(vertices, np.array([0.0, 0.0, 1.0]), surface, strip_triangles(lane))


def _add_kerbs(parts: GroundParts, lane: Ints, center: Floats, right: Floats, half: Floats, rise: Floats) -> None:
    raised = rise > 0.0
    if not raised.any():
        return
    lane, center, right, half, rise = lane[raised], center[raised], right[raised], half[raised], rise[raised]
    down = np.column_stack([np.zeros((len(center), 2)), rise + 0.06])
    for side in (-1.0, 1.0):
        top = _edge(center, right, half * side)
        first, second = (top, top - down) if side > 0 else (top - down, top)
        normals = np.tile(np.column_stack([right * side, np.zeros(len(right))]), (2, 1))
        parts.add(np.concatenate([first, second]), normals, Surface.KERB, strip_triangles(lane), fine=True)
    new_lane = np.diff(lane, prepend=-1) != 0
    starts = np.nonzero(new_lane)[0]
    ends = np.append(starts[1:], len(lane)) - 1
    for at, sign in ((starts, -1.0), (ends, 1.0)):
        a, b = _edge(center[at], right[at], -half[at]), _edge(center[at], right[at], half[at])
        if sign < 0:
            a, b = b, a
        corners = np.concatenate([a, a - down[at], b, b - down[at]])
        n, k = len(at), np.arange(len(at))
        forward = np.column_stack([right[at, 1], -right[at, 0], np.zeros(n)]) * sign
        quads = np.concatenate([np.stack([k, k + 2 * n, k + n], 1), np.stack([k + 2 * n, k + 3 * n, k + n], 1)])
        parts.add(corners, np.tile(forward, (4, 1)), Surface.KERB, quads, fine=True)
