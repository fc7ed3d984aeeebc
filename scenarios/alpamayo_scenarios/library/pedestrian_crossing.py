"""Three people cross the road at a junction, after the leaderboard's `PedestrianCrossing`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import carla

from alpamayo_scenarios.library.crossing import END_M, Edge, cross, ego_comes, hidden_walker, show
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.junctions import JunctionAhead, travelled
from alpamayo_scenarios.library.lanes import shifted
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.timing import Behaviour, all_of, wait_s, wait_until

REACTION_S, NEAREST_M = 3.5, 12.0
STARTS_M = ((0.4, 1.5), (1.0, 2.5), (1.6, 0.5))
"""Where they wait: ahead of and outwards from the middle of the sidewalk beside the ego's lane's end."""
WAIT_S, SPEED_MPS = (0.0, 1.5), (1.3, 2.0)
CROSSING = 2.3
"""They walk so many times the way to the ego's lane, which takes them to the other side."""


@dataclass(frozen=True)
class _Person:
    walker: carla.Walker
    pose: carla.Transform
    wait_s: float
    speed_mps: float
    distance_m: float


class PedestrianCrossing(Scenario):
    """They set out one after another as the ego comes to the junction's entry."""

    types: ClassVar[tuple[str, ...]] = ("PedestrianCrossing",)

    def setup(self) -> None:
        """Keep three people ready beside the end of the ego's lane."""
        self.meeting = JunctionAhead(self).entry
        edge = Edge(self.meeting, "right")
        if edge.lane.lane_type != carla.LaneType.Sidewalk:
            raise ScenarioSetupError("there is no sidewalk on the right of the junction's entry")
        self.people = [self._person(edge.lane, ahead_m, aside_m) for ahead_m, aside_m in STARTS_M]

    def _person(self, sidewalk: carla.Waypoint, ahead_m: float, aside_m: float) -> _Person:
        pose = shifted(sidewalk.transform, aside_m, ahead_m, yaw_deg=-90.0)
        walker = hidden_walker(self.actors, pose)
        distance_m = CROSSING * pose.location.distance(self.meeting.transform.location)
        return _Person(walker, pose, float(self.rng.uniform(*WAIT_S)), float(self.rng.uniform(*SPEED_MPS)), distance_m)

    def run(self) -> Behaviour:
        """Wait for the ego, let them cross; over when they have and the ego has driven on."""
        background = self.stage.background
        background.handle_junction_scenario(clear_junction=False, clear_ego_entry=True, stop_entries=False)
        try:
            for person in self.people:
                show(person.walker, person.pose)
            yield
            yield from wait_until(ego_comes(self.stage, self.meeting.transform.location, REACTION_S, NEAREST_M))
            yield from all_of(*(self._cross(person) for person in self.people), travelled(self.stage, END_M))
        finally:
            background.release_junction_scenario()

    def _cross(self, person: _Person) -> Behaviour:
        yield from wait_s(self.stage, person.wait_s)
        yield from cross(self.stage, person.walker, person.pose, person.speed_mps, person.distance_m)
        self.actors.destroy(person.walker)
