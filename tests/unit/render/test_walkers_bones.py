"""Pictures show walkers in the pose whose bones clients are told."""

from __future__ import annotations

import numpy as np
import pytest
from car_frames import cars
from geometry_images import depth_m
from scipy.ndimage import distance_transform_edt

from alpamayo_sim.frames import Transform, to_world
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.camera_kind import CameraKind
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene_frame import SceneFrame, ShapeClass
from alpamayo_sim.world.skeleton import INDEX, component_pose, walking_pose

HALF = (0.19, 0.19, 0.93)
LIMBS = ("Head", "spine01", "thigh__L", "thigh__R", "leg__L", "leg__R", "foot__L", "foot__R", "foreArm__L", "foreArm__R",
         "hand__L", "hand__R")  # fmt: skip


@pytest.mark.parametrize("speed_mps", [0.0, 0.7, 1.4, 3.2])
@pytest.mark.parametrize("shape", [ShapeClass.MAN, ShapeClass.CHILD])
def test_every_bone_lies_in_the_body_that_is_drawn(
    renderer: Renderer, ego_pose: Transform, speed_mps: float, shape: ShapeClass
) -> None:
    """Seen from the side, from 4 m away, with 130 pixels a metre; limbs would stray by 20 cm and more with another phase."""
    scale = 0.6 if shape is ShapeClass.CHILD else 1.0
    half = (HALF[0], HALF[1], HALF[2] * scale)
    x, y, z = (float(v) for v in to_world(ego_pose, np.array([12.0, 0.0, half[2]])))
    walker = Transform(x, y, z, 0.0, ego_pose.yaw, 0.0)
    for phase_rad in np.arange(0.0, 2.0 * np.pi, 0.7):
        places = component_pose(walking_pose(2.0 * half[2], speed_mps, float(phase_rad)))[0]
        places = places[[k for name, k in INDEX.items() if any(limb in name for limb in LIMBS)]]
        points = to_world(walker, places - np.array([0.0, 0.0, half[2]]))
        for side in (-4.0, 4.0):
            ex, ey, ez = (float(v) for v in to_world(walker, np.array([0.0, side, 0.0])))
            eye = Transform(ex, ey, ez, 0.0, ego_pose.yaw - np.sign(side) * 90.0, 0.0)
            view = CameraView(eye, 400, 400, 42.0)
            frame = cars(
                [walker], shape=shape, half=half, color=(255, 0, 255), speed_mps=speed_mps, phase_rad=float(phase_rad)
            )
            frame.box_center[:] = 0.0
            empty, drawn = (renderer.render([view], f)[0][..., :3].astype(int) for f in (SceneFrame(), frame))
            body = np.abs(drawn - empty).max(axis=2) > 8
            away = np.asarray(distance_transform_edt(~body))
            pixels, _ = view.project(points)
            column, row = np.clip(pixels.astype(int), 0, 399).T
            metres = away[row, column] / view.focal_px * 4.0
            assert metres.max() < 0.055 * scale + 0.01, (phase_rad, metres.round(3))


def test_the_near_hand_is_where_the_skeleton_has_it_and_not_the_other_one(
    renderer: Renderer, ego_pose: Transform
) -> None:
    """A depth camera to the walker's left finds the left hand at its bone's pixel, nearer than the trunk."""
    x, y, z = (float(v) for v in to_world(ego_pose, np.array([12.0, 0.0, HALF[2]])))
    walker = Transform(x, y, z, 0.0, ego_pose.yaw, 0.0)
    ex, ey, ez = (float(v) for v in to_world(walker, np.array([0.0, -4.0, 0.0])))
    eye = Transform(ex, ey, ez, 0.0, ego_pose.yaw + 90.0, 0.0)
    for phase_rad in (0.5 * np.pi, 1.5 * np.pi):
        frame = cars([walker], shape=ShapeClass.MAN, half=HALF, speed_mps=1.4, phase_rad=phase_rad)
        frame.box_center[:] = 0.0
        view = CameraView(eye, 400, 400, 42.0, kind=CameraKind.DEPTH)
        depth = depth_m(renderer.render([view], frame)[0])
        places = component_pose(walking_pose(2.0 * HALF[2], 1.4, phase_rad))[0]
        hand = places[INDEX["crl_hand__L"]] - np.array([0.0, 0.0, HALF[2]])
        assert abs(hand[0]) > 0.1
        (column, row), *_ = view.project(to_world(walker, hand[None]))[0].astype(int)
        near = depth[row - 3 : row + 4, column - 3 : column + 4].min()
        assert 3.6 < near < 3.85, f"the left hand hangs 0.25 m to the left, not {4.0 - near:.2f} m"
