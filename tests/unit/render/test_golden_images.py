"""Pictures look as they did: small golden images with a perceptual tolerance; GOLDEN_WRITE=1 writes them anew after a look."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from car_frames import cars

from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.render.scene_frame import SceneFrame, ShapeClass
from alpamayo_sim.render.sky import CLEAR_NOON
from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.statics import build_statics

FOLDER = Path(__file__).parent / "golden"
WEATHERS = {
    "noon": CLEAR_NOON,
    "low_sun": (20.0, 0.0, 50.0, 10.0, -1.0, 12.0, 2.0, 0.75, 0.1, 0.0, 1.0, 0.03, 0.0331, 0.0),
    "rain": (100.0, 100.0, 90.0, 100.0, -1.0, 45.0, 7.0, 0.75, 0.1, 0.0, 1.0, 0.03, 0.0331, 0.0),
    "fog": (80.0, 0.0, 0.0, 10.0, 40.0, 30.0, 70.0, 5.0, 0.5, 0.0, 1.0, 0.03, 0.0331, 0.0),
    "dust": (60.0, 0.0, 0.0, 100.0, -1.0, 45.0, 2.0, 0.75, 0.1, 0.0, 1.0, 0.03, 0.0331, 60.0),
    "night": (5.0, 0.0, 0.0, 10.0, -1.0, -90.0, 60.0, 75.0, 1.0, 0.0, 1.0, 0.03, 0.0331, 0.0),
    "rain_night": (100.0, 100.0, 90.0, 100.0, -1.0, -90.0, 100.0, 0.75, 0.1, 100.0, 1.0, 0.03, 0.0331, 0.0),
}
MEAN_TOLERANCE, FAR_OFF_SHARE = 4.0, 0.03


class View(NamedTuple):
    """A picture: the town, the number of the spawn point that the camera is at, how high and how turned, and the weather."""

    town: str
    spawn: int
    weather: str
    up_m: float = 1.6
    pitch_deg: float = 0.0
    yaw_deg: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.town}_{self.spawn}_{self.weather}".lower()


VIEWS = (
    View("Gridvale", 20, "noon"),
    View("Gridvale", 74, "rain"),
    View("Gridvale", 110, "rain_night"),
    View("Gridvale", 150, "low_sun", 14.0, -18.0, 25.0),
    View("Oldwick", 30, "noon"),
    View("Oldwick", 120, "fog"),
    View("Oldwick", 200, "night"),
    View("Oldwick", 260, "dust", 9.0, -12.0, -20.0),
    View("Rampfield", 10, "noon"),
    View("Rampfield", 160, "rain"),
    View("Rampfield", 300, "night"),
    View("Rampfield", 350, "low_sun", 17.0, -20.0, -12.0),
    View("Town02", 40, "noon"),
    View("Town02", 77, "rain_night"),
    View("Town10HD", 30, "night"),
    View("Town10HD", 60, "fog"),
    View("Town10HD", 85, "noon", 16.0, -20.0, 20.0),
)


class Stage(NamedTuple):
    """A town and its renderer."""

    road_map: RoadMap
    renderer: Renderer


@pytest.fixture(scope="module", params=dict.fromkeys(view.town for view in VIEWS))
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    name: str = request.param
    if name.startswith("Town"):
        shared: Path = request.getfixturevalue("shared_data")
        road_map = load_road_map(shared / "maps" / f"{name}.xodr")
    else:
        road_map = load_road_map(name)
    renderer = Renderer(Scene.from_road_map(road_map, build_statics(road_map)))
    yield Stage(road_map, renderer)
    renderer.release()


def _street(road_map: RoadMap, view: View) -> tuple[Transform, SceneFrame]:
    """Return the pose of the spawn point on the ground, and actors ahead: a car that brakes, a bus that comes, people, police."""
    x, y, z, _, yaw, _ = (float(v) for v in road_map.spawn_points[view.spawn])
    own = Transform(x, y, z - 0.5, 0.0, yaw, 0.0)
    ahead = [(14.0, 0.0, 0.0), (30.0, -3.5, 180.0), (45.0, 0.0, 0.0), (10.0, 3.4, 150.0), (17.0, 4.2, -20.0)]
    poses = [compose(own, Transform(*place, 0.0, 0.0, 0.0)) for place in ((a, r, 0.0) for a, r, _ in ahead)]
    points = np.array([pose[:2] for pose in poses])
    ground = road_map.ground.height(points, own.z + 0.3)[0]
    rows = [
        pose._replace(z=float(h), yaw=yaw + turn) for pose, h, (_, _, turn) in zip(poses, ground, ahead, strict=True)
    ]
    night = WEATHERS[view.weather][5] < 0.0
    on = 3 if night else 0
    frame = cars(rows, weather=WEATHERS[view.weather], time_s=4.1, speed_mps=1.3)
    shapes = (ShapeClass.SEDAN, ShapeClass.BUS, ShapeClass.POLICE, ShapeClass.WOMAN, ShapeClass.MAN)
    half = ((2.4, 0.95, 0.74), (5.0, 1.5, 1.75), (2.6, 1.0, 0.8), (0.19, 0.19, 0.85), (0.19, 0.19, 0.93))
    count = len(road_map.signals.lights)
    return own, replace(
        frame,
        shape_class=np.array(shapes, dtype=np.int32),
        extent=np.array(half),
        box_center=np.array([(0.0, 0.0, h[2]) for h in half]),
        color=np.array([(40, 90, 170), (220, 220, 210), (24, 25, 30), (140, 60, 55), (60, 120, 130)], dtype=np.uint8),
        light_flags=np.array([on | 8, on | 32, on | 512, 0, 0]),
        stride_phase_rad=np.array([0.0, 0.0, 0.0, 1.2, 4.0]),
        traffic_light_state=np.arange(count, dtype=np.int32) % 3,
    )


def test_views_look_as_they_did(stage: Stage) -> None:
    for view in (v for v in VIEWS if v.town == stage.road_map.name):
        own, frame = _street(stage.road_map, view)
        eye = compose(own, Transform(1.5, 0.0, view.up_m, view.pitch_deg, view.yaw_deg, 0.0))
        image = stage.renderer.render([CameraView(eye, 320, 180, 80.0)], frame)[0][..., :3]
        small = cv2.resize(image, (160, 90), interpolation=cv2.INTER_AREA)
        path = FOLDER / f"{view.name}.png"
        if os.environ.get("GOLDEN_WRITE"):
            FOLDER.mkdir(exist_ok=True)
            cv2.imwrite(str(path), small)
        golden = cv2.imread(str(path))
        assert golden is not None, f"{path} is missing"
        # Blurred, so that a pixel's shift of an edge counts little.
        blurred = [cv2.GaussianBlur(picture, (5, 5), 0).astype(float) for picture in (small, golden)]
        difference = np.abs(blurred[0] - blurred[1])
        assert difference.mean() < MEAN_TOLERANCE, view.name
        assert (difference.max(axis=2) > 40.0).mean() < FAR_OFF_SHARE, view.name


def test_views_differ_from_one_another_by_more_than_the_tolerance() -> None:
    """The tolerance is tight enough: golden images of different weathers, or of different places, are far apart."""
    pictures = {view: np.asarray(cv2.imread(str(FOLDER / f"{view.name}.png")), dtype=np.float64) for view in VIEWS}
    for view, one in pictures.items():
        for other, two in pictures.items():
            if other is not view:
                assert np.abs(one - two).mean() > 2.0 * MEAN_TOLERANCE, (view.name, other.name)
