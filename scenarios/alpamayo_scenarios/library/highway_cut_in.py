"""A car comes off a ramp beside the ego and changes into its lane, after the leaderboard's `HighwayCutIn`."""

from __future__ import annotations

import math
from typing import ClassVar

import carla

from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.junctions import behind_junction
from alpamayo_scenarios.library.lanes import ahead, lane_change_line, lane_way
from alpamayo_scenarios.library.motion import LineDriver, drive
from alpamayo_scenarios.library.parameters import location
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.timing import Behaviour

MEET_M = 10.0
"""The car aims at a place so far behind the junction, to be there when the ego leaves the junction."""
ARRIVED_M = 5.0
HASTE_MPS = 40.0
SPEED_SHARE = 0.8
"""Of the ego's speed, at which the car cuts in."""
BEFORE_S, CHANGE_S, AFTER_S = 0.3, 2.0, 3.0
EXIT_ROOM_M = 170.0
HIDDEN_M = 100.0


class HighwayCutIn(Scenario):
    """The car keeps pace with the ego on its ramp and then cuts in, slower than the ego."""

    types: ClassVar[tuple[str, ...]] = ("HighwayCutIn",)

    def setup(self) -> None:
        """Spawn the car at `other_actor_location` and hide it below the ground."""
        self.start = self.stage.map.get_waypoint(location(self.spec, "other_actor_location"))
        self.meeting = ahead(behind_junction(self.start, "straight"), MEET_M)
        self.line = lane_way(self.stage, self.start, ahead(self.meeting, MEET_M))
        self.reference = behind_junction(self.trigger_waypoint, "straight").transform
        self.pose = self.start.transform
        self.car = self.actors.spawn_vehicle(self.pose)
        at = self.pose.location
        below = carla.Location(at.x, at.y, at.z - HIDDEN_M)
        self.car.set_simulate_physics(False)
        self.car.set_location(below)

    def run(self) -> Behaviour:
        """Keep pace, cut in, drive on for three seconds."""
        background = self.stage.background
        background.handle_junction_scenario(
            clear_junction=True,
            clear_ego_entry=False,
            remove_entries=(self.start,),
            stop_entries=False,
            extend_road_exit_m=EXIT_ROOM_M,
        )
        try:
            self.car.set_transform(self.pose)
            self.car.set_simulate_physics(True)
            yield
            yield from self._keep_pace()
            yield from self._cut_in()
        finally:
            background.release_junction_scenario()

    def _keep_pace(self) -> Behaviour:
        """Drive so as to be at the meeting place when the ego leaves the junction, at whatever speed that takes."""
        driver = LineDriver(self.stage, self.car, self.line, 0.0, constant=True)
        goal = self.meeting.transform.location
        while True:
            here = self.stage.actor_location(self.car)
            if here is None:
                raise ScenarioSetupError("the car that cuts in is gone")
            left_m = here.distance(goal)
            if left_m < ARRIVED_M or driver.arrived:
                break
            ego_left_m = self.stage.distance_to_ego_m(self.reference.location)
            ego_mps = self.stage.ego_speed_mps
            wanted = left_m * ego_mps / ego_left_m if ego_left_m > 0.1 else HASTE_MPS
            driver.set_speed(min(HASTE_MPS, wanted))
            driver.step()
            yield
        driver.constant = False

    def _cut_in(self) -> Behaviour:
        speed_mps = SPEED_SHARE * self.stage.ego_speed_mps
        here = self.stage.actor_location(self.car)
        if here is None:
            raise ScenarioSetupError("the car that cuts in is gone")
        lane = self.stage.map.get_waypoint(here)
        line = lane_change_line(
            lane,
            "left",
            before_m=BEFORE_S * speed_mps,
            change_m=max(5.0, CHANGE_S * speed_mps),
            after_m=max(5.0, AFTER_S * speed_mps),
        )
        yield from drive(LineDriver(self.stage, self.car, line, max(speed_mps, math.ulp(1.0)), heeds=True))
