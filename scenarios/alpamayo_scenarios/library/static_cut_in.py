"""A car in a standing queue beside the ego's lane cuts in, after the leaderboard's `StaticCutIn`."""

from __future__ import annotations

from typing import ClassVar

import carla

from alpamayo_scenarios.library.actors import everyday_cars
from alpamayo_scenarios.library.conditions import near, time_to_reach_s
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.lanes import ahead, driving_beside, lane_change_line, line_ahead
from alpamayo_scenarios.library.motion import LineDriver, drive
from alpamayo_scenarios.library.parameters import choice, number
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.timing import Behaviour, first_of, wait_s, wait_until

BACK, FRONT, GAP_M = 2, 3, 11.0
"""Cars in the queue behind and before the one that cuts in, and their distance."""
REACTION_S, NEAREST_M = 2.7, 15.0
"""It cuts in when the ego is so near in time or in distance."""
CHANGE_S, AFTER_S = 3.0, 2.0
LEAST_CHANGE_M = 8.0
SPEED_MPS = 60.0 / 3.6
AWAY_M = 70.0
GIVE_UP_S = 30.0
EXTRA_SPACE_M = 30.0
DEPTH_M = 500.0


class StaticCutIn(Scenario):
    """The car changes into the ego's lane at the ego's speed, as far as it gets it, and drives off."""

    types: ClassVar[tuple[str, ...]] = ("StaticCutIn",)

    def setup(self) -> None:
        """Keep the queue ready below the ground."""
        self.distance_m = number(self.spec, "distance", 100.0)
        self.direction = choice(self.spec, "direction", "right")
        first = ahead(self.trigger_waypoint, self.distance_m)
        self.meeting = ahead(first, BACK * GAP_M)
        self.queue: list[tuple[carla.Vehicle, carla.Transform]] = []
        for number_in_queue in range(BACK + 1 + FRONT):
            self.queue.append(self._prepare(ahead(first, number_in_queue * GAP_M)))
        self.car = self.queue[BACK][0]
        side = self._beside(self.meeting)
        inwards = "left" if self.direction == "right" else "right"
        lane_change_line(side, inwards, before_m=0.0, change_m=LEAST_CHANGE_M, after_m=LEAST_CHANGE_M)

    def run(self) -> Behaviour:
        """Put the queue up, wait for the ego, cut in and drive off."""
        background = self.stage.background
        background.leave_space_in_front(self.distance_m + GAP_M * (BACK + FRONT + 1))
        for vehicle, pose in self.queue:
            self.actors.bring_up(vehicle, pose)
            vehicle.apply_control(carla.VehicleControl(hand_brake=True))
        place = self.meeting.transform.location
        close = near(self.stage, place, NEAREST_M)
        yield
        yield from wait_until(lambda: close() or time_to_reach_s(self.stage, place) < REACTION_S)
        background.change_road(extra_space_m=EXTRA_SPACE_M)
        background.remove_road_lane(self._beside(self.meeting))
        try:
            yield from first_of(self._cut_in(), wait_s(self.stage, GIVE_UP_S))
        finally:
            background.change_road(extra_space_m=0.0)
            background.readd_road_lane(self._beside(self.meeting))

    def _cut_in(self) -> Behaviour:
        speed_mps = max(1.0, self.stage.ego_speed_mps)
        inwards = "left" if self.direction == "right" else "right"
        line = lane_change_line(
            self._beside(self.meeting), inwards, before_m=0.0, change_m=max(LEAST_CHANGE_M, CHANGE_S * speed_mps),
            after_m=AFTER_S * speed_mps + 5.0,
        )  # fmt: skip
        yield from drive(LineDriver(self.stage, self.car, line, speed_mps, heeds=True))
        here = self.stage.actor_location(self.car)
        if here is not None:
            onwards = line_ahead(self.stage.map.get_waypoint(here), AWAY_M)
            yield from drive(LineDriver(self.stage, self.car, onwards, SPEED_MPS, heeds=True))

    def _prepare(self, lane: carla.Waypoint) -> tuple[carla.Vehicle, carla.Transform]:
        pose = self._beside(lane).transform
        names = everyday_cars(self.stage.library)
        vehicle = self.actors.spawn_below(names[int(self.rng.integers(len(names)))], pose, depth_m=DEPTH_M)
        assert isinstance(vehicle, carla.Vehicle)
        pose.location.z += 0.1
        return vehicle, pose

    def _beside(self, lane: carla.Waypoint) -> carla.Waypoint:
        side = driving_beside(lane, self.direction)
        if side is None:
            raise ScenarioSetupError(f"there is no lane for the queue on the {self.direction} of the ego's")
        return side
