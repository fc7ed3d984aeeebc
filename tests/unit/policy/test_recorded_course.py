"""A recorded drive on disk and back, and pictures that are told apart: no server, pictures of a made-up scene."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, CameraRig, RigCamera
from alpamayo_sim.policy.contract.recorded_course import FILE, RecordedCourse
from alpamayo_sim.policy.contract.truth import CourseTruth

RIG = replace(ALPAMAYO_RIG, cameras=ALPAMAYO_RIG.cameras[:2], width_px=160, height_px=96)
TICKS, OBSERVED = 30, 27


def _picture(camera: RigCamera, rig: CameraRig, tick: int) -> NDArray[np.uint8]:
    """What a camera sees of coloured waves on a sphere, which the car drives through: smooth, and other at each tick."""
    rows, columns = np.mgrid[0 : rig.height_px, 0 : rig.width_px] + 0.5
    focal = camera.focal_px(rig.width_px)
    along, down = (columns - rig.width_px / 2.0) / focal, (rows - rig.height_px / 2.0) / focal
    angle = np.arctan(along) - camera.yaw_rad
    height = down / np.hypot(along, 1.0)
    waves = [
        np.sin(k * angle + 2.0 * height + 0.35 * tick + k) + np.cos(4.0 * height * k - 0.2 * tick) for k in (3, 4, 6)
    ]
    return np.clip(np.stack(waves, axis=-1) * 60.0 + 128.0, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def course() -> RecordedCourse:
    recorded = RecordedCourse(RIG, -1.4, np.arange(100.0), np.full(100, 4), asked=1)
    for tick in range(TICKS):
        pictures = {camera.name: _picture(camera, RIG, tick) for camera in RIG.cameras}
        recorded.add(12.5 + 0.05 * tick, Transform(0.4 * tick, 1.0, 0.5, yaw=3.0), 0.4 * tick, pictures)
    recorded.observed_ticks.append(OBSERVED)
    return recorded


def _frames(cameras: tuple[RigCamera, ...], ticks: list[int], rig: CameraRig = RIG) -> NDArray[np.uint8]:
    return np.stack([np.stack([_picture(camera, rig, tick) for tick in ticks]) for camera in cameras])


RIGHT = [21, 23, 25, 27]


@pytest.mark.parametrize("size", [(160, 96), (320, 192), (576, 320), (1920, 1080), (400, 300)])
def test_the_right_pictures_are_known_in_any_size(course: RecordedCourse, size: tuple[int, int]) -> None:
    shown = course.identify(_frames(RIG.cameras, RIGHT, replace(RIG, width_px=size[0], height_px=size[1])), OBSERVED)
    assert shown.cameras.tolist() == [[0] * 4, [1] * 4] and shown.ticks.tolist() == [RIGHT] * 2
    assert (shown.is_bgr, shown.altered) == (False, "")


@pytest.mark.parametrize("ticks", [[24, 25, 26, 27], [27, 25, 23, 21], [19, 21, 23, 25], [15, 19, 23, 27]])
def test_other_ticks_are_named(course: RecordedCourse, ticks: list[int]) -> None:
    assert course.identify(_frames(RIG.cameras, ticks), OBSERVED).ticks.tolist() == [ticks] * 2


def test_swapped_cameras_colours_and_sides_are_named(course: RecordedCourse) -> None:
    frames = _frames(RIG.cameras, RIGHT)
    assert course.identify(frames[::-1], OBSERVED).cameras.tolist() == [[1] * 4, [0] * 4]
    assert course.identify(frames[..., ::-1], OBSERVED).is_bgr
    assert course.identify(frames[..., ::-1, :], OBSERVED).altered == "mirrored"
    assert course.identify(frames[:, :, ::-1], OBSERVED).altered == "upside down"


@pytest.mark.parametrize("fov_deg", [60.0, 95.0, 140.0])
def test_another_lens_is_measured(course: RecordedCourse, fov_deg: float) -> None:
    other = tuple(replace(camera, fov_deg=fov_deg) for camera in RIG.cameras)
    frames = _frames(other, RIGHT)
    assert (course.identify(frames, OBSERVED).cameras[1] == -1).any()
    found = course.seen_through(frames[1], 1, OBSERVED)
    assert found is not None and abs(found - fov_deg) <= 3.0


def test_a_camera_that_looks_elsewhere_is_no_matter_of_its_lens(course: RecordedCourse) -> None:
    turned = tuple(replace(camera, yaw_rad=camera.yaw_rad + math.radians(35.0)) for camera in RIG.cameras)
    frames = _frames(turned, RIGHT)
    assert (course.identify(frames, OBSERVED).cameras[1] == -1).all()
    assert course.seen_through(frames[1], 1, OBSERVED) is None


def test_a_record_comes_back_from_disk(course: RecordedCourse, tmp_path: Path) -> None:
    course.save(tmp_path)
    back = RecordedCourse.load(tmp_path)
    assert back.rig.names == RIG.names and (back.start_s, back.rear_axle_x_m) == (course.start_s, course.rear_axle_x_m)
    assert list(back.vehicle_poses) == list(course.vehicle_poses) and np.array_equal(back.along_m, course.along_m)
    assert (list(back.observed_ticks), back.asked) == ([OBSERVED], 1)
    assert sorted(back.pictures) == list(range(OBSERVED - 20, OBSERVED + 1)), "the second before the observation"
    assert back.identify(_frames(RIG.cameras, RIGHT), OBSERVED).ticks.tolist() == [RIGHT] * 2
    assert isinstance(back, CourseTruth) and back.navigation(OBSERVED) is None


def test_a_damaged_record_is_refused(course: RecordedCourse, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no truth"):
        RecordedCourse.load(tmp_path)
    (tmp_path / FILE).write_bytes(b"nothing")
    with pytest.raises(InputError, match="is no truth"):
        RecordedCourse.load(tmp_path)
    course.save(tmp_path)
    with np.load(tmp_path / FILE) as arrays:
        kept = dict(arrays)
    np.savez(tmp_path / FILE, **{**kept, "observed_ticks": np.array([99])})
    with pytest.raises(InputError, match="observations at"):
        RecordedCourse.load(tmp_path)
    np.savez(tmp_path / FILE, **{**kept, "format": np.array("other")})
    with pytest.raises(InputError, match="found other"):
        RecordedCourse.load(tmp_path)


def test_an_observation_without_pictures_beside_it_is_refused(course: RecordedCourse) -> None:
    with pytest.raises(InputError, match="no pictures of the second before"):
        course.identify(_frames(RIG.cameras, RIGHT), 200)
