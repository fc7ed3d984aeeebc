"""The ego starts in a parking bay between two cars, after the leaderboard's `ParkingExit`."""

from __future__ import annotations

from typing import ClassVar

import carla

from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.junctions import travelled
from alpamayo_scenarios.library.lanes import beside, line_ahead, shifted
from alpamayo_scenarios.library.motion import LineDriver
from alpamayo_scenarios.library.parameters import choice, number
from alpamayo_scenarios.library.scenario import TIME_LIMIT_S, Scenario
from alpamayo_scenarios.library.timing import Behaviour, first_of

FRONT_M, BEHIND_M, FLOW_M = 20.0, 10.0, 25.0
END_AFTER_FRONT_M = 15.0
"""The scenario is over when the ego has moved so much farther than to the car before it."""
PASSING_M = 50.0
"""How far the car drives that stands beside the ego at first."""
USUAL_SPACING_M = 15.0
KEEP_CLEAR_M = 4.0
LIFT_M = 0.05
NO_BAY = (carla.LaneType.Sidewalk, carla.LaneType.NONE)


class ParkingExit(Scenario):
    """A car passes, then the ego pulls out into the lane beside the bay."""

    types: ClassVar[tuple[str, ...]] = ("ParkingExit",)
    time_limit_s: ClassVar[float | None] = TIME_LIMIT_S

    def setup(self) -> None:
        """Park a car before and one behind the ego, move the ego between them, put one on the lane beside it."""
        self.front_m = number(self.spec, "front_vehicle_distance", FRONT_M)
        behind_m = number(self.spec, "behind_vehicle_distance", BEHIND_M)
        self.direction = choice(self.spec, "direction", "right")
        self.spacing_m = number(self.spec, "flow_distance", FLOW_M)
        lane = self.trigger_waypoint
        bay = beside(lane, self.direction)
        if bay is None or bay.lane_type in NO_BAY:
            raise ScenarioSetupError(f"there is no parking bay on the {self.direction} of the trigger")
        self.stage.background.keep_clear(bay.transform.location, max(self.front_m, behind_m) + KEEP_CLEAR_M)
        self._park(bay.next(self.front_m), "before")
        self._park(bay.previous(behind_m), "behind")
        ego = self.stage.ego
        ego.set_transform(self._at_side(bay, ego.bounding_box.extent.y))
        self.passing = self.actors.spawn_vehicle(lane.transform)
        self.passing_line = line_ahead(lane, PASSING_M + 10.0)

    def run(self) -> Behaviour:
        """Let the car beside the ego drive off, and wait until the ego is well out of the bay."""
        background = self.stage.background
        background.change_road(spawn_distance_m=self.spacing_m)
        try:
            yield from first_of(travelled(self.stage, self.front_m + END_AFTER_FRONT_M), self._pass())
        finally:
            background.change_road(spawn_distance_m=USUAL_SPACING_M)

    def _pass(self) -> Behaviour:
        """Drive the car beside the ego along its lane, heeding others, and take it away after 50 m; goes on for ever."""
        speed_mps = max(5.0, self.passing.get_speed_limit() / 3.6)
        driver = LineDriver(self.stage, self.passing, self.passing_line, speed_mps, heeds=True)
        while driver.progress_m < PASSING_M:
            driver.step()
            yield
        self.actors.destroy(self.passing)
        while True:
            yield

    def _park(self, places: list[carla.Waypoint], where: str) -> None:
        if not places:
            raise ScenarioSetupError(f"the bay is too short for a car {where} the ego")
        car = self.actors.spawn_vehicle(places[0].transform, role="scenario no lights")
        car.apply_control(carla.VehicleControl(hand_brake=True))
        car.set_transform(self._at_side(places[0], car.bounding_box.extent.y))

    def _at_side(self, bay: carla.Waypoint, half_width_m: float) -> carla.Transform:
        """The pose at the outer side of the bay, a quarter of the free width off its middle."""
        sign = 1.0 if self.direction == "right" else -1.0
        pose = shifted(bay.transform, sign * (bay.lane_width - half_width_m) / 4.0)
        at = pose.location
        return carla.Transform(carla.Location(at.x, at.y, at.z + LIFT_M), pose.rotation)
