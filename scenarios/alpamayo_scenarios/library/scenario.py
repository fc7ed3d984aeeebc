"""The base of every scenario type."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import carla

from alpamayo_scenarios.library.actors import ActorPool
from alpamayo_scenarios.library.stage import Stage
from alpamayo_scenarios.library.timing import Behaviour
from alpamayo_scenarios.route_file import ScenarioSpec
from alpamayo_sim.frames import Transform

TIME_LIMIT_S = 240.0
"""Of the scenarios that have one, from their trigger; the leaderboard's `ScenarioTimeout`."""


class Scenario(ABC):
    """One scenario of a route, from its set-up to its clean-up.

    The director constructs it (reading parameters, finding places, spawning what waits for the ego) when the ego comes within
    500 m of its trigger, runs `run` from the tick at which the ego reaches the trigger, and cleans up after it has ended,
    run out of time, or the route is over. A scenario that does not fit raises ScenarioSetupError while it is constructed.
    """

    types: ClassVar[tuple[str, ...]]
    """The leaderboard's names that this class plays; `spec.type` says which."""
    time_limit_s: ClassVar[float | None] = None
    """After so long from the trigger it has timed out, which is an infraction; None for scenarios without a limit. While one
    with a limit is under way, standing still is no offence."""

    def __init__(self, spec: ScenarioSpec, stage: Stage, number: int) -> None:
        """Set the scenario up; `number` is its place in the route's list and makes its random numbers its own."""
        self.spec = spec
        self.stage = stage
        self.rng = stage.rng(number)
        self.wrong_way_allowed = False
        """Whether at present the ego has to use the oncoming lane; a scenario sets it for as long as that is so."""
        self.actors = ActorPool(stage, self.rng)
        try:
            self.setup()
        except BaseException:
            self.actors.destroy_all()
            raise

    @property
    def trigger(self) -> Transform:
        """Where on the route it begins."""
        return self.spec.trigger

    @property
    def trigger_waypoint(self) -> carla.Waypoint:
        """The driving lane at the trigger."""
        place = carla.Location(self.trigger.x, self.trigger.y, self.trigger.z)
        return self.stage.map.get_waypoint(place)

    @property
    def emergency_vehicle_id(self) -> int:
        """The actor that the ego must let pass before the scenario ends; 0 for none."""
        return 0

    @abstractmethod
    def setup(self) -> None:
        """Read the parameters, find the places, spawn what is there before the trigger."""

    @abstractmethod
    def run(self) -> Behaviour:
        """Play it; begins at the trigger's tick and is resumed once a tick, after the ego's control has been decided."""

    def ego_control(self, control: carla.VehicleControl) -> carla.VehicleControl:
        """Return what the ego's wheels and pedals do at this tick, given what its driver wants."""
        return control

    def destroy(self) -> None:
        """Take away everything that was spawned; safe to call twice."""
        self.actors.destroy_all()
