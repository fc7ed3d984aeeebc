"""The exit of the junction is blocked for a while, after the leaderboard's `BlockedIntersection`."""

from __future__ import annotations

from typing import ClassVar

import carla

from alpamayo_scenarios.library.actors import everyday_cars
from alpamayo_scenarios.library.junctions import JunctionAhead
from alpamayo_scenarios.library.lanes import ahead
from alpamayo_scenarios.library.scenario import TIME_LIMIT_S, Scenario
from alpamayo_scenarios.library.timing import Behaviour, wait_s, wait_until

BEHIND_M = 5.0
"""How far behind the junction the car stands."""
NEAR_M = 13.0
STAYS_S = 10.0


class BlockedIntersection(Scenario):
    """A car stands right behind the junction, brake lights on, and is gone ten seconds after the ego has come up to it."""

    types: ClassVar[tuple[str, ...]] = ("BlockedIntersection",)
    time_limit_s: ClassVar[float | None] = TIME_LIMIT_S

    def setup(self) -> None:
        """Keep the car ready below the ground."""
        self.pose = ahead(JunctionAhead(self).exit, BEHIND_M).transform
        names = everyday_cars(self.stage.library)
        car = self.actors.spawn_below(names[int(self.rng.integers(len(names)))], self.pose)
        assert isinstance(car, carla.Vehicle)
        lights = int(car.get_light_state()) | int(carla.VehicleLightState.Brake)
        car.set_light_state(carla.VehicleLightState(lights))
        self.car = car

    def run(self) -> Behaviour:
        """Block the exit, wait for the ego, and clear it."""
        background = self.stage.background
        background.handle_junction_scenario(clear_junction=True, clear_ego_entry=True, stop_entries=True)
        try:
            self.actors.bring_up(self.car, self.pose)
            self.car.apply_control(carla.VehicleControl(hand_brake=True))
            yield
            yield from wait_until(lambda: self.stage.distance_to_ego_m(self.pose.location) < NEAR_M)
            yield from wait_s(self.stage, STAYS_S)
        finally:
            background.release_junction_scenario()
