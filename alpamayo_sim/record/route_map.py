"""The surroundings of a route as plain lists, kept beside an episode so that the report needs no map file."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from alpamayo_sim.record.route_view import lights_along
from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

_MARGIN_M = 45.0
_TOLERANCE_M = 0.25
_PIECE_SAMPLES = 40
_KINDS = {
    LaneType.DRIVING: "driving",
    LaneType.BIDIRECTIONAL: "driving",
    LaneType.STOP: "driving",
    LaneType.ENTRY: "driving",
    LaneType.EXIT: "driving",
    LaneType.PARKING: "parking",
    LaneType.SIDEWALK: "sidewalk",
    LaneType.SHOULDER: "shoulder",
    LaneType.BIKING: "biking",
}


def describe_surroundings(road_map: RoadMap, route: Route) -> dict[str, Any]:
    """Return the route and the lanes, stop lines and lights around it, metres in the CARLA world frame, rounded to cm.

    `lanes` are the pieces of lanes near the route, see `lane_pieces`; `stop_lines` are segments with their light's id, those
    that the route passes.
    """
    low = route.points[:, :2].min(axis=0) - _MARGIN_M
    high = route.points[:, :2].max(axis=0) + _MARGIN_M
    near_route, _ = KDTree(route.points[:, :2]).query(road_map.lanes.xyz[:, :2], distance_upper_bound=_MARGIN_M)
    outlines = lane_pieces(road_map, np.isfinite(near_route))
    on_route = {signal_id for _, signal_id in lights_along(road_map, route)}
    stop_lines = [
        {"light": light.signal_id, "points": _rounded(light.stop_line[:, :2])}
        for light in road_map.signals.lights
        if light.signal_id in on_route
    ]
    return {
        "town": road_map.name,
        "bounds": [*_rounded(low), *_rounded(high)],
        "route": _simplified(route.points[:, :2], closed=False),
        "lanes": outlines,
        "stop_lines": stop_lines,
    }


def lane_pieces(road_map: RoadMap, wanted: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Return the pieces of lanes that have a sample which is `wanted` [N]: their kind and outline [K, 2], rounded to cm.

    Lanes are cut every 40 samples, whatever is wanted, so that the same piece comes out the same for every route of a town.
    Outlines are simplified to 0.25 m.
    """
    lanes = road_map.lanes
    pieces: list[dict[str, Any]] = []
    for lane in range(len(lanes)):
        kind = _KINDS.get(LaneType(int(lanes.lane_type[lane])))
        start, stop = int(lanes.start[lane]), int(lanes.stop[lane])
        if kind is None or not wanted[start:stop].any():
            continue
        for first in range(start, stop - 1, _PIECE_SAMPLES):
            samples = slice(first, min(first + _PIECE_SAMPLES + 1, stop))
            if wanted[samples].any():
                outline = lane_outline(lanes.xyz[samples, :2], lanes.tangent[samples], lanes.width[samples])
                pieces.append({"kind": kind, "points": _simplified(outline, closed=True)})
    return pieces


def lane_outline(
    xy: NDArray[np.float64], tangent: NDArray[np.float64], width: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the outline [2K, 2] of a lane of K centre points, unit directions and widths: one edge, then back."""
    across = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) * (width / 2.0)[:, None]
    return np.concatenate([xy - across, (xy + across)[::-1]])


def _simplified(points: NDArray[np.float64], *, closed: bool) -> list[list[float]]:
    """Douglas-Peucker in cm, which keeps the numbers whole."""
    kept = cv2.approxPolyDP(np.round(points * 100.0).astype(np.int32), _TOLERANCE_M * 100.0, closed)
    return (kept.reshape(-1, 2) / 100.0).tolist()


def _rounded(values: NDArray[np.float64]) -> Any:
    return np.round(values, 2).tolist()
