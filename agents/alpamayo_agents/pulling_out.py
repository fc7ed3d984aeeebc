"""Leaving a place beside the road: one fixed line into the lane, past whoever is parked ahead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.conflicts import circle_centers, circle_radius
from alpamayo_agents.ego import EgoModel, EgoState
from alpamayo_agents.reference_path import LaneShift, ReferencePath
from alpamayo_agents.surroundings import Neighbours

BESIDE_M = 1.2
"""Who stands so far beside its path has a way to go into the lane."""
ALONG_COS = 0.8
STANDING_MPS = 0.3
LENGTHS_M = (16.0, 14.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0)
CLEARANCE_M = 0.45
"""A way in that leaves so much room to what stands there is good enough; a longer one is easier to drive."""
UNMOVED_M = 0.3
"""Within this distance of where the ego stood at first the way is laid anew when others turn out to be parked."""


class PullingOut:
    """Lays the path from where the ego stands at the start into the lane."""

    def __init__(self, path: ReferencePath, model: EgoModel) -> None:
        self._path = path
        self._model = model
        self._parked: tuple[int, ...] | None = None

    def update(self, station_m: float, state: EgoState, neighbours: Neighbours) -> bool:
        """Lay the way in where the ego stands beside its path; return whether the path changed."""
        if abs(state.speed_mps) > STANDING_MPS:
            return False
        way_in = self._path.way_in
        if way_in is not None and station_m > way_in.start_m + UNMOVED_M:
            return False
        here, _, yaw = self._path.pose(np.array(station_m))
        off = np.array([state.rig_pose.x, state.rig_pose.y]) - here
        right = float(off[1] * np.cos(yaw) - off[0] * np.sin(yaw))
        right += float(way_in.offset(np.array([station_m]))[0]) if way_in is not None else 0.0
        along = way_in is not None or np.cos(state.yaw_rad - float(yaw)) > ALONG_COS
        if abs(right) < BESIDE_M or not along:
            return False
        parked = np.flatnonzero(np.isinf(neighbours.standing_s))
        ids = tuple(int(i) for i in neighbours.ids[parked])
        if ids == self._parked:
            return False
        self._parked = ids
        best, widest = LENGTHS_M[-1], -np.inf
        for length in LENGTHS_M:
            room = self._lay(station_m, length, right, neighbours, parked)
            if room > widest + 0.01:
                best, widest = length, room
            if room > CLEARANCE_M:
                break
        self._lay(station_m, best, right, neighbours, parked)
        return True

    def _lay(
        self, station_m: float, length_m: float, right_m: float, neighbours: Neighbours, rows: NDArray[np.int64]
    ) -> float:
        """Lay the way in over a length; return how far from some it keeps, metres, negative where it does not."""
        self._path.way_in = LaneShift(station_m, station_m + length_m, right_m, 0.0)
        self._path.rebuild()
        xy, _, yaw = self._path.pose(station_m + np.arange(0.0, length_m + 6.0, 0.5))
        centers = circle_centers(self._model, xy, yaw).reshape(-1, 2)
        room = np.inf
        for row in rows:
            cos, sin = np.cos(neighbours.yaw[row]), np.sin(neighbours.yaw[row])
            delta = centers - neighbours.center[row, :2]
            along = np.abs(delta[:, 0] * cos + delta[:, 1] * sin) - neighbours.half_size_m[row, 0]
            across = np.abs(delta[:, 1] * cos - delta[:, 0] * sin) - neighbours.half_size_m[row, 1]
            room = min(room, float(np.hypot(np.maximum(along, 0.0), np.maximum(across, 0.0)).min()))
        return room - circle_radius(self._model)
