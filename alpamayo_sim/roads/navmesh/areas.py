"""The walkable ground of a map as disjoint shapes in the x-y plane of the CARLA world frame, metres."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from alpamayo_sim.roads.junction_floor import JunctionFloor, junction_floors
from alpamayo_sim.roads.lanes import LaneTable, LaneType
from alpamayo_sim.roads.navmesh.crossings import crossing_shapes
from alpamayo_sim.roads.navmesh.kinds import AGENT_RADIUS_M, Area
from alpamayo_sim.roads.navmesh.obstacles import without_obstacles
from alpamayo_sim.roads.navmesh.storeys import STOREY_M, beside_sidewalks
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.strips import kept_samples

CARRIAGEWAY = (LaneType.DRIVING, LaneType.BIDIRECTIONAL, LaneType.PARKING, LaneType.STOP, LaneType.BIKING)
ROADSIDE = (LaneType.SHOULDER, LaneType.ENTRY, LaneType.EXIT, LaneType.OFFRAMP, LaneType.ONRAMP)
ROAD_REACH_M = 30.0
"""Roads farther than this from every sidewalk are left out: nobody who walks gets there."""
GAP_M = 0.3
"""Gaps narrower than twice this between walkable surfaces are closed."""
HOLE_M2 = 25.0
"""Patches smaller than this that no lane covers are road like what is around them."""
CORNER_M = 0.6
"""The same between sidewalks."""
ROADSIDE_STRIP_M = 2.0
"""Width of the strip along the roads that serves as sidewalk on a map without any."""
PAVED_GAP_M = 2.0
"""There, gaps between roads narrower than twice this are no place to walk."""
MIN_WIDTH_M = 0.3
SHOULDER_WIDTH_M = 1.0
"""Narrower shoulders do not serve as sidewalks there."""

_MITRE: dict[str, Any] = {"join_style": "mitre", "mitre_limit": 2.0}


def walkable_areas(road_map: RoadMap) -> dict[Area, BaseGeometry]:
    """Return one shape per kind of ground; they do not overlap, and any of them may be empty.

    Sidewalks are the map's sidewalk lanes; on a map without any a strip along its roads and the wide shoulders.
    """
    lanes = road_map.lanes
    storey = beside_sidewalks(lanes)
    keep = _samples(lanes, storey)
    run = np.cumsum((np.diff(lanes.lane_index, prepend=-1) != 0) | ~storey)
    driven = shapely.union_all(lane_outlines(lanes, keep, run, CARRIAGEWAY))
    floors = shapely.union_all([floor.outline for floor in junction_floors(road_map) if _holds(floor, lanes, storey)])
    sides = shapely.union_all(lane_outlines(lanes, keep, run, ROADSIDE))
    sidewalk = _closed(shapely.union_all(lane_outlines(lanes, keep, run, (LaneType.SIDEWALK,))), CORNER_M)
    if sidewalk.difference(driven).is_empty:
        shoulder = shapely.union_all(lane_outlines(lanes, keep, run, (LaneType.SHOULDER,), SHOULDER_WIDTH_M))
        sides = sides.difference(shoulder)
        paved = _closed(shapely.union_all([driven, floors, sides]), PAVED_GAP_M)
        edge = shapely.buffer(paved.union(shoulder), ROADSIDE_STRIP_M + AGENT_RADIUS_M, **_MITRE)
        sidewalk = edge.difference(paved)
    sidewalk = sidewalk.difference(driven)
    near = shapely.buffer(sidewalk, ROAD_REACH_M, quad_segs=2)
    road = shapely.union_all([driven, floors, sides]).intersection(near)
    median = shapely.union_all(lane_outlines(lanes, keep, run, (LaneType.MEDIAN,))).intersection(near)
    crossing = shapely.union_all(crossing_shapes(road_map, sidewalk)).difference(sidewalk)
    everything = _closed(shapely.union_all([sidewalk, road, crossing, median]), GAP_M)
    walkable = shapely.buffer(_without_small_holes(everything), -AGENT_RADIUS_M, **_MITRE)
    taken = sidewalk.union(crossing)
    median = median.difference(shapely.union_all([taken, driven]))
    return {
        Area.SIDEWALK: without_obstacles(sidewalk.intersection(walkable), road_map),
        Area.CROSSWALK: crossing.intersection(walkable),
        Area.GRASS: median.intersection(walkable),
        Area.ROAD: walkable.difference(taken.union(median)),
    }


def lane_outlines(
    lanes: LaneTable,
    keep: NDArray[np.integer],
    run: NDArray[np.integer],
    kinds: tuple[LaneType, ...],
    narrowest_m: float = MIN_WIDTH_M,
) -> list[BaseGeometry]:
    """Return the outlines of the lanes of some types where they are wide enough.

    They are drawn through the samples `keep` [K], from one to the next where the samples' `run` [N] is the same.
    """
    wanted = np.isin(lanes.lane_type, [int(kind) for kind in kinds])
    keep = keep[wanted[lanes.lane_index[keep]] & (lanes.width[keep] > narrowest_m)]
    right = np.stack([-lanes.tangent[keep, 1], lanes.tangent[keep, 0]], axis=1) * (0.5 * lanes.width[keep, None])
    lefts, rights = lanes.xyz[keep, :2] - right, lanes.xyz[keep, :2] + right
    bounds = np.flatnonzero(np.diff(run[keep], prepend=-1, append=-1))
    rings = [
        shapely.Polygon(np.concatenate([lefts[a:b], rights[a:b][::-1]]))
        for a, b in zip(bounds[:-1], bounds[1:], strict=True)
        if b - a >= 2
    ]
    return list(shapely.make_valid(rings)) if rings else []


def _samples(lanes: LaneTable, storey: NDArray[np.bool_]) -> NDArray[np.integer]:
    """Return the samples of a storey that outlines need, with the last ones before those that are left out."""
    same = np.append(lanes.lane_index[1:] == lanes.lane_index[:-1], False)
    ends = np.flatnonzero(same & (storey != np.append(storey[1:], False)))
    keep = np.union1d(kept_samples(lanes), np.concatenate([ends, ends + 1]))
    return keep[storey[keep]]


def _holds(floor: JunctionFloor, lanes: LaneTable, storey: NDArray[np.bool_]) -> bool:
    """Whether no lane that a junction's floor lies between was left out."""
    if storey.all():
        return True
    hidden = lanes.xyz[~storey]
    return not bool(floor.holds(hidden, STOREY_M).any())


def _closed(shape: BaseGeometry, gap_m: float) -> BaseGeometry:
    return shapely.buffer(shapely.buffer(shape, gap_m, **_MITRE), -gap_m, **_MITRE)


def _without_small_holes(shape: BaseGeometry) -> BaseGeometry:
    parts = [part for part in shapely.get_parts(shape) if isinstance(part, shapely.Polygon)]
    holes = [shapely.Polygon(hole) for part in parts for hole in part.interiors]
    return shapely.union_all([shape, *(hole for hole in holes if hole.area < HOLE_M2)])
