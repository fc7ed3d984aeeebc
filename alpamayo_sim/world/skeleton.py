"""The skeleton of CARLA's walkers: bone names and hierarchy as CARLA documents them, proportions and walk of our own.

Every bone's axes are those of the walker in the rest pose (x forward, y right, z up), where CARLA's lie along the bones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, rotation_angles, rotation_matrices

Floats = NDArray[np.float64]
FINGERS = (("Thumb", -0.5), ("Index", -0.25), ("Middle", 0.0), ("Ring", 0.2), ("Pinky", 0.4))
"""Fingers and how far they lie across the hand, in widths of a hand."""
HAND_WIDTH, PHALANX = 0.045, 0.016
"""Fractions of the walker's height."""
SWING_DEG, FASTEST_SWING_DEG, WALK_MPS = 26.0, 42.0, 1.4
KNEE_DEG, ELBOW_DEG = 45.0, 18.0
STRIDE, STRIDE_PER_MPS, LONGEST_STRIDE_MPS = 0.5, 0.25, 4.0
"""Length of two steps in fractions of the height: at no speed, more per m/s, up to this speed."""


@dataclass(frozen=True, slots=True)
class Bone:
    """One bone: its parent's index (-1 for the root) and its place in the parent's frame, in fractions of the height."""

    name: str
    parent: int
    offset: tuple[float, float, float]


def _arm(side: str, sign: float) -> list[tuple[str, str, tuple[float, float, float]]]:
    bones = [
        (f"crl_shoulder__{side}", "crl_spine01__C", (0.0, 0.03 * sign, 0.12)),
        (f"crl_arm__{side}", f"crl_shoulder__{side}", (0.0, 0.08 * sign, 0.0)),
        (f"crl_foreArm__{side}", f"crl_arm__{side}", (0.0, 0.01 * sign, -0.17)),
        (f"crl_hand__{side}", f"crl_foreArm__{side}", (0.01, 0.0, -0.15)),
    ]
    for finger, across in FINGERS:
        below = f"crl_hand{finger}__{side}"
        drop = -0.02 if finger == "Thumb" else -0.05
        bones.append((below, f"crl_hand__{side}", (-across * HAND_WIDTH, 0.0, drop)))
        for part in ("01", "02", "End"):
            name = f"crl_hand{finger}{part}__{side}"
            bones.append((name, below, (0.0, 0.0, -PHALANX)))
            below = name
    return bones


def _leg(side: str, sign: float) -> list[tuple[str, str, tuple[float, float, float]]]:
    return [
        (f"crl_thigh__{side}", "crl_hips__C", (0.0, 0.052 * sign, -0.01)),
        (f"crl_leg__{side}", f"crl_thigh__{side}", (0.0, 0.0, -0.245)),
        (f"crl_foot__{side}", f"crl_leg__{side}", (-0.01, 0.0, -0.236)),
        (f"crl_toe__{side}", f"crl_foot__{side}", (0.085, 0.0, -0.03)),
        (f"crl_toeEnd__{side}", f"crl_toe__{side}", (0.04, 0.0, 0.0)),
    ]


def _skeleton() -> tuple[Bone, ...]:
    described = [
        ("crl_root", "", (0.0, 0.0, 0.0)),
        ("crl_hips__C", "crl_root", (0.0, 0.0, 0.53)),
        ("crl_spine__C", "crl_hips__C", (0.0, 0.0, 0.04)),
        ("crl_spine01__C", "crl_spine__C", (0.0, 0.0, 0.11)),
        *_arm("L", -1.0),
        ("crl_neck__C", "crl_spine01__C", (0.0, 0.0, 0.15)),
        ("crl_Head__C", "crl_neck__C", (0.01, 0.0, 0.05)),
        ("crl_eye__L", "crl_Head__C", (0.05, -0.018, 0.05)),
        ("crl_eye__R", "crl_Head__C", (0.05, 0.018, 0.05)),
        *_arm("R", 1.0),
        *_leg("L", -1.0),
        *_leg("R", 1.0),
    ]
    index = {name: k for k, (name, _, _) in enumerate(described)}
    return tuple(Bone(name, index.get(parent, -1), offset) for name, parent, offset in described)


