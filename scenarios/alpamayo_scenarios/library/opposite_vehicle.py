"""Another vehicle enters the junction together with the ego, against the rules.

After the leaderboard's `OppositeVehicleTakingPriority` and `OppositeVehicleRunningRedLight`.
"""

from __future__ import annotations

import math
from typing import ClassVar

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_scenarios.library.crossing import ego_comes
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.junctions import JunctionAhead, behind_junction, through_junction
from alpamayo_scenarios.library.lanes import ahead, lane_way, location_of, turn_deg
from alpamayo_scenarios.library.lights import LightStates, hold_lights, light_for, lights_of_junction
from alpamayo_scenarios.library.motion import LineDriver, drive
from alpamayo_scenarios.library.parameters import choice
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.timing import Behaviour, all_of, first_of, wait_s, wait_until

SINK_M, SHORTEST_M = 10.0, 10.0
"""How far behind the junction the vehicle vanishes, and how far before it at least it starts."""
SPEED_MPS = 60.0 / 3.6
SYNC_S, NEAREST_M = 2.2, 12.0
"""It sets out when the ego is so near, in time or in distance, to where their ways meet.

The leaderboard starts it 30 m before the junction, with which it comes late where the junction is large.
"""
MEET_M = 1.5
STRAIGHT_DEG = 45.0
TURN_MPS2 = 4.0
DEPTH_M = 500.0
PATIENCE = 2.0
"""It vanishes after so many times the time that its way should take, wherever it is held up."""
SIRENS = int(carla.VehicleLightState.Special1 | carla.VehicleLightState.Special2)


class OppositeVehicle(Scenario):
    """An emergency vehicle crosses the junction at 60 km/h, whoever is in the way."""

    types: ClassVar[tuple[str, ...]] = ()
    stop_entries: ClassVar[bool] = True

    def setup(self) -> None:
        """Find the vehicle's way, where it meets the ego's, and keep the vehicle ready below the ground."""
        direction = choice(self.spec, "direction", "right", ("left", "right", "opposite"))
        self.ahead = JunctionAhead(self)
        entries = self.ahead.entries_from(direction)
        if not entries:
            raise ScenarioSetupError(f"no lane enters the junction from the {direction} side")
        for entry in entries:
            if self._find_way(entry):
                break
        else:
            raise ScenarioSetupError(
                f"no way from the {direction} side straight through the junction crosses the ego's"
            )
        self.pose = self.source.transform
        self.stage.background.keep_clear(self.pose.location, SINK_M)
        names = _emergency_vehicles(self.stage.library)
        vehicle = self.actors.spawn_below(names[int(self.rng.integers(len(names)))], self.pose, depth_m=DEPTH_M)
        assert isinstance(vehicle, carla.Vehicle)
        vehicle.set_light_state(carla.VehicleLightState(int(vehicle.get_light_state()) | SIRENS))
        self.vehicle = vehicle
        self.pose.location.z += 0.1

    def _find_way(self, entry: carla.Waypoint) -> bool:
        """Find the way through the junction from a lane, and where it crosses the ego's; return whether it does.

        It begins so far back that the vehicle needs the time in which the ego can react; nearer where the road is short.
        """
        exit_ = behind_junction(entry, "straight")
        self.sink = ahead(exit_, SINK_M)
        inside = lane_way(self.stage, entry, self.sink)
        own: NDArray[np.float64] = self.stage.route.points[self.ahead.first_index : self.ahead.last_index + 1]
        off = np.linalg.norm(own[:, None, :2] - inside[None, :, :2], axis=2)
        if off.min() > MEET_M or abs(turn_deg(entry, exit_)) > STRAIGHT_DEG:
            return False
        own_index, other_index = _meeting(off)
        self.meeting = location_of(own[own_index])
        after_m = float(np.linalg.norm(np.diff(inside[: other_index + 1, :2], axis=0), axis=1).sum())
        self.source = ahead(entry, -max(SHORTEST_M, SYNC_S * SPEED_MPS - after_m), into_junction=False)
        self.line = lane_way(self.stage, self.source, self.sink)
        before_m = self.source.transform.location.distance(entry.transform.location)
        self.sync_s = min(SYNC_S, (before_m + after_m) / SPEED_MPS)
        return True

    def run(self) -> Behaviour:
        """Wait for the ego, cross the junction, and wait until the ego is through."""
        background = self.stage.background
        background.handle_junction_scenario(
            clear_junction=True,
            clear_ego_entry=True,
            remove_entries=(self.source,),
            remove_exits=(self.sink,),
            stop_entries=self.stop_entries,
        )
        try:
            self.actors.bring_up(self.vehicle, self.pose)
            yield
            yield from self.play()
        finally:
            background.release_junction_scenario()

    def play(self) -> Behaviour:
        """Run the vehicle's part and the ego's."""
        yield from all_of(self._cross(), through_junction(self.stage))

    def _cross(self) -> Behaviour:
        """Wait for the ego, cross, and vanish."""
        yield from wait_until(ego_comes(self.stage, self.meeting, self.sync_s, NEAREST_M))
        driver = LineDriver(self.stage, self.vehicle, self.line, SPEED_MPS, constant=True, turn_mps2=TURN_MPS2)
        yield from first_of(drive(driver), wait_s(self.stage, PATIENCE * float(driver.arc_m[-1]) / SPEED_MPS))
        self.actors.destroy(self.vehicle)


class OppositeVehicleTakingPriority(OppositeVehicle):
    """At a junction without lights."""

    types: ClassVar[tuple[str, ...]] = ("OppositeVehicleTakingPriority",)


class OppositeVehicleRunningRedLight(OppositeVehicle):
    """At lights: the ego's is green, all others red."""

    types: ClassVar[tuple[str, ...]] = ("OppositeVehicleRunningRedLight",)
    stop_entries: ClassVar[bool] = False

    def setup(self) -> None:
        """Find the junction's lights, too."""
        super().setup()
        self.lights = lights_of_junction(self.stage, self.ahead.junction)
        own = light_for(self.ahead.entry, self.lights)
        if own is None:
            raise ScenarioSetupError("the junction has no traffic lights; use the type for junctions without")
        self.states: LightStates = {own.id: carla.TrafficLightState.Green}

    def play(self) -> Behaviour:
        """Hold the lights meanwhile."""
        yield from first_of(super().play(), hold_lights(self.lights, self.stage, [(self.states, math.inf)]))


def _meeting(off: NDArray[np.float64]) -> tuple[int, int]:
    """Return where two ways meet, as an index of each, from the distances [N, M] between their points.

    That is where they come closest, and where the first comes close to the second when they go on as one.
    """
    if off[-1].min() <= MEET_M:
        own = int(np.argmax(off.min(axis=1) <= MEET_M))
        return own, int(np.argmin(off[own]))
    own, other = np.unravel_index(int(np.argmin(off)), off.shape)
    return int(own), int(other)


def _emergency_vehicles(library: carla.BlueprintLibrary) -> tuple[str, ...]:
    return tuple(
        sorted(
            b.id
            for b in library.filter("vehicle.*")
            if b.has_attribute("special_type") and b.get_attribute("special_type").as_str() == "emergency"
        )
    )
