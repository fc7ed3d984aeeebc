"""Where in a town something can be tried: spawn points, and straight flat lanes to drive along."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import carla

from alpamayo_sim.conformance.check import Skip

_SEARCH_STEP_M = 25.0
_WALK_STEP_M = 5.0
_LONGEST_M = 400.0
_MAX_TURN_DEG = 1.0
_MAX_SLOPE_DEG = 0.8
_FREE_AROUND_M = 8.0
"""How far from a place the centre of somebody else's actor may be at least."""
_LANE_CLEARANCE_M = 3.0
_LIFT_M = 0.3
"""CARLA refuses cars that touch the road, so clients spawn them above it."""


@dataclass(frozen=True)
class Straight:
    """A straight and flat piece of driving lane outside junctions."""

    start: carla.Waypoint
    length_m: float

    def at(self, distance_m: float) -> carla.Transform:
        """Return the pose on the lane at a distance from its start, a little above the road."""
        waypoint = self.start if distance_m <= 0.0 else self.start.next(distance_m)[0]
        place = waypoint.transform
        point = place.location
        return carla.Transform(carla.Location(point.x, point.y, point.z + _LIFT_M), place.rotation)


class Places:
    """Places of one map, found through the client; the same map gives the same places."""

    def __init__(self, carla_map: carla.Map) -> None:
        self._map = carla_map
        self.taken: tuple[carla.Location, ...] = ()
        """Where actors of others stand: places near them are not used."""

    @property
    def spots(self) -> list[carla.Transform]:
        """The free spawn points that the server recommends; new objects each time, since transforms can be changed."""
        return [spot for spot in self._map.get_spawn_points() if not self._is_taken(spot.location)]

    def _is_taken(self, place: carla.Location) -> bool:
        return any(place.distance(other) < _FREE_AROUND_M for other in self.taken)

    def spot(self, number: int) -> carla.Transform:
        """Return a spawn point; Skip if the town has fewer."""
        spots = self.spots
        if number >= len(spots):
            raise Skip(f"the town has only {len(spots)} free spawn points")
        return spots[number]

    @cached_property
    def straights(self) -> list[Straight]:
        """Straight flat lanes, the longest first."""
        found: list[Straight] = []
        for waypoint in self._map.generate_waypoints(_SEARCH_STEP_M):
            if waypoint.lane_type == carla.LaneType.Driving and not waypoint.is_junction:
                found.append(Straight(waypoint, _straight_length_m(waypoint)))
        found.sort(key=lambda straight: (-straight.length_m, straight.start.road_id, straight.start.lane_id))
        return found

    def straight(self, length_m: float, rank: int = 0) -> Straight:
        """Return a straight at least this long without actors of others on it; Skip if the town has none."""
        long_enough = [straight for straight in self.straights if straight.length_m >= length_m]
        free = [straight for straight in long_enough if not self._is_occupied(straight)]
        if rank < len(free):
            return free[rank]
        if rank < len(long_enough):
            raise Skip(f"actors of others stand on the town's straight flat lanes of {length_m:.0f} m")
        best = self.straights[0].length_m if self.straights else 0.0
        raise Skip(f"the town has no straight flat lane of {length_m:.0f} m; its longest is {best:.0f} m")

    def _is_occupied(self, straight: Straight) -> bool:
        frame = straight.start.transform
        forward, right = frame.get_forward_vector(), frame.get_right_vector()
        for other in self.taken:
            offset = other - frame.location
            along, aside = offset.dot(forward), abs(offset.dot(right))
            if -_FREE_AROUND_M < along < straight.length_m + _FREE_AROUND_M and aside < _LANE_CLEARANCE_M:
                return True
        return False


def _straight_length_m(start: carla.Waypoint) -> float:
    heading = start.transform.rotation.yaw
    length_m, waypoint = 0.0, start
    while length_m < _LONGEST_M:
        following = waypoint.next(_WALK_STEP_M)
        if not following:
            break
        waypoint = following[0]
        rotation = waypoint.transform.rotation
        turn = abs((rotation.yaw - heading + 180.0) % 360.0 - 180.0)
        slope = abs((rotation.pitch + 180.0) % 360.0 - 180.0)
        if waypoint.is_junction or turn > _MAX_TURN_DEG or slope > _MAX_SLOPE_DEG:
            break
        length_m += _WALK_STEP_M
    return length_m
