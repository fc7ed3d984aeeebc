"""When, over what length and into which gap the lane changes of the route are driven."""

from __future__ import annotations

import numpy as np

from alpamayo_agents.ego import EgoModel
from alpamayo_agents.lane_gaps import Beside, is_free, speed_to_gap
from alpamayo_agents.reference_path import STEP_M, LaneChange, ReferencePath
from alpamayo_agents.surroundings import Neighbours

SIGHT_M = 70.0
"""Lane changes farther ahead are left alone."""
SECONDS_PER_CHANGE = 3.2
SHORTEST_M = 14.0
LONGEST_M = 75.0
LOOK_S, SURE_S = 3.0, 1.0
"""So long before a change the ego looks for a gap, and relies on what it has found."""
STAY_SHARE = 0.35
"""Share of a change up to which the ego is still in its old lane, and can stay there."""
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
        return self._begin_at(change, station_m + front_m + max(HURRY_M, speed_mps))

    def call_off(self, station_m: float, front_m: float, speed_mps: float) -> bool:
        """Let a change that has hardly begun begin later, if the old lane goes on; return whether it did."""
        change = self.under_way(station_m)
        if change is None or station_m > change.start_m + change.delay_m + STAY_SHARE * change.length_m:
            return False
        return self._begin_at(change, station_m + front_m + max(HURRY_M, speed_mps))

    def _begin_at(self, change: LaneChange, begins_m: float) -> bool:
        if begins_m + SHORTEST_M > self._last_station(change) or begins_m <= change.start_m + change.delay_m + 1.0:
            return False
        change.delay_m = begins_m - change.start_m
        change.length_m = max(SHORTEST_M, min(change.length_m, self._last_station(change) - begins_m))
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


class LaneChangeGap:
    """Looks for a gap for the next lane change of the route, and knows whether the one under way was begun beside one."""

    def __init__(self, path: ReferencePath, timing: LaneChangeTiming, model: EgoModel) -> None:
        self._path = path
        self._timing = timing
        self._model = model
        self._under_way: LaneChange | None = None
        self._was_free = True
        self.taken = False
        """Whether the place beside the ego is taken, so that the next change has to wait."""
        self.sure = False
        """Whether there is room for the change that is under way or begins now, so that those behind need no heed."""
        self.draws_level_mps: float | None = None
        """The speed with which the ego gets beside a gap; None where it need not."""

    def look(self, station_m: float, speed_mps: float, neighbours: Neighbours) -> None:
        """Look into the lane that the ego changes to next."""
        self.taken, self.draws_level_mps = False, None
        under_way = self._timing.under_way(station_m)
        if under_way is not None:
            if under_way is not self._under_way:
                self._under_way, self.sure = under_way, self._was_free
            share = (station_m - under_way.start_m - under_way.delay_m) / under_way.length_m
            if (
                self.sure
                and share < STAY_SHARE
                and not self._free(station_m, speed_mps, neighbours, under_way, 1.0 - share)
            ):
                self._timing.call_off(station_m, self._model.front_m, speed_mps)
            return
        self._under_way, self.sure = None, False
        change = self._timing.upcoming(station_m)
        self._was_free = False
        if change is None:
            return
        begins = change.start_m + change.delay_m - station_m
        if begins > self._model.front_m + LOOK_S * speed_mps + HURRY_M:
            return
        beside = self._beside(station_m, neighbours)
        self._was_free = is_free(beside, -change.side_m, speed_mps, SECONDS_PER_CHANGE)
        self.sure = self._was_free and begins < self._model.front_m + SURE_S * speed_mps + HURRY_M
        if not self._was_free:
            self.taken = True
            self.draws_level_mps = speed_to_gap(beside, [-change.side_m], speed_mps)

    def _beside(self, station_m: float, neighbours: Neighbours) -> Beside:
        here, _, yaw = self._path.pose(np.array(station_m))
        return Beside.of(neighbours, here, float(yaw))

    def _free(
        self, station_m: float, speed_mps: float, neighbours: Neighbours, change: LaneChange, share_left: float
    ) -> bool:
        """Whether the lane that the ego has begun to change to is still free for the rest of the change."""
        moved = change.side_m - float(self._path.offset_right_m(np.array([station_m]))[0])
        beside = self._beside(station_m, neighbours)
        return is_free(beside, -change.side_m + moved, speed_mps, share_left * SECONDS_PER_CHANGE)
