"""A construction site in the ego's lane, after the leaderboard's `ConstructionObstacle`."""

from __future__ import annotations

from typing import ClassVar

import carla

from alpamayo_scenarios.library.lanes import ahead, shifted
from alpamayo_scenarios.library.obstacles import LaneObstacle

SIGN, DEBRIS, CONE = "static.prop.trafficwarning", "static.prop.dirtdebris02", "static.prop.constructioncone"
SIGN_M, DEBRIS_M, DEBRIS_HEIGHT_M = -5.0, 2.0, 1.0
"""How far behind the beginning of the site they are; debris falls from its height."""
ALONG_M, ACROSS_M = (2.0, 4.0, 6.0, 8.0), (1.0, 2.0, 3.0)
"""Where the cones stand: along the inner edge of the lane, and from the end of that row across it."""
INNER_EDGE = 0.85
"""As a share of half the lane's width."""
CONE_HEIGHT_M = 0.1


class ConstructionObstacle(LaneObstacle):
    """A warning sign and a corner of cones close the lane."""

    types: ClassVar[tuple[str, ...]] = ("ConstructionObstacle", "ConstructionObstacleTwoWays")
    default_distance_m: ClassVar[float] = 100.0
    near_m: ClassVar[float] = 30.0

    def build(self) -> None:
        """Put up the sign beside the road; what belongs into the lane waits below the ground."""
        self.place_warning("static.prop.warningconstruction")
        self.first = self.last = ahead(self.trigger_waypoint, self.distance_m)
        self.site = [(self.actors.spawn_below(name, pose), pose) for name, pose in self.layout()]

    def layout(self) -> list[tuple[str, carla.Transform]]:
        """Return what stands where in the lane."""
        start = self.first.transform
        width_m = self.trigger_waypoint.lane_width
        inner = -self.outwards * INNER_EDGE * width_m / 2.0
        placed = [
            (SIGN, shifted(start, 0.0, SIGN_M, yaw_deg=270.0)),
            (DEBRIS, _raised(shifted(start, 0.0, DEBRIS_M, yaw_deg=90.0), DEBRIS_HEIGHT_M)),
        ]
        along = [(forward, inner) for forward in ALONG_M]
        across = [(ALONG_M[-1], inner + self.outwards * sideways) for sideways in ACROSS_M]
        for forward, right in (*along, *across):
            placed.append((CONE, _raised(shifted(start, right, forward), CONE_HEIGHT_M)))
        return placed

    def make_room(self) -> None:
        """Close the lane for the traffic and put the site into it."""
        self.stage.background.remove_road_lane(self.trigger_waypoint)
        for actor, pose in self.site:
            self.actors.bring_up(actor, pose)

    def undo(self) -> None:
        """Open the lane again."""
        super().undo()
        self.stage.background.readd_road_lane(self.trigger_waypoint)


def _raised(pose: carla.Transform, height_m: float) -> carla.Transform:
    place = pose.location
    return carla.Transform(carla.Location(place.x, place.y, place.z + height_m), pose.rotation)
