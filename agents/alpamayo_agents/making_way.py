"""Leaving the lane to an emergency vehicle that comes up from behind."""

from __future__ import annotations

import numpy as np

from alpamayo_agents.passing import ObstaclePassing
from alpamayo_agents.reference_path import LaneShift, ReferencePath
from alpamayo_agents.surroundings import Neighbours

BEHIND_M = 80.0
IN_LANE_M = 2.2
CHANGE_S, SHORTEST_M = 1.6, 12.0
AHEAD_M = 14.0
"""The ego returns once the vehicle is so far ahead."""
GIVE_UP_M = 160.0
BACK_M = 25.0
BESIDE_M = (-7.5, 7.5)
CLOSING_S = 1.5
MOVING_MPS = 1.0


class MakingWay:
    """Moves over into a free lane beside, and returns when the vehicle has passed."""

    def __init__(self, path: ReferencePath, passing: ObstaclePassing) -> None:
        self._path = path
        self._passing = passing
        self._vehicle = -1
        self.looks_for_room = False
        """Whether the lanes beside are taken, so that the ego falls back until one is free."""

    @property
    def lateral(self) -> str:
        """Return "make_way" while the ego is out of its lane for it, else ""."""
        return "make_way" if self._vehicle >= 0 else ""

    def update(
        self, station_m: float, yaw_rad: float, speed_mps: float, neighbours: Neighbours, emergency: frozenset[int]
    ) -> bool:
        """Look behind; return whether the path changed."""
        self.looks_for_room = False
        if self._vehicle >= 0:
            return self._return(station_m, yaw_rad, neighbours)
        if not emergency or self._passing.lateral:
            return False
        here, _, yaw = self._path.pose(np.array(station_m))
        along, right = _relative(neighbours, here, float(yaw))
        for row in np.flatnonzero(np.isin(neighbours.ids, list(emergency))):
            moving = neighbours.speed_mps[row] > MOVING_MPS
            if -BEHIND_M < along[row] < 0.0 and abs(right[row]) < IN_LANE_M and moving:
                moved = self._move_over(station_m, speed_mps, neighbours, int(row), along, right)
                self.looks_for_room = not moved and bool(self._passing.lanes_beside(station_m))
                return moved
        return False

    def _move_over(
        self, station_m: float, speed_mps: float, neighbours: Neighbours, row: int, along: np.ndarray, right: np.ndarray
    ) -> bool:
        for offset in self._passing.lanes_beside(station_m):
            others = np.arange(len(neighbours.ids)) != row
            near = others & (np.abs(right - offset) < 1.6)
            closing = np.maximum(0.0, neighbours.speed_mps - speed_mps) * CLOSING_S
            if (near & (along > BESIDE_M[0] - closing) & (along < BESIDE_M[1])).any():
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
        gone = len(row) == 0 or float(_relative(neighbours, here, yaw_rad)[0][row[0]]) > AHEAD_M
        if gone and out.end_m + 1.0 < station_m < back.start_m - 2.0:
            start = station_m + 1.0
            if start + BACK_M < self._path.length_m:
                self._path.shifts[-1] = (out, LaneShift(start, start + BACK_M, back.from_right_m, 0.0))
                self._path.rebuild()
                return True
        return False


def _relative(neighbours: Neighbours, here: np.ndarray, yaw: float) -> tuple[np.ndarray, np.ndarray]:
    """How far ahead and to the right of a pose everybody is, metres."""
    off = neighbours.center[:, :2] - here
    along = off[:, 0] * np.cos(yaw) + off[:, 1] * np.sin(yaw)
    return along, off[:, 1] * np.cos(yaw) - off[:, 0] * np.sin(yaw)
