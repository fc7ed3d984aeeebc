"""Places where a vehicle may be spawned: on driving lanes, clear of junctions and of one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.lanes import LaneTable, LaneType

Floats = NDArray[np.float64]

MIN_SPACING_M = 12.5
HEADWAY_S = 1.2
JUNCTION_CLEARANCE_M = 10.0
END_CLEARANCE_M = 5.0
SEPARATION_M = 12.0
SEPARATION_ACROSS_M = 3.0
STOREY_M = 4.0
MIN_LANE_WIDTH_M = 2.5
MAX_POINTS = 500
LIFT_M = 0.5


def spawn_points(lanes: LaneTable) -> Floats:
    """Return [N, 6] (x, y, z, pitch, yaw, roll), CARLA world frame, degrees, 0.5 m above the lanes, in a stable order.

    Points of a lane are 1.2 s at its speed limit apart, at least 12.5 m, and 10 m clear of its ends; less clear where a
    map would otherwise have none; at most 500, spread evenly. No two vehicles of 12 m x 3 m overlap there.
    """
    usable = np.nonzero((lanes.lane_type == LaneType.DRIVING) & ~lanes.is_junction)[0]
    if len(usable) == 0:
        usable = np.nonzero(lanes.lane_type == LaneType.DRIVING)[0]
    for clearance_m in (JUNCTION_CLEARANCE_M, END_CLEARANCE_M, 0.0):
        poses = np.concatenate([_along_lane(lanes, int(lane), clearance_m) for lane in usable])
        kept = _separate(poses[poses[:, 6] >= MIN_LANE_WIDTH_M])
        if len(kept):
            chosen = np.linspace(0, len(kept) - 1, min(len(kept), MAX_POINTS)).round().astype(np.int64)
            return kept[chosen, :6]
    return _along_lane(lanes, int(usable[np.argmax(lanes.length_m[usable])]), 0.0)[:1, :6]


def _along_lane(lanes: LaneTable, lane: int, clearance_m: float) -> Floats:
    """Return [n, 7] candidate poses of a lane and the lane's width there."""
    part = slice(int(lanes.start[lane]), int(lanes.stop[lane]))
    along = lanes.along_m[part]
    room = float(along[-1]) - 2 * clearance_m
    if room <= 0.0:
        return np.zeros((0, 7))
    spacing = max(MIN_SPACING_M, HEADWAY_S * float(lanes.speed_limit_kmh[lane]) / 3.6)
    gaps = int(room // spacing)
    places = clearance_m + 0.5 * (room - gaps * spacing) + spacing * np.arange(gaps + 1)
    x, y, z = (np.interp(places, along, lanes.xyz[part, k]) for k in range(3))
    forward = [np.interp(places, along, lanes.tangent[part, k]) for k in range(2)]
    rise = np.interp(places + 0.5, along, lanes.xyz[part, 2]) - np.interp(places - 0.5, along, lanes.xyz[part, 2])
    return np.column_stack([
        x, y, z + LIFT_M, np.degrees(np.arctan(rise)), np.degrees(np.arctan2(forward[1], forward[0])),
        np.zeros_like(x), np.interp(places, along, lanes.width[part]),
    ])  # fmt: skip


def _separate(poses: Floats) -> Floats:
    """Return the poses, first come first served, that are clear of the kept ones on their storey."""
    kept: list[int] = []
    cells: dict[tuple[int, int], list[int]] = {}
    yaw = np.radians(poses[:, 4])
    forward = np.column_stack([np.cos(yaw), np.sin(yaw)])
    for index, (x, y) in enumerate(poses[:, :2].tolist()):
        cell = int(x // SEPARATION_M), int(y // SEPARATION_M)
        near = [other for i in (-1, 0, 1) for j in (-1, 0, 1) for other in cells.get((cell[0] + i, cell[1] + j), ())]
        if near:
            offset = poses[near, :3] - poses[index, :3]
            same_storey = np.abs(offset[:, 2]) < STOREY_M
            if (same_storey & (_close(offset, forward[index]) | _close(offset, forward[near]))).any():
                continue
        kept.append(index)
        cells.setdefault(cell, []).append(index)
    return poses[kept]


def _close(offset: Floats, forward: Floats) -> NDArray[np.bool_]:
    """Return whether offsets [n, 3] lie within the separation along and across `forward`, [2] or [n, 2]."""
    along = np.abs(offset[:, 0] * forward[..., 0] + offset[:, 1] * forward[..., 1])
    across = np.abs(offset[:, 0] * forward[..., 1] - offset[:, 1] * forward[..., 0])
    return (along < SEPARATION_M) & (across < SEPARATION_ACROSS_M)
