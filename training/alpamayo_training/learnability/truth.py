"""The labels of a sample, from the carla API alone: map, transforms, boxes, light states and rays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, to_world, wrap_degrees
from alpamayo_sim.policy.camera_rig import CameraRig
from alpamayo_training.learnability import labels as rules
from alpamayo_training.learnability.labels import HIDDEN, UNCLEAR, Labels, LightState
from alpamayo_training.learnability.lane_ahead import LaneAhead, look_ahead, station
from alpamayo_training.learnability.sight import Sight
from alpamayo_training.learnability.traffic_control import LightApproach, TrafficControl, lane_key

Array = NDArray[np.float64]
NAN = math.nan
LOOK_AHEAD_M = 56.0
HEAD_DEPTH_M = 0.9
HEAD_HALF_HEIGHT_M = 0.45
"""From the middle of a head to its outer lenses."""
LENS_SEEN_WITHIN_DEG = 55.0
"""A lens shows no light to somebody farther aside."""
PLATE_DEPTH_M = 0.5
WALKER_DEPTH_M = 0.6
WALKER_POINTS = ((0.0, 0.75), (0.0, 0.35), (0.0, -0.15), (0.18, 0.3), (-0.18, 0.3))
"""Across the line of sight in metres, and above the walker's middle as a share of its half height."""
LEAST_VISIBLE_SHARE = 0.4
"""A pedestrian less visible than this is not counted."""
INSIDE_M, OUTSIDE_M = 0.3, 0.6
"""A vehicle whose middle is so far inside the lane's edge leads; so far outside it does not; in between is unclear."""
WALKER_OUTSIDE_M = 0.5
SEEN_LIGHTS_WITHIN_M = 80.0
SEEN_STOPS_WITHIN_M = 32.0
LARGEST_TURN_DEG = 25.0
_STATES = {
    carla.TrafficLightState.Red: LightState.RED,
    carla.TrafficLightState.Yellow: LightState.YELLOW,
    carla.TrafficLightState.Green: LightState.GREEN,
}


@dataclass(frozen=True)
class Body:
    """A vehicle or a walker: where it is and how large."""

    pose: Transform
    center: Array
    """[3] of its box, CARLA world frame."""
    extent: tuple[float, float, float]


@dataclass(frozen=True)
class Boxed:
    """An actor with its bounding box, which costs a call to the server each time that it is asked for."""

    actor: carla.Actor
    box: carla.BoundingBox

    @staticmethod
    def of(actor: carla.Actor) -> Boxed:
        """Ask an actor for its box."""
        return Boxed(actor, actor.bounding_box)

    def body(self) -> Body:
        """Return where the last tick left it."""
        pose, box = transform_of(self.actor.get_transform()), self.box
        center = to_world(pose, np.array([box.location.x, box.location.y, box.location.z]))
        return Body(pose, center, (box.extent.x, box.extent.y, box.extent.z))


def transform_of(pose: carla.Transform) -> Transform:
    """Return a client's transform as ours."""
    place, turn = pose.location, pose.rotation
    return Transform(place.x, place.y, place.z, turn.pitch, turn.yaw, turn.roll)


