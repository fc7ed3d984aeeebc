"""Oncoming vehicles cut into the ego's lane in a bend, after the leaderboard's `InvadingTurn`."""

from __future__ import annotations

from typing import ClassVar

from alpamayo_scenarios.library.conditions import near, passed
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.lanes import ahead, lane_way, oncoming, shifted
from alpamayo_scenarios.library.opposite_flow import OppositeFlow
from alpamayo_scenarios.library.parameters import number
from alpamayo_scenarios.library.scenario import TIME_LIMIT_S, Scenario
from alpamayo_scenarios.library.timing import Behaviour, first_of, wait_until

CONE = "static.prop.constructioncone"
SOURCE_M = 30.0
"""The oncoming vehicles come from so far behind the stretch."""
SPACING_M = 40.0
HALF_CAR_M = 0.7
"""What a narrow car reaches over its middle: so far from the centre line it would just touch it."""
CONES_FROM_M, CONES_EVERY_M, CONES_SHARE = 10.0, 5.0, 0.5
"""Cones at the outer edge of the oncoming lane, along a share of the stretch, are why the vehicles leave it."""
CONE_EDGE, CONE_HEIGHT_M = 0.8, 0.3
END_WITHIN_M = 50.0
SIGHT_M = 35.0
"""Nobody appears closer to the ego: it is to avoid who comes over the line, not who is put there before it.

The leaderboard puts vehicles in the middle of their lane, however close the ego is; they then swing over the line to where they
should be, and farther, which nobody can avoid.
"""
BASE_M, AHEAD_S = 5.0, 2.0
"""The drivers brake for somebody closer than this, in metres and seconds of their own driving."""


class InvadingTurn(Scenario):
    """The ego has to keep to the right for `distance` metres: the others come `offset` metres over the line."""

    types: ClassVar[tuple[str, ...]] = ("InvadingTurn",)
    time_limit_s: ClassVar[float | None] = TIME_LIMIT_S

    def setup(self) -> None:
        """Find the vehicles' way; the cones wait below the ground."""
        distance_m = number(self.spec, "distance", 100.0)
        over_m = number(self.spec, "offset", 0.25)
        self.forward = ahead(self.trigger_waypoint, distance_m + SOURCE_M)
        source, sink = oncoming(self.forward), oncoming(self.trigger_waypoint)
        if source is None or sink is None:
            raise ScenarioSetupError("InvadingTurn needs an oncoming lane beside the ego's; the road has none")
        self.offset_m = -(over_m + sink.lane_width / 2.0 - HALF_CAR_M)
        self.flow = OppositeFlow(
            self.stage, self.actors, self.rng, lane_way(self.stage, source, sink),
            distance_m=(SPACING_M, SPACING_M), offset_m=self.offset_m, base_m=BASE_M, ahead_s=AHEAD_S, sight_m=SIGHT_M,
        )  # fmt: skip
        self.cones = []
        place = ahead(source, CONES_FROM_M)
        for _ in range(int(-(-CONES_SHARE * distance_m // CONES_EVERY_M))):
            place = ahead(place, CONES_EVERY_M)
            pose = shifted(place.transform, CONE_EDGE * place.lane_width / 2.0)
            pose.location.z += CONE_HEIGHT_M
            self.cones.append((self.actors.spawn_below(CONE, pose), pose))

    def run(self) -> Behaviour:
        """Send the vehicles until the ego has come to where they start."""
        background, end = self.stage.background, self.forward.transform
        background.remove_road_lane(self.trigger_waypoint)
        background.change_opposite(active=False)
        for cone, pose in reversed(self.cones):
            self.actors.bring_up(cone, pose)
        behind, close = passed(self.stage, end), near(self.stage, end.location, END_WITHIN_M)
        try:
            yield from first_of(self.flow.run(), wait_until(lambda: behind() and close()))
        finally:
            background.readd_road_lane(self.trigger_waypoint)
            background.change_opposite(active=True)