BONES = _skeleton()
INDEX = {bone.name: k for k, bone in enumerate(BONES)}
_HIPS = INDEX["crl_hips__C"]
_SOLES = tuple(INDEX[f"crl_{part}__{side}"] for part in ("foot", "toe", "toeEnd") for side in "LR")


def stride_m(height_m: Floats, speed_mps: Floats) -> Floats:
    """Return how far walkers [N] of heights [N] get in two steps."""
    return height_m * (STRIDE + STRIDE_PER_MPS * np.minimum(speed_mps, LONGEST_STRIDE_MPS))


def walking_pose(height_m: float, speed_mps: float, phase_rad: float) -> Floats:
    """Return the local transforms [bones, 6] (x, y, z, pitch, yaw, roll in the parent bone's frame) of a step.

    The phase runs from 0 to 2 pi over two steps; the left leg is in front at pi / 2. At no speed the walker stands. Pictures
    bend the same joints by the same angles, see `render/shaders/object.vert`.
    """
    local = np.zeros((len(BONES), 6))
    local[:, :3] = height_m * np.array([bone.offset for bone in BONES])
    vigour = min(speed_mps / WALK_MPS, 1.0)
    swing = vigour * SWING_DEG + max(0.0, min(speed_mps - WALK_MPS, 3.0) / 3.0) * (FASTEST_SWING_DEG - SWING_DEG)
    for side, shift in (("L", 0.0), ("R", math.pi)):
        leg = math.sin(phase_rad + shift)
        lifted = vigour * max(0.0, math.cos(phase_rad + shift))
        local[INDEX[f"crl_thigh__{side}"], 3] = swing * leg + 0.4 * KNEE_DEG * lifted
        local[INDEX[f"crl_leg__{side}"], 3] = -KNEE_DEG * lifted
        local[INDEX[f"crl_foot__{side}"], 3] = -swing * leg + 0.6 * KNEE_DEG * lifted
        local[INDEX[f"crl_arm__{side}"], 3] = -0.8 * swing * leg
        local[INDEX[f"crl_foreArm__{side}"], 3] = vigour * (ELBOW_DEG - 0.3 * swing * leg)
    standing = min(component_pose(local)[0][list(_SOLES), 2])
    local[_HIPS, 2] += 0.014 * height_m - standing
    return local


def component_pose(local: Floats) -> tuple[Floats, Floats]:
    """Return places [bones, 3] and matrices [bones, 3, 3] in the root's frame of local transforms [bones, 6]."""
    turns = rotation_matrices(local[:, 3:])
    places, matrices = np.zeros((len(BONES), 3)), np.zeros((len(BONES), 3, 3))
    for k, bone in enumerate(BONES):
        if bone.parent < 0:
            places[k], matrices[k] = local[k, :3], turns[k]
        else:
            above = matrices[bone.parent]
            places[k] = places[bone.parent] + above @ local[k, :3]
            matrices[k] = above @ turns[k]
    return places, matrices


def blended(animation: Floats, pose: Floats, share: float) -> Floats:
    """Return local transforms between two: the animation for a share of 0, the pose for 1."""
    if share <= 0.0:
        return animation
    if share >= 1.0:
        return pose
    mixed = (1.0 - share) * animation + share * pose
    between = (1.0 - share) * rotation_matrices(animation[:, 3:]) + share * rotation_matrices(pose[:, 3:])
    left, _, right = np.linalg.svd(between)
    turned = left @ right
    turned[np.linalg.det(turned) < 0.0] = rotation_matrices(animation[:, 3:])[np.linalg.det(turned) < 0.0]
    mixed[:, 3:] = [rotation_angles(matrix) for matrix in turned]
    return mixed


def transforms(places: Floats, matrices: Floats) -> list[Transform]:
    """Return poses as transforms."""
    return [
        Transform(x, y, z, *rotation_angles(matrix))
        for (x, y, z), matrix in zip(places.tolist(), matrices, strict=True)
    ]


def local_transforms(local: Floats) -> list[Transform]:
    """Return local transforms [bones, 6] as transforms."""
    return [Transform(*row) for row in local.tolist()]


def with_bones(local: Floats, bones: Sequence[tuple[str, Transform]]) -> Floats:
    """Return a copy of local transforms in which named bones have others; names that no bone has are passed over."""
    changed = local.copy()
    for name, transform in bones:
        if name in INDEX:
            changed[INDEX[name]] = transform
    return changed