class Truth:
    """Labels samples of one world and one ego vehicle."""

    def __init__(self, world: carla.World, rig: CameraRig, ego: Boxed, rear_axle_x_m: float) -> None:
        self._world = world
        self._town = world.get_map()
        self._rig = rig
        self._ego = ego
        self._rear_axle_x_m = rear_axle_x_m
        self.control = TrafficControl(world)

    def label(self, vehicles: Sequence[Boxed], walkers: Sequence[Boxed]) -> Labels:
        """Return the labels of the present instant; `vehicles` are the others. InputError if the ego is on no lane."""
        pose, box = transform_of(self._ego.actor.get_transform()), self._ego.box
        sight = Sight(self._world, self._rig, pose, box, self._rear_axle_x_m)
        here = self._town.get_waypoint(carla.Location(pose.x, pose.y, pose.z))
        lane = look_ahead(here, LOOK_AHEAD_M)
        front_m = box.location.x + box.extent.x
        bodies, people = [v.body() for v in vehicles], [w.body() for w in walkers]
        light = self._light(sight, lane, front_m)
        lead = (UNCLEAR, NAN, None) if here.is_junction else _lead(sight, lane, front_m, bodies)
        pedestrian = (UNCLEAR, NAN, NAN, None) if here.is_junction else _pedestrian(sight, lane, front_m, people)
        stop = (UNCLEAR, NAN, None) if here.is_junction else self._stop_sign(sight, lane)
        return Labels(
            *light[:3], *lead[:2], *_lateral(pose, here), *pedestrian[:3], *stop[:2],
            light_at_rig=sight.in_rig(light[3]), lead_at_rig=sight.in_rig(lead[2]),
            pedestrian_at_rig=sight.in_rig(pedestrian[3]), stop_sign_at_rig=sight.in_rig(stop[2]),
        )  # fmt: skip

    def _light(self, sight: Sight, lane: LaneAhead, front_m: float) -> tuple[int, float, float, Array | None]:
        """Return the state of the lane's light, how far its nearest visible head and the line are, and that head."""
        concerned, line_m = self.light_of(lane)
        if concerned is None:
            seen = self.control.other_lights_seen(None, sight.pose.yaw)
            near = seen[sight.distance_m(seen) < SEEN_LIGHTS_WITHIN_M] if len(seen) else seen
            unclear = any(sight.cameras_with(head) for head in near)
            return (UNCLEAR if unclear or lane.waypoints[0].is_junction else LightState.NONE), NAN, NAN, None
        line_m -= front_m
        distances = sight.distance_m(concerned.heads)
        order = np.argsort(distances)
        if distances[order[0]] > rules.LIGHT_REACH_M:
            return UNCLEAR, float(distances[order[0]]), line_m, None
        for k in order:
            if _shows_its_lenses(sight, concerned, concerned.heads[k]):
                state = _STATES.get(concerned.light.get_state())
                return (UNCLEAR if state is None else state), float(distances[k]), line_m, concerned.heads[k]
        return HIDDEN, float(distances[order[0]]), line_m, None

    def light_of(self, lane: LaneAhead) -> tuple[LightApproach | None, float]:
        """Return the light of the lane and the way to its end; in a junction that of the lane it came from, if straight on."""
        here = lane.waypoints[0]
        if here.is_junction:
            before, way_m = here, 0.0
            for _ in range(40):
                behind = list(before.previous(2.0))
                if not behind:
                    return None, NAN
                before, way_m = behind[0], way_m + 2.0
                if not before.is_junction:
                    break
            turn = wrap_degrees(before.transform.rotation.yaw - here.transform.rotation.yaw)
            if before.is_junction or abs(turn) > LARGEST_TURN_DEG:
                return None, NAN
            return self.control.light_of_lane.get(lane_key(before)), -way_m
        return self.control.light_of_lane.get(lane_key(lane.end)), lane.length_m

    def _stop_sign(self, sight: Sight, lane: LaneAhead) -> tuple[int, float, Array | None]:
        concerned = self.control.stop_of_lane.get(lane_key(lane.end))
        distance = float(sight.distance_m(concerned.plate)[0]) if concerned is not None else NAN
        if concerned is not None and distance <= rules.STOP_SIGN_NONE_BEYOND_M:
            if distance > rules.STOP_SIGN_REACH_M:
                return UNCLEAR, distance, None
            if not sight.sees(concerned.plate, within_m=PLATE_DEPTH_M):
                return HIDDEN, distance, None
            return 1, distance, concerned.plate
        others = self.control.other_stops_seen(concerned, sight.pose.yaw)
        near = others[sight.distance_m(others) < SEEN_STOPS_WITHIN_M] if len(others) else others
        return (UNCLEAR if any(sight.cameras_with(plate) for plate in near) else 0), distance, None


def _shows_its_lenses(sight: Sight, light: LightApproach, head: Array) -> bool:
    """Whether some camera has all of a head in its picture, from the front, with nothing before it."""
    yaw = math.radians(light.travel_yaw_deg)
    facing = -np.array([math.cos(yaw), math.sin(yaw), 0.0])
    lenses = head + np.array([[0.0, 0.0, -HEAD_HALF_HEIGHT_M], [0.0, 0.0, HEAD_HALF_HEIGHT_M]])
    for camera in sight.cameras_with(head):
        toward = sight.position(camera) - head
        if float(toward @ facing) < math.cos(math.radians(LENS_SEEN_WITHIN_DEG)) * float(np.linalg.norm(toward)):
            continue
        if all(camera in sight.cameras_with(lens) for lens in lenses) and sight.is_clear(
            camera, head, within_m=HEAD_DEPTH_M
        ):
            return True
    return False


