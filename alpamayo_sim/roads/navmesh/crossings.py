"""Where pedestrians cross: a map's crosswalks led up to the sidewalks, or crossings before junctions on a map without any."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from alpamayo_sim.roads.lanes import LaneTable, LaneType
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.walkways import crosswalk_ends

CROSSING_WIDTH_M = 3.0
SETBACK_M = 2.5
"""Distance from a junction to the middle line of a crossing before it."""
REACH_M = 20.0
"""How far a crossing may be from its middle to a sidewalk."""
LANDING_M = 8.0
"""How far a crosswalk's end may be from the sidewalk that it leads to."""
OVERLAP_M = 0.1


def crossing_shapes(road_map: RoadMap, sidewalk: BaseGeometry) -> list[BaseGeometry]:
    """Return the crossings of a map as shapes that reach the sidewalks on both sides; they may overlap them."""
    if sidewalk.is_empty:
        return []
    shapely.prepare(sidewalk)
    if road_map.crosswalks:
        return [shape for polygon in road_map.crosswalks for shape in _with_landings(polygon, sidewalk)]
    return _before_junctions(road_map.lanes, sidewalk)


def _with_landings(polygon: NDArray[np.float64], sidewalk: BaseGeometry) -> list[BaseGeometry]:
    """Return a crosswalk and the strips from its ends to the sidewalks beyond them."""
    outline = shapely.make_valid(shapely.Polygon(polygon[:, :2]))
    ends = crosswalk_ends(polygon)[:, :2]
    length = float(np.hypot(*(ends[1] - ends[0])))
    if length < 0.5:
        return [outline]
    width = min(max(outline.area / length, 1.0), 6.0)
    shapes = [outline]
    for end, other in ((ends[0], ends[1]), (ends[1], ends[0])):
        inner = end + (other - end) * min(0.5, 1.0 / length)
        landing = _first_hit(inner, (end - other) / length, LANDING_M + 1.0, sidewalk)
        if landing is not None:
            shapes.append(_strip(inner, landing, 0.9 * width))
    return shapes


def _before_junctions(lanes: LaneTable, sidewalk: BaseGeometry) -> list[BaseGeometry]:
    """Return a strip over every road that meets a junction, from sidewalk to sidewalk."""
    shapes: list[BaseGeometry] = []
    done: set[tuple[int, bool]] = set()
    for lane, at_end in _junction_mouths(lanes):
        first, last = int(lanes.start[lane]), int(lanes.stop[lane]) - 1
        rising = bool(lanes.s[last] >= lanes.s[first])
        mouth = (int(lanes.road_id[lane]), at_end == rising)
        if mouth in done or lanes.length_m[lane] < 2.0 * (SETBACK_M + CROSSING_WIDTH_M):
            continue
        along = lanes.length_m[lane] - SETBACK_M if at_end else SETBACK_M
        k = first + int(np.argmin(np.abs(lanes.along_m[first : last + 1] - along)))
        middle, tangent = lanes.xyz[k, :2], lanes.tangent[k]
        across = np.array([-tangent[1], tangent[0]])
        kerbs = [_first_hit(middle, side, REACH_M, sidewalk) for side in (across, -across)]
        if kerbs[0] is not None and kerbs[1] is not None:
            done.add(mouth)
            shapes.append(_strip(kerbs[0], kerbs[1], CROSSING_WIDTH_M))
    return shapes


def _junction_mouths(lanes: LaneTable) -> list[tuple[int, bool]]:
    """Return (driving lane outside junctions, whether its end meets a junction, else its start does), in a fixed order."""
    mouths: list[tuple[int, bool]] = []
    for lane in np.flatnonzero(np.isin(lanes.lane_type, [int(LaneType.DRIVING), int(LaneType.BIDIRECTIONAL)])):
        for after in lanes.next_lanes(int(lane)):
            if lanes.is_junction[after] and not lanes.is_junction[lane]:
                mouths.append((int(lane), True))
            elif lanes.is_junction[lane] and not lanes.is_junction[after]:
                mouths.append((int(after), False))
    return sorted(set(mouths))


def _first_hit(
    origin: NDArray[np.float64], direction: NDArray[np.float64], reach_m: float, shape: BaseGeometry
) -> NDArray[np.float64] | None:
    """Return the first point of `shape` along a ray, a little inside it; None where there is none in reach."""
    ray = shapely.LineString([origin, origin + direction * reach_m])
    hit = shapely.intersection(ray, shape)
    if hit.is_empty:
        return None
    distance = shapely.distance(hit, shapely.Point(origin))
    return origin + direction * (float(distance) + OVERLAP_M)


def _strip(a: NDArray[np.float64], b: NDArray[np.float64], width: float) -> BaseGeometry:
    return shapely.buffer(shapely.LineString([a, b]), 0.5 * width, cap_style="flat")
