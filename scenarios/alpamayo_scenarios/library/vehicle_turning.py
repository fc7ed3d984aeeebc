"""After a turn somebody crosses, after the leaderboard's `VehicleTurningRoute` and `VehicleTurningRoutePedestrian`."""

from __future__ import annotations

import math
from typing import ClassVar

import carla
import numpy as np

from alpamayo_scenarios.library.crossing import END_M, Edge, cross, ego_comes, hidden_walker, show
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.junctions import JunctionAhead, travelled
from alpamayo_scenarios.library.lanes import ahead, oncoming, turn_deg
from alpamayo_scenarios.library.motion import LineDriver, drive
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.timing import Behaviour, first_of, wait_s, wait_until

BICYCLE = "vehicle.diamondback.century"
BEHIND_M, PEDESTRIAN_BEHIND_M = 11.0, 0.5
"""How far behind the junction they cross."""
ASIDE_M = 1.5
SPEED_MPS, NEAREST_M = 1.8, 6.0
REACTION_S, PEDESTRIAN_REACTION_S = 1.8, 2.2
ATTEMPTS, RETRY_M = 6, 0.4
KEEP_CLEAR_M = 6.0


class VehicleTurningRoute(Scenario):
    """A cyclist rides across the road from its right edge."""

    types: ClassVar[tuple[str, ...]] = ("VehicleTurningRoute",)

    def setup(self) -> None:
        """Stand the cyclist at the edge, eleven metres behind the junction."""
        lane = ahead(JunctionAhead(self).exit, BEHIND_M)
        for _ in range(ATTEMPTS):
            edge = Edge(lane, "right")
            self.pose = edge.pose(ASIDE_M, angle_deg=0.0)
            bicycle = self.actors.try_spawn_vehicle(self.pose, choose_from=(BICYCLE,))
            if bicycle is not None:
                break
            lane = ahead(lane, RETRY_M)
        else:
            raise ScenarioSetupError("no room for a cyclist at the edge of the road behind the junction")
        if edge.bay is not None:
            self.stage.background.keep_clear(edge.bay.transform.location, KEEP_CLEAR_M)
        bicycle.apply_control(carla.VehicleControl(hand_brake=True))
        self.bicycle, self.meeting = bicycle, lane

    def run(self) -> Behaviour:
        """Wait for the ego, cross, and wait until the ego has driven on."""
        place = self.meeting.transform.location
        yield from wait_until(ego_comes(self.stage, place, REACTION_S, NEAREST_M))
        self.stage.background.leave_crossing_space(self.meeting)
        way_m = 2.0 * place.distance(self.pose.location)
        yaw = math.radians(self.pose.rotation.yaw)
        start = self.pose.location
        line = np.array(
            [[start.x + s * math.cos(yaw), start.y + s * math.sin(yaw), start.z] for s in (0.0, way_m + 4.0)]
        )
        driver = LineDriver(self.stage, self.bicycle, line, SPEED_MPS, constant=True)
        crossing = drive(driver, lambda: driver.progress_m >= way_m)
        yield from first_of(crossing, wait_s(self.stage, way_m / SPEED_MPS))
        self.actors.destroy(self.bicycle)
        yield from travelled(self.stage, END_M)


class VehicleTurningRoutePedestrian(Scenario):
    """A pedestrian crosses the road right behind the junction, from the outer side of the ego's turn.

    On a wide road it sets out as much earlier as it needs to meet an ego that keeps its speed; the leaderboard's comes late.
    """

    types: ClassVar[tuple[str, ...]] = ("VehicleTurningRoutePedestrian",)

    def setup(self) -> None:
        """Keep the pedestrian ready at the edge of the road."""
        junction = JunctionAhead(self)
        self.meeting = ahead(junction.exit, PEDESTRIAN_BEHIND_M)
        right = Edge(self.meeting, "right")
        opposite = oncoming(self.meeting)
        left = Edge(opposite, "right") if opposite is not None else Edge(self.meeting, "left")
        edge = right if turn_deg(self.trigger_waypoint, junction.exit) < 0.0 else left
        for side in (left, right):
            if side.bay is not None:
                self.stage.background.keep_clear(side.bay.transform.location, KEEP_CLEAR_M)
        self.way_m = right.lane.transform.location.distance(left.lane.transform.location)
        self.pose = edge.pose(ASIDE_M, angle_deg=0.0)
        self.walker = hidden_walker(self.actors, self.pose)

    def run(self) -> Behaviour:
        """Wait for the ego, cross, and wait until the ego has driven on."""
        show(self.walker, self.pose)
        yield
        place = self.meeting.transform.location
        reaction_s = max(PEDESTRIAN_REACTION_S, place.distance_2d(self.pose.location) / SPEED_MPS)
        yield from wait_until(ego_comes(self.stage, place, reaction_s, NEAREST_M))
        self.stage.background.leave_crossing_space(self.meeting)
        yield from cross(self.stage, self.walker, self.pose, SPEED_MPS, self.way_m)
        self.actors.destroy(self.walker)
        yield from travelled(self.stage, END_M)
