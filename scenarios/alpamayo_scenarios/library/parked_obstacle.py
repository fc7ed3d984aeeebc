"""A badly parked car blocks part of the ego's lane, after the leaderboard's `ParkedObstacle`."""

from __future__ import annotations

from typing import ClassVar

import carla

from alpamayo_scenarios.library.conditions import passed
from alpamayo_scenarios.library.lanes import ahead, shifted
from alpamayo_scenarios.library.parameters import choice, number
from alpamayo_scenarios.library.scenario import TIME_LIMIT_S, Scenario
from alpamayo_scenarios.library.timing import Behaviour, wait_s, wait_until

TRIGGER_M = 50.0
END_M = 50.0
"""The scenario is over so far behind the car."""
WAIT_S = 5.0
OFFSET = 0.7
"""How far to the side the car stands, as a share of half the lane's width."""


class ParkedObstacle(Scenario):
    """The ego has to change to the lane beside and back."""

    types: ClassVar[tuple[str, ...]] = ("ParkedObstacle",)
    time_limit_s: ClassVar[float | None] = TIME_LIMIT_S

    def setup(self) -> None:
        """Park the car `distance` metres after the trigger, towards the edge given by `direction`."""
        self.distance_m = number(self.spec, "distance", 120.0)
        self.direction = choice(self.spec, "direction", "right")
        self.max_speed_kmh = number(self.spec, "speed", 60.0)
        self.place = ahead(self.trigger_waypoint, self.distance_m, into_junction=False)
        side = 1.0 if self.direction == "right" else -1.0
        pose = shifted(self.place.transform, side * OFFSET * self.place.lane_width / 2.0)
        self.car = self.actors.spawn_vehicle(pose)
        self.car.apply_control(carla.VehicleControl(hand_brake=True))
        self.end = ahead(self.place, END_M, into_junction=False)

    def run(self) -> Behaviour:
        """Slow the traffic down beside the car until the ego is past it."""
        background = self.stage.background
        background.leave_space_in_front(self.distance_m + 20.0)
        yield from wait_until(lambda: self.stage.distance_to_ego_m(self.place.transform.location) < TRIGGER_M)
        yield from wait_s(self.stage, WAIT_S)
        background.set_max_speed(self.max_speed_kmh)
        try:
            yield from wait_until(passed(self.stage, self.end.transform))
        finally:
            background.set_max_speed(None)
