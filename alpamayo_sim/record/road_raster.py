"""The unmoving part of the bird's-eye view, drawn once in tiles that are kept while they are near."""

from __future__ import annotations

from collections import OrderedDict

import cv2
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.record.road_shapes import Color, road_shapes
from alpamayo_sim.roads.road_map import RoadMap

Image = NDArray[np.uint8]

TILE_PX = 384
TERRAIN: Color = (38, 46, 42)
_TILES_KEPT = 48
_OVERSAMPLING = 2
_SHIFT = 4
_MARGIN_M = 2.0


class RoadRaster:
    """Draws any square of a map from above, x to the right and y down, from tiles that are made when first needed."""

    def __init__(self, road_map: RoadMap, px_per_m: float) -> None:
        self._tile_m = TILE_PX / px_per_m
        self._scale = px_per_m * _OVERSAMPLING
        self._tiles: OrderedDict[tuple[int, int], Image] = OrderedDict()
        self._mosaic_key: tuple[int, int, int, int] | None = None
        self._mosaic = np.zeros((0, 0, 3), np.uint8)
        self._shapes = road_shapes(road_map)
        bounds = [(*shape.points.min(axis=0), *shape.points.max(axis=0)) for shape in self._shapes]
        self._bounds = np.array(bounds).reshape(-1, 4)

    def region(self, center: tuple[float, float], reach_m: float) -> tuple[Image, tuple[float, float]]:
        """Return an image of at least `reach_m` around `center`, and the world (x, y) of its upper left corner."""
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
        image = np.full((size, size, 3), TERRAIN, np.uint8)
        corner = np.array([i, j]) * self._tile_m
        low, high = corner - _MARGIN_M, corner + self._tile_m + _MARGIN_M
        for k in np.flatnonzero(((self._bounds[:, 2:] > low) & (self._bounds[:, :2] < high)).all(axis=1)):
            shape = self._shapes[k]
            pixels = np.round(((shape.points - corner) * self._scale - 0.5) * (1 << _SHIFT)).astype(np.int32)
            if shape.line_width_m > 0.0:
                thickness = max(1, round(shape.line_width_m * self._scale))
                cv2.polylines(image, [pixels], False, shape.color, thickness, cv2.LINE_AA, _SHIFT)
            else:
                cv2.fillPoly(image, [pixels], shape.color, lineType=cv2.LINE_8, shift=_SHIFT)
        return cv2.resize(image, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
