"""Places where a vehicle may be spawned: on driving lanes, clear of junctions and of one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.lanes import LaneTable, LaneType

SPACING_M = 20.0
JUNCTION_CLEARANCE_M = 12.0
END_CLEARANCE_M = 5.0
SEPARATION_M = 7.0
MIN_LANE_WIDTH_M = 2.5
LIFT_M = 0.5


def _candidates(lanes: LaneTable, lane: int, clearance_m: float) -> list[int]:
    start, stop = int(lanes.start[lane]), int(lanes.stop[lane])
    along = lanes.along_m[start:stop]
    low, high = clearance_m, float(along[-1]) - clearance_m
    if high <= low:
        return []
    count = int((high - low) // SPACING_M) + 1
    places = low + (high - low - (count - 1) * SPACING_M) / 2 + SPACING_M * np.arange(count)
    return [start + int(k) for k in np.searchsorted(along, places)]


def spawn_points(lanes: LaneTable) -> NDArray[np.float64]:
    """Return [N, 6] (x, y, z, pitch, yaw, roll) in the CARLA world frame, degrees, 0.5 m above the lanes, in a stable order."""
    for clearance_m in (JUNCTION_CLEARANCE_M, END_CLEARANCE_M, 0.0):
        samples: list[int] = []
        for lane in range(len(lanes)):
            if lanes.lane_type[lane] == LaneType.DRIVING and not lanes.is_junction[lane]:
                samples.extend(_candidates(lanes, lane, clearance_m))
        kept = _separate(lanes, samples)
        if kept:
            break
    else:
        kept = [int(lanes.start[np.argmax(lanes.lane_type == LaneType.DRIVING)])]
    index = np.array(kept)
    ahead = np.minimum(index + 1, lanes.stop[lanes.lane_index[index]] - 1)
    step = lanes.xyz[ahead] - lanes.xyz[ahead - 1]
    points = np.zeros((len(index), 6))
    points[:, :3] = lanes.xyz[index]
    points[:, 2] += LIFT_M
    points[:, 3] = np.degrees(np.arctan2(step[:, 2], np.hypot(step[:, 0], step[:, 1])))
    points[:, 4] = np.degrees(np.arctan2(lanes.tangent[index, 1], lanes.tangent[index, 0]))
    return points


def _separate(lanes: LaneTable, samples: list[int]) -> list[int]:
    """Keep the samples, first come first served, that are wide enough and far enough from the kept ones (on their storey)."""
    kept: list[int] = []
    cells: dict[tuple[int, int], list[int]] = {}
    for sample in samples:
        if lanes.width[sample] < MIN_LANE_WIDTH_M:
            continue
        x, y, z = lanes.xyz[sample]
        cell = int(x // SEPARATION_M), int(y // SEPARATION_M)
        near = [other for i in (-1, 0, 1) for j in (-1, 0, 1) for other in cells.get((cell[0] + i, cell[1] + j), ())]
        forward = lanes.tangent[sample]
        if any(_overlap(lanes.xyz[other] - (x, y, z), forward) for other in near):
            continue
        kept.append(sample)
        cells.setdefault(cell, []).append(sample)
    return kept


def _overlap(offset: NDArray[np.float64], forward: NDArray[np.float64]) -> bool:
    along = abs(offset[0] * forward[0] + offset[1] * forward[1])
    across = abs(offset[1] * forward[0] - offset[0] * forward[1])
    return bool(along < SEPARATION_M and across < MIN_LANE_WIDTH_M and abs(offset[2]) < 4.0)
