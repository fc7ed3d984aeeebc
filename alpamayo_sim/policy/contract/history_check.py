"""Whether the right past reached the model: a wrong one is compared with what each known mistake would have made of the truth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, rotation_matrices
from alpamayo_sim.policy.contract.mistake import Mistake
from alpamayo_sim.policy.contract.truth import TICK_S, CourseTruth
from alpamayo_sim.policy.ego_history import poses_in_rig, rig_pose
from alpamayo_sim.policy.observation import HISTORY_POINTS, STEP_S

Array = NDArray[np.float64]
_POSITION_TOLERANCE_M = 0.02
_ROTATION_TOLERANCE = 2e-3
_FLIP = np.diag([1.0, -1.0, 1.0])


def check_history(found_xyz: Array, found_rotation: Array, course: CourseTruth, tick: int) -> Iterator[Mistake]:
    """Yield what is wrong with positions and rotations of the past at a tick of the course."""
    if found_xyz.shape != (HISTORY_POINTS, 3):
        yield Mistake("history_length", "positions [16, 3]", str(list(found_xyz.shape)))
    else:
        yield from _positions(found_xyz, course, tick)
    if found_rotation.shape != (HISTORY_POINTS, 3, 3):
        yield Mistake("history_length", "rotations [16, 3, 3]", str(list(found_rotation.shape)))
    else:
        yield from _rotations(found_rotation, course, tick)


def _poses(course: CourseTruth, tick: int, step: int, axle: bool = True) -> list[Transform]:
    """Return the last poses of the rig (or of the vehicle's origin), so many ticks apart; the first tick's for earlier ones."""
    picked = [course.vehicle_poses[max(tick - step * back, 0)] for back in range(HISTORY_POINTS - 1, -1, -1)]
    return [rig_pose(pose, course.rear_axle_x_m) for pose in picked] if axle else picked


def _positions(found: Array, course: CourseTruth, tick: int) -> Iterator[Mistake]:
    step = round(STEP_S / TICK_S)
    rigs = _poses(course, tick, step)
    truth = poses_in_rig(rigs[-1], rigs)[0]

    def near(points: Array) -> bool:
        return bool(np.abs(points - found).max() < _POSITION_TOLERANCE_M)

    if near(truth):
        return
    centres = _poses(course, tick, step, axle=False)
    world = np.array([pose[:3] for pose in rigs])
    right_handed_world = world @ _FLIP
    centre = np.array([pose[:3] for pose in centres])
    explained: list[tuple[str, list[Array]]] = [
        ("history_y_flipped", [truth @ _FLIP]),
        ("history_newest_first", [truth[::-1], poses_in_rig(rigs[0], rigs)[0][::-1]]),
        ("history_axle", [poses_in_rig(centres[-1], centres)[0], poses_in_rig(rigs[-1], centres)[0]]),
        ("history_in_world", [world, right_handed_world, centre, centre @ _FLIP]),
        ("history_not_turned", [world - world[-1], right_handed_world - right_handed_world[-1]]),
    ]
    for other in (1, 3, 4, 5, 10):
        apart = _poses(course, tick, other)
        explained.append(("history_spacing", [poses_in_rig(apart[-1], apart)[0]]))
    for late in range(1, 7):
        stale = _poses(course, tick - late, step)
        explained.append(("history_stale", [poses_in_rig(stale[-1], stale)[0], poses_in_rig(rigs[-1], stale)[0]]))
    # Two mistakes of one vehicle often come together.
    flipped_centre = poses_in_rig(centres[-1], centres)[0] @ _FLIP
    if near(flipped_centre):
        yield _differs("history_y_flipped", truth, found)
        yield _differs("history_axle", truth, found)
        return
    kind = next((name for name, many in explained if any(near(points) for points in many)), "history_positions")
    yield _differs(kind, truth, found)


def _rotations(found: Array, course: CourseTruth, tick: int) -> Iterator[Mistake]:
    rigs = _poses(course, tick, round(STEP_S / TICK_S))
    truth = poses_in_rig(rigs[-1], rigs)[1]

    def near(matrices: Array) -> bool:
        return bool(np.abs(matrices - found).max() < _ROTATION_TOLERANCE)

    if near(truth):
        return
    world = rotation_matrices(np.array([pose[3:] for pose in rigs]))
    yaw = np.arctan2(truth[:, 1, 0], truth[:, 0, 0])
    raw_yaw = np.array([pose.yaw for pose in rigs]) - rigs[-1].yaw
    explained: list[tuple[str, list[Array]]] = [
        ("rotation_yaw_sign", [truth.transpose(0, 2, 1), _FLIP @ truth @ _FLIP, _about_z(-yaw)]),
        (
            "rotation_degrees",
            [_about_z(s * a) for s in (1.0, -1.0) for a in (np.degrees(yaw), raw_yaw, np.radians(yaw))],
        ),
        ("rotation_in_world", [world, _FLIP @ world @ _FLIP, _about_z(np.radians([pose.yaw for pose in rigs]))]),
        ("history_newest_first", [truth[::-1], poses_in_rig(rigs[0], rigs)[1][::-1]]),
    ]
    for other in (1, 3, 4, 5, 10):
        apart = _poses(course, tick, other)
        explained.append(("history_spacing", [poses_in_rig(apart[-1], apart)[1]]))
    for late in range(1, 7):
        stale = _poses(course, tick - late, round(STEP_S / TICK_S))
        explained.append(("history_stale", [poses_in_rig(stale[-1], stale)[1], poses_in_rig(rigs[-1], stale)[1]]))
    kind = next((name for name, many in explained if any(near(m) for m in many)), "rotation_other")
    found_yaw = np.degrees(np.arctan2(found[:, 1, 0], found[:, 0, 0]))
    yield Mistake(
        kind,
        f"yaw {np.degrees(yaw[0]):.2f} degrees 1.5 s before t0, 0 at t0 (left positive)",
        f"{found_yaw[0]:.2f} and {found_yaw[-1]:.2f}",
    )


def _about_z(yaw_rad: Array) -> Array:
    matrices = np.zeros((len(yaw_rad), 3, 3))
    matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(yaw_rad)
    matrices[:, 1, 0], matrices[:, 0, 1] = np.sin(yaw_rad), -np.sin(yaw_rad)
    matrices[:, 2, 2] = 1.0
    return matrices


def _differs(kind: str, truth: Array, found: Array) -> Mistake:
    at = int(np.argmax(np.abs(truth - found).max(axis=1)))
    ago = STEP_S * (HISTORY_POINTS - 1 - at)
    return Mistake(
        kind, f"{np.round(truth[at], 2).tolist()} m {ago:.1f} s before t0", str(np.round(found[at], 2).tolist())
    )
