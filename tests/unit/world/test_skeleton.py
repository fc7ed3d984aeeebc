"""The walkers' skeleton: hierarchy, proportions, the walk, blending."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_sim.frames import Transform
from alpamayo_sim.world import skeleton

HEIGHT_M = 1.86
LEFT, RIGHT = skeleton.INDEX["crl_toe__L"], skeleton.INDEX["crl_toe__R"]
HEAD = skeleton.INDEX["crl_Head__C"]


def test_parents_stand_before_their_children_and_sides_mirror() -> None:
    assert len({bone.name for bone in skeleton.BONES}) == len(skeleton.BONES)
    assert all(bone.parent < k for k, bone in enumerate(skeleton.BONES))
    assert [k for k, bone in enumerate(skeleton.BONES) if bone.parent < 0] == [0]
    for bone in skeleton.BONES:
        if bone.name.endswith("__L"):
            other = skeleton.BONES[skeleton.INDEX[bone.name[:-1] + "R"]]
            assert other.offset == (bone.offset[0], -bone.offset[1], bone.offset[2])
            assert skeleton.BONES[other.parent].name == skeleton.BONES[bone.parent].name.replace("__L", "__R")


@given(speed=st.floats(0.0, 6.0), phase=st.floats(0.0, 2.0 * math.pi), height=st.floats(0.8, 2.1))
def test_somebody_who_walks_has_a_foot_on_the_ground(speed: float, phase: float, height: float) -> None:
    places, matrices = skeleton.component_pose(skeleton.walking_pose(height, speed, phase))
    soles = places[[skeleton.INDEX[f"crl_{part}__{side}"] for part in ("foot", "toe", "toeEnd") for side in "LR"], 2]
    assert soles.min() == pytest.approx(0.014 * height, abs=1e-6)
    assert 0.7 * height < places[HEAD, 2] < height
    assert np.allclose(matrices @ matrices.transpose(0, 2, 1), np.eye(3), atol=1e-9)


def test_feet_take_turns() -> None:
    def toes(phase: float) -> tuple[float, float]:
        places, _ = skeleton.component_pose(skeleton.walking_pose(HEIGHT_M, 1.4, phase))
        return float(places[LEFT, 0]), float(places[RIGHT, 0])

    left, right = toes(math.pi / 2.0)
    assert left - right > 0.4
    assert toes(3.0 * math.pi / 2.0) == pytest.approx((right, left))
    standing, _ = skeleton.component_pose(skeleton.walking_pose(HEIGHT_M, 0.0, 1.0))
    assert standing[LEFT, 0] == pytest.approx(standing[RIGHT, 0])


@given(share=st.floats(0.0, 1.0), yaw=st.floats(-170.0, 170.0))
def test_blending_ends_at_both_poses_and_stays_between(share: float, yaw: float) -> None:
    walk = skeleton.walking_pose(HEIGHT_M, 1.0, 0.7)
    arm = skeleton.INDEX["crl_arm__R"]
    pose = skeleton.with_bones(
        walk, [("crl_arm__R", Transform(0.0, 0.3, 0.0, 0.0, yaw, 0.0)), ("nobody", Transform(0, 0, 0))]
    )
    mixed = skeleton.blended(walk, pose, share)
    if share in (0.0, 1.0):
        assert np.array_equal(mixed, pose if share else walk)
    assert mixed[arm, :3] == pytest.approx((1.0 - share) * walk[arm, :3] + share * pose[arm, :3])
    others = np.arange(len(walk)) != arm
    assert np.allclose(mixed[others], walk[others], atol=1e-6)
