"""The unmoving part of the bird's-eye view, drawn once in tiles: lanes by type, markings, crosswalks, stop lines."""

from __future__ import annotations

from collections import OrderedDict

import cv2
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.record.route_map import lane_outline
from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.road_map import RoadMap

Image = NDArray[np.uint8]
Color = tuple[int, int, int]

TILE_PX = 384
_TILES_KEPT = 48
_OVERSAMPLING = 2
_SHIFT = 4
_PIECE_SAMPLES = 16
_MARKING_WIDTH_M = 0.18
_DASH_M, _DASH_PERIOD_M = 3.0, 9.0

TERRAIN: Color = (38, 46, 42)
_STOP_LINE: Color = (225, 225, 225)
_CROSSWALK: Color = (176, 178, 182)
_WHITE: Color = (206, 208, 212)
_YELLOW: Color = (214, 172, 66)
_KERB: Color = (128, 131, 136)
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

_SOLID = frozenset({2, 3, 4, 5})
_BROKEN = frozenset({1, 6, 7})
_KERB_MARK = frozenset({8, 9})
"""`carla.LaneMarkingType`: Broken 1, Solid 2, SolidSolid 3, SolidBroken 4, BrokenSolid 5, BrokenBroken 6, BottsDots 7,
Grass 8, Curb 9."""
_YELLOW_MARK = 4
"""`carla.LaneMarkingColor.Yellow`."""


