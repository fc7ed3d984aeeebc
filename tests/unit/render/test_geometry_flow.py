"""Optical flow is the motion that depth, the cameras' poses and the actors' motion say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from car_frames import cars
from geometry_images import depth_m, inside, numbers, pixel_rays, shots, tags
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, compose, rotation_matrix, to_world
from alpamayo_sim.render.camera import CameraView, LastPicture
from alpamayo_sim.render.camera_kind import CameraKind
from alpamayo_sim.render.motion import earlier
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene_frame import SceneFrame, ShapeClass

FLOW, DEPTH, INSTANCE = CameraKind.FLOW, CameraKind.DEPTH, CameraKind.INSTANCE
SKY = 11


def _in_pixels(flow: np.ndarray) -> np.ndarray:
    """Return motion in pixels to the right and down, as CARLA's users compute it."""
    height, width = flow.shape[:2]
    return flow * np.array([0.5 * width, -0.5 * height])


def _places(view: CameraView, depth: np.ndarray) -> np.ndarray:
    """Return the point of the world [height, width, 3] that each pixel shows."""
    grid: NDArray[np.int64] = np.indices(depth.shape)
    rays = pixel_rays(view, grid[0].ravel(), grid[1].ravel())
    return to_world(view.transform, rays * depth.ravel()[:, None]).reshape(*depth.shape, 3)


def _still(view: CameraView, last: Transform, frame: SceneFrame) -> CameraView:
    return replace(view, kind=FLOW, last=LastPicture(last, frame))


@pytest.mark.parametrize(
    "step",
    [Transform(-0.7, 0.0, 0.0), Transform(-0.5, 0.1, 0.02, 0.4, -1.5, 0.3), Transform(0.0, 0.0, 0.0, 0.0, 4.0, 0.0)],
)
def test_motion_of_a_still_street_is_its_reprojection(
    renderer: Renderer, front: CameraView, ego_pose: Transform, step: Transform
) -> None:
    frame = cars([compose(ego_pose, Transform(14.0, 3.0, 0.0, 0.0, 20.0, 0.0))])
    last = compose(front.transform, step)
    flow = _in_pixels(renderer.render([_still(front, last, frame)], frame)[0])
    depth_image, tag_image = shots(renderer, front, frame, DEPTH, CameraKind.SEMANTIC)
    depth, sky = depth_m(depth_image), tags(tag_image) == SKY
    before, ahead = replace(front, transform=last).project(_places(front, depth))
    grid: NDArray[np.int64] = np.indices(depth.shape)
    rows, columns = grid[0], grid[1]
    expected = np.stack([columns + 0.5, rows + 0.5], axis=-1) - before
    seen = inside(~sky) & (ahead > 0.5) & (np.abs(expected) < 200.0).all(axis=2)
    assert seen.mean() > 0.4
    error = np.abs(flow - expected).max(axis=2)
    assert error[seen].max() < 0.1
    # The sky is infinitely far: only turning moves it.
    turn = rotation_matrix(*last[3:]).T @ rotation_matrix(*front.transform[3:])
    far = pixel_rays(front, rows[sky], columns[sky]) @ turn.T
    then = np.stack([front.width / 2 + front.focal_px * far[:, 1] / far[:, 0],
                     front.height / 2 - front.focal_px * far[:, 2] / far[:, 0]], axis=1)  # fmt: skip
    np.testing.assert_allclose(flow[sky], np.stack([columns[sky] + 0.5, rows[sky] + 0.5], axis=1) - then, atol=0.1)


@pytest.mark.parametrize("shape", [ShapeClass.SEDAN, ShapeClass.BUS])
def test_motion_of_a_vehicle_is_its_own(
    renderer: Renderer, front: CameraView, ego_pose: Transform, shape: ShapeClass
) -> None:
    now = compose(ego_pose, Transform(12.0, -1.0, 0.0, 0.0, 15.0, 0.0))
    then = compose(ego_pose, Transform(11.2, -1.5, 0.0, 0.0, 11.0, 0.0))
    other = compose(ego_pose, Transform(20.0, 4.0, 0.0, 0.0, 0.0, 0.0))
    frame = replace(cars([now, other], shape=shape), actor_id=np.array([5, 6]))
    # The order of the actors differs, as it may when some are gone.
    earlier_frame = replace(cars([other, then], shape=shape), actor_id=np.array([6, 5]))
    flow = renderer.render([_still(front, front.transform, earlier_frame)], frame)[0]
    instance, depth_image = shots(renderer, front, frame, INSTANCE, DEPTH)
    mask, parked = (inside(numbers(instance) == k) for k in (5, 6))
    assert mask.sum() > 500
    places = _places(front, depth_m(depth_image))[mask]
    local = (places - now[:3]) @ rotation_matrix(*now[3:])
    before, _ = front.project(to_world(then, local))
    rows, columns = np.nonzero(mask)
    expected = np.stack([columns + 0.5, rows + 0.5], axis=1) - before
    assert np.linalg.norm(expected, axis=1).mean() > 10.0
    np.testing.assert_allclose(_in_pixels(flow)[mask], expected, atol=0.1)
    assert np.abs(flow[numbers(instance) != 5]).max() < 1e-5
    assert parked.sum() > 50


