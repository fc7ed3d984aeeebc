"""Pinhole cameras with CARLA's intrinsics."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform, rotation_matrix
from alpamayo_sim.render.camera_kind import CameraKind
from alpamayo_sim.render.scene_frame import SceneFrame

Floats = NDArray[np.floating]
NEAR_M, FAR_M = 0.15, 4_000.0
MAX_PIXELS = 16_384


@dataclass(frozen=True)
class LastPicture:
    """Where a camera was and what it saw when it took its last picture."""

    transform: Transform
    frame: SceneFrame


@dataclass(frozen=True)
class CameraView:
    """One picture to take: pose in the CARLA world frame (x forward, y right, z up), size in pixels, horizontal field of view."""

    transform: Transform
    width: int
    height: int
    fov_deg: float = 90.0
    kind: CameraKind = CameraKind.RGB
    last: LastPicture | None = None
    """What a flow camera's motion begins at; nothing moves without it."""

    def __post_init__(self) -> None:
        if not (0 < self.width <= MAX_PIXELS and 0 < self.height <= MAX_PIXELS):
            raise InputError(f"a camera image has 1 to {MAX_PIXELS} pixels a side, not {self.width} x {self.height}")
        if not 0.0 < self.fov_deg < 180.0:
            raise InputError(f"a camera's field of view lies between 0 and 180 degrees, not {self.fov_deg}")

    @property
    def focal_px(self) -> float:
        """Focal length in pixels, w / (2 tan(fov / 2)), as CARLA's; the principal point is (width / 2, height / 2)."""
        return self.width / (2.0 * math.tan(math.radians(self.fov_deg) / 2.0))

    def project(self, points_world: Floats) -> tuple[Floats, Floats]:
        """Return pixel coordinates (u right, v down) [..., 2] and depths along the optical axis [...] of points [..., 3]."""
        matrix = rotation_matrix(self.transform.pitch, self.transform.yaw, self.transform.roll)
        local = (np.asarray(points_world) - np.array(self.transform[:3])) @ matrix
        depth = local[..., 0]
        u = self.width / 2.0 + self.focal_px * local[..., 1] / depth
        v = self.height / 2.0 - self.focal_px * local[..., 2] / depth
        return np.stack([u, v], axis=-1), depth


def world_to_clip(view: CameraView) -> Floats:
    """Return the matrix [4, 4] from the world to clip space, upside down so that rows are read top first."""
    axes = rotation_matrix(view.transform.pitch, view.transform.yaw, view.transform.roll)
    eye = np.array(view.transform[:3])
    # Camera axes: right, down, forward.
    rows = np.stack([axes[:, 1], -axes[:, 2], axes[:, 0]])
    to_camera = np.eye(4)
    to_camera[:3, :3] = rows
    to_camera[:3, 3] = -rows @ eye
    focal = view.focal_px
    project = np.zeros((4, 4))
    project[0, 0] = 2.0 * focal / view.width
    project[1, 1] = 2.0 * focal / view.height
    project[2, 2] = (FAR_M + NEAR_M) / (FAR_M - NEAR_M)
    project[2, 3] = -2.0 * FAR_M * NEAR_M / (FAR_M - NEAR_M)
    project[3, 2] = 1.0
    return project @ to_camera


def far_plane(view: CameraView, distance_m: float) -> Floats:
    """Return the plane [4] that cuts off what lies farther ahead of a camera than `distance_m`."""
    forward = rotation_matrix(view.transform.pitch, view.transform.yaw, view.transform.roll)[:, 0]
    return np.append(-forward, forward @ np.array(view.transform[:3]) + distance_m)


def frustum_planes(clip: Floats) -> Floats:
    """Return the five planes [5, 4] (inside is positive, unit normals) of a clip matrix: left, right, top, bottom, near."""
    planes = np.stack([clip[3] + clip[0], clip[3] - clip[0], clip[3] + clip[1], clip[3] - clip[1], clip[3] + clip[2]])
    return planes / np.linalg.norm(planes[:, :3], axis=1, keepdims=True)
