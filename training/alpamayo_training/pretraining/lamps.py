"""Which cells show a lit traffic light or a stop sign, seen by the camera for certain: its own depth picture says so."""

from __future__ import annotations

import math
from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import world_to_rig
from alpamayo_sim.policy.camera_rig import CameraRig, RigCamera
from alpamayo_training.learnability.sight import Sight
from alpamayo_training.learnability.traffic_control import LightApproach, StopApproach, TrafficControl
from alpamayo_training.learnability.truth import HEAD_HALF_HEIGHT_M, LENS_SEEN_WITHIN_DEG
from alpamayo_training.pretraining import cells as c

Array = NDArray[np.float64]
Bytes = NDArray[np.uint8]
LIGHTS_WITHIN_M, STOPS_WITHIN_M = 250.0, 150.0
LIGHT_TAG, SIGN_TAG = 7, 8
DEPTH_M = 1.2
"""A pixel so near to where the thing should be is the thing's."""
LEAST_HEAD_PX = 1.5
"""A head less high than this has a colour that nobody can tell."""
HEAD_HALF_WIDTH_M, PLATE_HALF_M = 0.15, 0.38
DARK_BEYOND_DEG = 80.0
_STATES = {
    carla.TrafficLightState.Red: c.LIGHT_RED, carla.TrafficLightState.Yellow: c.LIGHT_YELLOW,
    carla.TrafficLightState.Green: c.LIGHT_GREEN,
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """One camera's instance and depth picture [height, width, 4]."""

    sight: Sight
    camera: RigCamera
    rig: CameraRig
    instance: Bytes
    depth: Bytes

    def in_camera(self, points: Array) -> Array:
        """Return world points [N, 3] in the camera's frame: x right, y down, z forward."""
        return self.camera.in_camera(world_to_rig(self.sight.rig_pose, points))

    def is_visible(self, place: Array, tag: int) -> bool:
        """Whether a pixel within one of where a point [3] of the camera's frame lands is of the tag and as far away."""
        u, v = (int(value) for value in self.pixel(place))
        rows, columns = slice(max(v - 1, 0), v + 2), slice(max(u - 1, 0), u + 2)
        depth = self.depth[rows, columns].astype(np.float64)
        metres = (depth[..., 2] + 256.0 * depth[..., 1] + 65536.0 * depth[..., 0]) * (1000.0 / ((1 << 24) - 1))
        return bool(np.any((self.instance[rows, columns, 2] == tag) & (np.abs(metres - place[2]) < DEPTH_M)))

    def pixel(self, place: Array) -> Array:
        """Return where a point [3] of the camera's frame lands [2]."""
        focal = self.camera.focal_px(self.rig.width_px)
        return focal * place[:2] / place[2] + np.array([self.rig.width_px, self.rig.height_px]) / 2.0

    def cells_of(self, place: Array, half_width_m: float, half_height_m: float) -> list[int]:
        """Return the cells that a rectangle about a point of the camera's frame covers, by a pixel at least."""
        half = np.array([half_width_m, half_height_m]) * self.camera.focal_px(self.rig.width_px) / place[2]
        size = np.array([self.rig.width_px, self.rig.height_px])
        low = np.clip(np.floor(self.pixel(place) - half), 0, size - 1) // c.CELL_PX
        high = np.clip(np.ceil(self.pixel(place) + half) - 1, 0, size - 1) // c.CELL_PX
        columns = self.rig.width_px // c.CELL_PX
        return [
            v * columns + u for v in range(int(low[1]), int(high[1]) + 1) for u in range(int(low[0]), int(high[0]) + 1)
        ]


class Lamps:
    """All heads of traffic lights and all stop signs of a town."""

    def __init__(self, control: TrafficControl) -> None:
        self._lights = [(approach, k) for approach in control.lights for k in range(len(approach.heads))]
        self._heads = np.array([approach.heads[k] for approach, k in self._lights]).reshape(-1, 3)
        yaw = np.radians([approach.travel_yaw_deg for approach, _ in self._lights])
        self._facing = -np.column_stack([np.cos(yaw), np.sin(yaw), np.zeros(len(yaw))])
        self._stops = control.stops
        self._plates = np.array([stop.plate for stop in self._stops]).reshape(-1, 3)
        turn = np.radians([stop.travel_yaw_deg for stop in self._stops])
        self._plate_facing = -np.column_stack([np.cos(turn), np.sin(turn), np.zeros(len(turn))])

    def mark(self, out: Bytes, seen: Seen, own_light: LightApproach | None, own_stop: StopApproach | None) -> None:
        """Write the light and stop sign channels of one camera's cells [cell, channel]."""
        places, order = _in_picture(seen, self._heads, LIGHTS_WITHIN_M)
        for k in order[::-1]:
            approach, _ = self._lights[int(k)]
            angle = _aside_deg(seen, self._heads[k], self._facing[k])
            if angle > DARK_BEYOND_DEG or not seen.is_visible(places[k], LIGHT_TAG):
                continue
            state = _STATES.get(approach.light.get_state(), c.UNKNOWN)
            height_px = 2.0 * HEAD_HALF_HEIGHT_M * seen.camera.focal_px(seen.rig.width_px) / places[k, 2]
            if angle > LENS_SEEN_WITHIN_DEG or height_px < LEAST_HEAD_PX:
                state = c.UNKNOWN
            for cell in seen.cells_of(places[k], HEAD_HALF_WIDTH_M, HEAD_HALF_HEIGHT_M):
                out[cell, c.CHANNEL["light"]] = state
                out[cell, c.CHANNEL["light_own"]] = approach is own_light
        places, order = _in_picture(seen, self._plates, STOPS_WITHIN_M)
        for k in order[::-1]:
            facing = _aside_deg(seen, self._plates[k], self._plate_facing[k]) < LENS_SEEN_WITHIN_DEG
            if facing and seen.is_visible(places[k], SIGN_TAG):
                for cell in seen.cells_of(places[k], PLATE_HALF_M, PLATE_HALF_M):
                    out[cell, c.CHANNEL["stop_sign"]] = c.STOP_OWN if self._stops[int(k)] is own_stop else c.STOP_OTHER


def _in_picture(seen: Seen, points: Array, within_m: float) -> tuple[Array, NDArray[np.int64]]:
    """Return points in the camera's frame, and which of them its picture holds, nearest first."""
    if not len(points):
        return points, np.zeros(0, dtype=np.int64)
    places = seen.in_camera(points)
    focal = seen.camera.focal_px(seen.rig.width_px)
    ahead = np.maximum(places[:, 2], 1e-3)
    inside = (places[:, 2] > 0.5) & (np.linalg.norm(places, axis=1) < within_m)
    inside &= np.abs(focal * places[:, 0] / ahead) < seen.rig.width_px / 2.0 - 1e-3
    inside &= np.abs(focal * places[:, 1] / ahead) < seen.rig.height_px / 2.0 - 1e-3
    rows = np.flatnonzero(inside)
    return places, rows[np.argsort(places[rows, 2], kind="stable")]


def _aside_deg(seen: Seen, point: Array, facing: Array) -> float:
    """Return how far aside of what a lamp or plate faces the camera is."""
    toward = seen.sight.position(seen.camera) - point
    return math.degrees(math.acos(float(np.clip(toward @ facing / max(np.linalg.norm(toward), 1e-6), -1.0, 1.0))))
