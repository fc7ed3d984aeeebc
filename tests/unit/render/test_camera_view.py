"""Cameras have CARLA's intrinsics, on paper and in pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform, to_world
from alpamayo_sim.render.camera import CameraView, frustum_planes, world_to_clip

angle = st.floats(-180.0, 180.0)
place = st.floats(-500.0, 500.0)


@given(
    place,
    place,
    st.floats(-70.0, 70.0),
    angle,
    angle,
    st.floats(20.0, 150.0),
    st.floats(1.0, 100.0),
    st.floats(-0.9, 0.9),
    st.floats(-0.9, 0.9),
)
def test_clip_space_agrees_with_the_pinhole(
    x: float, y: float, pitch: float, yaw: float, roll: float, fov: float, depth: float, right: float, up: float
) -> None:
    view = CameraView(Transform(x, y, 3.0, pitch, yaw, roll), 640, 360, fov)
    reach = depth * math.tan(math.radians(fov / 2))
    point = to_world(view.transform, np.array([depth, right * reach, up * reach * 360 / 640]))
    pixel, seen_depth = view.project(point)
    clip = world_to_clip(view) @ np.append(point, 1.0)
    # Rows are read top first: +1 in clip space is the bottom of the picture.
    by_clip = (clip[:2] / clip[3] + 1.0) * 0.5 * np.array([640, 360])
    np.testing.assert_allclose(by_clip, pixel, atol=1e-4)
    assert seen_depth == pytest.approx(depth, rel=1e-6)
    assert (frustum_planes(world_to_clip(view)) @ np.append(point, 1.0) > -1e-6).all()
    behind = to_world(view.transform, np.array([-depth, right * reach, 0.0]))
    assert (frustum_planes(world_to_clip(view)) @ np.append(behind, 1.0)).min() < 0.0


def test_intrinsics_are_carlas() -> None:
    view = CameraView(Transform(0, 0, 0), 800, 600, 90.0)
    assert view.focal_px == pytest.approx(800 / (2 * math.tan(math.radians(45))))
    pixel, _ = view.project(np.array([[10.0, 10.0, 0.0], [10.0, 0.0, 7.5], [10.0, 0.0, 0.0]]))
    np.testing.assert_allclose(pixel, [[800, 300], [400, 0], [400, 300]], atol=1e-9)


@pytest.mark.parametrize(
    ("width", "height", "fov"), [(0, 10, 90.0), (10, 100_000, 90.0), (10, 10, 0.0), (10, 10, 180.0)]
)
def test_impossible_cameras_are_refused(width: int, height: int, fov: float) -> None:
    with pytest.raises(InputError):
        CameraView(Transform(0, 0, 0), width, height, fov)
