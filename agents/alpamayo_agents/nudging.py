"""Keeping to the edge of one's lane while others come over the middle of the road."""

from __future__ import annotations

import numpy as np

from alpamayo_agents.ego import EgoModel
from alpamayo_agents.reference_path import STEP_M, LaneShift, ReferencePath
from alpamayo_agents.surroundings import Neighbours

AHEAD_M = 60.0
MARGIN_M = 0.75
BEYOND_EDGE_M = 0.25
"""How far over the lane's edge the ego may reach; what is judged is its middle."""
EASE_M = 10.0
STAY_M = 25.0
"""The ego stays at the edge until so far after it has seen the last one."""
RENEW_M = 12.0


class EdgeKeeping:
    """Shifts the path to the right for oncoming vehicles that reach into the ego's lane."""

    def __init__(self, path: ReferencePath, model: EgoModel) -> None:
        self._path = path
        self._model = model

    def update(self, station_m: float, yaw_rad: float, neighbours: Neighbours) -> bool:
        """Look for such vehicles; return whether the path changed."""
        wanted = self._needed_m(station_m, yaw_rad, neighbours)
        nudge = self._path.nudge
        if nudge is not None and station_m > nudge[1].end_m:
            self._path.nudge = nudge = None
            self._path.rebuild()
            return True
        if wanted < 0.05:
            return False
        if nudge is None:
            out = LaneShift(station_m, station_m + EASE_M, 0.0, wanted)
        else:
            out, back = nudge
            if wanted <= out.to_right_m + 0.05 and back.start_m > station_m + STAY_M - RENEW_M:
                return False
            if station_m > back.start_m:
                return False
            if wanted > out.to_right_m + 0.05:
                here = float(out.offset(np.array([station_m]))[0])
                out = LaneShift(station_m, station_m + EASE_M, here, wanted)
        until = station_m + STAY_M
        self._path.nudge = (out, LaneShift(until, until + EASE_M, out.to_right_m, 0.0))
        self._path.rebuild()
        return True

    def _needed_m(self, station_m: float, yaw_rad: float, neighbours: Neighbours) -> float:
        """How far to the right the ego has to keep, metres."""
        index = min(len(self._path.lane_width_m) - 1, int(station_m / STEP_M))
        if self._path.in_junction[index]:
            return 0.0
        room = 0.5 * float(self._path.lane_width_m[index]) - self._model.half_width_m + BEYOND_EDGE_M
        most = 0.0
        for row in np.flatnonzero((np.cos(neighbours.yaw - yaw_rad) < -0.2) & (neighbours.speed_mps > 1.0)):
            at = self._path.project(neighbours.center[row, :2], station_m, ahead_m=AHEAD_M)
            if not station_m + 1.0 < at < station_m + AHEAD_M - 2.0:
                continue
            here, _, yaw = self._path.pose(np.array(at))
            if np.cos(neighbours.yaw[row] - float(yaw)) > -0.8:
                continue
            off = neighbours.center[row, :2] - here
            right = float(off[1] * np.cos(yaw) - off[0] * np.sin(yaw)) + float(
                self._path.offset_right_m(np.array([at]))[0]
            )
            edge = right + float(neighbours.half_size_m[row, 1])
            if right < -1.2:
                most = max(most, edge + MARGIN_M + self._model.half_width_m)
        return min(most, room)
