"""What a driver must read stays readable in small pictures: lights at 25 m, stop signs at 20 m, brake lights and people at 30 m.

The cameras are the wide and the narrow one of a driving model: 120 and 30 degrees over 320 pixels.
"""

from __future__ import annotations

import numpy as np
import pytest
from car_frames import cars

from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene_frame import ShapeClass
from alpamayo_sim.render.sky import CLEAR_NOON
from alpamayo_sim.roads.light_heads import travel_yaw_deg
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.static_boxes import StaticKind

WEATHERS = {
    "noon": CLEAR_NOON,
    "rain": (100.0, 100.0, 90.0, 100.0, -1.0, 45.0, 7.0, 0.75, 0.1, 0.0, 1.0, 0.03, 0.0331, 0.0),
    "night": (5.0, 0.0, 0.0, 10.0, -1.0, -90.0, 60.0, 75.0, 1.0, 0.0, 1.0, 0.03, 0.0331, 0.0),
    "rain_night": (100.0, 100.0, 90.0, 100.0, -1.0, -90.0, 100.0, 0.75, 0.1, 100.0, 1.0, 0.03, 0.0331, 0.0),
}
LOW_BEAM, BRAKE = 1 | 2, 8


def _wide(pose: Transform, fov_deg: float = 120.0) -> CameraView:
    return CameraView(pose, 320, 192, fov_deg)


def _lamp_color(patch: np.ndarray) -> str:
    """Return the colour of the most saturated bright pixel of a patch [h, w, BGR]."""
    pixels = patch.reshape(-1, 3).astype(float)
    _, g, r = pixels[int(np.argmax((pixels.max(axis=1) - pixels.min(axis=1)) * pixels.max(axis=1)))]
    return "green" if g > 1.15 * r else "red" if g < 0.62 * r else "yellow"


@pytest.mark.parametrize("weather", WEATHERS)
@pytest.mark.parametrize("fov_deg", [120.0, 30.0])
def test_the_state_of_a_light_can_be_read_at_25_m(
    renderer: Renderer, town: RoadMap, weather: str, fov_deg: float
) -> None:
    scene, lights = renderer.scene, town.signals.lights
    right, shown = 0, 0
    for index in range(0, len(lights), 3):
        yaw = travel_yaw_deg(lights[index])
        head = scene.instances.rows[scene.light_heads[scene.light_of_head == index][-1]][[3, 7, 11]].astype(float)
        x, y = head[:2] - 25.0 * np.array([np.cos(np.radians(yaw)), np.sin(np.radians(yaw))])
        z = lights[index].lane_boxes[0].center[2] + 0.6
        view = _wide(Transform(float(x), float(y), float(z), 5.0 if fov_deg < 60.0 else 0.0, yaw, 0.0), fov_deg)
        ((column, row), *_), _ = view.project(head[None])
        reach = max(3, int(0.6 * view.focal_px / 25.0))
        for state, color in enumerate(("red", "yellow", "green")):
            states = np.full(len(lights), state)
            image = renderer.render([view], cars([], light_states=states, weather=WEATHERS[weather]))[0][..., :3]
            patch = image[int(row) - reach : int(row) + reach + 1, int(column) - reach : int(column) + reach + 1]
            right += _lamp_color(patch) == color
            shown += 1
    # A house or a tree of another street corner may hide a head.
    assert shown == 30 and right >= 0.95 * shown, f"{right} of {shown}"


@pytest.mark.parametrize("weather", WEATHERS)
def test_a_stop_sign_is_red_and_white_at_20_m(renderer: Renderer, town: RoadMap, weather: str) -> None:
    statics = renderer.scene.statics
    red_pixels = []
    for number, sign in enumerate(town.signals.signs):
        if sign.type_id != "traffic.stop":
            continue
        k = np.flatnonzero((statics.kind == int(StaticKind.SIGN_POLE)) & (statics.source == number))[0]
        yaw = sign.boxes[0].yaw_deg
        x, y = statics.center[k, :2] - 20.0 * np.array([np.cos(np.radians(yaw)), np.sin(np.radians(yaw))])
        eye = Transform(float(x), float(y), float(statics.center[k, 2] - statics.extent[k, 2] + 1.6), 0.0, yaw, 0.0)
        own = cars(
            [compose(eye, Transform(-2.4, 0.0, -1.6, 0.0, 0.0, 0.0))], lights=LOW_BEAM, weather=WEATHERS[weather]
        )
        image = renderer.render([_wide(eye)], own)[0].astype(int)
        patch = image[88:97, 156:165]
        red_pixels.append(((patch[..., 2] > 1.5 * patch[..., 1]) & (patch[..., 2] > 75)).sum())
    assert len(red_pixels) == 8 and np.median(red_pixels) >= 6 and min(red_pixels) >= 3, red_pixels


@pytest.mark.parametrize("weather", WEATHERS)
def test_brake_lights_outshine_tail_lights_at_30_m(
    renderer: Renderer, ego_pose: Transform, front: CameraView, weather: str
) -> None:
    car = compose(ego_pose, Transform(30.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    tail, brake = (
        renderer.render([_wide(front.transform)], cars([car], color=(70, 72, 76), lights=lights, weather=WEATHERS[weather]))[
            0
        ].astype(int)
        for lights in (LOW_BEAM, LOW_BEAM | BRAKE)
    )  # fmt: skip
    redness = [np.clip(image[92:104, 153:167, 2] - image[92:104, 153:167, 1], 0, None) for image in (tail, brake)]
    assert redness[1].sum() > 1.3 * redness[0].sum(), (redness[0].sum(), redness[1].sum())
    assert (redness[1] - redness[0]).max() > 25


@pytest.mark.parametrize(("weather", "least"), [("noon", 40), ("rain", 25), ("night", 20), ("rain_night", 10)])
def test_a_person_on_the_lane_is_seen_at_30_m(
    renderer: Renderer, ego_pose: Transform, front: CameraView, weather: str, least: int
) -> None:
    """Some pixels of the wide camera and a figure in the narrow one differ from an empty lane; with low beams on."""
    own = compose(ego_pose, Transform(-1.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    person = compose(ego_pose, Transform(31.5, 0.2, 0.0, 0.0, 90.0, 0.0))
    alone = cars([own], lights=LOW_BEAM, weather=WEATHERS[weather])
    both = cars([own, person], lights=LOW_BEAM, weather=WEATHERS[weather], speed_mps=1.2, phase_rad=1.0)
    both.shape_class[1] = ShapeClass.MAN
    both.light_flags[1] = 0
    both.extent[1], both.box_center[1] = (0.19, 0.19, 0.93), (0.0, 0.0, 0.93)
    for fov_deg, pixels in ((120.0, 3), (30.0, 60)):
        view = _wide(front.transform, fov_deg)
        empty, seen = (renderer.render([view], frame)[0].astype(int) for frame in (alone, both))
        difference = np.abs(seen - empty)[..., :3].max(axis=2)
        assert (difference > least).sum() >= pixels, (fov_deg, np.sort(difference.ravel())[-pixels])
