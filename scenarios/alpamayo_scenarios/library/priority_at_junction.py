"""The ego's light is green when it comes, after the leaderboard's `PriorityAtJunction`."""

from __future__ import annotations

import math
from typing import ClassVar

import carla

from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.junctions import JunctionAhead, through_junction
from alpamayo_scenarios.library.lights import hold_lights, light_for, lights_of_junction
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.timing import Behaviour, first_of


class PriorityAtJunction(Scenario):
    """The lights of the next junction show the ego green and everybody else red until it is through."""

    types: ClassVar[tuple[str, ...]] = ("PriorityAtJunction",)

    def setup(self) -> None:
        """Find the junction's lights and the ego's among them."""
        self.ahead = JunctionAhead(self)
        self.lights = lights_of_junction(self.stage, self.ahead.junction)
        own = light_for(self.ahead.entry, self.lights)
        if own is None:
            raise ScenarioSetupError("the next junction of the route has no traffic lights")
        self.own_id = own.id

    def run(self) -> Behaviour:
        """Hold the lights."""
        green = {self.own_id: carla.TrafficLightState.Green}
        held = hold_lights(self.lights, self.stage, [(green, math.inf)])
        yield from first_of(through_junction(self.stage, frozenset({self.ahead.junction.id})), held)
