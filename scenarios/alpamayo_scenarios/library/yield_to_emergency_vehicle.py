"""An emergency vehicle comes up fast from behind, after the leaderboard's `YieldToEmergencyVehicle`."""

from __future__ import annotations

from typing import ClassVar

import carla
import numpy as np

from alpamayo_scenarios.library.alert_driver import AlertDriver
from alpamayo_scenarios.library.conditions import in_front_of
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.lanes import line_ahead
from alpamayo_scenarios.library.parameters import number
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.timing import Behaviour, first_of, wait_s, wait_until

LIGHTS = carla.VehicleLightState(int(carla.VehicleLightState.Special1 | carla.VehicleLightState.Special2))
DEPTH_M = 500.0
FASTER_MPS = 25.0
"""Than the ego, while nobody is in the vehicle's way."""
BASE_M, AHEAD_S = 10.0, 1.0
"""It falls in with whoever drives in front of it closer than this, in metres and seconds of its own driving."""
NEAR_M, PATIENCE_S = 50.0, 10.0
"""So long after it has come so near the scenario is over, whether it has been let pass or not."""
IN_FRONT_WITHIN_M, END_M = 10.0, 50.0
"""Once it is ahead of the ego it drives on so far."""
LINE_M = 2000.0
TOUCH_M = 0.1


class YieldToEmergencyVehicle(Scenario):
    """The ego has to leave the lane to a vehicle with flashing lights that starts `distance` metres behind the trigger."""

    types: ClassVar[tuple[str, ...]] = ("YieldToEmergencyVehicle",)

    def setup(self) -> None:
        """Keep the vehicle ready below the ground."""
        distance_m = number(self.spec, "distance", 140.0)
        before = self.trigger_waypoint.previous(distance_m)
        if not before:
            raise ScenarioSetupError(f"the lane begins less than {distance_m:g} m before the trigger")
        self.start = before[0].transform
        names = sorted(b.id for b in self.stage.library.filter("vehicle.*") if _is_emergency(b))
        name = names[int(self.rng.integers(len(names)))]
        vehicle = self.actors.spawn_below(name, self.start, depth_m=DEPTH_M)
        assert isinstance(vehicle, carla.Vehicle)
        vehicle.set_light_state(LIGHTS)
        self.vehicle = vehicle
        self.line = line_ahead(before[0], distance_m + LINE_M)

    @property
    def emergency_vehicle_id(self) -> int:
        """The vehicle's actor id."""
        return self.vehicle.id

    def run(self) -> Behaviour:
        """Send the vehicle until it has passed, or has been behind the ego for ten seconds."""
        self.stage.background.remove_road_lane(self.trigger_waypoint)
        lift = carla.Location(self.start.location.x, self.start.location.y, self.start.location.z + 0.1)
        self.actors.bring_up(self.vehicle, carla.Transform(lift, self.start.rotation))
        try:
            yield from first_of(self.wait_behind(), self.pass_by(), self.chase())
        finally:
            self.stage.background.readd_road_lane(self.trigger_waypoint)

    def wait_behind(self) -> Behaviour:
        """Lose patience."""

        def close() -> bool:
            place = self.stage.actor_location(self.vehicle)
            return place is not None and self.stage.distance_to_ego_m(place) < NEAR_M

        yield from wait_until(close)
        yield from wait_s(self.stage, PATIENCE_S)

    def pass_by(self) -> Behaviour:
        """Get ahead of the ego and drive on."""
        front = in_front_of(self.stage, self.vehicle.id, self.stage.ego.id, within_m=IN_FRONT_WITHIN_M)
        yield from wait_until(front)
        left_m, last = END_M, self.stage.actor_location(self.vehicle)
        while left_m > 0.0:
            yield
            here = self.stage.actor_location(self.vehicle)
            if here is not None and last is not None:
                left_m -= here.distance(last)
            last = here

    def chase(self) -> Behaviour:
        """Drive faster than the ego, but not into anybody; after a crash the vehicle rolls on."""
        speed_mps = self.stage.ego_speed_mps + FASTER_MPS
        driver = AlertDriver(self.stage, self.vehicle, self.line, speed_mps, constant=True)
        while self.stage.gap_to_ego_m(self.vehicle.id) > TOUCH_M:
            driver.set_speed(self._speed(driver))
            driver.step()
            yield
        driver.constant = False
        self.vehicle.apply_control(carla.VehicleControl())
        while True:
            yield

    def _speed(self, driver: AlertDriver) -> float:
        state = self.stage.actor_state(self.vehicle.id)
        if state is None:
            return driver.speed_mps
        own = state.get_velocity()
        speed = float(np.hypot(own.x, own.y))
        found = driver.next_on_line(BASE_M + AHEAD_S * speed)
        other = self.stage.actor_state(found[0]) if found is not None else None
        if other is None:
            return self.stage.ego_speed_mps + FASTER_MPS
        theirs = other.get_velocity()
        return (own.x * theirs.x + own.y * theirs.y) / speed if speed > 1e-3 else 0.0


def _is_emergency(blueprint: carla.ActorBlueprint) -> bool:
    return blueprint.has_attribute("special_type") and blueprint.get_attribute("special_type").as_str() == "emergency"
