"""Paint on the road: lane markings, crosswalk stripes, stop lines and arrows, as ribbons of triangles in the CARLA world frame.

Marking types and colours are those of `carla.LaneMarkingType` and `carla.LaneMarkingColor`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from alpamayo_sim.roads.arrows import add_arrows
from alpamayo_sim.roads.frontage import FAST_KMH
from alpamayo_sim.roads.ribbons import LIFT_M, WHITE, MarkingMesh, Ribbons
from alpamayo_sim.roads.strips import kept_samples

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap

Floats = NDArray[np.floating]

LINE_WIDTH_M = 0.15
"""Width of lines whose width the map leaves open."""
NARROWEST_M, WIDEST_M = 0.08, 0.45
DOT_M, DOT_GAP_M = 0.11, 1.1
"""Botts' dots."""
DOUBLE_OFFSET_M = 0.14
DASH_M = 3.0
GAP_M = 4.5
FAST_GAP_M = 9.0
STOP_LINE_HALF_WIDTH_M = 0.2
CLEAR_OF_CROSSWALK_M = 8.0
"""How far a stop line moves back at most to lie before a crosswalk."""
STRIPE_M = 0.5
"""Width of a crosswalk stripe, and of the gap to the next one."""
YELLOW = (222, 165, 30)
_COLORS = {0: WHITE, 1: (60, 90, 200), 2: (50, 150, 80), 3: (190, 40, 40), 4: YELLOW, 5: WHITE}


class MarkingType(IntEnum):
    """The painted values of `carla.LaneMarkingType`."""

    BROKEN = 1
    SOLID = 2
    SOLID_SOLID = 3
    SOLID_BROKEN = 4
    BROKEN_SOLID = 5
    BROKEN_BROKEN = 6
    BOTTS_DOTS = 7


class Stroke(IntEnum):
    """How a line is painted along its way."""

    SOLID = 0
    BROKEN = 1
    DOTS = 2


_LINES: dict[int, tuple[tuple[float, Stroke], ...]] = {
    MarkingType.BROKEN: ((0.0, Stroke.BROKEN),),
    MarkingType.SOLID: ((0.0, Stroke.SOLID),),
    MarkingType.SOLID_SOLID: ((-DOUBLE_OFFSET_M, Stroke.SOLID), (DOUBLE_OFFSET_M, Stroke.SOLID)),
    MarkingType.SOLID_BROKEN: ((-DOUBLE_OFFSET_M, Stroke.SOLID), (DOUBLE_OFFSET_M, Stroke.BROKEN)),
    MarkingType.BROKEN_SOLID: ((-DOUBLE_OFFSET_M, Stroke.BROKEN), (DOUBLE_OFFSET_M, Stroke.SOLID)),
    MarkingType.BROKEN_BROKEN: ((-DOUBLE_OFFSET_M, Stroke.BROKEN), (DOUBLE_OFFSET_M, Stroke.BROKEN)),
    MarkingType.BOTTS_DOTS: ((0.0, Stroke.DOTS),),
}
"""(offset to the right of the marking's middle, stroke) of the lines of each type."""


def build_markings(road_map: RoadMap) -> MarkingMesh:
    """Return all paint of a map."""
    ribbons = Ribbons()
    lanes = road_map.lanes
    road_level = lanes.height_m <= 0.0
    everywhere = np.ones(len(lanes), dtype=np.bool_)
    _add_lane_lines(ribbons, road_map, lanes.right_marking, lanes.right_color, 1.0, everywhere & road_level)
    _add_lane_lines(ribbons, road_map, lanes.left_marking, lanes.left_color, -1.0, _innermost(road_map) & road_level)
    for polygon in road_map.crosswalks:
        _add_crosswalk(ribbons, road_map, polygon)
    _add_stop_lines(ribbons, road_map)
    add_arrows(ribbons, road_map)
    return ribbons.mesh()


def _innermost(road_map: RoadMap) -> NDArray[np.bool_]:
    """Return [L] which lane of each road section carries the marking of the road's centre: lane -1, or lane 1 without one."""
    lanes = road_map.lanes
    key = lanes.road_id.astype(np.int64) * 10_000 + lanes.section
    has_minus_one = np.isin(key, key[lanes.lane_id == -1])
    return (lanes.lane_id == -1) | ((lanes.lane_id == 1) & ~has_minus_one)


