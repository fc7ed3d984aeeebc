"""Where everybody stands in one sample: pure choice, nothing is sent to a server here."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, to_world
from alpamayo_training.learnability.lane_ahead import LaneAhead, at_station, look_ahead, station
from alpamayo_training.learnability.places import Places, straight_through, upstream
from alpamayo_training.learnability.truth import LOOK_AHEAD_M

Array = NDArray[np.float64]
LIGHT_SHARE, STOP_SHARE, NO_LIGHTS_SHARE = 0.45, 0.22, 0.15
"""Of samples that are put before a light, before a stop sign, and so much more before stop signs where there are no lights."""
IN_JUNCTION_SHARE = 0.35
"""Of the samples before lights: already in the junction, where the heads are near."""
LEAD_SHARE, PEDESTRIAN_SHARE, HALF_HIDDEN_SHARE = 0.55, 0.45, 0.4
LARGEST_OFFSET_M, LARGEST_HEADING_DEG = 1.1, 6.0
ROOM_BESIDE_M = 0.75
"""Least room left between the ego's middle and the lane's edge."""
VEHICLE_CLEAR_M, WALKER_CLEAR_M = 1.2, 0.65
"""The middles of others keep so far out of the ego's lane and out of where it leads."""
AROUND_M, PEOPLE_AROUND_M, FAR_M = 55.0, 40.0, 90.0
VEHICLE_ROOM_M, WALKER_ROOM_M = 2.3, 1.3


@dataclass
class Arrangement:
    """The poses of one sample, as CARLA transforms without heights above ground; which actor takes which is in the order."""

    ego: Transform
    lane: LaneAhead
    vehicles: list[Transform] = field(default_factory=list[Transform])
    walkers: list[Transform] = field(default_factory=list[Transform])


@dataclass
class _Crowd:
    """What stands already: points of vehicles [N, 2] and of walkers [M, 2]."""

    vehicle_points: list[Array]
    walker_points: list[Array] = field(default_factory=list[Array])

    def has_room(self, pose: Transform, half_length_m: float) -> bool:
        points = _outline(pose, half_length_m)
        return _apart(points, self.vehicle_points, VEHICLE_ROOM_M) and _apart(points, self.walker_points, WALKER_ROOM_M)

    def has_room_for_walker(self, xy: Array) -> bool:
        return _apart(xy[None], self.vehicle_points, WALKER_ROOM_M) and _apart(xy[None], self.walker_points, 0.5)

    def add(self, pose: Transform, half_length_m: float) -> None:
        self.vehicle_points.append(_outline(pose, half_length_m))


def _outline(pose: Transform, half_length_m: float) -> Array:
    steps = np.linspace(-half_length_m, half_length_m, max(3, int(half_length_m * 1.5) + 1))
    along = np.array([math.cos(math.radians(pose.yaw)), math.sin(math.radians(pose.yaw))])
    return np.array([pose.x, pose.y]) + steps[:, None] * along


def _apart(points: Array, others: list[Array], room_m: float) -> bool:
    if not others:
        return True
    other = np.vstack(others)
    return bool(np.min(np.linalg.norm(points[:, None] - other[None], axis=-1)) > room_m)


