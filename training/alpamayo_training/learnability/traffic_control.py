"""Which light and which stop sign concern which lane, asked of any CARLA server through the client alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import wrap_degrees

Array = NDArray[np.float64]
LaneKey = tuple[int, int]
"""OpenDRIVE road and lane."""
_STEP_M = 1.0
_MOST_STEPS = 60
_PLATE_HEIGHT_M = 2.4
"""Of a sign whose server tells no box of it."""
_SAME_POST_M = 1.5
_FACING_DEG = 50.0


@dataclass(frozen=True)
class LightApproach:
    """A traffic light and the lanes that it stops."""

    light: carla.TrafficLight
    heads: Array
    """[H, 3] middles of its heads in the CARLA world frame."""
    travel_yaw_deg: float
    """Direction of the traffic that it concerns."""
    line_ends: tuple[carla.Waypoint, ...]
    """Where its lanes end at the junction."""


@dataclass(frozen=True)
class StopApproach:
    """A stop sign and where its lane ends."""

    plate: Array
    """[3] middle of the plate in the CARLA world frame."""
    travel_yaw_deg: float
    line_end: carla.Waypoint


class TrafficControl:
    """The lights and stop signs of a world, by the lanes that lead to them."""

    def __init__(self, world: carla.World) -> None:
        self.lights: list[LightApproach] = []
        self.stops: list[StopApproach] = []
        self.light_of_lane: dict[LaneKey, LightApproach] = {}
        self.stop_of_lane: dict[LaneKey, StopApproach] = {}
        actors = world.get_actors()
        for light in sorted(actors.filter("traffic.traffic_light*"), key=lambda actor: actor.id):
            assert isinstance(light, carla.TrafficLight)
            self._add_light(light)
        plates = list(world.get_level_bbs(carla.CityObjectLabel.TrafficSigns))
        for sign in sorted(actors.filter("traffic.stop*"), key=lambda actor: actor.id):
            assert isinstance(sign, carla.TrafficSign)
            self._add_stop(world.get_map(), sign, plates)

    def _add_light(self, light: carla.TrafficLight) -> None:
        boxes = light.get_light_boxes()
        stops = list(light.get_stop_waypoints())
        if not boxes or not stops:
            return
        heads = np.array([[b.location.x, b.location.y, b.location.z] for b in boxes])
        ends = tuple(lane_end(waypoint) for waypoint in stops)
        approach = LightApproach(light, heads, ends[0].transform.rotation.yaw, ends)
        self.lights.append(approach)
        for waypoint in (*stops, *ends):
            self.light_of_lane[lane_key(waypoint)] = approach

    def _add_stop(self, town: carla.Map, sign: carla.TrafficSign, plates: list[carla.BoundingBox]) -> None:
        pose = sign.get_transform()
        area = carla.Location(sign.trigger_volume.location)
        pose.transform(area)
        waypoint = town.get_waypoint(area)
        if waypoint is None:
            return
        foot = pose.location
        near = [p.location for p in plates if math.hypot(p.location.x - foot.x, p.location.y - foot.y) < _SAME_POST_M]
        height = near[0].z if near else foot.z + _PLATE_HEIGHT_M
        end = lane_end(waypoint)
        approach = StopApproach(np.array([foot.x, foot.y, height]), waypoint.transform.rotation.yaw, end)
        self.stops.append(approach)
        for lane in (*lanes_beside(waypoint), *lanes_beside(end)):
            self.stop_of_lane[lane_key(lane)] = approach

    def other_lights_seen(self, concerned: LightApproach | None, yaw_deg: float) -> Array:
        """Return the heads [N, 3] of lights that look at somebody who drives in direction `yaw_deg`, but that one's."""
        rows = [a.heads for a in self.lights if a is not concerned and _same_way(a.travel_yaw_deg, yaw_deg)]
        return np.vstack(rows) if rows else np.zeros((0, 3))

    def other_stops_seen(self, concerned: StopApproach | None, yaw_deg: float) -> Array:
        """Return the plates [N, 3] of stop signs that look at somebody who drives in direction `yaw_deg`, but for that one."""
        rows = [a.plate for a in self.stops if a is not concerned and _same_way(a.travel_yaw_deg, yaw_deg)]
        return np.array(rows).reshape(-1, 3)


def lane_key(waypoint: carla.Waypoint) -> LaneKey:
    """Return the road and the lane of a waypoint."""
    return waypoint.road_id, waypoint.lane_id


def lane_end(waypoint: carla.Waypoint) -> carla.Waypoint:
    """Return the last waypoint before the junction that a lane leads to, or where it branches."""
    for _ in range(_MOST_STEPS):
        following = list(waypoint.next(_STEP_M))
        if waypoint.is_junction or not following or following[0].is_junction:
            break
        waypoint = following[0]
    return waypoint


def lanes_beside(waypoint: carla.Waypoint) -> list[carla.Waypoint]:
    """Return a waypoint and those beside it in driving lanes of the same direction."""
    found = [waypoint]
    for step in (carla.Waypoint.get_left_lane, carla.Waypoint.get_right_lane):
        lane = step(waypoint)
        while lane is not None and lane.lane_type == carla.LaneType.Driving and lane.lane_id * waypoint.lane_id > 0:
            found.append(lane)
            lane = step(lane)
    return found


def _same_way(one_deg: float, other_deg: float) -> bool:
    return abs(wrap_degrees(one_deg - other_deg)) < _FACING_DEG
