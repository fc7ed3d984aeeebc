"""The lines along which drivers see traffic lights and signs, which nothing tall beside the road may cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap

Floats = NDArray[np.floating]
SEEN_FROM_M = 40.0
"""How far before the place that a light or sign governs its drivers see it."""


def sight_lines(road_map: RoadMap, feet: dict[tuple[bool, int], Floats]) -> Floats:
    """Return segments [S, 2, 2] in the x-y plane from the lanes to the poles that carry lights and signs.

    `feet` has the foot of the pole of (is a light, index of the light or sign).
    """
    found: list[Floats] = []
    for (is_light, index), foot in feet.items():
        boxes = road_map.signals.lights[index].lane_boxes if is_light else road_map.signals.signs[index].boxes
        for box in boxes:
            yaw = np.radians(box.yaw_deg)
            eye = np.array(box.center[:2]) - SEEN_FROM_M * np.array([np.cos(yaw), np.sin(yaw)])
            found.append(np.stack([eye, foot[:2]]))
    return np.array(found).reshape(-1, 2, 2)


def cut(lines: Floats, xy: Floats, radius_m: Floats) -> NDArray[np.bool_]:
    """Return [M] which discs at `xy` [M, 2] of radii [M] reach into one of the lines [S, 2, 2]."""
    hidden = np.zeros(len(xy), dtype=np.bool_)
    for start, end in lines:
        way = end - start
        share = np.clip((xy - start) @ way / max(float(way @ way), 1e-9), 0.0, 1.0)
        hidden |= np.hypot(*(xy - start - share[:, None] * way).T) < radius_m
    return hidden
