"""The cameras of a driving model: where they sit on the ego vehicle, what they see, and where a point lands in a picture.

Cameras are pinholes, as CARLA's are. Their poses are given in the rig frame (origin on the ground under the rear axle, x forward,
y left, z up), so one rig fits every vehicle; `mount` turns a pose into the transform that CARLA attaches a sensor with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform

Array = NDArray[np.float64]
SENSOR_BLUEPRINT = "sensor.camera.rgb"
NEAREST_M = 0.1
"""Points nearer than this to a camera's plane have no place in its picture."""


@dataclass(frozen=True)
class RigCamera:
    """One camera: its name and pose in the rig frame, and its horizontal field of view."""

    name: str
    position_rig_m: tuple[float, float, float]
    yaw_rad: float
    """Counter-clockwise seen from above: a camera that looks to the left has a positive yaw."""
    fov_deg: float

    def __post_init__(self) -> None:
        if not 0.0 < self.fov_deg < 180.0:
            raise InputError(
                f"camera {self.name!r}: a field of view lies between 0 and 180 degrees; found {self.fov_deg:g}"
            )

    def mount(self, rear_axle_x_m: float) -> Transform:
        """Return the camera's pose relative to a vehicle whose rear axle is at x = `rear_axle_x_m` of its own frame.

        The result is in CARLA's left-handed local frame (metres, degrees); the axle's x is negative, behind the origin.
        """
        x, y, z = self.position_rig_m
        return Transform(x + rear_axle_x_m, -y, z, yaw=-math.degrees(self.yaw_rad))

    def focal_px(self, width_px: int) -> float:
        """Return the focal length in pixels of a picture `width_px` wide."""
        return width_px / (2.0 * math.tan(math.radians(self.fov_deg) / 2.0))

    def in_camera(self, points_rig: Array) -> Array:
        """Return rig points [..., 3] in the camera's frame: x right, y down, z forward, metres."""
        offset = np.asarray(points_rig, dtype=np.float64) - np.array(self.position_rig_m)
        cosine, sine = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        forward = offset[..., 0] * cosine + offset[..., 1] * sine
        left = -offset[..., 0] * sine + offset[..., 1] * cosine
        return np.stack([-left, -offset[..., 2], forward], axis=-1)


@dataclass(frozen=True)
class CameraRig:
    """The cameras of a model, in its order, and the size of their pictures."""

    name: str
    cameras: tuple[RigCamera, ...]
    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        names = self.names
        if not names or len(set(names)) != len(names):
            raise InputError(f"a rig has one or more cameras of different names; found {list(names)}")
        if self.width_px <= 0 or self.height_px <= 0:
            raise InputError(f"pictures have a positive size; found {self.width_px} x {self.height_px}")

    @property
    def names(self) -> tuple[str, ...]:
        """The cameras' names, in order."""
        return tuple(camera.name for camera in self.cameras)

    def camera(self, name: str) -> RigCamera:
        """Return a camera by its name; InputError that lists the names for any other."""
        for camera in self.cameras:
            if camera.name == name:
                return camera
        raise InputError(f"the rig {self.name!r} has no camera {name!r}; it has {', '.join(self.names)}")

    def sensor_attributes(self, camera: RigCamera) -> dict[str, str]:
        """Return the attributes of a `sensor.camera.rgb` that takes this camera's pictures."""
        return {
            "image_size_x": str(self.width_px),
            "image_size_y": str(self.height_px),
            "fov": f"{camera.fov_deg:g}",
        }

    def project(self, camera: RigCamera, points_rig: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Return where rig points [..., 3] land: pixels [..., 2] (x right, y down) and whether that is in the picture [...].

        K = [[f, 0, w/2], [0, f, h/2], [0, 0, 1]] with f = w / (2 tan(fov / 2)), as CARLA documents it.
        """
        local = camera.in_camera(points_rig)
        depth = np.maximum(local[..., 2], NEAREST_M)
        focal = camera.focal_px(self.width_px)
        middle = np.array([self.width_px / 2.0, self.height_px / 2.0])
        pixels = focal * local[..., :2] / depth[..., None] + middle
        inside = (local[..., 2] >= NEAREST_M) & (pixels >= 0.0).all(-1)
        return pixels, inside & (pixels[..., 0] < self.width_px) & (pixels[..., 1] < self.height_px)


CROSS_YAW_RAD = math.radians(60.0)
"""Published sources give the cameras' places and fields of view; of the side cameras' yaw they give 55 to 90 degrees."""

ALPAMAYO_RIG = CameraRig(
    name="alpamayo",
    cameras=(
        RigCamera("camera_cross_left_120fov", (2.473, 0.938, 0.918), CROSS_YAW_RAD, 120.0),
        RigCamera("camera_front_wide_120fov", (1.697, -0.010, 1.436), 0.0, 120.0),
        RigCamera("camera_cross_right_120fov", (2.478, -0.955, 0.929), -CROSS_YAW_RAD, 120.0),
        RigCamera("camera_front_tele_30fov", (1.667, 0.074, 1.444), 0.0, 30.0),
    ),
    width_px=320,
    height_px=192,
)
"""The four cameras of Alpamayo-R1 and 1.5, in the order of their indices, at the size of the default model's pictures."""

MKZ_REAR_AXLE_X_M = -1.389
"""Of the Lincoln MKZ, which the leaderboard and Bench2Drive drive, in its own frame."""


def _bench2drive(name: str, x_m: float, right_m: float, yaw_right_deg: float, fov_deg: float = 70.0) -> RigCamera:
    """A camera as Bench2Drive gives it: in the vehicle's own frame, y and yaw to the right."""
    return RigCamera(name, (x_m - MKZ_REAR_AXLE_X_M, -right_m, 1.6), -math.radians(yaw_right_deg), fov_deg)


BENCH2DRIVE_RIG = CameraRig(
    name="bench2drive",
    cameras=(
        _bench2drive("CAM_FRONT", 0.80, 0.0, 0.0),
        _bench2drive("CAM_FRONT_LEFT", 0.27, -0.55, -55.0),
        _bench2drive("CAM_FRONT_RIGHT", 0.27, 0.55, 55.0),
        _bench2drive("CAM_BACK", -2.0, 0.0, 180.0, 110.0),
        _bench2drive("CAM_BACK_LEFT", -0.32, -0.55, -110.0),
        _bench2drive("CAM_BACK_RIGHT", -0.32, 0.55, 110.0),
    ),
    width_px=1600,
    height_px=900,
)
"""The six cameras of Bench2Drive's data and of the agents that are trained on it."""
