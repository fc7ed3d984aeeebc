"""A pedestrian steps out from behind something.

After the leaderboard's `DynamicObjectCrossing` and `ParkingCrossingPedestrian`.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import carla

from alpamayo_scenarios.library.actors import modern_cars
from alpamayo_scenarios.library.crossing import (
    END_M,
    Edge,
    angle_delay_s,
    cross,
    ego_comes,
    hidden_walker,
    show,
)
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.junctions import travelled
from alpamayo_scenarios.library.lanes import ahead, shifted
from alpamayo_scenarios.library.obstacles import stand
from alpamayo_scenarios.library.parameters import choice, number
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.timing import Behaviour, wait_until

DISTANCE_M, SPEED_MPS, NEAREST_M = 12.0, 2.0, 6.0
"""From the trigger to whom hides, the pedestrian's speed, and how near the ego makes it set out at any speed."""
HIDING_M = 0.5
"""Between the end of what hides the pedestrian and the pedestrian."""
ATTEMPTS, RETRY_M = 6, 0.4
BLOCKER_ASIDE_M, WALKER_ASIDE_M = 1.5, 1.2
PARKED_LIFT_M = 0.1
KEEP_CLEAR_M = 6.0


class HiddenCrossing(Scenario):
    """The pedestrian crosses the ego's lane when an ego that keeps its speed would meet it there."""

    types: ClassVar[tuple[str, ...]] = ()
    reaction_s: ClassVar[float] = 2.1
    room_m: ClassVar[float] = 10.0

    blocker: carla.Actor
    walker: carla.Walker
    pose: carla.Transform
    meeting: carla.Waypoint
    walk_m: float

    def setup(self) -> None:
        """Place what hides the pedestrian and, out of sight, the pedestrian."""
        self.distance_m = number(self.spec, "distance", DISTANCE_M)
        self.direction = choice(self.spec, "direction", "right")
        self.angle_deg = number(self.spec, "crossing_angle", 0.0)
        if abs(self.angle_deg) > 90.0:
            raise ScenarioSetupError(
                f"{self.spec.name}: <crossing_angle> lies between -90 and 90 degrees; found {self.angle_deg:g}"
            )
        self.build(ahead(self.trigger_waypoint, self.distance_m))

    @abstractmethod
    def build(self, lane: carla.Waypoint) -> None:
        """Spawn `blocker` and the hidden `walker` at a place of the ego's lane; set `pose`, `meeting` and `walk_m`."""

    def run(self) -> Behaviour:
        """Wait for the ego, cross, and wait until the ego has driven on."""
        background = self.stage.background
        background.leave_space_in_front(self.distance_m + self.room_m)
        show(self.walker, self.pose)
        yield
        reaction_s = self.reaction_s + angle_delay_s(self.angle_deg)
        yield from wait_until(ego_comes(self.stage, self.meeting.transform.location, reaction_s, NEAREST_M))
        background.leave_crossing_space(self.meeting)
        yield from cross(self.stage, self.walker, self.pose, SPEED_MPS, self.walk_m)
        self.actors.destroy(self.walker)
        self.actors.destroy(self.blocker)
        yield from travelled(self.stage, END_M)


class DynamicObjectCrossing(HiddenCrossing):
    """From behind a thing on the sidewalk, `blocker_model`, over the whole road."""

    types: ClassVar[tuple[str, ...]] = ("DynamicObjectCrossing",)

    def build(self, lane: carla.Waypoint) -> None:
        """Try the place and up to five a little farther on."""
        model = self.spec.parameters.get("blocker_model", {}).get("value", "static.prop.vendingmachine")
        if not self.stage.library.filter(model):
            raise ScenarioSetupError(f"{self.spec.name}: <blocker_model> is a blueprint's name; found {model!r}")
        for _ in range(ATTEMPTS):
            if self._place(lane, model):
                return
            lane = ahead(lane, RETRY_M)
        raise ScenarioSetupError(f"no room at the {self.direction} edge of the road for {model} and a pedestrian")

    def _place(self, lane: carla.Waypoint, model: str) -> bool:
        edge = Edge(lane, self.direction)
        if edge.bay is not None:
            self.stage.background.keep_clear(edge.bay.transform.location, KEEP_CLEAR_M)
        across = None if model.startswith("vehicle.") else 0.0
        where = edge.pose(BLOCKER_ASIDE_M, angle_deg=across)
        if across is not None:
            where.rotation.yaw += 180.0
        blocker = self.actors.try_spawn(model, where, role="scenario no lights", lift_m=0.0)
        if blocker is None:
            return False
        self.pose = edge.pose(
            WALKER_ASIDE_M, along_m=blocker.bounding_box.extent.x + HIDING_M, angle_deg=self.angle_deg
        )
        try:
            self.walker = hidden_walker(self.actors, self.pose)
        except ScenarioSetupError:
            self.actors.destroy(blocker)
            return False
        blocker.set_simulate_physics(False)
        self.blocker, self.meeting = blocker, lane
        self.walk_m = 2.0 * lane.transform.location.distance(self.pose.location)
        return True


class ParkingCrossingPedestrian(HiddenCrossing):
    """From behind a parked car, over the ego's lane."""

    types: ClassVar[tuple[str, ...]] = ("ParkingCrossingPedestrian",)
    reaction_s: ClassVar[float] = 2.15
    room_m: ClassVar[float] = 15.0

    def build(self, lane: carla.Waypoint) -> None:
        """Park the car beside the lane and hide the pedestrian before it."""
        self.walk_m = 8.0
        beside_lane = self._beside(lane)
        self.stage.background.keep_clear(beside_lane.location, KEEP_CLEAR_M)
        beside_lane.location.z += PARKED_LIFT_M
        car = self.actors.spawn_vehicle(beside_lane, choose_from=modern_cars(self.stage.library))
        stand(car)
        self.blocker = car
        self.meeting = ahead(lane, car.bounding_box.extent.x + HIDING_M)
        where = self._beside(self.meeting)
        outwards = 1.0 if self.direction == "right" else -1.0
        self.pose = shifted(where, 0.0, yaw_deg=-outwards * (90.0 + self.angle_deg))
        self.walker = hidden_walker(self.actors, self.pose)

    def _beside(self, lane: carla.Waypoint) -> carla.Transform:
        outwards = 1.0 if self.direction == "right" else -1.0
        return shifted(lane.transform, outwards * lane.lane_width)
