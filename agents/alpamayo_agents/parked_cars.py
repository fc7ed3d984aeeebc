"""Room for doors: cars parked beside the lane count as wide as they are with a door open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from alpamayo_agents.reference_path import STEP_M, ReferencePath
from alpamayo_agents.surroundings import Neighbours

DOOR_M = 0.75
"""What a door adds to a parked car besides the room that is kept from every obstacle."""
SIGHT_M = 50.0
ALONG_COS = 0.9
LEAST_HALF_LENGTH_M, LEAST_HALF_WIDTH_M = 1.5, 0.7
INSIDE_M = 0.3
"""A car is beside the lane if its middle is no farther inside the lane's edge."""
ENOUGH_S = 45.0
"""Whom the ego has waited behind for so long is passed without room for a door; who stands for 60 s counts as blocked."""


class DoorRoom:
    """Widens those who are parked beside the ego's lane."""

    def __init__(self, path: ReferencePath) -> None:
        self._path = path
        self._given_up: set[int] = set()
        self.ids: frozenset[int] = frozenset()
        """Who counts wider now."""

    def widen(self, station_m: float, neighbours: Neighbours, waited_s: float) -> Neighbours:
        """Return the neighbours, wider where a door may open into the ego's lane."""
        self.ids = frozenset()
        way_in = self._path.way_in
        if way_in is not None and station_m < way_in.end_m:
            return neighbours
        half = neighbours.half_size_m
        parked = np.isinf(neighbours.standing_s) & ~neighbours.is_walker
        cars = parked & (half[:, 0] > LEAST_HALF_LENGTH_M) & (half[:, 1] > LEAST_HALF_WIDTH_M)
        wide = [
            row
            for row in np.flatnonzero(cars).tolist()
            if int(neighbours.ids[row]) not in self._given_up and self._is_beside(row, station_m, neighbours)
        ]
        if waited_s > ENOUGH_S:
            self._given_up |= {int(neighbours.ids[row]) for row in wide}
            return neighbours
        if not wide:
            return neighbours
        self.ids = frozenset(int(neighbours.ids[row]) for row in wide)
        widened = half.copy()
        widened[wide, 1] += DOOR_M
        return replace(neighbours, half_size_m=widened)

    def _is_beside(self, row: int, station_m: float, neighbours: Neighbours) -> bool:
        at = self._path.project(neighbours.center[row, :2], station_m, ahead_m=SIGHT_M)
        here, _, yaw = self._path.pose(np.array(at))
        off = neighbours.center[row, :2] - here
        right = float(off[1] * np.cos(yaw) - off[0] * np.sin(yaw)) + float(self._path.offset_right_m(np.array([at]))[0])
        width = float(self._path.lane_width_m[min(len(self._path.lane_width_m) - 1, int(at / STEP_M))])
        along = abs(float(np.cos(neighbours.yaw[row] - float(yaw)))) > ALONG_COS
        return along and right > 0.5 * width - INSIDE_M
