"""A turn across a flow of bicycles, after the leaderboard's `CrossingBicycleFlow`."""

from __future__ import annotations

import math
from typing import ClassVar

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_scenarios.library.actors import bicycles
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.flow import Flow, InitialVehicles
from alpamayo_scenarios.library.junctions import JunctionAhead, through_junction
from alpamayo_scenarios.library.lanes import shifted, turn_deg
from alpamayo_scenarios.library.lights import LightStates, hold_lights, light_for, lights_of_junction
from alpamayo_scenarios.library.parameters import interval, location, number
from alpamayo_scenarios.library.scenario import TIME_LIMIT_S, Scenario
from alpamayo_scenarios.library.timing import Behaviour, first_of

SPEED_MPS, DISTANCE_M = 10.0, (20.0, 50.0)
NEAR_M = 10.0
"""How far the bicycle lane may be from the place that the route file gives."""
BEHIND_M = 40.0
"""How far the flow goes on behind the junction."""
STEP_M = 2.0
LONGEST_M = 400.0
FROM_EDGE_M = 0.6
"""Distance from the lane's edge at which bicycles ride where there is no lane for them."""
RED_S = 5.0


class CrossingBicycleFlow(Scenario):
    """The bicycles ride straight on; the ego turns across their lane.

    Where a town has no bicycle lane they ride at the right edge of the driving lane.
    """

    types: ClassVar[tuple[str, ...]] = ("CrossingBicycleFlow",)
    time_limit_s: ClassVar[float | None] = TIME_LIMIT_S

    def setup(self) -> None:
        """Find the bicycles' way through the junction, and its lights if it has any."""
        self.speed_mps = number(self.spec, "flow_speed", SPEED_MPS)
        self.distance_m = interval(self.spec, "source_dist_interval", DISTANCE_M)
        self.ahead = JunctionAhead(self)
        start = location(self.spec, "start_actor_flow")
        lane = self.stage.map.get_waypoint(start, lane_type=carla.LaneType.Biking)
        if lane is None or lane.transform.location.distance(start) > NEAR_M:
            lane = self.stage.map.get_waypoint(start)
            if lane.transform.location.distance(start) > NEAR_M:
                raise ScenarioSetupError("no lane that bicycles could use is near <start_actor_flow>")
        self.line = _through_junction(lane)
        self.lights = lights_of_junction(self.stage, self.ahead.junction)
        own = light_for(self.ahead.entry, self.lights)
        self.green: LightStates = {own.id: carla.TrafficLightState.Green} if own is not None else {}

    def run(self) -> Behaviour:
        """Send the bicycles until the ego has left the junction; its light is red first, so that they are there."""
        background = self.stage.background
        background.handle_junction_scenario(clear_junction=True, clear_ego_entry=True, stop_entries=True)
        flow = Flow(
            self.stage, self.actors, self.rng, self.line, speed_mps=self.speed_mps, distance_m=self.distance_m,
            blueprints=bicycles(self.stage.library), initial=InitialVehicles.OUTSIDE_JUNCTIONS,
        )  # fmt: skip
        sides = [flow.run(), through_junction(self.stage)]
        if self.lights:
            sides.append(hold_lights(self.lights, self.stage, [({}, RED_S), (self.green, math.inf)]))
        try:
            yield from first_of(*sides)
        finally:
            background.release_junction_scenario()


def _through_junction(start: carla.Waypoint) -> NDArray[np.float64]:
    """Return the way [N, 3] along a lane, straight through the next junction and 40 m on."""
    here, walked_m, behind_m, inside = start, 0.0, 0.0, False
    points = [_place(here)]
    while behind_m < BEHIND_M:
        following = here.next(STEP_M)
        if not following or walked_m > LONGEST_M:
            raise ScenarioSetupError("the bicycles' lane does not lead through a junction and 40 m on")
        before = here
        here = min(following, key=lambda w: abs(turn_deg(before, w)))
        walked_m += STEP_M
        inside = inside or here.is_junction
        if inside and not here.is_junction:
            behind_m += STEP_M
        points.append(_place(here))
    return np.array(points)


def _place(waypoint: carla.Waypoint) -> tuple[float, float, float]:
    right_m = 0.0 if waypoint.lane_type == carla.LaneType.Biking else 0.5 * waypoint.lane_width - FROM_EDGE_M
    at = shifted(waypoint.transform, right_m).location
    return at.x, at.y, at.z