def _add_lane_lines(
    ribbons: Ribbons,
    road_map: RoadMap,
    marking: NDArray[np.uint8],
    color: NDArray[np.uint8],
    side: float,
    chosen: NDArray[np.bool_],
) -> None:
    lanes = road_map.lanes
    lane = lanes.lane_index
    right = np.stack([-lanes.tangent[:, 1], lanes.tangent[:, 0]], axis=1)
    edge = lanes.xyz + np.array([0.0, 0.0, LIFT_M])
    edge[:, :2] += right * (side * 0.5 * lanes.width[:, None])
    # The marking at a sample holds up to the next one: a run ends with the sample at which the next run begins.
    changed = (np.diff(lane, prepend=-1) != 0) | (np.diff(marking.astype(np.int16), prepend=-1) != 0)
    changed |= np.diff(color.astype(np.int16), prepend=-1) != 0
    run_start = np.nonzero(changed)[0]
    run_stop = np.append(run_start[1:], len(lane))
    run_stop = np.where(np.append(lane[1:], -1)[run_stop - 1] == lane[run_start], run_stop + 1, run_stop)
    painted = np.isin(marking[run_start], list(_LINES)) & chosen[lane[run_start]] & (run_stop - run_start >= 2)
    keep = np.zeros(len(lane), dtype=np.bool_)
    keep[kept_samples(lanes)] = True
    table = np.array([_COLORS.get(k, WHITE) for k in range(256)], dtype=np.uint8)
    pieces: dict[tuple[float, Stroke, float], list[tuple[int, int]]] = {}
    for a, b in zip(run_start[painted].tolist(), run_stop[painted].tolist(), strict=True):
        width = _width_m(road_map, a, side)
        for offset, stroke in _LINES[int(marking[a])]:
            pieces.setdefault((offset, stroke, width), []).append((a, b))
    for (offset, stroke, width), spans in pieces.items():
        line = edge + np.column_stack([right * offset, np.zeros(len(lane))])
        if stroke != Stroke.SOLID:
            _add_dashes(ribbons, road_map, line, right, table[color], spans, stroke, 0.5 * width)
            continue
        picked, run, colors = [], [], []
        for number, (a, b) in enumerate(spans):
            inside = a + np.nonzero(keep[a:b])[0]
            inside = np.unique(np.concatenate([[a], inside, [b - 1]]))
            picked.append(inside)
            run.append(np.full(len(inside), number))
            colors.append(np.full(len(inside), color[a]))
        index = np.concatenate(picked)
        rgb = table[np.concatenate(colors)]
        ribbons.add(line[index], right[index], 0.5 * width, rgb, np.concatenate(run))


def _width_m(road_map: RoadMap, sample: int, side: float) -> float:
    """Return the width of the marking on one side of a lane from a sample on."""
    lanes = road_map.lanes
    lane = int(lanes.lane_index[sample])
    road, number = int(lanes.road_id[lane]), int(lanes.lane_id[lane])
    waypoint = road_map.carla_map.get_waypoint_xodr(road, number, float(lanes.s[sample]))
    if waypoint is None:
        return LINE_WIDTH_M
    marking = waypoint.right_lane_marking if side > 0.0 else waypoint.left_lane_marking
    width = 0.0 if marking is None else round(float(marking.width), 2)
    return min(max(width, NARROWEST_M), WIDEST_M) if width > 0.0 else LINE_WIDTH_M


def _add_dashes(
    ribbons: Ribbons,
    road_map: RoadMap,
    line: Floats,
    right: Floats,
    rgb: NDArray[np.uint8],
    spans: list[tuple[int, int]],
    stroke: Stroke,
    half_width: float,
) -> None:
    lanes = road_map.lanes
    dots = stroke == Stroke.DOTS
    centers, rights, colors, runs = [], [], [], []
    count = 0
    for a, b in spans:
        along = lanes.along_m[a:b]
        gap = FAST_GAP_M if lanes.speed_limit_kmh[lanes.lane_index[a]] >= FAST_KMH else GAP_M
        dash, pitch = (DOT_M, DOT_M + DOT_GAP_M) if dots else (DASH_M, DASH_M + gap)
        begin = np.arange(np.ceil(along[0] / pitch), np.floor(along[-1] / pitch) + 1.0) * pitch
        end = np.minimum(begin + dash, along[-1])
        long_enough = end - begin > 0.1 * dash
        begin, end = begin[long_enough], end[long_enough]
        if not len(begin):
            continue
        at = np.stack([begin, 0.5 * (begin + end), end], axis=1).ravel()
        centers.append(np.stack([np.interp(at, along, line[a:b, k]) for k in range(3)], axis=1))
        direction = np.stack([np.interp(at, along, right[a:b, k]) for k in range(2)], axis=1)
        rights.append(direction / np.linalg.norm(direction, axis=1, keepdims=True))
        colors.append(np.tile(rgb[a], (len(at), 1)))
        runs.append(count + np.repeat(np.arange(len(begin)), 3))
        count += len(begin)
    if centers:
        ribbons.add(
            np.concatenate(centers),
            np.concatenate(rights),
            0.5 * DOT_M if dots else half_width,
            np.concatenate(colors),
            np.concatenate(runs),
        )


