"""Joining, crossing or leaving by a flow between two given places, after the leaderboard's `EnterActorFlow` and its kin."""

from __future__ import annotations

from typing import ClassVar

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_scenarios.library.flow import Flow, InitialVehicles
from alpamayo_scenarios.library.junctions import JunctionAhead, came_to, same_direction, through_junction
from alpamayo_scenarios.library.lanes import ahead, lane_way, location_of
from alpamayo_scenarios.library.parameters import interval, location, number
from alpamayo_scenarios.library.scenario import TIME_LIMIT_S, Scenario
from alpamayo_scenarios.library.timing import Behaviour, first_of, wait_until

SPEED_MPS, DISTANCE_M = 10.0, (20.0, 50.0)
SINK_M = 2.0
"""Vehicles that come so near to the end of their way are taken away; the ego that comes so near ends the scenario."""
EXIT_ROOM_M = 20.0


class GivenFlow(Scenario):
    """Its flow runs from `start_actor_flow` to `end_actor_flow`."""

    types: ClassVar[tuple[str, ...]] = ()
    time_limit_s: ClassVar[float | None] = TIME_LIMIT_S

    def setup(self) -> None:
        """Read the flow's parameters and find its way."""
        self.speed_mps = number(self.spec, "flow_speed", SPEED_MPS)
        self.distance_m = interval(self.spec, "source_dist_interval", DISTANCE_M)
        self.source = self.stage.map.get_waypoint(location(self.spec, "start_actor_flow"))
        self.sink = self.stage.map.get_waypoint(location(self.spec, "end_actor_flow"))
        self.line = lane_way(self.stage, self.source, self.sink)

    def flow(
        self, line: NDArray[np.float64] | None = None, initial: InitialVehicles = InitialVehicles.EVERYWHERE
    ) -> Flow:
        """Return a flow along a line, the scenario's own by default."""
        return Flow(
            self.stage, self.actors, self.rng, self.line if line is None else line,
            speed_mps=self.speed_mps, distance_m=self.distance_m, sink_m=SINK_M, initial=initial,
        )  # fmt: skip

    def from_junction_m(self) -> float:
        """Return how far the flow runs behind the last junction on its way, plus room for those that have left it."""
        along = np.linalg.norm(np.diff(self.line, axis=0), axis=1)
        for index in range(len(self.line) - 2, -1, -1):
            if self.stage.map.get_waypoint(location_of(self.line[index])).is_junction:
                return float(along[index:].sum()) + EXIT_ROOM_M
        return float(along.sum()) + EXIT_ROOM_M

    def sinks(self) -> tuple[carla.Location, ...]:
        """Return the ends of all lanes beside the flow's, where the ego ends the scenario."""
        return tuple(lane.transform.location for lane in same_direction(self.sink))


class EnterActorFlow(GivenFlow):
    """The ego enters a road whose lanes are all used by flows that have the right of way."""

    types: ClassVar[tuple[str, ...]] = ("EnterActorFlow",)

    def setup(self) -> None:
        """Find a way for each lane of the road that the flow comes from."""
        super().setup()
        pairs = list(zip(same_direction(self.source), same_direction(self.sink), strict=False))
        self.lines = [lane_way(self.stage, source, sink) for source, sink in pairs]
        self.places = tuple(sink.transform.location for _, sink in pairs)

    def run(self) -> Behaviour:
        """Send the flows until the ego has come to where they end."""
        background = self.stage.background
        background.handle_junction_scenario(
            clear_junction=True,
            clear_ego_entry=True,
            remove_entries=same_direction(self.source),
            stop_entries=False,
            extend_road_exit_m=self.from_junction_m(),
        )
        background.switch_route_sources(active=False)
        try:
            flows = [self.flow(line).run() for line in self.lines]
            yield from first_of(wait_until(came_to(self.stage, self.places, SINK_M)), *flows)
        finally:
            background.switch_route_sources(active=True)
            background.release_junction_scenario()


class MergerIntoSlowTraffic(GivenFlow):
    """The ego joins a queue that moves slowly, from a ramp."""

    types: ClassVar[tuple[str, ...]] = ("MergerIntoSlowTraffic",)

    def run(self) -> Behaviour:
        """Send the flow until the ego has come to where it ends, in any lane."""
        background = self.stage.background
        background.handle_junction_scenario(
            clear_junction=True,
            clear_ego_entry=True,
            remove_entries=(self.source,),
            stop_entries=False,
            extend_road_exit_m=self.from_junction_m(),
        )
        background.switch_route_sources(active=False)
        try:
            yield from first_of(wait_until(came_to(self.stage, self.sinks(), SINK_M)), self.flow().run())
        finally:
            background.switch_route_sources(active=True)
            background.release_junction_scenario()


class EnterFlowByOwnLane(GivenFlow):
    """The ego comes through a junction of its own onto the flow's road, as at motorway entries with a lane of their own."""

    types: ClassVar[tuple[str, ...]] = ("EnterActorFlowV2", "MergerIntoSlowTrafficV2")

    def setup(self) -> None:
        """Find the road behind the junction, too."""
        super().setup()
        self.exit = ahead(JunctionAhead(self).exit, 10.0)

    def run(self) -> Behaviour:
        """Send the flow until the ego has come to where it ends, in any lane."""
        background = self.stage.background
        background.handle_junction_scenario(
            clear_junction=False,
            clear_ego_entry=True,
            remove_entries=(self.source,),
            remove_exits=same_direction(self.exit),
            stop_entries=False,
        )
        background.switch_route_sources(active=False)
        try:
            yield from first_of(
                self.flow().run(), wait_until(came_to(self.stage, self.sinks(), SINK_M)), self._room_behind()
            )
        finally:
            background.switch_route_sources(active=True)
            background.release_junction_scenario()

    def _room_behind(self) -> Behaviour:
        """Make room behind the next junction once the ego has left the first, and go on for ever."""
        yield from through_junction(self.stage)
        self.stage.background.handle_junction_scenario(
            clear_junction=False,
            clear_ego_entry=False,
            stop_entries=False,
            extend_road_exit_m=self.from_junction_m(),
        )
        while True:
            yield


class HighwayExit(GivenFlow):
    """The ego has to cross the flow in the lane beside it to leave the motorway."""

    types: ClassVar[tuple[str, ...]] = ("HighwayExit",)

    def setup(self) -> None:
        """Find the junction that the flow goes through: that of the exit."""
        super().setup()
        here = (self.stage.map.get_waypoint(location_of(point)) for point in self.line)
        inside = next((w.junction_id for w in here if w.is_junction), None)
        self.junctions = None if inside is None else frozenset({inside})

    def run(self) -> Behaviour:
        """Send the flow until the ego is through the exit."""
        background = self.stage.background
        background.remove_road_lane(self.source)
        try:
            yield from first_of(self.flow().run(), through_junction(self.stage, self.junctions))
        finally:
            background.readd_road_lane(self.source)
