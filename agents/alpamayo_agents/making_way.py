"""Leaving the lane to an emergency vehicle that comes up from behind."""

from __future__ import annotations

import numpy as np

from alpamayo_agents.lane_gaps import Beside, is_free, speed_to_gap
from alpamayo_agents.passing import ObstaclePassing
from alpamayo_agents.reference_path import LaneShift, ReferencePath
from alpamayo_agents.surroundings import Neighbours

BEHIND_M = 80.0
IN_LANE_M = 2.2
CHANGE_S, SHORTEST_M = 2.4, 12.0
AHEAD_M = 14.0
"""The ego returns once the vehicle is so far ahead."""
GIVE_UP_M = 160.0
BACK_M = 25.0
CLOSING_S = 1.3
"""How long others are expected to drive on before they make room for the ego."""
MOVING_MPS = 1.0


class MakingWay:
    """Moves over into a free lane beside, and returns when the vehicle has passed."""

    def __init__(self, path: ReferencePath, passing: ObstaclePassing) -> None:
        self._path = path
        self._passing = passing
        self._vehicle = -1
        self.draws_level_mps: float | None = None
        """The speed with which the ego gets beside a gap while the lanes beside are taken; None otherwise."""

    @property
    def lateral(self) -> str:
        """Return "make_way" while the ego is out of its lane for it, else ""."""
        return "make_way" if self._vehicle >= 0 else ""

    @property
    def vehicle_id(self) -> int:
        """The emergency vehicle that the ego makes way for, 0 while there is none."""
        return max(0, self._vehicle)

    def update(
        self, station_m: float, yaw_rad: float, speed_mps: float, neighbours: Neighbours, emergency: frozenset[int]
    ) -> bool:
        """Look behind; return whether the path changed."""
        self.draws_level_mps = None
        if self._vehicle >= 0:
            return self._return(station_m, yaw_rad, neighbours)
        if not emergency or self._passing.lateral:
            return False
        here, _, yaw = self._path.pose(np.array(station_m))
        beside = Beside.of(neighbours, here, float(yaw))
        along, right = beside.along_m, beside.right_m
        for row in np.flatnonzero(np.isin(neighbours.ids, list(emergency))):
            moving = neighbours.speed_mps[row] > MOVING_MPS
            if -BEHIND_M < along[row] < 0.0 and abs(right[row]) < IN_LANE_M and moving:
                moved = self._move_over(station_m, speed_mps, neighbours, int(row), beside)
                if not moved:
                    self.draws_level_mps = speed_to_gap(beside, self._passing.lanes_beside(station_m), speed_mps)
                return moved
        return False

    def _move_over(self, station_m: float, speed_mps: float, neighbours: Neighbours, row: int, beside: Beside) -> bool:
        for offset in self._passing.lanes_beside(station_m):
            if not is_free(beside, offset, speed_mps, CLOSING_S):
                continue
            length = max(SHORTEST_M, CHANGE_S * speed_mps)
            out = LaneShift(station_m + 0.5, station_m + 0.5 + length, 0.0, offset)
            end = min(station_m + GIVE_UP_M, self._path.length_m - BACK_M)
            if end < out.end_m:
                return False
            self._path.shifts.append((out, LaneShift(end, end + BACK_M, offset, 0.0)))
            self._path.rebuild()
            self._vehicle = int(neighbours.ids[row])
            return True
        return False

    def _return(self, station_m: float, yaw_rad: float, neighbours: Neighbours) -> bool:
        out, back = self._path.shifts[-1]
        if station_m > back.end_m:
            self._path.shifts.pop()
            self._path.rebuild()
            self._vehicle = -1
            return True
        row = np.flatnonzero(neighbours.ids == self._vehicle)
        here, _, _ = self._path.pose(np.array(station_m))
        gone = len(row) == 0 or float(Beside.of(neighbours, here, yaw_rad).along_m[row[0]]) > AHEAD_M
        if gone and out.end_m + 1.0 < station_m < back.start_m - 2.0:
            start = station_m + 1.0
            if start + BACK_M < self._path.length_m:
                self._path.shifts[-1] = (out, LaneShift(start, start + BACK_M, back.from_right_m, 0.0))
                self._path.rebuild()
                return True
        return False
