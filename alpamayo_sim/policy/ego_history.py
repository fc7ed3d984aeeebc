"""Where the ego vehicle has been, as a driving model reads it: at the rear axle, in the rig frame at t0, 0.1 s apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform, compose, rotation_matrices, world_to_rig
from alpamayo_sim.policy.observation import HISTORY_POINTS

Array = NDArray[np.float64]
_FLIP = np.diag([1.0, -1.0, 1.0])


def rig_pose(vehicle_pose: Transform, rear_axle_x_m: float) -> Transform:
    """Return the pose of the rig in the CARLA world frame: on the ground under the rear axle, turned as the vehicle is.

    `vehicle_pose` is the actor's own, with its origin on the ground; the axle is at x = `rear_axle_x_m` (negative) there.
    """
    return compose(vehicle_pose, Transform(rear_axle_x_m, 0.0, 0.0))


def poses_in_rig(rig_pose_t0: Transform, rig_poses: Sequence[Transform]) -> tuple[Array, Array]:
    """Return positions [N, 3] (metres) and rotations [N, 3, 3] of rigs in the rig frame at t0, right-handed.

    A rotation R_t0^T R of CARLA's left-handed frame becomes S R S with S = diag(1, -1, 1): a turn to the left is a positive yaw.
    """
    world = np.array([pose[:3] for pose in rig_poses], dtype=np.float64).reshape(-1, 3)
    turned = rotation_matrices(np.array([pose[3:] for pose in (rig_pose_t0, *rig_poses)]))
    return world_to_rig(rig_pose_t0, world), _FLIP @ (turned[0].T @ turned[1:]) @ _FLIP


def ego_history(vehicle_poses: Sequence[Transform], rear_axle_x_m: float) -> tuple[Array, Array]:
    """Return `history_xyz_rig` [16, 3] and `history_rotation_rig` [16, 3, 3] of vehicle poses 0.1 s apart, oldest first.

    The last pose is the one at t0. InputError for another number of poses.
    """
    if len(vehicle_poses) != HISTORY_POINTS:
        raise InputError(
            f"a history is made of {HISTORY_POINTS} poses 0.1 s apart, the last at t0; found {len(vehicle_poses)}"
        )
    rigs = [rig_pose(pose, rear_axle_x_m) for pose in vehicle_poses]
    return poses_in_rig(rigs[-1], rigs)