class Arranger:
    """Draws arrangements for a pool of vehicles of given half lengths and a number of walkers."""

    def __init__(self, places: Places, ego_half_length_m: float) -> None:
        """`ego_half_length_m` reaches from the middle of the ego to its bumpers."""
        self._places = places
        self._ego_half_m = ego_half_length_m
        self._lights: list[carla.Waypoint] = []
        self._stops: list[carla.Waypoint] = []
        self._anywhere = np.arange(len(places.waypoints))
        self._far_from: tuple[Transform | None, NDArray[np.int64]] = (None, np.zeros(0, dtype=np.int64))
        """An ego's pose, and the places far from it."""

    def draw(self, half_lengths_m: list[float], walker_count: int, rng: np.random.Generator) -> Arrangement:
        """Return an arrangement: the first vehicle leads if one does, the first walkers stand in the lane if any do.

        Vehicles and walkers without a part to play are put far away.
        """
        ego, here = self._ego(rng)
        lane = look_ahead(here, LOOK_AHEAD_M)
        scene = Arrangement(ego, lane)
        crowd = _Crowd([_outline(ego, self._ego_half_m)])
        lead_m = self._lead(scene, crowd, half_lengths_m[0], rng)
        self._people_in_lane(scene, crowd, half_lengths_m, lead_m, rng)
        self._traffic(scene, crowd, half_lengths_m, rng)
        self._people(scene, crowd, walker_count, rng)
        return scene

    def _ego(self, rng: np.random.Generator) -> tuple[Transform, carla.Waypoint]:
        here = self._spot(rng)
        reach = 0.4 if here.is_junction else min(LARGEST_OFFSET_M, max(0.2, here.lane_width / 2.0 - ROOM_BESIDE_M))
        offset = float(rng.uniform(-reach, reach))
        turned = float(np.clip(rng.normal(0.0, 2.5), -LARGEST_HEADING_DEG, LARGEST_HEADING_DEG))
        return _beside(_pose(here), offset, turned), here

    def move_on(self, rng: np.random.Generator) -> None:
        """Go to another part of the town: before some light, before some stop sign, or anywhere."""
        places, kind = self._places, rng.random()
        self._lights, self._stops = [], []
        if places.lights and kind < LIGHT_SHARE:
            _, end = places.lights[int(rng.integers(len(places.lights)))]
            self._lights = [one for _, one in places.lights if _distance_m(one, end) < AROUND_M]
        elif places.stops and kind < (LIGHT_SHARE if places.lights else NO_LIGHTS_SHARE) + STOP_SHARE:
            stop = places.stops[int(rng.integers(len(places.stops)))]
            self._stops = [one.line_end for one in places.stops if _distance_m(one.line_end, stop.line_end) < AROUND_M]
        middle = places.xy[int(rng.integers(len(places.xy)))]
        self._anywhere = np.flatnonzero(np.linalg.norm(places.xy - middle, axis=1) < AROUND_M)

    def _spot(self, rng: np.random.Generator) -> carla.Waypoint:
        if self._lights:
            end = self._lights[int(rng.integers(len(self._lights)))]
            if rng.random() < IN_JUNCTION_SHARE:
                inside = straight_through(end, float(rng.uniform(1.0, 24.0)), 20.0)
                if inside is not None:
                    return inside
            return upstream(end, float(rng.uniform(2.0, 34.0)))
        if self._stops:
            return upstream(self._stops[int(rng.integers(len(self._stops)))], float(rng.uniform(1.5, 32.0)))
        return self._places.waypoints[int(rng.choice(self._anywhere))]

    def _lead(self, scene: Arrangement, crowd: _Crowd, half_m: float, rng: np.random.Generator) -> float:
        """Put a vehicle ahead or not; return the station of its tail, infinite without one."""
        gap = float(rng.uniform(1.5, 43.0))
        middle = self._ego_half_m + gap + half_m
        if rng.random() > LEAD_SHARE or middle + half_m > scene.lane.length_m or scene.lane.waypoints[0].is_junction:
            return math.inf
        point, yaw = at_station(scene.lane.trunk, middle)
        pose = _beside(_along(point, yaw, scene.lane), float(rng.uniform(-0.35, 0.35)), float(rng.normal(0.0, 2.0)))
        if not crowd.has_room(pose, half_m):
            return math.inf
        scene.vehicles.append(pose)
        crowd.add(pose, half_m)
        return middle - half_m

    def _people_in_lane(
        self,
        scene: Arrangement,
        crowd: _Crowd,
        half_lengths_m: list[float],
        lead_m: float,
        rng: np.random.Generator,
    ) -> None:
        if rng.random() > PEDESTRIAN_SHARE or scene.lane.waypoints[0].is_junction:
            return
        farthest = min(self._ego_half_m + 31.0, scene.lane.length_m - 1.0, lead_m + 1.0)
        nearest = self._ego_half_m + 2.0
        if farthest <= nearest:
            return
        half_lane = scene.lane.width_m / 2.0 - 0.15
        for _ in range(1 if rng.random() < 0.8 else 2):
            point, yaw = at_station(scene.lane.trunk, float(rng.uniform(nearest, farthest)))
            pose = _beside(_along(point, yaw, scene.lane), float(rng.uniform(-half_lane, half_lane)), 0.0)
            self._stand(scene, crowd, pose, rng)
        if scene.walkers and rng.random() < HALF_HIDDEN_SHARE:
            self._half_hide(scene, crowd, half_lengths_m, rng)

    def _half_hide(
        self, scene: Arrangement, crowd: _Crowd, half_lengths_m: list[float], rng: np.random.Generator
    ) -> None:
        """Put a vehicle at the edge of the lane, before the first walker and on the walker's side, as one who stops there."""
        walker = scene.walkers[0]
        along, left = station(scene.lane.trunk, np.array([[walker.x, walker.y, walker.z]]))
        side = 1.0 if float(left[0]) > 0.0 else -1.0
        half_m = half_lengths_m[len(scene.vehicles)]
        middle = float(along[0]) - half_m - float(rng.uniform(0.8, 3.0))
        if middle - half_m < self._ego_half_m + 2.0:
            return
        point, yaw = at_station(scene.lane.trunk, middle)
        aside = side * (scene.lane.width_m / 2.0 + float(rng.uniform(-0.2, 0.8)))
        pose = _beside(_along(point, yaw, scene.lane), aside, float(rng.normal(0.0, 2.0)))
        if crowd.has_room(pose, half_m):
            scene.vehicles.append(pose)
            crowd.add(pose, half_m)

    def _traffic(
        self, scene: Arrangement, crowd: _Crowd, half_lengths_m: list[float], rng: np.random.Generator
    ) -> None:
        wanted = min(len(half_lengths_m), len(scene.vehicles) + int(rng.integers(0, 9)))
        near = self._near(self._places.waypoints, self._places.xy, scene.ego, AROUND_M)
        near += self._near(self._places.crossing, self._places.crossing_xy, scene.ego, AROUND_M)
        for k in rng.permutation(len(near))[:40]:
            if len(scene.vehicles) >= wanted:
                break
            pose = _beside(_pose(near[int(k)]), float(rng.normal(0.0, 0.25)), float(rng.normal(0.0, 3.0)))
            half_m = half_lengths_m[len(scene.vehicles)]
            if _is_clear_of_lane(scene, _outline(pose, half_m), VEHICLE_CLEAR_M) and crowd.has_room(pose, half_m):
                scene.vehicles.append(pose)
                crowd.add(pose, half_m)
        while len(scene.vehicles) < len(half_lengths_m):
            pose = _pose(self._far(scene.ego, rng))
            if crowd.has_room(pose, half_lengths_m[len(scene.vehicles)]):
                crowd.add(pose, half_lengths_m[len(scene.vehicles)])
                scene.vehicles.append(pose)

    def _people(self, scene: Arrangement, crowd: _Crowd, count: int, rng: np.random.Generator) -> None:
        pavements = self._places.pavements
        ego = np.array([scene.ego.x, scene.ego.y])
        wanted = min(count, len(scene.walkers) + int(rng.integers(0, 9)))
        if len(pavements):
            distance = np.linalg.norm(pavements[:, :2] - ego, axis=1)
            near = np.flatnonzero(distance < PEOPLE_AROUND_M)
            for k in rng.permutation(near)[:30]:
                if len(scene.walkers) >= wanted:
                    break
                x, y, z, yaw = (float(v) for v in pavements[k])
                pose = _beside(Transform(x, y, z, yaw=yaw), float(rng.uniform(-0.5, 0.5)), 0.0)
                if _is_clear_of_lane(scene, np.array([[pose.x, pose.y]]), WALKER_CLEAR_M):
                    self._stand(scene, crowd, pose, rng)
        if rng.random() < 0.3 and len(scene.walkers) < count:
            near_lanes = self._near(self._places.waypoints, self._places.xy, scene.ego, 30.0)
            for k in rng.permutation(len(near_lanes))[:6]:
                pose = _beside(_pose(near_lanes[int(k)]), float(rng.uniform(-1.5, 1.5)), 0.0)
                if _is_clear_of_lane(scene, np.array([[pose.x, pose.y]]), WALKER_CLEAR_M):
                    self._stand(scene, crowd, pose, rng)
                    break
        while len(scene.walkers) < count:
            far = self._far(scene.ego, rng)
            pose = _beside(_pose(far), float(rng.uniform(-1.5, 1.5)), 0.0)
            if crowd.has_room_for_walker(np.array([pose.x, pose.y])):
                self._stand(scene, crowd, pose, rng)
        del scene.walkers[count:]

    def _stand(self, scene: Arrangement, crowd: _Crowd, pose: Transform, rng: np.random.Generator) -> None:
        xy = np.array([pose.x, pose.y])
        if crowd.has_room_for_walker(xy):
            scene.walkers.append(pose._replace(yaw=float(rng.uniform(-180.0, 180.0))))
            crowd.walker_points.append(xy[None])

    def _near(
        self, waypoints: tuple[carla.Waypoint, ...], xy: Array, ego: Transform, within_m: float
    ) -> list[carla.Waypoint]:
        distance = np.linalg.norm(xy - np.array([ego.x, ego.y]), axis=1)
        return [waypoints[int(k)] for k in np.flatnonzero((distance < within_m) & (distance > 5.0))]

    def _far(self, ego: Transform, rng: np.random.Generator) -> carla.Waypoint:
        if self._far_from[0] is not ego:
            distance = np.linalg.norm(self._places.xy - np.array([ego.x, ego.y]), axis=1)
            self._far_from = ego, np.flatnonzero(distance > min(FAR_M, 0.8 * float(distance.max())))
        far = self._far_from[1]
        return self._places.waypoints[int(far[int(rng.integers(len(far)))])]


