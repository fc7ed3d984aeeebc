"""The labels of every cell, from instance and depth pictures, from where everybody is and was, and from the map."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, rig_to_world, rotation_matrices, to_local, world_to_rig
from alpamayo_sim.policy.camera_rig import CameraRig, RigCamera
from alpamayo_training.learnability import labels as rules
from alpamayo_training.learnability.lane_ahead import LaneAhead, look_ahead, station
from alpamayo_training.learnability.sight import Sight
from alpamayo_training.learnability.traffic_control import lane_key
from alpamayo_training.learnability.truth import INSIDE_M, LOOK_AHEAD_M, Boxed, Truth
from alpamayo_training.pretraining import cells as c
from alpamayo_training.pretraining.cell_kernel import MOST_THINGS, beside_lines, read_cells
from alpamayo_training.pretraining.lamps import Lamps, Seen

Array = NDArray[np.float64]
Bytes = NDArray[np.uint8]
EGO = MOST_THINGS - 1
"""Number that the ego's own bonnet has in the kernel: it moves with the cameras."""
LANE_OFFSETS_WITHIN_M, LANE_REACH_M = 12.0, 50.0
LAMPS_OF_VEHICLES_PX = 16
"""Visible pixels of a vehicle from which on its lamps are labelled."""
REAR_SEEN_WITHIN_DEG = 70.0
BLINK_HZ, BLINK_ON = 1.5, 0.55
"""Of the embedded server's indicators, by simulation time."""


@dataclass(frozen=True)
class Thing:
    """Somebody in the scene: where it was and is, as its actor's pose, and its lights."""

    boxed: Boxed
    before: Transform
    now: Transform
    is_person: bool
    light_bits: int = 0
    has_lamps: bool = False


@dataclass(frozen=True)
class Moment:
    """An ego pose now and in the frame before, and the simulation time of both."""

    ego_before: Transform
    ego_now: Transform
    times_s: tuple[float, float]


