"""Turns at junctions in the way of a flow of vehicles, after the leaderboard's `...JunctionLeftTurn` and `...RightTurn`."""

from __future__ import annotations

import math
from typing import ClassVar

import carla

from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.flow import Flow, InitialVehicles
from alpamayo_scenarios.library.junctions import (
    JunctionAhead,
    before_junction,
    behind_junction,
    same_direction,
    through_junction,
    travelled,
)
from alpamayo_scenarios.library.lanes import ahead, lane_way, outermost
from alpamayo_scenarios.library.lights import LightStates, hold_lights, light_for, lights_of_junction
from alpamayo_scenarios.library.parameters import interval, number
from alpamayo_scenarios.library.scenario import TIME_LIMIT_S, Scenario
from alpamayo_scenarios.library.timing import Behaviour, first_of

SPEED_MPS, DISTANCE_M = 20.0, (25.0, 50.0)
END_M = 10.0
"""The scenario is over so far behind the junction."""
RED_S = 5.0
"""How long the ego's light stays red first, so that the flow is there when it turns green."""
EXIT_ROOM_M = 20.0


class TurnAcrossFlow(Scenario):
    """The ego has to turn through or into a flow that has the right of way."""

    types: ClassVar[tuple[str, ...]] = ()
    time_limit_s: ClassVar[float | None] = TIME_LIMIT_S
    flow_from: ClassVar[str] = "opposite"
    flow_turn: ClassVar[str] = "straight"
    source_s, sink_s = 4.0, 2.5
    """How far before and behind the junction the flow begins and ends, seconds of its own driving."""
    initial: ClassVar[InitialVehicles] = InitialVehicles.NONE

    def setup(self) -> None:
        """Find the junction, the flow's way through it, and the lights if it is a signalised type."""
        self.speed_mps = number(self.spec, "flow_speed", SPEED_MPS)
        self.distance_m = interval(self.spec, "source_dist_interval", DISTANCE_M)
        self.ahead = JunctionAhead(self)
        found = self.ahead.entries_from(self.flow_from)
        if not found:
            raise ScenarioSetupError(f"no lane enters the junction from the {self.flow_from} side")
        entry = self.choose_entry(found)
        self.source = before_junction(entry, self.source_s * self.speed_mps)
        self.sink = ahead(behind_junction(entry, self.flow_turn), self.sink_s * self.speed_mps)
        self.line = lane_way(self.stage, self.source, self.sink)
        self.lights: list[carla.TrafficLight] = []
        self.states: tuple[LightStates, LightStates] = ({}, {})
        if self.spec.type.startswith("Signalized"):
            self.find_lights(entry)

    def choose_entry(self, found: list[carla.Waypoint]) -> carla.Waypoint:
        """Return the lane that the flow comes from, among those of its side."""
        return found[int(self.rng.integers(len(found)))]

    def find_lights(self, entry: carla.Waypoint) -> None:
        """Prepare what the lights show: the flow's green, the ego's red and then green, all others red."""
        self.lights = lights_of_junction(self.stage, self.ahead.junction)
        own, flows = light_for(self.ahead.entry, self.lights), light_for(entry, self.lights)
        if own is None or flows is None:
            raise ScenarioSetupError("the junction has no traffic lights; use the type for junctions without")
        green, red = carla.TrafficLightState.Green, carla.TrafficLightState.Red
        self.states = {flows.id: green, own.id: red}, {flows.id: green, own.id: green}

    def prepare_traffic(self) -> None:
        """Clear the junction, the flow's road and its exit of other traffic."""
        background = self.stage.background
        background.handle_junction_scenario(
            clear_junction=True,
            clear_ego_entry=True,
            remove_entries=same_direction(self.source),
            remove_exits=same_direction(self.sink),
            stop_entries=not self.lights,
            extend_road_exit_m=self.sink_s * self.speed_mps + EXIT_ROOM_M,
        )
        background.change_opposite(active=False)

    def release_traffic(self) -> None:
        """Undo it."""
        self.stage.background.release_junction_scenario()
        self.stage.background.change_opposite(active=True)

    def run(self) -> Behaviour:
        """Send the flow until the ego is ten metres behind the junction."""
        self.prepare_traffic()
        flow = Flow(
            self.stage, self.actors, self.rng, self.line,
            speed_mps=self.speed_mps, distance_m=self.distance_m, initial=self.initial,
        )  # fmt: skip
        sides = [flow.run(), self.end()]
        if self.lights:
            phases = [(self.states[0], RED_S), (self.states[1], math.inf)]
            sides.append(hold_lights(self.lights, self.stage, phases))
        try:
            yield from first_of(*sides)
        finally:
            self.release_traffic()

    def end(self) -> Behaviour:
        """Wait until the ego is through."""
        yield from through_junction(self.stage)
        yield from travelled(self.stage, END_M)


class LeftTurn(TurnAcrossFlow):
    """A left turn across the vehicles that come straight from the opposite side."""

    types: ClassVar[tuple[str, ...]] = ("SignalizedJunctionLeftTurn", "NonSignalizedJunctionLeftTurn")


class LeftTurnEnterFlow(TurnAcrossFlow):
    """A left turn into a road into which a flow from the opposite side turns right; from Bench2Drive."""

    types: ClassVar[tuple[str, ...]] = ("SignalizedJunctionLeftTurnEnterFlow", "NonSignalizedJunctionLeftTurnEnterFlow")
    flow_turn: ClassVar[str] = "right"

    def choose_entry(self, found: list[carla.Waypoint]) -> carla.Waypoint:
        """Return the rightmost lane, from which a right turn is possible."""
        return outermost(found[int(self.rng.integers(len(found)))])


class RightTurn(TurnAcrossFlow):
    """A right turn into a road on which vehicles come from the left."""

    types: ClassVar[tuple[str, ...]] = ("SignalizedJunctionRightTurn", "NonSignalizedJunctionRightTurn")
    flow_from: ClassVar[str] = "left"
    source_s, sink_s = 5.0, 3.0
    initial: ClassVar[InitialVehicles] = InitialVehicles.OUTSIDE_JUNCTIONS

    def choose_entry(self, found: list[carla.Waypoint]) -> carla.Waypoint:
        """Return the rightmost lane, which is the one that the ego turns into."""
        return outermost(found[0])

    def prepare_traffic(self) -> None:
        """Clear the junction and the flow's road of other traffic, and make room on the road that it and the ego go to."""
        self.stage.background.handle_junction_scenario(
            clear_junction=True,
            clear_ego_entry=True,
            remove_entries=same_direction(self.source),
            stop_entries=not self.lights,
            extend_road_exit_m=self.sink_s * self.speed_mps + EXIT_ROOM_M,
        )

    def release_traffic(self) -> None:
        """Undo it."""
        self.stage.background.release_junction_scenario()
