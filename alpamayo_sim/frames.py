"""The two frames of the project, and every conversion between them.

CARLA world frame: left-handed, x forward, y right, z up; metres and degrees; yaw grows clockwise seen from above, pitch grows
nose up, roll grows to the right (CARLA documentation, "Coordinates and transformations").

Rig frame: right-handed, x forward, y left, z up; metres and radians; its origin lies on the ground under the middle of the ego
vehicle's rear axle. Poses of the rig at different times are expressed in the rig frame at one reference time t0.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Transform(NamedTuple):
    """A pose in the CARLA world frame: location in metres, rotation in degrees."""

    x: float
    y: float
    z: float
    pitch: float = 0.0
    yaw: float = 0.0
    roll: float = 0.0


def rotation_matrix(pitch_deg: float, yaw_deg: float, roll_deg: float) -> Array:
    """Return the matrix [3, 3] that turns local vectors into the CARLA world frame (LibCarla `Transform::GetMatrix`)."""
    cp, sp = math.cos(math.radians(pitch_deg)), math.sin(math.radians(pitch_deg))
    cy, sy = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    cr, sr = math.cos(math.radians(roll_deg)), math.sin(math.radians(roll_deg))
    return np.array(
        [
            [cp * cy, cy * sp * sr - sy * cr, -cy * sp * cr - sy * sr],
            [cp * sy, sy * sp * sr + cy * cr, -sy * sp * cr + cy * sr],
            [sp, -cp * sr, cp * cr],
        ]
    )


def rotation_matrices(rotation_deg: Array) -> Array:
    """Return the matrices [N, 3, 3] of rotations [N, 3] (pitch, yaw, roll in degrees); `rotation_matrix` for many at once."""
    angle = np.radians(np.asarray(rotation_deg, dtype=np.float64).reshape(-1, 3))
    (cp, cy, cr), (sp, sy, sr) = np.cos(angle).T, np.sin(angle).T
    rows = [cp * cy, cy * sp * sr - sy * cr, -cy * sp * cr - sy * sr]
    rows += [cp * sy, sy * sp * sr + cy * cr, -sy * sp * cr + cy * sr]
    rows += [sp, -cp * sr, cp * cr]
    return np.stack(rows, axis=1).reshape(-1, 3, 3)


def rotation_angles(matrix: Array) -> tuple[float, float, float]:
    """Return (pitch, yaw, roll) in degrees of a CARLA rotation matrix [3, 3]; the inverse of `rotation_matrix`."""
    pitch = math.asin(max(-1.0, min(1.0, float(matrix[2, 0]))))
    yaw = math.atan2(float(matrix[1, 0]), float(matrix[0, 0]))
    roll = math.atan2(-float(matrix[2, 1]), float(matrix[2, 2]))
    return math.degrees(pitch), math.degrees(yaw), math.degrees(roll)


def to_world(transform: Transform, points_local: Array) -> Array:
    """Return points [..., 3], given in the local frame of `transform`, in the CARLA world frame."""
    matrix = rotation_matrix(transform.pitch, transform.yaw, transform.roll)
    return points_local @ matrix.T + np.array(transform[:3])


def to_local(transform: Transform, points_world: Array) -> Array:
    """Return world points [..., 3] in the (left-handed) local frame of `transform`."""
    matrix = rotation_matrix(transform.pitch, transform.yaw, transform.roll)
    return (points_world - np.array(transform[:3])) @ matrix


def compose(parent: Transform, relative: Transform) -> Transform:
    """Return the world pose of something attached to `parent` at `relative` (Unreal's KeepRelativeTransform)."""
    matrix = rotation_matrix(*parent[3:]) @ rotation_matrix(*relative[3:])
    x, y, z = (float(v) for v in to_world(parent, np.array(relative[:3])))
    return Transform(x, y, z, *rotation_angles(matrix))


def world_to_rig(rig_pose: Transform, points_world: Array) -> Array:
    """Return CARLA world points [..., 3] in the rig frame whose pose in the world is `rig_pose`."""
    return to_local(rig_pose, points_world) * np.array([1.0, -1.0, 1.0])


def rig_to_world(rig_pose: Transform, points_rig: Array) -> Array:
    """Return rig-frame points [..., 3] in the CARLA world frame; the inverse of `world_to_rig`."""
    return to_world(rig_pose, points_rig * np.array([1.0, -1.0, 1.0]))


def as_unreal(transform: Transform) -> Transform:
    """Return the same pose with angles in [-180, 180], as Unreal gives them back; angles in there stay as they are."""
    angles = (angle if abs(angle) <= 180.0 else wrap_degrees(angle) for angle in transform[3:])
    return Transform(*transform[:3], *angles)


def wrap_degrees(angle_deg: float) -> float:
    """Return the same angle in [-180, 180)."""
    return (angle_deg + 180.0) % 360.0 - 180.0
