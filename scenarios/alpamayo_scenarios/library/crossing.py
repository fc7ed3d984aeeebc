"""What the scenarios share in which somebody steps into the ego's way: the place at the road's edge, the moment, the walk."""

from __future__ import annotations

import math
from collections.abc import Callable

import carla

from alpamayo_scenarios.library.actors import ActorPool
from alpamayo_scenarios.library.conditions import near, time_to_reach_s
from alpamayo_scenarios.library.lanes import beside, shifted
from alpamayo_scenarios.library.motion import walk
from alpamayo_scenarios.library.stage import Stage
from alpamayo_scenarios.library.timing import Behaviour, first_of, wait_s

END_M = 40.0
"""The scenarios are over when the ego has come so far after the crossing."""
BELOW_M = 200.0
WALKER_LIFT_M = 1.0
LANES = 16
PATIENCE = 1.1
"""A walk that is held up ends after this share of the time that it should take."""


class Edge:
    """The edge of a road, looked for from one of its lanes outwards."""

    def __init__(self, lane: carla.Waypoint, side: str) -> None:
        """Go outwards on the lane's "left" or "right" to the sidewalk, or to the last lane where there is none.

        Beyond the middle of the road the way outwards is on the right of the lanes there, which run the other way.
        """
        self.side = side
        """On which side of the lane found the road ends."""
        self.lane = lane
        self.against = False
        """Whether that lane runs against the one that the search began in."""
        self.bay: carla.Waypoint | None = None
        """The parking lane that was passed, if any."""
        for _ in range(LANES):
            if self.lane.lane_type == carla.LaneType.Sidewalk:
                break
            outer = beside(self.lane, self.side)
            if outer is None:
                break
            if outer.lane_id * self.lane.lane_id < 0:
                self.side = "right" if self.side == "left" else "left"
                self.against = not self.against
            self.lane = outer
            if outer.lane_type == carla.LaneType.Parking:
                self.bay = outer

    def pose(self, aside_m: float, *, along_m: float = 0.0, angle_deg: float | None = None) -> carla.Transform:
        """Return where somebody stands: in the middle of the sidewalk, or `aside_m` outwards of the last lane's middle.

        `along_m` is forward in the lane that the search began in. Looks along the lane found, or with an angle across the
        road, turned by so much towards those who come along the lane that the search began in.
        """
        outwards = 1.0 if self.side == "right" else -1.0
        place = self.lane
        if along_m > 0.0:
            onwards = self.lane.previous(along_m) if self.against else self.lane.next(along_m)
            place = next(iter(onwards), self.lane)
        right_m = 0.0 if place.lane_type == carla.LaneType.Sidewalk else outwards * aside_m
        sign = -1.0 if self.against else 1.0
        turned = 0.0 if angle_deg is None else -outwards * (90.0 + sign * angle_deg)
        return shifted(place.transform, right_m, yaw_deg=turned)


def hidden_walker(actors: ActorPool, pose: carla.Transform) -> carla.Walker:
    """Spawn a pedestrian where it fits and hide it below the ground until `show`."""
    walker = actors.spawn_walker(pose, lift_m=WALKER_LIFT_M)
    walker.set_simulate_physics(False)
    place = pose.location
    walker.set_location(carla.Location(place.x, place.y, place.z - BELOW_M))
    return walker


def show(walker: carla.Walker, pose: carla.Transform) -> None:
    """Put a hidden pedestrian into its place."""
    place = pose.location
    lifted = carla.Location(place.x, place.y, place.z + WALKER_LIFT_M)
    ActorPool.bring_up(walker, carla.Transform(lifted, pose.rotation))


def ego_comes(stage: Stage, place: carla.Location, reaction_s: float, nearest_m: float) -> Callable[[], bool]:
    """Hold once the ego, keeping its speed, is so near to a place in time, or so near in distance."""
    close = near(stage, place, nearest_m)
    return lambda: close() or time_to_reach_s(stage, place) < reaction_s


def cross(stage: Stage, walker: carla.Walker, pose: carla.Transform, speed_mps: float, distance_m: float) -> Behaviour:
    """Walk across the road, straight on from a pose; ends in time even when somebody stands in the way."""
    limit_s = PATIENCE * distance_m / speed_mps
    yield from first_of(walk(stage, walker, pose.rotation.yaw, speed_mps, distance_m), wait_s(stage, limit_s))


def angle_delay_s(angle_deg: float) -> float:
    """Return how much earlier somebody sets out who crosses at an angle."""
    return 0.1 * math.floor(angle_deg / 5.0)