def _add_crosswalk(ribbons: Ribbons, road_map: RoadMap, polygon: Floats) -> None:
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(shapely.Polygon(polygon[:, :2])))[:4]
    if len(corners) < 4:
        return
    a, b, c = corners[0], corners[1], corners[2]
    if np.linalg.norm(b - a) < np.linalg.norm(c - b):
        a, b, c = b, c, corners[3]
    length, depth = float(np.linalg.norm(b - a)), float(np.linalg.norm(c - b))
    walk, along = (b - a) / max(length, 1e-6), (c - b) / max(depth, 1e-6)
    count = int((length - STRIPE_M) // (2 * STRIPE_M)) + 1
    if depth < 0.5 or count < 1:
        return
    first = 0.5 * (length - (2 * count - 1) * STRIPE_M) + 0.5 * STRIPE_M
    middle = a + walk * (first + 2 * STRIPE_M * np.arange(count))[:, None]
    points = np.stack([middle, middle + along * 0.5 * depth, middle + along * depth], axis=1).reshape(-1, 2)
    level = float(np.median(polygon[:, 2]))
    z = road_map.ground.height(points, level)[0] + LIFT_M
    right = np.array([-along[1], along[0]])
    ribbons.add(
        np.column_stack([points, z]),
        np.tile(right, (len(points), 1)),
        0.5 * STRIPE_M,
        np.tile(np.array(WHITE, dtype=np.uint8), (len(points), 1)),
        np.repeat(np.arange(count), 3),
    )


def stop_line_segments(road_map: RoadMap) -> list[tuple[Floats, Floats]]:
    """Return (ends [2, 3] left and right, forward [2]) of each stop line: before lights and stop signs, clear of crosswalks."""
    lanes = road_map.lanes
    wanted: dict[tuple[int, int], float] = {}
    for light in road_map.signals.lights:
        for road_id, lane_id, s in light.affected_lanes:
            wanted.setdefault((lanes.find(road_id, lane_id, s), 0), s)
    for sign in road_map.signals.signs:
        if sign.type_id == "traffic.stop":
            for road_id, lane_id, s in sign.affected_lanes:
                wanted.setdefault((lanes.find(road_id, lane_id, s), 0), s)
    stripes = [shapely.buffer(shapely.Polygon(p[:, :2]), 0.7) for p in road_map.crosswalks]
    shapely.prepare(stripes)
    segments: list[tuple[Floats, Floats]] = []
    for (lane, _), s in wanted.items():
        if lane < 0:
            continue
        start, stop = int(lanes.start[lane]), int(lanes.stop[lane])
        along = lanes.along_m[start:stop]
        place = float(along[int(np.argmin(np.abs(lanes.s[start:stop] - s)))]) - 0.6
        lowest = place - CLEAR_OF_CROSSWALK_M
        ends, forward = _across(road_map, start, stop, max(place, 0.0))
        while place > max(lowest, 0.0) and any(s.intersects(shapely.LineString(ends[:, :2])) for s in stripes):
            place -= 0.5
            ends, forward = _across(road_map, start, stop, max(place, 0.0))
        segments.append((ends, forward))
    return segments


def _across(road_map: RoadMap, start: int, stop: int, place: float) -> tuple[Floats, Floats]:
    lanes = road_map.lanes
    along = lanes.along_m[start:stop]
    center = np.array([np.interp(place, along, lanes.xyz[start:stop, k]) for k in range(3)])
    k = start + min(int(np.searchsorted(along, place)), stop - start - 1)
    forward = lanes.tangent[k]
    half = np.append(np.array([-forward[1], forward[0]]) * 0.5 * lanes.width[k], 0.0)
    return np.stack([center - half, center + half]), forward


def _add_stop_lines(ribbons: Ribbons, road_map: RoadMap) -> None:
    for number, (ends, forward) in enumerate(stop_line_segments(road_map)):
        center = ends + np.array([0.0, 0.0, LIFT_M + 0.003])
        # The ribbon runs from the left end to the right end, so its right hand points against the traffic.
        right = np.tile(-forward, (2, 1))
        ribbons.add(
            center,
            right,
            STOP_LINE_HALF_WIDTH_M,
            np.tile(np.array(WHITE, dtype=np.uint8), (2, 1)),
            np.full(2, number),
        )
