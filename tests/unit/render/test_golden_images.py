"""Pictures look as they did: small golden images with a perceptual tolerance; GOLDEN_WRITE=1 writes them anew after a look."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from car_frames import cars

from alpamayo_sim.frames import Transform, compose, to_world
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene_frame import ShapeClass
from alpamayo_sim.render.sky import CLEAR_NOON

FOLDER = Path(__file__).parent / "golden"
HARD_RAIN_NIGHT = (100.0, 100.0, 90.0, 100.0, -1.0, -90.0, 100.0, 0.75, 0.1, 100.0, 1.0, 0.03, 0.0331, 0.0)
LOW_SUN = (20.0, 0.0, 50.0, 10.0, -1.0, 12.0, 2.0, 0.75, 0.1, 0.0, 1.0, 0.03, 0.0331, 0.0)
MEAN_TOLERANCE, FAR_OFF_SHARE = 4.0, 0.03


@pytest.mark.parametrize(
    ("name", "weather", "turn", "shape"),
    [
        ("noon_sedan", CLEAR_NOON, 0.0, ShapeClass.SEDAN),
        ("low_sun_bus", LOW_SUN, 40.0, ShapeClass.BUS),
        ("rain_night_police", HARD_RAIN_NIGHT, -20.0, ShapeClass.POLICE),
    ],
)
def test_views_look_as_they_did(
    renderer: Renderer, ego_pose: Transform, name: str, weather: tuple[float, ...], turn: float, shape: ShapeClass
) -> None:
    x, y, z = (float(v) for v in to_world(ego_pose, np.array([13.0, 0.5, 0.0])))
    half = (5.0, 1.5, 1.75) if shape is ShapeClass.BUS else (2.5, 0.95, 0.76)
    frame = cars(
        [Transform(x, y, z, 0.0, ego_pose.yaw + turn, 0.0)],
        shape=shape, half=half, lights=2 | 8 | 512, weather=weather, time_s=4.1, color=(40, 90, 170),
    )  # fmt: skip
    eye = compose(ego_pose, Transform(1.5, 0.0, 1.6, 0.0, 0.0, 0.0))
    image = renderer.render([CameraView(eye, 320, 180, 80.0)], frame)[0][..., :3]
    small = cv2.resize(image, (160, 90), interpolation=cv2.INTER_AREA)
    path = FOLDER / f"{name}.png"
    if os.environ.get("GOLDEN_WRITE"):
        FOLDER.mkdir(exist_ok=True)
        cv2.imwrite(str(path), small)
    golden = cv2.imread(str(path))
    assert golden is not None, f"{path} is missing"
    # Blurred, so that a pixel's shift of an edge counts little.
    difference = np.abs(
        cv2.GaussianBlur(small, (5, 5), 0).astype(float) - cv2.GaussianBlur(golden, (5, 5), 0).astype(float)
    )
    assert difference.mean() < MEAN_TOLERANCE
    assert (difference.max(axis=2) > 40.0).mean() < FAR_OFF_SHARE
