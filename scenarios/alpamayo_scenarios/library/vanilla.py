"""Turns under the rules alone: lights, stop signs, right of way, and nobody who breaks them; from Bench2Drive."""

from __future__ import annotations

import math
from typing import ClassVar

import carla

from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.junctions import JunctionAhead, through_junction, travelled
from alpamayo_scenarios.library.lights import LightStates, hold_lights, light_for, lights_of_junction
from alpamayo_scenarios.library.scenario import TIME_LIMIT_S, Scenario
from alpamayo_scenarios.library.timing import Behaviour, first_of

END_M = 10.0
"""The scenario is over so far behind the junction."""
FIRST_S = 5.0
"""How long the lights show what the ego meets first."""
STRETCH_M = 200.0


class Turn(Scenario):
    """The ego turns at the next junction, which has no lights; with or without a stop sign."""

    types: ClassVar[tuple[str, ...]] = ("VanillaNonSignalizedTurn", "VanillaNonSignalizedTurnEncounterStopsign")
    time_limit_s: ClassVar[float | None] = TIME_LIMIT_S

    def setup(self) -> None:
        """Find the junction."""
        self.ahead = JunctionAhead(self)

    def run(self) -> Behaviour:
        """Wait until the ego is ten metres behind the junction."""
        yield from through_junction(self.stage)
        yield from travelled(self.stage, END_M)


class TurnAtLights(Turn):
    """The ego's light turns from green to red or from red to green five seconds after the trigger; all others are red."""

    types: ClassVar[tuple[str, ...]] = (
        "VanillaSignalizedTurnEncounterGreenLight",
        "VanillaSignalizedTurnEncounterRedLight",
    )

    def setup(self) -> None:
        """Find the junction's lights and the ego's among them."""
        super().setup()
        self.lights = lights_of_junction(self.stage, self.ahead.junction)
        own = light_for(self.ahead.entry, self.lights)
        if own is None:
            raise ScenarioSetupError("the junction has no traffic lights; use the type for junctions without")
        self.green: LightStates = {own.id: carla.TrafficLightState.Green}

    def run(self) -> Behaviour:
        """Hold the lights until the ego is through, or for ten seconds where its light is green first."""
        red: LightStates = {}
        if self.spec.type.endswith("GreenLight"):
            phases = [(self.green, FIRST_S), (red, FIRST_S)]
        else:
            phases = [(red, FIRST_S), (self.green, math.inf)]
        yield from first_of(super().run(), hold_lights(self.lights, self.stage, phases))


class TJunction(Scenario):
    """A T-junction with lights or a stop sign, in ordinary traffic."""

    types: ClassVar[tuple[str, ...]] = ("T_Junction",)
    time_limit_s: ClassVar[float | None] = TIME_LIMIT_S

    def setup(self) -> None:
        """Place nothing."""

    def run(self) -> Behaviour:
        """Wait until the ego has moved 200 m."""
        yield from travelled(self.stage, STRETCH_M)
