"""A map as flat coloured shapes in drawing order: surfaces, markings, crosswalks, stop lines, low roads first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.record.route_map import lane_outline
from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.road_map import RoadMap

Color = tuple[int, int, int]
Points = NDArray[np.float64]

_LEVEL_M = 4.0
"""Roads whose heights differ by this much lie on different levels; the upper one hides the lower one."""
_PIECE_SAMPLES = 16
_MARKING_WIDTH_M = 0.18
_STOP_LINE_WIDTH_M = 0.4
_STRIPE_PERIOD_M = 1.2
_DASH_M, _DASH_PERIOD_M = 3.0, 9.0

_ROAD: Color = (66, 69, 76)
_SURFACES: tuple[tuple[int, Color], ...] = (
    (LaneType.MEDIAN | LaneType.BORDER | LaneType.RESTRICTED, (46, 60, 50)),
    (LaneType.SIDEWALK, (104, 107, 112)),
    (LaneType.SHOULDER, (56, 60, 60)),
    (LaneType.PARKING, (60, 66, 82)),
    (LaneType.BIKING, (84, 62, 62)),
    (LaneType.DRIVING | LaneType.BIDIRECTIONAL | LaneType.STOP | LaneType.ENTRY | LaneType.EXIT, _ROAD),
    (LaneType.OFFRAMP | LaneType.ONRAMP | LaneType.TRAM | LaneType.RAIL, _ROAD),
)
"""Masks of lane types and their colours, in the order in which they are drawn."""
_CROSSWALK_RANK, _MARKING_RANK, _STOP_RANK = 10, 11, 12

_CROSSWALK: Color = (176, 178, 182)
_STOP_LINE: Color = (225, 225, 225)
_WHITE: Color = (206, 208, 212)
_YELLOW: Color = (214, 172, 66)
_KERB: Color = (128, 131, 136)

_SOLID = frozenset({2, 3, 4, 5})
_BROKEN = frozenset({1, 6, 7})
_KERB_MARK = frozenset({8, 9})
"""`carla.LaneMarkingType`: Broken 1, Solid 2, SolidSolid 3, SolidBroken 4, BrokenSolid 5, BrokenBroken 6, BottsDots 7,
Grass 8, Curb 9."""
_YELLOW_MARK = 4
"""`carla.LaneMarkingColor.Yellow`."""


@dataclass(frozen=True, eq=False)
class Shape:
    """One thing to draw."""

    order: tuple[int, int]
    """Level of height, then rank within it; lower ones are drawn first."""
    color: Color
    points: Points
    """[K, 2] metres in the CARLA world frame."""
    line_width_m: float = 0.0
    """Width of an open line; 0 fills the outline."""


def road_shapes(road_map: RoadMap) -> list[Shape]:
    """Return all shapes of a map in drawing order."""
    shapes = [*_surfaces(road_map), *_crosswalks(road_map), *_markings(road_map)]
    for light in road_map.signals.lights:
        order = (_level(light.stop_line[:, 2]), _STOP_RANK)
        shapes.append(Shape(order, _STOP_LINE, light.stop_line[:, :2], _STOP_LINE_WIDTH_M))
    return sorted(shapes, key=lambda shape: shape.order)


def _level(heights_m: Points) -> int:
    return int(np.floor(float(heights_m.mean()) / _LEVEL_M))


def _surfaces(road_map: RoadMap) -> Iterator[Shape]:
    lanes = road_map.lanes
    for rank, (mask, color) in enumerate(_SURFACES):
        for lane in np.flatnonzero((lanes.lane_type & int(mask)) != 0):
            for piece in _pieces(int(lanes.start[lane]), int(lanes.stop[lane])):
                outline = lane_outline(lanes.xyz[piece, :2], lanes.tangent[piece], lanes.width[piece] + 0.06)
                yield Shape((_level(lanes.xyz[piece, 2]), rank), color, outline)


def _pieces(start: int, stop: int) -> list[slice]:
    """Slices of at most 16 samples that share their end samples, so that pieces join without a gap."""
    return [slice(k, min(k + _PIECE_SAMPLES + 1, stop)) for k in range(start, max(start + 1, stop - 1), _PIECE_SAMPLES)]


def _markings(road_map: RoadMap) -> Iterator[Shape]:
    lanes = road_map.lanes
    for lane in np.flatnonzero(~lanes.is_junction):
        span = slice(int(lanes.start[lane]), int(lanes.stop[lane]))
        across = np.zeros((span.stop - span.start, 3))
        across[:, 0], across[:, 1] = -lanes.tangent[span, 1], lanes.tangent[span, 0]
        across *= lanes.width[span, None] / 2
        for side, kinds, colors in (
            (-1.0, lanes.left_marking[span], lanes.left_color[span]),
            (1.0, lanes.right_marking[span], lanes.right_color[span]),
        ):
            yield from _edge_markings(lanes.xyz[span] + side * across, lanes.s[span], kinds, colors)


def _edge_markings(edge: Points, s: Points, kinds: NDArray[np.uint8], colors: NDArray[np.uint8]) -> Iterator[Shape]:
    """Strokes of one lane edge [K, 3]; dashes go by the road coordinate, so that both sides of a line agree."""
    first = 0
    for k in range(1, len(edge) + 1):
        if k < len(edge) and kinds[k] == kinds[first] and colors[k] == colors[first] and k - first < 40:
            continue
        stroke = slice(first, min(k + 1, len(edge)))
        kind, color = int(kinds[first]), _YELLOW if colors[first] == _YELLOW_MARK else _WHITE
        order = (_level(edge[stroke, 2]), _MARKING_RANK)
        first = k
        if stroke.stop - stroke.start < 2:
            continue
        if kind in _SOLID or kind in _KERB_MARK:
            yield Shape(order, _KERB if kind in _KERB_MARK else color, edge[stroke, :2], _MARKING_WIDTH_M)
        elif kind in _BROKEN:
            for dash in _dashes(edge[stroke, :2], s[stroke]):
                yield Shape(order, color, dash, _MARKING_WIDTH_M)


def _dashes(edge: Points, s: Points) -> Iterator[Points]:
    low, high = float(s.min()), float(s.max())
    order = np.argsort(s)
    for number in range(int(low // _DASH_PERIOD_M), int(high // _DASH_PERIOD_M) + 1):
        begin, end = max(low, number * _DASH_PERIOD_M), min(high, number * _DASH_PERIOD_M + _DASH_M)
        if end - begin > 0.3:
            at = np.linspace(begin, end, 4)
            yield np.stack([np.interp(at, s[order], edge[order, k]) for k in range(2)], axis=1)


def _crosswalks(road_map: RoadMap) -> Iterator[Shape]:
    """Zebra stripes across each crosswalk's longer side."""
    for polygon in road_map.crosswalks:
        (x, y), (length, width), angle_deg = cv2.minAreaRect(polygon[:, :2].astype(np.float32))
        if length < width:
            length, width, angle_deg = width, length, angle_deg + 90.0
        along = np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))])
        across = np.array([-along[1], along[0]]) * width / 2
        count = max(1, round(length / _STRIPE_PERIOD_M))
        order = (_level(polygon[:, 2]), _CROSSWALK_RANK)
        for k in range(count):
            middle = np.array([x, y]) + along * length * ((k + 0.5) / count - 0.5)
            half = along * _STRIPE_PERIOD_M / 4
            corners = [middle - half - across, middle + half - across, middle + half + across, middle - half + across]
            yield Shape(order, _CROSSWALK, np.array(corners))
