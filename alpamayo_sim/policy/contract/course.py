"""A short drive whose every pose and picture is known: what `alpamayo contract check` puts before an integration.

The car sets off at 4 m/s, turns left, speeds up, turns right, slows down: 9 s at 20 Hz, in CARLA's left-handed world, with some
slope. A camera's picture is one colour that says which camera took it (red) and at which tick (green); blue is always the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.policy.camera_rig import CameraRig
from alpamayo_sim.policy.contract.truth import TICK_S, CourseTruth, Shown

TICKS = 181
OBSERVED_TICKS = (62, 95, 130, 165)
START_S = 20.0
REAR_AXLE_X_M = -1.42
_START = Transform(310.0, -120.0, 0.4, yaw=35.0)
_BLUE = 250
_HEIGHT_PX, _WIDTH_PX = 24, 40


@dataclass(frozen=True)
class CourseTick:
    """What an integration is told at one tick: as a CARLA client would be."""

    time_s: float
    vehicle_pose: Transform
    """The actor's pose in the CARLA world frame; its origin lies `-rear_axle_x_m` ahead of the rear axle."""
    rear_axle_x_m: float
    images_bgra: dict[str, NDArray[np.uint8]]
    """[height, width, 4] by the name of the camera, in the byte order of CARLA's `raw_data`."""
    route_arc_length_m: NDArray[np.float64]
    """[N] along the route."""
    route_road_option: NDArray[np.int64]
    """[N] CARLA's `RoadOption` numbers."""
    along_m: float
    """How far along the route the rear axle is."""


def picture_rgb(camera: int, tick: int) -> tuple[int, int, int]:
    """Return the colour of a picture by the camera's number and the tick's."""
    return 20 + 20 * camera, tick, _BLUE


def picture_of(red: int, green: int) -> tuple[int, int]:
    """Return camera and tick of a colour; the inverse of `picture_rgb`."""
    return round((red - 20) / 20), green


class Course(CourseTruth):
    """The drive with the cameras of one rig."""

    def __init__(self, rig: CameraRig) -> None:
        time = TICK_S * np.arange(TICKS)
        speed_mps = np.interp(time, [0.0, 2.0, 5.0, 7.0, 9.0], [4.0, 6.0, 9.0, 9.0, 5.0])
        left_turn = 0.05 * np.exp(-(((time - 3.0) / 0.8) ** 2))
        right_turn = 0.04 * np.exp(-(((time - 6.5) / 0.8) ** 2))
        way = TICK_S * speed_mps
        along_m = np.concatenate([[0.0], np.cumsum(way)])[:-1]
        # Clockwise is positive in CARLA's world.
        yaw = math.radians(_START.yaw) + np.concatenate([[0.0], np.cumsum(way * (right_turn - left_turn))])[:-1]
        steps = np.stack([way * np.cos(yaw), way * np.sin(yaw), 0.02 * way], axis=-1)
        axle = np.array(_START[:3]) + np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])[:-1]
        slope_deg = math.degrees(math.atan(0.02))
        poses = [
            compose(
                Transform(*map(float, place), pitch=slope_deg, yaw=math.degrees(angle)), Transform(-REAR_AXLE_X_M, 0, 0)
            )
            for place, angle in zip(axle, yaw, strict=True)
        ]
        arc_length = np.arange(0.0, along_m[-1] + 20.0, 1.0)
        at = np.interp(arc_length, along_m, time)
        options = np.where(np.abs(at - 3.0) < 1.0, 1, np.where(np.abs(at - 6.5) < 1.0, 2, 4)).astype(np.int64)
        super().__init__(
            rig,
            START_S,
            REAR_AXLE_X_M,
            poses,
            along_m,
            arc_length,
            options,
            observed_ticks=OBSERVED_TICKS,
            asked=len(OBSERVED_TICKS),
        )

    def tick(self, tick: int) -> CourseTick:
        """Return what an integration is told at a tick."""
        images: dict[str, NDArray[np.uint8]] = {}
        for number, name in enumerate(self.rig.names):
            red, green, blue = picture_rgb(number, tick)
            images[name] = np.full((_HEIGHT_PX, _WIDTH_PX, 4), (blue, green, red, 255), dtype=np.uint8)
        return CourseTick(
            self.time_s(tick),
            self.vehicle_poses[tick],
            self.rear_axle_x_m,
            images,
            self.route_arc_length_m,
            self.route_road_option,
            float(self.along_m[tick]),
        )

    def identify(self, frames: NDArray[np.uint8], tick: int) -> Shown:
        """Read the colours."""
        del tick
        colours = np.rint(frames.reshape(*frames.shape[:2], -1, 3).mean(axis=2)).astype(int)
        is_bgr = bool((colours[..., 0] == _BLUE).all() and not (colours[..., 2] == _BLUE).any())
        if is_bgr:
            colours = colours[..., ::-1]
        shown = np.array([[picture_of(int(c[0]), int(c[1])) for c in row] for row in colours])
        return Shown(shown[..., 0], shown[..., 1], is_bgr)
