"""Left turns off and onto interurban roads, after the leaderboard's `InterurbanActorFlow` and its advanced form."""

from __future__ import annotations

from typing import ClassVar

import carla

from alpamayo_scenarios.library.enter_flow import EXIT_ROOM_M, GivenFlow
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.flow import InitialVehicles
from alpamayo_scenarios.library.junctions import JunctionAhead, entries, exits, through_junction
from alpamayo_scenarios.library.lanes import ahead, lane_way, oncoming
from alpamayo_scenarios.library.timing import Behaviour, first_of, wait_until

CLOSE_M = 10.0


class InterurbanActorFlow(GivenFlow):
    """The ego leaves the road to the left, across a flow."""

    types: ClassVar[tuple[str, ...]] = ("InterurbanActorFlow",)

    def setup(self) -> None:
        """Find the road that the ego goes to, whose traffic is kept away."""
        super().setup()
        junction = JunctionAhead(self)
        other = oncoming(ahead(junction.exit, 8.0))
        if other is None:
            raise ScenarioSetupError("the road that the route turns into has no lane that comes the other way")
        self.removed = (junction.entry, other, self.source)

    def run(self) -> Behaviour:
        """Send the flow until the ego has left the junction."""
        background = self.stage.background
        background.handle_junction_scenario(
            clear_junction=False, clear_ego_entry=True, remove_entries=self.removed, stop_entries=False
        )
        background.change_opposite(active=False)
        try:
            flow = self.flow(initial=InitialVehicles.NONE)
            yield from first_of(flow.run(), through_junction(self.stage))
        finally:
            background.change_opposite(active=True)
            background.release_junction_scenario()


class InterurbanAdvancedActorFlow(GivenFlow):
    """The ego turns left onto the road: across one flow and into another."""

    types: ClassVar[tuple[str, ...]] = ("InterurbanAdvancedActorFlow",)

    def setup(self) -> None:
        """Find the way of the second flow, which comes against the first, and all other ways through the junction."""
        super().setup()
        back, end = oncoming(self.sink), oncoming(self.source)
        if back is None or end is None:
            raise ScenarioSetupError("the flow's road has no lane that runs against it")
        self.second_sink = end
        self.second = lane_way(self.stage, back, end)
        junction = JunctionAhead(self)
        own, goes = _lane(junction.entry), _lane(junction.exit)
        self.entries = tuple(lane for lane in entries(junction.junction) if _lane(lane) != own)
        self.exits = tuple(lane for lane in exits(junction.junction) if _lane(lane) != goes)
        behind = junction.exit.transform.location
        self.room_m = end.transform.location.distance(behind) + EXIT_ROOM_M

    def run(self) -> Behaviour:
        """Send both flows until the ego has come to where the second ends."""
        background = self.stage.background
        background.handle_junction_scenario(
            clear_junction=True,
            clear_ego_entry=True,
            remove_entries=self.entries,
            remove_exits=self.exits,
            stop_entries=False,
            extend_road_exit_m=self.room_m,
        )
        background.switch_route_sources(active=False)
        background.change_opposite(active=False)
        try:
            yield from first_of(
                wait_until(self._at_end),
                self.flow(initial=InitialVehicles.NONE).run(),
                self.flow(self.second, InitialVehicles.NONE).run(),
            )
        finally:
            background.switch_route_sources(active=True)
            background.change_opposite(active=True)
            background.release_junction_scenario()

    def _at_end(self) -> bool:
        pose, here = self.second_sink.transform, self.stage.ego_location
        ahead_m = (here - pose.location).dot(pose.get_forward_vector())
        return ahead_m > 0.0 and here.distance(pose.location) < CLOSE_M


def _lane(waypoint: carla.Waypoint) -> tuple[int, int]:
    return waypoint.road_id, waypoint.lane_id
