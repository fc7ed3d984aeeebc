"""The cameras' contract: mounts in CARLA's frame, projection as CARLA documents it, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform, compose, rig_to_world, to_local
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, CameraRig, RigCamera

METRES = st.floats(-40.0, 40.0)


def test_rig_is_alpamayos() -> None:
    assert ALPAMAYO_RIG.names == (
        "camera_cross_left_120fov", "camera_front_wide_120fov", "camera_cross_right_120fov", "camera_front_tele_30fov",
    )  # fmt: skip
    assert (ALPAMAYO_RIG.width_px, ALPAMAYO_RIG.height_px) == (320, 192)
    assert [camera.fov_deg for camera in ALPAMAYO_RIG.cameras] == [120.0, 120.0, 120.0, 30.0]


def test_mount_turns_left_into_minus_y() -> None:
    left = ALPAMAYO_RIG.camera("camera_cross_left_120fov").mount(-1.4)
    assert left.x == pytest.approx(2.473 - 1.4) and left.y == pytest.approx(-0.938) and left.z == pytest.approx(0.918)
    assert left.yaw == pytest.approx(-60.0)
    right = ALPAMAYO_RIG.camera("camera_cross_right_120fov").mount(-1.4)
    assert right.y > 0.0 and right.yaw == pytest.approx(60.0)


@given(METRES, METRES, st.floats(-2.0, 8.0), st.floats(-180.0, 180.0))
def test_projection_is_that_of_a_carla_camera_at_the_mount(x: float, y: float, z: float, yaw_deg: float) -> None:
    """The same point through the mount: K [y', -z', x'] of the camera's left-handed frame, CARLA's documentation."""
    axle = -1.37
    vehicle = Transform(30.0, -12.0, 0.5, yaw=yaw_deg)
    rig_pose = compose(vehicle, Transform(axle, 0.0, 0.0))
    world = rig_to_world(rig_pose, np.array([x, y, z]))
    for camera in ALPAMAYO_RIG.cameras:
        local = to_local(compose(vehicle, camera.mount(axle)), world)
        pixels, inside = ALPAMAYO_RIG.project(camera, np.array([x, y, z]))
        if local[0] < 0.5:
            assert local[0] > 0.1 - 1e-9 or not inside
            continue
        focal = 320.0 / (2.0 * math.tan(math.radians(camera.fov_deg) / 2.0))
        expected = np.array([160.0 + focal * local[1] / local[0], 96.0 - focal * local[2] / local[0]])
        assert pixels == pytest.approx(expected, abs=1e-6 * max(1.0, float(np.abs(expected).max())))
        if np.abs(expected - np.array([160.0, 96.0])).max() < 1e6 and (np.abs(expected % 1.0) > 1e-6).all():
            assert bool(inside) == (0.0 <= expected[0] < 320.0 and 0.0 <= expected[1] < 192.0)


def test_sensor_attributes_are_carlas() -> None:
    camera = ALPAMAYO_RIG.camera("camera_front_tele_30fov")
    assert ALPAMAYO_RIG.sensor_attributes(camera) == {"image_size_x": "320", "image_size_y": "192", "fov": "30"}


def test_refusals() -> None:
    with pytest.raises(InputError, match="no camera 'rear'"):
        ALPAMAYO_RIG.camera("rear")
    with pytest.raises(InputError, match="field of view"):
        RigCamera("front", (0.0, 0.0, 1.0), 0.0, 180.0)
    front = RigCamera("front", (0.0, 0.0, 1.0), 0.0, 90.0)
    with pytest.raises(InputError, match="different names"):
        CameraRig("twice", (front, front), 320, 192)
    with pytest.raises(InputError, match="positive size"):
        CameraRig("flat", (front,), 320, 0)