class DenseTruth:
    """Labels the cells of one world's pictures."""

    def __init__(self, world: carla.World, truth: Truth, rig: CameraRig, ego: Boxed, rear_axle_x_m: float) -> None:
        self._world = world
        self._town = world.get_map()
        self._truth = truth
        self._rig = rig
        self._ego = ego
        self._axle_m = rear_axle_x_m
        self._groups, self._least = c.group_of_tag(), c.least_pixels()
        self._lamps = Lamps(truth.control)

    def label(
        self, pictures: Mapping[str, tuple[Bytes, Bytes]], moment: Moment, things: Sequence[Thing], step_s: float
    ) -> Bytes:
        """Return the labels [camera, cell, channel] of what cameras saw: instance and depth pictures [height, width, 4].

        `things` are fewer than EGO; `step_s` is the time between the moment's frames.
        """
        if len(things) >= EGO:
            raise ValueError(f"{len(things)} things; the kernel counts {EGO - 1} besides the ego")
        now = Sight(self._world, self._rig, moment.ego_now, self._ego.box, self._axle_m)
        before = Sight(self._world, self._rig, moment.ego_before, self._ego.box, self._axle_m)
        pose = moment.ego_now
        here = self._town.get_waypoint(carla.Location(pose.x, pose.y, pose.z))
        lane = look_ahead(here, LOOK_AHEAD_M)
        numbers = np.zeros(1 << 16, dtype=np.uint8)
        for index, thing in enumerate(things, start=1):
            numbers[thing.boxed.actor.id & 0xFFFF] = index
        numbers[self._ego.actor.id & 0xFFFF] = EGO
        about = _About(things, now, lane, self._ego, step_s, moment.times_s)
        own_light = self._truth.light_of(lane)[0]
        own_stop = None if here.is_junction else self._truth.control.stop_of_lane.get(lane_key(lane.end))
        labels = np.zeros((len(self._rig.cameras), self.cell_count, len(c.CHANNELS)), dtype=np.uint8)
        for camera, out in zip(self._rig.cameras, labels, strict=True):
            seen, depth = pictures[camera.name]
            table = np.zeros((self.cell_count, 6), dtype=np.float32)
            found = np.zeros((MOST_THINGS, 3), dtype=np.float32)
            read_cells(seen, depth, self._groups, numbers, self._least, c.CELL_PX, table, found)
            self._fill(out, table, found, about, camera, before, lane)
            self._lamps.mark(out, Seen(now, camera, self._rig, seen, depth), own_light, own_stop)
        return labels

    @property
    def cell_count(self) -> int:
        """Cells of one picture."""
        return (self._rig.height_px // c.CELL_PX) * (self._rig.width_px // c.CELL_PX)

    def _fill(
        self,
        out: Bytes,
        table: NDArray[np.float32],
        found: NDArray[np.float32],
        about: _About,
        camera: RigCamera,
        before: Sight,
        lane: LaneAhead,
    ) -> None:
        group, bits, thing = (table[:, k].astype(np.int64) for k in range(3))
        is_ego = thing == EGO
        thing[is_ego] = 0
        pixels, depth_m = table[:, 3:5].astype(np.float64), table[:, 5].astype(np.float64)
        _put(out, "group", group)
        _put(out, "present_low", bits & 255)
        _put(out, "present_high", bits >> 8)
        _put(out, "log_depth", c.log_depth(depth_m))
        points = about.world_points(self._rig, camera, pixels, depth_m)
        is_thing = thing > 0
        middle = found[thing, 1:3] - _cell_middles(self._rig)
        _put(out, "center_x", c.signed(np.where(is_thing, middle[:, 0], np.nan), c.CENTER_STEP_PX))
        _put(out, "center_y", c.signed(np.where(is_thing, middle[:, 1], np.nan), c.CENTER_STEP_PX))
        flow = _flow(self._rig, camera, about.earlier(points, thing), pixels, before)
        flow[is_ego] = 0.0
        _put(out, "flow_x", c.signed(c.log_flow(flow[:, 0]), 1.0))
        _put(out, "flow_y", c.signed(c.log_flow(flow[:, 1]), 1.0))
        velocity = about.velocity_rig_mps[thing]
        _put(out, "velocity_x", c.signed(velocity[:, 0], c.VELOCITY_STEP_MPS))
        _put(out, "velocity_y", c.signed(velocity[:, 1], c.VELOCITY_STEP_MPS))
        large = found[thing, 0] >= LAMPS_OF_VEHICLES_PX
        brake, indicator = about.lamps(camera)
        _put(out, "brake", np.where(large, brake[thing], c.LAMP_UNKNOWN))
        _put(out, "indicator", np.where(large, indicator[thing], c.LAMP_UNKNOWN))
        _put(out, "in_lane", about.in_lane[thing])
        on_ground = np.isin(group, c.GROUND_GROUPS) & ~is_thing & ~is_ego & (depth_m < LANE_REACH_M)
        kind, offset_m = _lane_labels(points[:, :2], lane)
        _put(out, "lane", np.where(on_ground, kind, c.LANE_NO_GROUND))
        _put(out, "lane_offset", c.signed(np.where(on_ground, offset_m, np.nan), c.OFFSET_STEP_M))


class _About:
    """What is true of the things of a scene, index 0 being none of them."""

    def __init__(
        self,
        things: Sequence[Thing],
        now: Sight,
        lane: LaneAhead,
        ego: Boxed,
        step_s: float,
        times_s: tuple[float, float],
    ) -> None:
        self._things, self._now = things, now
        still = Transform(0.0, 0.0, 0.0)
        poses = np.array([[*still], *([*thing.now] for thing in things)], dtype=np.float64)
        olds = np.array([[*still], *([*thing.before] for thing in things)], dtype=np.float64)
        self._place, self._old_place = poses[:, :3], olds[:, :3]
        self._turn, self._old_turn = rotation_matrices(poses[:, 3:]), rotation_matrices(olds[:, 3:])
        world_mps = (self._place - self._old_place) / step_s
        level = now.rig_pose._replace(x=0.0, y=0.0, z=0.0)
        self.velocity_rig_mps = world_to_rig(level, world_mps)[:, :2]
        self.velocity_rig_mps[0] = np.nan
        self.in_lane = np.array([c.IN_LANE_NONE, *_in_lane(things, lane, ego)], dtype=np.uint8)
        self._lit = any((time_s * BLINK_HZ) % 1.0 < BLINK_ON for time_s in times_s)

    def world_points(self, rig: CameraRig, camera: RigCamera, pixels: Array, depth_m: Array) -> Array:
        """Return what pixels [N, 2] at depths [N] show: points [N, 3], CARLA world frame."""
        across = (pixels - np.array([rig.width_px / 2.0, rig.height_px / 2.0])) / camera.focal_px(rig.width_px)
        right, down = across[:, 0] * depth_m, across[:, 1] * depth_m
        cosine, sine = math.cos(camera.yaw_rad), math.sin(camera.yaw_rad)
        in_rig = np.column_stack([depth_m * cosine + right * sine, depth_m * sine - right * cosine, -down])
        return rig_to_world(self._now.rig_pose, in_rig + np.array(camera.position_rig_m))

    def earlier(self, points: Array, thing: NDArray[np.int64]) -> Array:
        """Return where world points [N, 3] on things [N] were in the frame before."""
        local = np.einsum("ni,nij->nj", points - self._place[thing], self._turn[thing])
        return np.einsum("nij,nj->ni", self._old_turn[thing], local) + self._old_place[thing]

    def lamps(self, camera: RigCamera) -> tuple[Bytes, Bytes]:
        """Return what a camera sees of brake lights and indicators, by thing."""
        count = len(self._things) + 1
        brake, indicator = np.zeros(count, dtype=np.uint8), np.zeros(count, dtype=np.uint8)
        place = self._now.position(camera)
        for index, thing in enumerate(self._things, start=1):
            if not thing.has_lamps:
                continue
            ahead, right = (float(value) for value in to_local(thing.now, place)[:2])
            if -ahead > math.cos(math.radians(REAR_SEEN_WITHIN_DEG)) * math.hypot(ahead, right):
                brake[index] = c.BRAKE_ON if thing.light_bits & int(carla.VehicleLightState.Brake) else c.BRAKE_OFF
            left = bool(thing.light_bits & int(carla.VehicleLightState.LeftBlinker))
            other = bool(thing.light_bits & int(carla.VehicleLightState.RightBlinker))
            if self._lit or not (left or other):
                indicator[index] = c.INDICATOR_OFF + left + 2 * other
        return brake, indicator


def _in_lane(things: Sequence[Thing], lane: LaneAhead, ego: Boxed) -> list[int]:
    """Return for each thing whether it is a person in the ego's lane ahead, or the vehicle that leads, as the probe's labels."""
    if not things or lane.waypoints[0].is_junction:
        return [c.IN_LANE_NONE] * len(things)
    bodies = [thing.boxed.body() for thing in things]
    along, left = station(lane.trunk, np.array([body.center for body in bodies]))
    front_m, half_lane = ego.box.location.x + ego.box.extent.x, lane.width_m / 2.0
    found = [c.IN_LANE_NONE] * len(things)
    lead, lead_gap_m = -1, rules.LEAD_REACH_M
    for k, thing in enumerate(things):
        half_m = bodies[k].extent[0]
        if thing.is_person:
            if abs(left[k]) <= half_lane and 0.0 < along[k] - front_m <= min(rules.PEDESTRIAN_REACH_M, lane.length_m):
                found[k] = c.IN_LANE_PERSON
        elif abs(left[k]) < half_lane - INSIDE_M and along[k] < lane.length_m + half_m:
            gap_m = float(along[k] - half_m - front_m)
            if -1.0 < gap_m <= lead_gap_m:
                lead, lead_gap_m = k, gap_m
    if lead >= 0:
        found[lead] = c.IN_LANE_LEAD
    return found


def _lane_labels(xy: Array, lane: LaneAhead) -> tuple[NDArray[np.int64], Array]:
    """Return the lane class of ground points [N, 2] and how far to the left of the ego lane's middle they are (NaN: far off)."""
    kind = np.full(len(xy), c.LANE_OTHER)
    along, left = np.zeros(len(xy)), np.zeros(len(xy))
    half_m = lane.width_m / 2.0
    for line in lane.branches:
        beside_lines(xy, np.ascontiguousarray(line[:, :2]), along, left)
        kind[(np.abs(left) <= half_m) & (along > 0.0)] = c.LANE_BEHIND_BRANCH
    beside_lines(xy, np.ascontiguousarray(lane.trunk[:, :2]), along, left)
    in_reach = (along > -2.0) & (along <= lane.length_m)
    kind[in_reach & (np.abs(left) <= half_m)] = c.LANE_OWN
    return kind, np.where(in_reach & (np.abs(left) <= LANE_OFFSETS_WITHIN_M), left, np.nan)


def _flow(rig: CameraRig, camera: RigCamera, points: Array, pixels: Array, before: Sight) -> Array:
    """Return how far [N, 2] pixels moved since the frame before, NaN for what was not before the camera."""
    in_rig = world_to_rig(before.rig_pose, points)
    old, _ = rig.project(camera, in_rig)
    visible = camera.in_camera(in_rig)[:, 2] > 0.5
    return np.where(visible[:, None], pixels - old, np.nan)


def _cell_middles(rig: CameraRig) -> Array:
    rows, columns = rig.height_px // c.CELL_PX, rig.width_px // c.CELL_PX
    v, u = np.divmod(np.arange(rows * columns), columns)
    return np.column_stack([u + 0.5, v + 0.5]) * c.CELL_PX


def _put(out: Bytes, channel: str, values: NDArray[np.generic]) -> None:
    out[:, c.CHANNEL[channel]] = values
