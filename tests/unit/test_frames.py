"""Frames: inverses, handedness, and agreement with the CARLA client library."""

from __future__ import annotations

import carla
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_sim import frames
from alpamayo_sim.frames import Transform

metres = st.floats(-500.0, 500.0)
degrees = st.floats(-180.0, 180.0)
transforms = st.builds(Transform, metres, metres, metres, st.floats(-89.0, 89.0), degrees, degrees)
points = st.lists(st.tuples(metres, metres, metres), min_size=1, max_size=5).map(np.array)


@given(transforms, points)
def test_local_and_world_are_inverse(transform: Transform, local: np.ndarray) -> None:
    assert np.allclose(frames.to_local(transform, frames.to_world(transform, local)), local, atol=1e-8)


@given(transforms, points)
def test_rig_and_world_are_inverse(pose: Transform, rig: np.ndarray) -> None:
    assert np.allclose(frames.world_to_rig(pose, frames.rig_to_world(pose, rig)), rig, atol=1e-8)


@given(transforms, points)
def test_to_world_is_what_carla_does(transform: Transform, local: np.ndarray) -> None:
    theirs = carla.Transform(carla.Location(*transform[:3]), carla.Rotation(*transform[3:]))
    for point, expected in zip(local, frames.to_world(transform, local), strict=True):
        moved = theirs.transform(carla.Location(*(float(v) for v in point)))
        assert np.allclose([moved.x, moved.y, moved.z], expected, atol=2e-3)


@given(st.floats(-85.0, 85.0), degrees, degrees)
def test_angles_and_matrix_are_inverse(pitch: float, yaw: float, roll: float) -> None:
    matrix = frames.rotation_matrix(pitch, yaw, roll)
    assert np.allclose(frames.rotation_matrix(*frames.rotation_angles(matrix)), matrix, atol=1e-9)


@given(transforms, transforms, points)
def test_composition_is_applying_one_after_the_other(parent: Transform, relative: Transform, local: np.ndarray) -> None:
    together = frames.to_world(frames.compose(parent, relative), local)
    assert np.allclose(together, frames.to_world(parent, frames.to_world(relative, local)), atol=1e-6)


def test_left_of_the_rig_is_carlas_minus_y() -> None:
    left = frames.rig_to_world(Transform(0.0, 0.0, 0.0), np.array([0.0, 1.0, 0.0]))
    assert np.allclose(left, [0.0, -1.0, 0.0])


@given(st.floats(-1e4, 1e4))
def test_wrapped_angles_lie_in_one_turn(angle_deg: float) -> None:
    wrapped = frames.wrap_degrees(angle_deg)
    assert -180.0 <= wrapped < 180.0
    assert abs((wrapped - angle_deg + 180.0) % 360.0 - 180.0) < 1e-6
