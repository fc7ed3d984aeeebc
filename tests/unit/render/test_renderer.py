"""What the pictures show."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from car_frames import SEDAN_HALF, cars

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform, compose, to_world
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.library import bodies
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene_frame import SceneFrame, ShapeClass, is_walker, prop_class
from alpamayo_sim.render.sky import CLEAR_NOON, MOST_BEAMS, lighting
from alpamayo_sim.roads.light_heads import travel_yaw_deg
from alpamayo_sim.roads.road_map import RoadMap

NIGHT = (5.0, 0.0, 0.0, 10.0, -1.0, -90.0, 60.0, 75.0, 1.0, 0.0, 1.0, 0.03, 0.0331, 0.0)
BRAKE, LEFT_BLINKER, LOW_BEAM = 8, 32, 2


def _changed(a: np.ndarray, b: np.ndarray, threshold: int = 40) -> np.ndarray:
    return np.abs(a[..., :3].astype(int) - b[..., :3].astype(int)).max(axis=2) > threshold


def _ahead(ego: Transform, metres: float, right: float = 0.0, turn: float = 0.0) -> Transform:
    x, y, z = to_world(ego, np.array([metres, right, 0.0]))
    return Transform(float(x), float(y), float(z), 0.0, ego.yaw + turn, 0.0)


def test_pictures_are_bgra_of_the_asked_sizes_top_row_first(renderer: Renderer, front: CameraView) -> None:
    wide = CameraView(front.transform, 200, 90, 60.0)
    images = renderer.render([front, wide], SceneFrame())
    assert [i.shape for i in images] == [(360, 640, 4), (90, 200, 4)]
    assert all(i.dtype == np.uint8 and (i[..., 3] == 255).all() for i in images)
    kept = [i.copy() for i in images]
    renderer.render([wide, front], cars([], weather=NIGHT))
    assert all(np.array_equal(i, k) for i, k in zip(images, kept, strict=True)), "later pictures are other arrays"
    sky, road = images[0][5, :].mean(axis=0), images[0][-5, 320]
    assert sky[0] > sky[2] + 15, "the sky is at the top, and bluer than red in BGRA"
    assert np.ptp(road[:3].astype(int)) < 25 and road[0] < 130, "asphalt is at the bottom"
    assert renderer.render([], SceneFrame()) == []


def test_the_same_frame_gives_the_same_picture(renderer: Renderer, front: CameraView, ego_pose: Transform) -> None:
    frame = cars([_ahead(ego_pose, 12.0)])
    first = renderer.render([front], frame)[0]
    renderer.render(
        [CameraView(compose(front.transform, Transform(5, 0, 0, 0, 120, 0)), 320, 180, 90.0)], cars([], weather=NIGHT)
    )
    np.testing.assert_array_equal(first, renderer.render([front], frame)[0])


@pytest.mark.parametrize(("metres", "right", "turn"), [(8.0, 0.0, 0.0), (14.0, -3.0, 90.0), (25.0, 2.0, 180.0)])
@pytest.mark.parametrize("shape", [prop_class("box"), int(ShapeClass.SEDAN)])
def test_a_box_covers_the_pixels_that_the_intrinsics_say(
    renderer: Renderer,
    front: CameraView,
    ego_pose: Transform,
    metres: float,
    right: float,
    turn: float,
    shape: int,
) -> None:
    pose = _ahead(ego_pose, metres, right, turn)
    pose = pose._replace(z=pose.z + 0.6)  # off the ground, so that its shadow is elsewhere
    empty = renderer.render([front], SceneFrame())[0]
    frame = cars([pose], shape=shape, color=(255, 0, 255))
    changed = _changed(empty, renderer.render([front], frame)[0], 25)
    corners = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (0, 2)]) * SEDAN_HALF
    pixels, _ = front.project(to_world(pose, corners))
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    rows, columns = np.nonzero(changed[: int(np.ceil(high[1])) + 1])
    slack = 1.0 if shape != ShapeClass.SEDAN else 0.09 * float((high - low).max()) + 2.0
    found = np.array([columns.min(), rows.min(), columns.max() + 1.0])
    np.testing.assert_allclose(found, [low[0], low[1], high[0]], atol=slack)


def test_many_large_pictures_are_taken_in_turns(renderer: Renderer, front: CameraView) -> None:
    large = CameraView(front.transform, 64, 6000, 40.0)
    images = renderer.render([large] * 4 + [front], SceneFrame())
    assert [i.shape[:2] for i in images] == [(6000, 64)] * 4 + [(360, 640)]
    for taken, alone in ((images[3], images[0]), (images[4], renderer.render([front], SceneFrame())[0])):
        # Rasterisation rounds a little otherwise at another place of the target.
        assert _changed(taken, alone, 8).mean() < 0.002


def test_two_renderers_live_side_by_side_and_multisampling_only_softens(
    renderer: Renderer, front: CameraView, ego_pose: Transform
) -> None:
    frame = cars([_ahead(ego_pose, 9.0)])
    before = renderer.render([front], frame)[0]
    other = Renderer(renderer.scene, samples=4)
    smooth = other.render([front], frame)[0]
    np.testing.assert_array_equal(renderer.render([front], frame)[0], before)
    assert _changed(smooth, before, 40).mean() < 0.05
    assert np.abs(smooth.astype(float).mean() - before.astype(float).mean()) < 1.0
    other.release()
    np.testing.assert_array_equal(renderer.render([front], frame)[0], before)


def test_brake_lights_and_blinkers_show(renderer: Renderer, front: CameraView, ego_pose: Transform) -> None:
    pose = _ahead(ego_pose, 9.0)
    dark, braking, blinking = (
        renderer.render([front], cars([pose], color=(40, 40, 45), lights=k))[0] for k in (0, BRAKE, LEFT_BLINKER)
    )
    red = _changed(dark, braking, 70)
    assert red.sum() > 60
    b, g, r = braking[red][:, :3].mean(axis=0)
    assert r > 200 and g < 130 and b < 130
    amber = _changed(dark, blinking, 60)
    assert amber.sum() > 4 and np.nonzero(amber)[1].mean() < front.width / 2, (
        "the left blinker is on the left of the car ahead"
    )


@pytest.mark.parametrize(("state", "lens"), [(0, "red"), (1, "yellow"), (2, "green")])
def test_the_lit_lens_faces_the_traffic_that_it_concerns(
    renderer: Renderer, town: RoadMap, state: int, lens: str
) -> None:
    seen = 0
    lights = town.signals.lights
    for index in range(0, len(lights), 5):
        light = lights[index]
        yaw = travel_yaw_deg(light)
        t, height = light.transform, light.lane_boxes[0].center[2] - 1.0
        back = 14.0 * np.array([np.cos(np.radians(yaw)), np.sin(np.radians(yaw))])
        camera = CameraView(Transform(t.x - back[0], t.y - back[1], height + 4.5, 0.0, yaw, 0.0), 480, 360, 70.0)
        off = renderer.render([camera], cars([], light_states=np.full(len(lights), 3)))[0]
        states = np.full(len(lights), 3)
        states[index] = state
        on = renderer.render([camera], cars([], light_states=states))[0]
        lit = on[_changed(off, on, 40)][:, :3]
        if len(lit) < 8:
            continue
        seen += 1
        b, g, r = lit.mean(axis=0)
        assert {"red": r > 1.8 * g, "yellow": r > 1.4 * b and g > 1.2 * b and r > 150, "green": g > 1.2 * r}[lens], (
            r,
            g,
            b,
        )
    assert seen >= 0.6 * len(range(0, len(lights), 5))


def test_day_is_brighter_than_night_and_lamps_shine_only_at_night(
    renderer: Renderer, front: CameraView, ego_pose: Transform
) -> None:
    pose = _ahead(ego_pose, 20.0, -3.5, 180.0)
    day, dusk, night = (
        renderer.render([front], cars([pose], lights=LOW_BEAM, weather=w))[0][..., :3].mean()
        for w in (CLEAR_NOON, (*CLEAR_NOON[:5], 3.0, *CLEAR_NOON[6:]), NIGHT)
    )
    assert day > dusk > night > 3
    assert day > 1.5 * night
    lit, unlit = (renderer.render([front], cars([pose], lights=k, weather=NIGHT))[0] for k in (LOW_BEAM, 0))
    assert _changed(lit, unlit, 12).sum() > 400 and lit[..., :3].mean() > unlit[..., :3].mean()


def test_fog_hides_what_is_far(renderer: Renderer, front: CameraView) -> None:
    foggy = (*CLEAR_NOON[:6], 100.0, 0.0, 0.0, *CLEAR_NOON[9:])
    clear, thick = (
        renderer.render([front], cars([], weather=w))[0][100:190, :, :3].astype(float).std()
        for w in (CLEAR_NOON, foggy)
    )
    assert thick < 0.5 * clear


@pytest.mark.parametrize("shape", sorted(bodies()))
def test_every_shape_is_visible_by_day_from_all_sides(
    renderer: Renderer, front: CameraView, ego_pose: Transform, shape: int
) -> None:
    empty = renderer.render([front], SceneFrame())[0]
    for turn in (0.0, 90.0, 180.0, 270.0):
        half = (0.19, 0.19, 0.93) if is_walker(np.array([shape]))[0] else (1.2, 0.9, 0.9)
        frame = cars([_ahead(ego_pose, 10.0, 0.0, turn)], shape=shape, color=(230, 60, 230), half=half)
        assert _changed(empty, renderer.render([front], frame)[0]).sum() > 250


def test_weather_at_the_edges_is_finite() -> None:
    for weather in (
        (0.0,) * 14,
        (100.0,) * 14,
        (-1.0,) * 14,
        (*CLEAR_NOON[:5], -90.0, *CLEAR_NOON[6:]),
        (*CLEAR_NOON[:5], 90.0, *CLEAR_NOON[6:]),
    ):
        light = lighting(weather)
        block = np.frombuffer(light.block(), dtype=np.float32)
        assert len(block) == 4 * (9 + 2 * MOST_BEAMS) and np.isfinite(block).all() and (light.sun_color >= 0).all()
        assert np.linalg.norm(light.sun_direction) == pytest.approx(1.0)


def test_a_malformed_frame_is_refused() -> None:
    with pytest.raises(InputError, match="transform"):
        SceneFrame(shape_class=np.zeros(2, dtype=np.int32))
    with pytest.raises(InputError, match="weather"):
        SceneFrame(weather=(1.0, 2.0))


def test_without_egl_the_error_names_the_packages() -> None:
    """In a process whose EGL finds no driver: the vendor list that libglvnd reads is empty."""
    code = (
        "from alpamayo_sim.render.context import create_context, RendererUnavailable\n"
        "from alpamayo_sim.errors import InfrastructureError\n"
        "try:\n    create_context()\n"
        "except InfrastructureError as error:\n    assert isinstance(error, RendererUnavailable); print(error)\n"
    )
    environment = {**os.environ, "__EGL_VENDOR_LIBRARY_FILENAMES": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "libegl1 libgl1-mesa-dri" in done.stdout
