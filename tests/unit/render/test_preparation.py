"""What is prepared without OpenGL: rows of moving things, culling, camera blocks, and light windows."""

from __future__ import annotations

import numpy as np
import pytest
from car_frames import cars
from hypothesis import given, settings
from hypothesis import strategies as st

from alpamayo_sim.frames import Transform, rotation_matrix
from alpamayo_sim.render.batch import MOST_CAMERAS, Batch, Pass
from alpamayo_sim.render.camera import CameraView, frustum_planes, world_to_clip
from alpamayo_sim.render.camera_block import camera_blocks
from alpamayo_sim.render.instances import ROW, DynamicInstances
from alpamayo_sim.render.library import bodies
from alpamayo_sim.render.light_window import WINDOW_M, window_corner, window_key, window_sun
from alpamayo_sim.render.preparation import Preparation
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene_frame import SceneFrame, ShapeClass
from alpamayo_sim.render.sky import CLEAR_NOON, lighting

ANGLES = st.floats(-180.0, 180.0)
PLACES = st.floats(-3000.0, 3000.0)


@given(
    PLACES,
    PLACES,
    ANGLES,
    st.floats(-89.0, 89.0),
    ANGLES,
    st.integers(1, 4000),
    st.integers(1, 4000),
    st.floats(5, 170),
)
@settings(max_examples=80, deadline=None)
def test_camera_blocks_are_the_matrices_of_the_cameras(
    x: float, y: float, yaw: float, pitch: float, roll: float, width: int, height: int, fov: float
) -> None:
    view = CameraView(Transform(x, y, 2.0, pitch, yaw, roll), width, height, fov)
    found = camera_blocks([view, view])
    clip = world_to_clip(view)
    matrix = found.blocks[1, :16].reshape(4, 4).T
    np.testing.assert_allclose(matrix, clip, rtol=1e-5, atol=1e-5 * np.abs(clip).max())
    np.testing.assert_allclose(found.planes[1, :5], frustum_planes(clip), atol=1e-9 * max(abs(x), abs(y), 1.0) + 1e-9)
    right, down, forward = found.blocks[0, 24:36].reshape(3, 4)[:, :3]
    axes = rotation_matrix(pitch, yaw, roll)
    np.testing.assert_allclose(forward, axes[:, 0], atol=1e-6)
    np.testing.assert_allclose(right, axes[:, 1] * width / (2.0 * view.focal_px), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(down, -axes[:, 2] * height / (2.0 * view.focal_px), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", sorted(bodies()))
def test_bodies_stand_where_their_boxes_do(renderer: Renderer, shape: int) -> None:
    """The mesh's box, moved by the row's matrix, is the actor's box."""
    pose = Transform(12.0, -7.0, 1.5, 3.0, 40.0, -2.0)
    half = (1.7, 0.8, 0.9)
    frame = cars([pose], shape=shape, half=half)
    found, axes, foot = DynamicInstances(renderer.scene.library).bodies(frame)
    matrix = found.rows[0, :12].reshape(3, 4)
    np.testing.assert_allclose(axes[0], rotation_matrix(*pose[3:]), atol=1e-12)
    below = frame.box_center[0] - [0.0, 0.0, frame.extent[0, 2]]
    np.testing.assert_allclose(foot[0], np.array(pose[:3]) + axes[0] @ below, atol=1e-9)
    np.testing.assert_allclose(matrix[:, 3], foot[0], atol=1e-5)
    lengths = np.linalg.norm(matrix[:, :3], axis=0)
    np.testing.assert_allclose(matrix[:, :3] / lengths, axes[0], atol=1e-5)
    model = np.array(bodies()[shape].half_size)
    expected = np.array(half) / model
    if shape in (ShapeClass.MAN, ShapeClass.WOMAN, ShapeClass.CHILD):
        expected[:2] = expected[2]
    np.testing.assert_allclose(lengths, expected, rtol=1e-5)
    body = bodies()[shape]
    assert len(found.rows) == 1 + len(body.wheel_x) * (1 if body.two_wheeler else 2)


def batch_of(preparation: Preparation, views: list[CameraView], frame: SceneFrame, rows: int = 16_384) -> list[Batch]:
    return [
        Batch(b.order, b.sizes, b.cameras, b.rows.copy(), b.commands.copy(), b.groups)
        for b in preparation.batches(views, frame, rows)
    ]


def test_cameras_of_a_batch_see_what_each_sees_alone(
    renderer: Renderer, front: CameraView, ego_pose: Transform
) -> None:
    preparation = Preparation(renderer.scene)
    frame = cars([ego_pose._replace(x=ego_pose.x + 4.0 * k) for k in range(-3, 6)])
    views = [CameraView(front.transform._replace(yaw=front.transform.yaw + turn), 320, 180) for turn in (0, 90, 200)]
    (together,) = batch_of(preparation, views, frame)
    for number, view in enumerate(views):
        (alone,) = batch_of(preparation, [view], frame)
        mine = together.rows[together.rows[:, -1] == number]
        np.testing.assert_array_equal(mine[:, :-1], alone.rows[:, :-1])
        for part in (Pass.GROUND, Pass.FACADES, Pass.MARKINGS, Pass.KERBS):
            first, count = together.groups[0].spans[part]
            commands = together.commands[first : first + count]
            start, many = alone.groups[0].spans[part]
            of_this = commands[commands[:, 4] == number][:, :4]
            np.testing.assert_array_equal(of_this, alone.commands[start : start + many][:, :4])


def test_nothing_that_shows_is_culled(renderer: Renderer, front: CameraView, ego_pose: Transform) -> None:
    """A row is left out only if its sphere lies outside the camera's view, or is too small to see."""
    preparation = Preparation(renderer.scene)
    rng = np.random.default_rng(5)
    poses = [ego_pose._replace(x=ego_pose.x + dx, y=ego_pose.y + dy) for dx, dy in rng.uniform(-60, 60, (80, 2))]
    frame = cars(poses)
    (batch,) = batch_of(preparation, [front], frame)
    found, _, _ = DynamicInstances(renderer.scene.library).bodies(frame)
    planes = frustum_planes(world_to_clip(front))
    middles = found.rows[:80, [3, 7, 11]].astype(np.float64)
    inside = (planes[:, :3] @ middles.T + planes[:, 3:] > 0).all(axis=0)
    drawn = {tuple(row) for row in batch.rows[:, [3, 7, 11]].tolist()}
    assert inside.sum() > 5
    assert all(tuple(row) in drawn for row in found.rows[:80][inside][:, [3, 7, 11]].tolist())


def test_batches_hold_no_more_than_they_may(renderer: Renderer, front: CameraView) -> None:
    preparation = Preparation(renderer.scene)
    views = [CameraView(front.transform, 64, 100)] * 40
    by_count = batch_of(preparation, views, SceneFrame())
    assert [len(b.order) for b in by_count] == [MOST_CAMERAS, MOST_CAMERAS, 40 - 2 * MOST_CAMERAS]
    by_rows = batch_of(preparation, views, SceneFrame(), rows=350)
    assert {len(b.order) for b in by_rows} == {3, 1}
    assert [k for b in by_rows for k in b.order] == list(range(40))
    for batch in (*by_count, *by_rows):
        assert batch.rows.shape[1] == ROW and batch.rows[:, -1].max(initial=0) < len(batch.order)
        for group in batch.groups:
            assert (group.spans[:, 0] + group.spans[:, 1] <= len(batch.commands)).all()


@given(PLACES, PLACES, ANGLES, st.floats(-90.0, 90.0))
@settings(max_examples=60, deadline=None)
def test_light_windows_hold_the_place_that_they_were_asked_for(
    x: float, y: float, azimuth: float, height: float
) -> None:
    light = lighting((*CLEAR_NOON[:4], azimuth, height, *CLEAR_NOON[6:]))
    key = window_key(x, y, light)
    low = np.array(window_corner(key))
    assert (low + 0.39 * WINDOW_M <= [x, y]).all() and ([x, y] <= low + 0.61 * WINDOW_M).all()
    sun = window_sun(key)
    assert np.degrees(np.arccos(np.clip(sun @ light.sun_direction, -1, 1))) < 1.6
    assert window_key(x, y, light) == key
