"""When and over what length the lane changes of the route are driven."""

from __future__ import annotations

import numpy as np

from alpamayo_agents.reference_path import STEP_M, LaneChange, ReferencePath

SIGHT_M = 70.0
"""Lane changes farther ahead are left alone."""
SECONDS_PER_CHANGE = 3.2
SHORTEST_M = 14.0
LONGEST_M = 75.0
HURRY_M = 8.0
"""A change that is put off begins at least so far ahead of the front bumper."""


class LaneChangeTiming:
    """Fits the next lane change to the ego's speed, and puts it off while the lane beside is taken."""

    def __init__(self, path: ReferencePath) -> None:
        self._path = path

    def upcoming(self, station_m: float) -> LaneChange | None:
        """Return the next change that has not begun, None if it is out of sight."""
        for change in self._path.lane_changes:
            begins = change.start_m + change.delay_m
            if begins > station_m:
                return change if begins < station_m + SIGHT_M else None
        return None

    def under_way(self, station_m: float) -> LaneChange | None:
        """Return the change that the ego is in the middle of."""
        for change in self._path.lane_changes:
            begins = change.start_m + change.delay_m
            if begins <= station_m < begins + change.length_m:
                return change
        return None

    def fit(self, station_m: float, speed_mps: float) -> None:
        """Give the next change the length that suits the speed."""
        change = self.upcoming(station_m)
        if change is None:
            return
        room = self._last_station(change) - change.start_m - change.delay_m
        length = float(np.clip(SECONDS_PER_CHANGE * speed_mps, SHORTEST_M, LONGEST_M))
        length = max(SHORTEST_M, min(length, room))
        if abs(length - change.length_m) > 4.0:
            change.length_m = length
            self._path.rebuild()

    def put_off(self, station_m: float, front_m: float, speed_mps: float) -> bool:
        """Let the next change begin later, if the old lane goes on; return whether it did."""
        change = self.upcoming(station_m)
        if change is None or change.start_m + change.delay_m > station_m + front_m + 2.0 * speed_mps + HURRY_M:
            return False
        begins = station_m + front_m + max(HURRY_M, speed_mps)
        if begins + SHORTEST_M > self._last_station(change) or begins <= change.start_m + change.delay_m + 1.0:
            return False
        change.delay_m = begins - change.start_m
        change.length_m = max(SHORTEST_M, min(change.length_m, self._last_station(change) - begins))
        self._path.rebuild()
        return True

    def _last_station(self, change: LaneChange) -> float:
        """Return where the change has to be over: at the next junction, at the next change, at the end of the route."""
        first = int(change.start_m / STEP_M) + 12
        junction = np.flatnonzero(self._path.in_junction[first:])
        last = self._path.length_m if len(junction) == 0 else float(self._path.station_m[first + int(junction[0])])
        for other in self._path.lane_changes:
            if other.start_m > change.start_m:
                last = min(last, other.start_m)
                break
        return last
