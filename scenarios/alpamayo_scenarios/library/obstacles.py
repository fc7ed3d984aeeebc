"""What the scenarios with something in the ego's lane share: the ego changes to the lane beside it, or to the oncoming one."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import carla

from alpamayo_scenarios.library.conditions import near, passed
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.lanes import ahead, beside, oncoming, shifted
from alpamayo_scenarios.library.opposite_flow import OppositeFlow, line_past
from alpamayo_scenarios.library.parameters import choice, interval, number
from alpamayo_scenarios.library.scenario import TIME_LIMIT_S, Scenario
from alpamayo_scenarios.library.timing import Behaviour, first_of, wait_s, wait_until

END_M = 50.0
"""The scenario is over so far behind the last of the obstacle."""
WAIT_S = 5.0
"""How long the traffic beside goes on as before after the ego has come near."""
ROOM_M = 20.0
FREQUENCY_M = (20.0, 100.0)
_DRIVEN = (carla.LaneType.Driving, carla.LaneType.Parking)


class LaneObstacle(Scenario):
    """An obstacle `distance` metres after the trigger; types whose name ends in TwoWays leave only the oncoming lane."""

    types: ClassVar[tuple[str, ...]] = ()
    time_limit_s: ClassVar[float | None] = TIME_LIMIT_S
    default_distance_m: ClassVar[float] = 120.0
    near_m: ClassVar[float] = 50.0

    def setup(self) -> None:
        """Build the obstacle and find where the scenario ends and the oncoming traffic drives."""
        self.distance_m = number(self.spec, "distance", self.default_distance_m)
        self.direction = choice(self.spec, "direction", "right")
        self.max_speed_kmh = number(self.spec, "speed", 60.0)
        self.two_ways = self.spec.type.endswith("TwoWays")
        self.first = self.last = self.trigger_waypoint
        self.build()
        self.end = ahead(self.last, END_M, into_junction=False).transform
        if self.two_ways:
            self.flow = self.oncoming_flow(self.last)

    @abstractmethod
    def build(self) -> None:
        """Spawn the obstacle; set `first` and `last` to where in the ego's lane it begins and ends."""

    def oncoming_flow(self, place: carla.Waypoint) -> OppositeFlow:
        """Return the traffic of the oncoming lane at a place; ScenarioSetupError when there is none."""
        lane = oncoming(place)
        if lane is None:
            raise ScenarioSetupError(f"{self.spec.type} needs an oncoming lane beside the obstacle; the road has none")
        frequency_m = interval(self.spec, "frequency", FREQUENCY_M)
        return OppositeFlow(self.stage, self.actors, self.rng, line_past(self.stage, lane), distance_m=frequency_m)

    def run(self) -> Behaviour:
        """Let the ego find its way past; over once it is 50 m behind the obstacle."""
        self.make_room()
        try:
            yield from first_of(self.over(), self.play())
        finally:
            self.wrong_way_allowed = False
            self.undo()

    def over(self) -> Behaviour:
        """End with the scenario."""
        yield from wait_until(passed(self.stage, self.end))

    def make_room(self) -> None:
        """Keep the traffic out of the ego's lane up to the obstacle."""
        self.stage.background.leave_space_in_front(self.length_m + ROOM_M)

    @property
    def length_m(self) -> float:
        """How far behind the trigger the obstacle ends."""
        return self.distance_m

    def play(self) -> Behaviour:
        """Once the ego has come near and waited a little, change the traffic that it has to get in between."""
        yield from self.approach()
        yield from wait_s(self.stage, WAIT_S)
        if self.two_ways:
            self.wrong_way_allowed = True
            self.stage.background.change_opposite(active=False)
            yield from self.flow.run()
        self.stage.background.set_max_speed(self.max_speed_kmh)
        while True:
            yield

    def approach(self) -> Behaviour:
        """Wait for the ego."""
        yield from wait_until(near(self.stage, self.first.transform.location, self.near_m))

    def undo(self) -> None:
        """Let the traffic flow as before."""
        if self.two_ways:
            self.stage.background.change_opposite(active=True)
        else:
            self.stage.background.set_max_speed(None)

    # Building.

    @property
    def outwards(self) -> float:
        """1 where the obstacle stands to the right, -1 to the left."""
        return 1.0 if self.direction == "right" else -1.0

    def place_warning(self, blueprint: str) -> None:
        """Put up a warning sign beside the road at the trigger, behind the lanes for driving and parking."""
        edge = self.trigger_waypoint
        outside = beside(edge, self.direction)
        while outside is not None and outside.lane_type in _DRIVEN and outside.lane_id * edge.lane_id > 0:
            edge, outside = outside, beside(outside, self.direction)
        if outside is None or outside.lane_id * edge.lane_id < 0:
            pose = shifted(edge.transform, self.outwards * (0.5 + 0.3) * edge.lane_width, yaw_deg=90.0)
        else:
            pose = shifted(outside.transform, self.outwards * 0.3 * edge.lane_width, yaw_deg=90.0)
        self.actors.spawn(blueprint, pose, physics=False)

    def stand_aside(self, lane: carla.Waypoint, share: float) -> carla.Transform:
        """Return a pose in a lane moved towards its edge by a share of half its width."""
        return shifted(lane.transform, self.outwards * share * lane.lane_width / 2.0)


def stand(vehicle: carla.Vehicle, lights: int = 0) -> None:
    """Leave a vehicle where it is with the hand brake on, with some lights on beside those that are."""
    if lights:
        vehicle.set_light_state(carla.VehicleLightState(int(vehicle.get_light_state()) | lights))
    vehicle.apply_control(carla.VehicleControl(hand_brake=True))
