"""Slow cyclists at the edge of the ego's lane, after the leaderboard's `HazardAtSideLane`."""

from __future__ import annotations

from typing import ClassVar

import carla

from alpamayo_scenarios.library.conditions import in_front_of
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.junctions import travelled
from alpamayo_scenarios.library.lanes import ahead, line_ahead, oncoming
from alpamayo_scenarios.library.motion import LineDriver, drive
from alpamayo_scenarios.library.obstacles import END_M, ROOM_M, WAIT_S, stand
from alpamayo_scenarios.library.opposite_flow import moved_right
from alpamayo_scenarios.library.parameters import number
from alpamayo_scenarios.library.scenario import TIME_LIMIT_S, Scenario
from alpamayo_scenarios.library.timing import Behaviour, first_of, wait_s, wait_until

BICYCLES = ("vehicle.bh.crossbike", "vehicle.diamondback.century", "vehicle.gazelle.omafiets")
NEAR_M = 50.0
GAP_M = 9.0
"""From the first cyclist to the second, who rides ahead."""
OFFSET = 0.55
"""How far to the right they ride, as a share of half the lane's width."""
EXTRA_SPACE_M = 30.0
OPPOSITE_SPACING_M = 40.0
"""Of the oncoming background traffic, after the scenario."""


class HazardAtSideLane(Scenario):
    """Two cyclists set out as the ego comes to the trigger and stop after a while; TwoWays leaves only the oncoming lane."""

    types: ClassVar[tuple[str, ...]] = ("HazardAtSideLane", "HazardAtSideLaneTwoWays")
    time_limit_s: ClassVar[float | None] = TIME_LIMIT_S

    def setup(self) -> None:
        """Place the cyclists `distance` metres after the trigger."""
        self.distance_m = number(self.spec, "distance", 100.0)
        self.max_speed_kmh = number(self.spec, "speed", 60.0)
        self.bicycle_mps = number(self.spec, "bicycle_speed", 10.0) / 3.6
        self.bicycle_way_m = number(self.spec, "bicycle_drive_distance", 50.0)
        self.frequency_m = number(self.spec, "frequency", 100.0)
        self.two_ways = self.spec.type.endswith("TwoWays")
        first = ahead(self.trigger_waypoint, self.distance_m, into_junction=False)
        second = ahead(first, GAP_M, into_junction=False)
        if self.two_ways and oncoming(first) is None:
            raise ScenarioSetupError(f"{self.spec.type} needs an oncoming lane beside the cyclists; the road has none")
        self.riders = [self._place(first), self._place(second)]

    def _place(self, lane: carla.Waypoint) -> LineDriver:
        line = moved_right(line_ahead(lane, self.bicycle_way_m), OFFSET * lane.lane_width / 2.0)
        if len(line) < 2:
            raise ScenarioSetupError("the lane ends where the cyclists start")
        start = carla.Transform(carla.Location(*(float(v) for v in line[0])), lane.transform.rotation)
        bicycle = self.actors.spawn_vehicle(start, choose_from=BICYCLES)
        stand(bicycle)
        return LineDriver(self.stage, bicycle, line, self.bicycle_mps, heeds=True)

    def run(self) -> Behaviour:
        """Let them ride until the ego has left them 50 m behind."""
        background = self.stage.background
        background.leave_space_in_front(self.distance_m + GAP_M + ROOM_M)
        background.change_road(extra_space_m=EXTRA_SPACE_M)
        try:
            yield from first_of(self.over(), self.change_traffic(), *(self.ride(rider) for rider in self.riders))
        finally:
            self.wrong_way_allowed = False
            if self.two_ways:
                background.change_opposite(spawn_distance_m=OPPOSITE_SPACING_M)
            else:
                background.set_max_speed(None)
            background.change_road(extra_space_m=0.0)

    def over(self) -> Behaviour:
        """Wait until the ego has passed the cyclist ahead and driven on."""
        yield from wait_until(in_front_of(self.stage, self.stage.ego.id, self.riders[-1].vehicle.id))
        yield from travelled(self.stage, END_M)

    def ride(self, rider: LineDriver) -> Behaviour:
        """Ride to the end of the way and stay there."""
        yield from drive(rider)
        stand(rider.vehicle)
        while True:
            yield

    def change_traffic(self) -> Behaviour:
        """Once the ego has come near and waited a little, change the traffic that it has to get in between."""
        first = self.riders[0].vehicle

        def near() -> bool:
            place = self.stage.actor_location(first)
            return place is not None and self.stage.distance_to_ego_m(place) < NEAR_M

        yield from wait_until(near)
        yield from wait_s(self.stage, WAIT_S)
        if self.two_ways:
            self.wrong_way_allowed = True
            self.stage.background.change_opposite(spawn_distance_m=self.frequency_m)
        else:
            self.stage.background.set_max_speed(self.max_speed_kmh)
        while True:
            yield
