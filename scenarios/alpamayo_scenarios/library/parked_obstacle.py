"""A badly parked car blocks part of the ego's lane, after the leaderboard's `ParkedObstacle`."""

from __future__ import annotations

from typing import ClassVar

import carla

from alpamayo_scenarios.library.actors import modern_cars
from alpamayo_scenarios.library.lanes import ahead
from alpamayo_scenarios.library.obstacles import LaneObstacle, stand

OFFSET = 0.7
"""How far to the side the car stands, as a share of half the lane's width."""
HAZARD_LIGHTS = int(
    carla.VehicleLightState.RightBlinker | carla.VehicleLightState.LeftBlinker | carla.VehicleLightState.Position
)


class ParkedObstacle(LaneObstacle):
    """A car with its hazard lights on stands half in the lane."""

    types: ClassVar[tuple[str, ...]] = ("ParkedObstacle", "ParkedObstacleTwoWays")

    def build(self) -> None:
        """Put up the sign and park the car towards the edge given by `direction`."""
        self.place_warning("static.prop.warningaccident")
        self.first = self.last = ahead(self.trigger_waypoint, self.distance_m, into_junction=False)
        cars = modern_cars(self.stage.library)
        self.car = self.actors.spawn_vehicle(self.stand_aside(self.first, OFFSET), choose_from=cars)
        stand(self.car, HAZARD_LIGHTS)