def _lateral(pose: Transform, here: carla.Waypoint) -> tuple[int, float, float]:
    center, yaw = here.transform.location, math.radians(here.transform.rotation.yaw)
    left = (pose.x - center.x) * math.sin(yaw) - (pose.y - center.y) * math.cos(yaw)
    heading = -math.radians(wrap_degrees(pose.yaw - here.transform.rotation.yaw))
    marks = (here.left_lane_marking.type, here.right_lane_marking.type)
    counts = not here.is_junction and any(mark != carla.LaneMarkingType.NONE for mark in marks)
    return (1 if counts else UNCLEAR), left, heading


def _lead(sight: Sight, lane: LaneAhead, front_m: float, bodies: Sequence[Body]) -> tuple[int, float, Array | None]:
    if not bodies:
        return 0, NAN, None
    centers = np.array([body.center for body in bodies])
    half_m = np.array([body.extent[0] for body in bodies])
    along, left = station(lane.trunk, centers)
    gap = along - half_m - front_m
    beside = np.abs(left)
    half_lane = lane.width_m / 2.0
    on_trunk = (gap > -1.0) & (along < lane.length_m + half_m)
    leads = np.flatnonzero(on_trunk & (beside < half_lane - INSIDE_M))
    unclear = on_trunk & (beside >= half_lane - INSIDE_M) & (beside < half_lane + OUTSIDE_M)
    for line in lane.branches:
        s, off = station(line, centers)
        unclear |= (s > -half_m) & (along > 0.0) & (np.abs(off) < half_lane + OUTSIDE_M) & (beside >= 0.0)
    unclear[leads] = False
    first = int(leads[np.argmin(gap[leads])]) if len(leads) else -1
    gap_m = float(gap[first]) if first >= 0 else NAN
    if np.any(unclear & (gap < (gap_m if first >= 0 else rules.LEAD_NONE_BEYOND_M))):
        return UNCLEAR, gap_m, None
    if first < 0 or gap_m > rules.LEAD_NONE_BEYOND_M:
        return 0, NAN, None
    if gap_m > rules.LEAD_REACH_M or gap_m <= 0.0:
        return UNCLEAR, gap_m, None
    seen = sight.is_clear(sight.front, centers[first], within_m=float(half_m[first]) + 0.6)
    return (1, gap_m, centers[first]) if seen else (HIDDEN, gap_m, None)


def _pedestrian(
    sight: Sight, lane: LaneAhead, front_m: float, people: Sequence[Body]
) -> tuple[int, float, float, Array | None]:
    if not people:
        return 0, NAN, NAN, None
    centers = np.array([body.center for body in people])
    along, left = station(lane.trunk, centers)
    ahead = along - front_m
    beside, half_lane = np.abs(left), lane.width_m / 2.0
    on_trunk = (ahead > 0.0) & (along < lane.length_m) & (ahead < rules.PEDESTRIAN_NONE_BEYOND_M)
    inside = on_trunk & (beside <= half_lane)
    unclear = on_trunk & (beside > half_lane) & (beside < half_lane + WALKER_OUTSIDE_M)
    for line in lane.branches:
        s, off = station(line, centers)
        unclear |= (s > 0.0) & (ahead < rules.PEDESTRIAN_NONE_BEYOND_M) & (np.abs(off) < half_lane + WALKER_OUTSIDE_M)
    unclear &= ~inside
    nearest = (NAN, NAN)
    for k in np.flatnonzero(inside)[np.argsort(ahead[inside])]:
        share = _visible_share(sight, people[int(k)])
        if ahead[k] <= rules.PEDESTRIAN_REACH_M and share >= LEAST_VISIBLE_SHARE:
            return 1, float(ahead[k]), share, centers[int(k)]
        nearest = (float(ahead[k]), share) if math.isnan(nearest[0]) else nearest
    if not math.isnan(nearest[0]):
        return (HIDDEN if nearest[0] <= rules.PEDESTRIAN_REACH_M else UNCLEAR), *nearest, None
    return (UNCLEAR if unclear.any() else 0), NAN, NAN, None


def _visible_share(sight: Sight, body: Body) -> float:
    """Return the share of points on a walker that the front camera sees."""
    if sight.front not in sight.cameras_with(body.center):
        return 0.0
    toward = body.center[:2] - sight.position(sight.front)[:2]
    across = np.array([-toward[1], toward[0]]) / max(float(np.linalg.norm(toward)), 1e-6)
    seen = 0
    for aside_m, share in WALKER_POINTS:
        point = body.center + np.array([*(across * aside_m), share * body.extent[2]])
        seen += sight.is_clear(sight.front, point, within_m=WALKER_DEPTH_M)
    return seen / len(WALKER_POINTS)
