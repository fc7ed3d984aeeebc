"""A parked car pulls out in front of the ego, after the leaderboard's `ParkingCutIn`."""

from __future__ import annotations

from typing import ClassVar

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_scenarios.library.actors import modern_cars
from alpamayo_scenarios.library.conditions import near, time_to_reach_s
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.lanes import ahead, beside, line_ahead, shifted
from alpamayo_scenarios.library.motion import LineDriver
from alpamayo_scenarios.library.obstacles import stand
from alpamayo_scenarios.library.parameters import choice
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.timing import Behaviour, wait_until

CUT_IN_M, BLOCKER_M = 35.0, 28.0
"""Where the car that pulls out is parked, and the one behind it that hides it, behind the trigger."""
REACTION_S, NEAREST_M = 2.35, 10.0
"""It pulls out when the ego is so near in time or in distance."""
SPEED_MPS = 20.0 / 3.6
END_M = 30.0
PULL_OUT_M = 9.0
"""Length of the way from the bay into the lane."""
EXTRA_SPACE_M = 20.0
KEEP_CLEAR_M = 6.0
NO_BAY = (carla.LaneType.Sidewalk, carla.LaneType.NONE)


class ParkingCutIn(Scenario):
    """The ego has to brake for the car, which does not look back."""

    types: ClassVar[tuple[str, ...]] = ("ParkingCutIn",)

    def setup(self) -> None:
        """Park both cars at the outer edge of the bay."""
        self.direction = choice(self.spec, "direction", "right")
        lane = self.trigger_waypoint
        self.meeting = ahead(lane, CUT_IN_M)
        blocker, _ = self._park(ahead(lane, BLOCKER_M))
        stand(blocker)
        self.car, self.pose = self._park(self.meeting)

    def run(self) -> Behaviour:
        """Wait for the ego, pull out, drive on for 30 m."""
        background = self.stage.background
        background.leave_space_in_front(CUT_IN_M + 10.0)
        place = self.meeting.transform.location
        close = near(self.stage, place, NEAREST_M)
        yield from wait_until(lambda: close() or time_to_reach_s(self.stage, place) < REACTION_S)
        background.change_road(extra_space_m=EXTRA_SPACE_M)
        try:
            line = pull_out_line(line_ahead(self.meeting, PULL_OUT_M + END_M + 20.0), self.pose.location)
            driver = LineDriver(self.stage, self.car, line, SPEED_MPS, heeds=True)
            while driver.progress_m < END_M:
                driver.step()
                yield
        finally:
            background.change_road(extra_space_m=0.0)

    def _park(self, lane: carla.Waypoint) -> tuple[carla.Vehicle, carla.Transform]:
        bay = beside(lane, self.direction)
        if bay is None or bay.lane_type in NO_BAY:
            raise ScenarioSetupError(f"there is no parking bay on the {self.direction} of the lane")
        self.stage.background.keep_clear(bay.transform.location, KEEP_CLEAR_M)
        car = self.actors.spawn_vehicle(bay.transform, choose_from=modern_cars(self.stage.library))
        sign = 1.0 if self.direction == "right" else -1.0
        pose = shifted(bay.transform, sign * (bay.lane_width - car.bounding_box.extent.y) / 4.0)
        pose.location.z += 0.05
        car.set_transform(pose)
        return car, pose


def pull_out_line(lane: NDArray[np.float64], start: carla.Location) -> NDArray[np.float64]:
    """Return the way [N, 3] from a place beside a lane's first point into the lane [N, 3], a smooth swing of nine metres."""
    along = lane[1, :2] - lane[0, :2]
    along = along / float(np.linalg.norm(along))
    right = np.array([-along[1], along[0]])
    aside_m = float(np.array([start.x - lane[0, 0], start.y - lane[0, 1]]) @ right)
    share = np.clip(np.arange(len(lane)) / PULL_OUT_M, 0.0, 1.0)
    line = lane.copy()
    line[:, :2] += ((1.0 - share * share * (3.0 - 2.0 * share)) * aside_m)[:, None] * right
    return line