def test_units_are_half_pictures_to_the_right_and_up(
    renderer: Renderer, front: CameraView, ego_pose: Transform
) -> None:
    """A thing that rises and goes to the right has positive flow, and a whole picture would be 2."""
    now = compose(ego_pose, Transform(10.0, 0.0, 1.0))
    then = compose(ego_pose, Transform(10.0, -0.5, 0.7))
    frame, last = (replace(cars([pose]), actor_id=np.array([1])) for pose in (now, then))
    flow = renderer.render([_still(front, front.transform, last)], frame)[0]
    mask = inside(numbers(shots(renderer, front, frame, INSTANCE)[0]) == 1, 2)
    middle = flow[mask].mean(axis=0)
    depth = 8.5 - 2.0
    assert middle[0] == pytest.approx(0.5 / depth, rel=0.25) and middle[1] > 0.03
    assert middle[1] / middle[0] == pytest.approx(0.3 / 0.5 * front.width / front.height, rel=0.05)


def test_legs_wheels_and_doors_move(renderer: Renderer, front: CameraView, ego_pose: Transform) -> None:
    pose = compose(ego_pose, Transform(6.0, 0.0, 0.93, 0.0, 90.0, 0.0))
    frame, last = (
        replace(
            cars([pose], shape=ShapeClass.MAN, half=(0.25, 0.25, 0.93), speed_mps=1.4, phase_rad=phase),
            box_center=np.zeros((1, 3)), actor_id=np.array([3]),
        )
        for phase in (1.2, 0.6)
    )  # fmt: skip
    flow = np.abs(renderer.render([_still(front, front.transform, last)], frame)[0]).max(axis=2)
    rows, _ = np.nonzero(flow > 2e-3)
    assert len(rows) > 30 and flow[numbers(shots(renderer, front, frame, INSTANCE)[0]) != 3].max() < 1e-5
    car = compose(ego_pose, Transform(7.0, 0.0, 0.0, 0.0, 90.0, 0.0))
    rolled, before = (
        replace(cars([car], wheel_turn_deg=turn, open_doors=2), actor_id=np.array([4])) for turn in (20.0, 0.0)
    )
    flow = np.abs(renderer.render([_still(front, front.transform, before)], rolled)[0]).max(axis=2)
    assert 100 < (flow > 1e-3).sum() < 0.5 * (numbers(shots(renderer, front, rolled, INSTANCE)[0]) == 4).sum()


def test_nothing_moves_in_the_first_picture_and_each_camera_has_its_own_last_one(
    renderer: Renderer, front: CameraView, ego_pose: Transform
) -> None:
    frame = cars([compose(ego_pose, Transform(12.0, 0.0, 0.0))])
    first = replace(front, kind=FLOW)
    ago = [replace(frame, time_s=t) for t in (0.1, 0.2)]
    steps = [compose(front.transform, Transform(-d, 0.0, 0.0)) for d in (0.2, 0.4)]
    moved = [replace(first, last=LastPicture(step, f)) for step, f in zip(steps, ago, strict=True)]
    small = replace(moved[0], width=96, height=64)
    none, near, far, fewer = renderer.render([first, *moved, small], frame)
    assert np.abs(none).max() < 1e-6
    ground = (slice(300, 340), slice(300, 340))
    ratio = far[ground][..., 1] / near[ground][..., 1]
    assert 1.9 < np.median(ratio) < 2.3 and near[ground][..., 1].max() < 0.0
    assert fewer.shape == (64, 96, 2) and abs(fewer[60, 48, 1]) > 0.01


def test_actors_that_are_new_stand_still() -> None:
    now = replace(cars([Transform(0, 0, 0), Transform(9, 0, 0)]), actor_id=np.array([1, 2]))
    last = replace(cars([Transform(8, 0, 0)], steer_deg=9.0), actor_id=np.array([2]))
    found = earlier(now, last)
    np.testing.assert_array_equal(found.transform[:, 0], [0.0, 8.0])
    np.testing.assert_array_equal(found.steer_deg, [0.0, 9.0])
    assert earlier(now, SceneFrame()) is now
