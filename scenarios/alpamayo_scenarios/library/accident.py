"""A police car before two cars that have crashed, after the leaderboard's `Accident`."""

from __future__ import annotations

from typing import ClassVar

import carla

from alpamayo_scenarios.library.actors import modern_cars
from alpamayo_scenarios.library.lanes import ahead
from alpamayo_scenarios.library.obstacles import LaneObstacle, stand

POLICE_CAR = "vehicle.dodge.charger_police_2020"
POLICE_LIGHTS = int(
    carla.VehicleLightState.Special1 | carla.VehicleLightState.Special2 | carla.VehicleLightState.Position
)
FIRST_M, SECOND_M = 10.0, 6.0
"""From the police car to the first crashed car, and from that to the second."""
OFFSET = 0.6
"""How far to the side they stand, as a share of half the lane's width."""


class Accident(LaneObstacle):
    """Three cars stand in the lane one behind another; the police car's lights flash."""

    types: ClassVar[tuple[str, ...]] = ("Accident", "AccidentTwoWays")

    def build(self) -> None:
        """Put up the sign and the three cars, towards the edge given by `direction`."""
        self.place_warning("static.prop.warningaccident")
        police_place = ahead(self.trigger_waypoint, self.distance_m, into_junction=False)
        self.police = self.actors.spawn_vehicle(self.stand_aside(police_place, OFFSET), choose_from=(POLICE_CAR,))
        stand(self.police, POLICE_LIGHTS)
        self.first = ahead(police_place, FIRST_M, into_junction=False)
        self.last = ahead(self.first, SECOND_M, into_junction=False)
        cars = modern_cars(self.stage.library)
        self.crashed = [
            self.actors.spawn_vehicle(self.stand_aside(w, OFFSET), choose_from=cars) for w in (self.first, self.last)
        ]
        for car in self.crashed:
            stand(car)

    @property
    def length_m(self) -> float:
        """How far behind the trigger the second crashed car stands."""
        return self.distance_m + FIRST_M + SECOND_M