class RoadRaster:
    """Draws any square of a map from above, x to the right and y down, from tiles that are made when first needed."""

    def __init__(self, road_map: RoadMap, px_per_m: float) -> None:
        self.px_per_m = px_per_m
        self._tile_m = TILE_PX / px_per_m
        self._tiles: OrderedDict[tuple[int, int], Image] = OrderedDict()
        self._mosaic_key: tuple[int, int, int, int] | None = None
        self._mosaic = np.zeros((0, 0, 3), np.uint8)
        self._surfaces: list[tuple[Color, NDArray[np.float64]]] = []
        self._lines: list[tuple[Color, NDArray[np.float64]]] = []
        self._collect_lanes(road_map)
        self._collect_crosswalks(road_map)
        stop_lines = [light.stop_line[:, :2] for light in road_map.signals.lights]
        self._wide_lines = [(_STOP_LINE, line) for line in stop_lines]
        self._surface_bounds = _bounds([points for _, points in self._surfaces])
        self._line_bounds = _bounds([points for _, points in self._lines])
        self._wide_bounds = _bounds([points for _, points in self._wide_lines])

    def region(self, center: tuple[float, float], reach_m: float) -> tuple[Image, tuple[float, float]]:
        """Return an image that covers `reach_m` around `center` at least, and the world (x, y) of its upper left
        corner.
        """
        low = [int(np.floor((c - reach_m) / self._tile_m)) for c in center]
        high = [int(np.floor((c + reach_m) / self._tile_m)) for c in center]
        key = (low[0], low[1], high[0], high[1])
        if key != self._mosaic_key:
            rows = [
                np.concatenate([self._tile(i, j) for i in range(low[0], high[0] + 1)], axis=1)
                for j in range(low[1], high[1] + 1)
            ]
            self._mosaic, self._mosaic_key = np.concatenate(rows, axis=0), key
        return self._mosaic, (low[0] * self._tile_m, low[1] * self._tile_m)

    def _tile(self, i: int, j: int) -> Image:
        tile = self._tiles.get((i, j))
        if tile is None:
            tile = self._tiles[i, j] = self._draw_tile(i, j)
            if len(self._tiles) > _TILES_KEPT:
                self._tiles.popitem(last=False)
        self._tiles.move_to_end((i, j))
        return tile

    def _draw_tile(self, i: int, j: int) -> Image:
        size = TILE_PX * _OVERSAMPLING
        scale = self.px_per_m * _OVERSAMPLING
        image = np.full((size, size, 3), TERRAIN, np.uint8)
        corner = np.array([i, j]) * self._tile_m
        margin = 2.0

        def visible(bounds: NDArray[np.float64]) -> NDArray[np.intp]:
            inside = (bounds[:, 2:] > corner - margin) & (bounds[:, :2] < corner + self._tile_m + margin)
            return np.flatnonzero(inside.all(axis=1))

        def pixels(points: NDArray[np.float64]) -> NDArray[np.int32]:
            return np.round(((points - corner) * scale - 0.5) * (1 << _SHIFT)).astype(np.int32)

        for k in visible(self._surface_bounds):
            color, points = self._surfaces[k]
            cv2.fillPoly(image, [pixels(points)], color, lineType=cv2.LINE_8, shift=_SHIFT)
        thickness = max(1, round(_MARKING_WIDTH_M * scale))
        for k in visible(self._line_bounds):
            color, points = self._lines[k]
            cv2.polylines(image, [pixels(points)], False, color, thickness, cv2.LINE_AA, _SHIFT)
        for k in visible(self._wide_bounds):
            color, points = self._wide_lines[k]
            cv2.polylines(image, [pixels(points)], False, color, 2 * thickness, cv2.LINE_AA, _SHIFT)
        return cv2.resize(image, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

    def _collect_lanes(self, road_map: RoadMap) -> None:
        lanes = road_map.lanes
        for mask, color in _SURFACES:
            for lane in np.flatnonzero((lanes.lane_type & int(mask)) != 0):
                for piece in _pieces(int(lanes.start[lane]), int(lanes.stop[lane])):
                    width = lanes.width[piece] + 0.06
                    self._surfaces.append((color, lane_outline(lanes.xyz[piece, :2], lanes.tangent[piece], width)))
        for lane in np.flatnonzero(~lanes.is_junction):
            span = slice(int(lanes.start[lane]), int(lanes.stop[lane]))
            across = np.stack([-lanes.tangent[span, 1], lanes.tangent[span, 0]], axis=1) * lanes.width[span, None] / 2
            for side, kinds, colors in (
                (-1.0, lanes.left_marking[span], lanes.left_color[span]),
                (1.0, lanes.right_marking[span], lanes.right_color[span]),
            ):
                self._collect_marking(lanes.xyz[span, :2] + side * across, lanes.s[span], kinds, colors)

    def _collect_marking(
        self,
        edge: NDArray[np.float64],
        s: NDArray[np.float64],
        kinds: NDArray[np.uint8],
        colors: NDArray[np.uint8],
    ) -> None:
        """Add the strokes of one lane edge; dashes go by the road coordinate, so that both sides of a line agree."""
        first = 0
        for k in range(1, len(edge) + 1):
            if k < len(edge) and kinds[k] == kinds[first] and colors[k] == colors[first] and k - first < 40:
                continue
            kind, color = int(kinds[first]), _YELLOW if colors[first] == _YELLOW_MARK else _WHITE
            stop = min(k + 1, len(edge))
            if kind in _SOLID and stop - first > 1:
                self._lines.append((color, edge[first:stop]))
            elif kind in _KERB_MARK and stop - first > 1:
                self._lines.append((_KERB, edge[first:stop]))
            elif kind in _BROKEN and stop - first > 1:
                self._lines.extend((color, dash) for dash in _dashes(edge[first:stop], s[first:stop]))
            first = k

    def _collect_crosswalks(self, road_map: RoadMap) -> None:
        for polygon in road_map.crosswalks:
            (x, y), (length, width), angle_deg = cv2.minAreaRect(polygon[:, :2].astype(np.float32))
            if length < width:
                length, width, angle_deg = width, length, angle_deg + 90.0
            along = np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))])
            across = np.array([-along[1], along[0]]) * width / 2
            count = max(1, round(length / 1.2))
            for k in range(count):
                middle = np.array([x, y]) + along * length * ((k + 0.5) / count - 0.5)
                half = along * 0.3
                corners = [
                    middle - half - across,
                    middle + half - across,
                    middle + half + across,
                    middle - half + across,
                ]
                self._surfaces.append((_CROSSWALK, np.array(corners)))


def _pieces(start: int, stop: int) -> list[slice]:
    """Slices of at most 16 samples that share their end samples, so that pieces join without a gap."""
    return [slice(k, min(k + _PIECE_SAMPLES + 1, stop)) for k in range(start, max(start + 1, stop - 1), _PIECE_SAMPLES)]


def _dashes(edge: NDArray[np.float64], s: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    low, high = float(s.min()), float(s.max())
    order = np.argsort(s)
    strokes: list[NDArray[np.float64]] = []
    for number in range(int(low // _DASH_PERIOD_M), int(high // _DASH_PERIOD_M) + 1):
        begin, end = max(low, number * _DASH_PERIOD_M), min(high, number * _DASH_PERIOD_M + _DASH_M)
        if end - begin > 0.3:
            at = np.linspace(begin, end, 4)
            strokes.append(np.stack([np.interp(at, s[order], edge[order, k]) for k in range(2)], axis=1))
    return strokes


def _bounds(shapes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return [K, 4]: lowest x and y, highest x and y of every shape."""
    if not shapes:
        return np.zeros((0, 4))
    return np.array([[*points.min(axis=0), *points.max(axis=0)] for points in shapes])