def _is_clear_of_lane(scene: Arrangement, points: Array, clear_m: float) -> bool:
    """Whether points [N, 2] keep out of the ego's lane and of everywhere that it leads to."""
    row = np.column_stack([points, np.full(len(points), scene.ego.z)])
    reach_m = scene.lane.width_m / 2.0 + clear_m
    for line in (scene.lane.trunk, *scene.lane.branches):
        along, left = station(line, row)
        length = float(np.linalg.norm(np.diff(line[:, :2], axis=0), axis=1).sum())
        if np.any((along > -8.0) & (along < length + 3.0) & (np.abs(left) < reach_m)):
            return False
    return True


def _distance_m(one: carla.Waypoint, other: carla.Waypoint) -> float:
    return float(one.transform.location.distance(other.transform.location))


def _pose(waypoint: carla.Waypoint) -> Transform:
    place, turn = waypoint.transform.location, waypoint.transform.rotation
    return Transform(place.x, place.y, place.z, turn.pitch, turn.yaw, turn.roll)


def _along(point: Array, yaw_deg: float, lane: LaneAhead) -> Transform:
    x, y, z = (float(v) for v in point)
    nearest = int(np.argmin(np.linalg.norm(lane.trunk - point, axis=1)))
    pitch = lane.waypoints[min(nearest, len(lane.waypoints) - 1)].transform.rotation.pitch
    return Transform(x, y, z, pitch=pitch, yaw=yaw_deg)


def _beside(pose: Transform, left_m: float, turned_left_deg: float) -> Transform:
    """Return a pose moved to its left and turned to its left."""
    x, y, z = (float(v) for v in to_world(pose, np.array([0.0, -left_m, 0.0])))
    return Transform(x, y, z, pose.pitch, pose.yaw - turned_left_deg, pose.roll)
