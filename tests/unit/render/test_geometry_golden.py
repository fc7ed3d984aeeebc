"""Pictures of depth, segmentation, normals and motion look as they did; GOLDEN_WRITE=1 writes them anew after a look."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from car_frames import cars
from geometry_images import Image, depth_m, tags

from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.render.camera import CameraView, LastPicture
from alpamayo_sim.render.camera_kind import CameraKind
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene_frame import SceneFrame, ShapeClass

FOLDER = Path(__file__).parent / "golden_geometry"
STEPS, OTHER_SHARE = 12, 0.03


def _grey_by_logarithm(image: Image) -> np.ndarray:
    return np.rint(255.0 * np.clip(np.log(depth_m(image)) / np.log(1000.0), 0.0, 1.0)).astype(np.uint8)


def _tags_and_outlines(image: Image) -> np.ndarray:
    """Return the tag, and where one thing ends and another begins: the numbers of things may change with the map."""
    number = image[..., 1].astype(np.int64) + 256 * image[..., 0].astype(np.int64)
    outline = (np.diff(number, axis=1, prepend=number[:, :1]) != 0) | (np.diff(number, axis=0, prepend=number[:1]) != 0)
    return np.stack([255 * outline, 8 * tags(image), 0 * number], axis=-1).astype(np.uint8)


def _shades_of_motion(image: Image) -> np.ndarray:
    motion = np.clip(127.5 + 2000.0 * image, 0.0, 255.0)
    return np.stack([motion[..., 0], motion[..., 1], np.zeros(image.shape[:2])], axis=-1).astype(np.uint8)


def _plain(image: Image) -> np.ndarray:
    return image[..., :3]


SHOWN = {
    CameraKind.DEPTH: _grey_by_logarithm,
    CameraKind.SEMANTIC: lambda image: (8 * tags(image)).astype(np.uint8),
    CameraKind.INSTANCE: _tags_and_outlines,
    CameraKind.NORMALS: _plain,
    CameraKind.FLOW: _shades_of_motion,
}


def _frame(ego: Transform, shift: float) -> SceneFrame:
    bus = compose(ego, Transform(19.0 + shift, -3.4, 0.0, 0.0, 8.0, 0.0))
    car = compose(ego, Transform(10.0 + shift, 1.4, 0.0, 0.0, -12.0, 0.0))
    frame = replace(
        cars([bus, car]), shape_class=np.array([int(ShapeClass.BUS), int(ShapeClass.SEDAN)]),
        extent=np.array([[5.0, 1.5, 1.75], [2.4, 0.95, 0.74]]),
        box_center=np.array([[0.0, 0.0, 1.75], [0.0, 0.0, 0.74]]),
    )  # fmt: skip
    return replace(frame, actor_id=np.array([201, 470]), semantic_tag=np.array([16, 14]))


@pytest.mark.parametrize("kind", list(SHOWN), ids=lambda kind: kind.name.lower())
def test_views_look_as_they_did(renderer: Renderer, ego_pose: Transform, kind: CameraKind) -> None:
    eye = compose(ego_pose, Transform(1.5, 0.0, 1.6))
    last = LastPicture(compose(eye, Transform(-0.3, 0.0, 0.0)), _frame(ego_pose, -0.5))
    (image,) = renderer.render([CameraView(eye, 192, 108, 80.0, kind, last)], _frame(ego_pose, 0.0))
    shown = SHOWN[kind](image)
    path = FOLDER / f"{kind.name.lower()}.png"
    if os.environ.get("GOLDEN_WRITE"):
        FOLDER.mkdir(exist_ok=True)
        cv2.imwrite(str(path), shown)
    golden = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert golden is not None, f"{path} is missing"
    # Labels at an edge may be those of either side, so the picture as a whole is compared.
    off = np.abs(shown.astype(int) - golden.astype(int)).reshape(*shown.shape[:2], -1).max(axis=2) > STEPS
    assert off.mean() < OTHER_SHARE
