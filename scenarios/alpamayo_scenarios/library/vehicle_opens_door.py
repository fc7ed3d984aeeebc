"""A parked car opens its door into the ego's lane, after the leaderboard's `VehicleOpensDoorTwoWays`.

The oncoming traffic drives in the oncoming lane, for which the type is named; ScenarioRunner takes the lane left of the parked
car for it, which is the ego's own when the car is parked on the right.
"""

from __future__ import annotations

from typing import ClassVar

import carla

from alpamayo_scenarios.library.actors import ROLE
from alpamayo_scenarios.library.conditions import time_to_reach_s
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.lanes import ahead, beside, shifted
from alpamayo_scenarios.library.obstacles import LaneObstacle, stand
from alpamayo_scenarios.library.timing import Behaviour, wait_until

REACTION_S, NEAREST_M = 3.0, 10.0
"""The door opens when the ego is so far from the car, in time or in distance."""


class VehicleOpensDoor(LaneObstacle):
    """The door opens so late that the ego has to brake and go round it."""

    types: ClassVar[tuple[str, ...]] = ("VehicleOpensDoorTwoWays",)
    default_distance_m: ClassVar[float] = 50.0

    def build(self) -> None:
        """Park a car with doors in the lane beside the ego's, close to the ego's."""
        self.first = self.last = ahead(self.trigger_waypoint, self.distance_m)
        lane = beside(self.first, self.direction)
        if lane is None:
            raise ScenarioSetupError(f"no lane on the {self.direction} of the ego's in which the car could be parked")
        self.car = self._park(lane)
        stand(self.car)

    def _park(self, lane: carla.Waypoint) -> carla.Vehicle:
        library = self.stage.library
        names = sorted(b.id for b in library.filter("vehicle.*") if _has_doors(b))
        name = names[int(self.rng.integers(len(names)))]
        turned = lane.transform
        if lane.lane_id * self.first.lane_id < 0:
            turned = shifted(turned, 0.0, yaw_deg=180.0)
        car = self.actors.spawn(name, turned, role=ROLE)
        assert isinstance(car, carla.Vehicle)
        inwards_m = (lane.lane_width - car.bounding_box.extent.y) / 4.0
        car.set_location(shifted(turned, -self.outwards * inwards_m).location)
        return car

    def approach(self) -> Behaviour:
        """Open the door on the ego's side as it comes up, and hold back who follows it."""
        place = self.first.transform.location
        yield from wait_until(
            lambda: time_to_reach_s(self.stage, place) < REACTION_S or self.stage.distance_to_ego_m(place) < NEAREST_M
        )
        self.car.open_door(carla.VehicleDoor.FL if self.direction == "right" else carla.VehicleDoor.FR)
        self.stage.background.stop_back_vehicles()

    def undo(self) -> None:
        """Let the traffic flow as before."""
        super().undo()
        self.stage.background.start_back_vehicles()


def _has_doors(blueprint: carla.ActorBlueprint) -> bool:
    if not blueprint.has_attribute("has_dynamic_doors") or not blueprint.get_attribute("has_dynamic_doors").as_bool():
        return False
    return blueprint.get_attribute("base_type").as_str() == "car"
