"""The still scene and the weather: paint, poles, heads, signs that can be read, shadows, wet ground, rain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from car_frames import cars

from alpamayo_sim.frames import Transform, to_world, wrap_degrees
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.camera_kind import CameraKind
from alpamayo_sim.render.facades import building_looks
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene_frame import SceneFrame
from alpamayo_sim.render.sign_atlas import CELL_PX, Cell, sign_atlas, speed_cell
from alpamayo_sim.render.sky import CLEAR_NOON
from alpamayo_sim.render.street_furniture import sign_travel_yaw_deg
from alpamayo_sim.roads.arrows import arrow_lanes
from alpamayo_sim.roads.light_heads import light_boxes, light_heads, travel_yaw_deg
from alpamayo_sim.roads.markings import build_markings
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.statics import StaticKind

CAR_TAG = 14
NAMES: tuple[str, ...] = (
    "cloudiness", "precipitation", "precipitation_deposits", "wind_intensity", "sun_azimuth_angle", "sun_altitude_angle",
    "fog_density", "fog_distance", "fog_falloff", "wetness", "scattering_intensity", "mie_scattering_scale",
    "rayleigh_scattering_scale", "dust_storm",
)  # fmt: skip


def _weather(**changes: float) -> tuple[float, ...]:
    values: dict[str, float] = dict(zip(NAMES, CLEAR_NOON, strict=True))
    values.update(changes)
    return tuple(values.values())


def _cell(atlas: np.ndarray, cell: int) -> np.ndarray:
    row, column = divmod(cell, 8)
    return atlas[row * CELL_PX : (row + 1) * CELL_PX, column * CELL_PX : (column + 1) * CELL_PX]


@pytest.mark.parametrize(
    ("name", "low", "high", "base"),
    [
        ("cloudiness", 0.0, 90.0, {}),
        ("precipitation", 0.0, 90.0, {}),
        ("precipitation_deposits", 0.0, 90.0, {}),
        ("wind_intensity", 0.0, 100.0, {"precipitation": 80.0}),
        ("sun_azimuth_angle", 0.0, 140.0, {"sun_altitude_angle": 20.0}),
        ("sun_altitude_angle", 10.0, 70.0, {}),
        ("fog_density", 0.0, 60.0, {}),
        ("fog_distance", 0.0, 80.0, {"fog_density": 60.0}),
        ("fog_falloff", 0.0, 5.0, {"fog_density": 60.0}),
        ("wetness", 0.0, 100.0, {}),
        ("scattering_intensity", 0.0, 3.0, {"fog_density": 50.0, "sun_altitude_angle": 15.0}),
        ("mie_scattering_scale", 0.0, 1.0, {}),
        ("rayleigh_scattering_scale", 0.0, 0.2, {}),
        ("dust_storm", 0.0, 90.0, {}),
    ],
)
def test_each_weather_parameter_is_seen(
    renderer: Renderer, front: CameraView, name: str, low: float, high: float, base: dict[str, float]
) -> None:
    # Looking at the sun, so that what light does in the air is in the picture.
    azimuth = base.get("sun_azimuth_angle", _weather(**base)[4])
    toward_sun = front.transform._replace(yaw=azimuth, pitch=12.0)
    views = [CameraView(front.transform, 240, 135, 90.0), CameraView(toward_sun, 240, 135, 100.0)]
    images = []
    for value in (low, high):
        frame = cars([], weather=_weather(**{**base, name: value}), time_s=7.3)
        images.append(np.stack(renderer.render(views, frame))[..., :3].astype(int))
    changed = np.abs(images[0] - images[1]).max(axis=3) > 6
    assert changed.mean() > 0.004, f"{name} changes {changed.mean():.2%} of the pixels"


def test_rain_falls_with_simulation_time(renderer: Renderer, front: CameraView) -> None:
    wet = _weather(precipitation=90.0, cloudiness=90.0)
    first, again, later = (
        renderer.render([front], cars([], weather=wet, time_s=t))[0].astype(int) for t in (1.0, 1.0, 1.05)
    )
    np.testing.assert_array_equal(first, again)
    assert (np.abs(first - later).max(axis=2) > 8).sum() > 100


def test_the_sun_casts_the_shadow_of_a_car_away_from_it(
    renderer: Renderer, front: CameraView, ego_pose: Transform
) -> None:
    x, y, z = (float(v) for v in to_world(ego_pose, np.array([12.0, 0.0, 0.0])))
    above = CameraView(Transform(x, y, z + 14.0, -90.0, 0.0, 0.0), 240, 240, 60.0)
    car = cars([Transform(x, y, z, 0.0, ego_pose.yaw, 0.0)], color=(200, 200, 200))
    sides = []
    for azimuth in (0.0, 180.0):
        weather = _weather(sun_azimuth_angle=azimuth, sun_altitude_angle=35.0)
        frame = replace(car, weather=weather)
        empty = renderer.render([above], cars([], weather=weather))[0].astype(int)
        dark = (empty - renderer.render([above], frame)[0].astype(int))[..., :3].min(axis=2) > 12
        rows, columns = np.nonzero(dark)
        places, _ = above.project(np.array([[x + 1.0, y, z], [x - 1.0, y, z]]))
        axis = places[0] - places[1]
        sides.append(float((np.array([columns.mean(), rows.mean()]) - 120.0) @ axis))
    # At azimuth 0 the sun stands toward +x, so the shadow lies toward -x.
    assert sides[0] < 0.0 < sides[1]


def test_arrows_point_where_lanes_go(town: RoadMap) -> None:
    arrows = arrow_lanes(town)
    assert arrows
    for lane, turns in arrows.items():
        following = town.lanes.next_lane[town.lanes.next_start[lane] : town.lanes.next_start[lane + 1]]
        assert 0 < len(turns) <= len(following) and turns <= {"left", "straight", "right"}
    mesh = build_markings(town)
    assert np.isfinite(mesh.vertices).all() and mesh.triangles.max() < len(mesh.center)


def test_heads_face_their_traffic_and_boxes_are_where_they_are_drawn(renderer: Renderer, town: RoadMap) -> None:
    statics = renderer.scene.statics
    heads = light_heads(town, statics)
    boxes = light_boxes(town, statics)
    drawn = renderer.scene.instances.rows[renderer.scene.light_heads]
    np.testing.assert_allclose(drawn[:, [3, 7, 11]], heads.center, atol=1e-3)
    for index, light in enumerate(town.signals.lights):
        mine = np.flatnonzero(heads.light == index)
        assert 1 <= len(mine) <= 2 and len(boxes[index]) == len(mine)
        for k, box in zip(mine, boxes[index], strict=True):
            assert abs(wrap_degrees(float(heads.facing_deg[k]) - travel_yaw_deg(light) - 180.0)) < 1e-6
            np.testing.assert_allclose(box.center, heads.center[k], atol=1e-9)
            assert box.yaw_deg == light.transform.yaw and box.extent[2] > 0.5
    assert (statics.kind == int(StaticKind.LIGHT_POLE)).sum() == len(town.signals.lights)


def test_speed_limits_differ_and_stop_is_red() -> None:
    limits = (30, 60, 90, 120)
    atlas = sign_atlas(limits)
    faces = [_cell(atlas, speed_cell(limits, v))[..., :3].astype(int) for v in limits]
    for k, one in enumerate(faces):
        for other in faces[k + 1 :]:
            assert (np.abs(one - other).max(axis=2) > 80).mean() > 0.04
    stop = _cell(atlas, Cell.STOP)
    assert stop[CELL_PX // 2, 8, 0] > 150 and stop[0, 0, 3] == 0
    np.testing.assert_array_equal(atlas, sign_atlas(limits))


def test_a_speed_sign_can_be_told_from_another_at_camera_resolution(renderer: Renderer, town: RoadMap) -> None:
    speeds = [s for s in town.signals.signs if s.type_id.startswith("traffic.speed_limit.") and s.boxes]
    found: dict[str, np.ndarray] = {}
    statics = renderer.scene.statics
    source = {int(s): k for k, s in enumerate(statics.source) if statics.kind[k] == int(StaticKind.SIGN_POLE)}
    for sign in speeds:
        if sign.type_id in found:
            continue
        pole = statics.center[source[town.signals.signs.index(sign)]]
        yaw = sign_travel_yaw_deg(sign)
        ahead = np.array([np.cos(np.radians(yaw)), np.sin(np.radians(yaw))])
        eye = pole[:2] - 9.0 * ahead
        foot = pole[2] - 1.35
        view = CameraView(Transform(float(eye[0]), float(eye[1]), float(foot + 2.3), 0.0, yaw, 0.0), 320, 180, 90.0)
        face = renderer.render([view], SceneFrame())[0][82:98, 152:168, :3].astype(float)
        found[sign.type_id] = face
        blue, red = face[..., 0], face[..., 2]
        assert ((red > 110) & (red > blue + 50)).any(), "a red ring"
        assert (face.min(axis=2) > 130).any() and (face.max(axis=2) < 110).any(), "dark figures on white"
    assert len(found) >= 2
    faces = list(found.values())
    assert np.abs(faces[0] - faces[1]).max(axis=2).max() > 60


@pytest.mark.parametrize("metres", [7.0, 25.0, 60.0])
def test_parked_cars_are_seen_near_and_far(renderer: Renderer, town: RoadMap, metres: float) -> None:
    """The picture of a semantic camera has a car of the box's size, whichever of its meshes is drawn."""
    statics = renderer.scene.statics
    parked = np.flatnonzero((statics.kind == int(StaticKind.PARKED_CAR)) & (statics.source >= 0))
    seen = 0
    for k in parked[:12]:
        (x, y, z), yaw = statics.center[k], np.radians(statics.yaw_deg[k])
        eye = (float(x - metres * np.cos(yaw)), float(y - metres * np.sin(yaw)), float(z) + 0.2)
        view = CameraView(
            Transform(*eye, 0.0, float(statics.yaw_deg[k]), 0.0), 320, 180, 40.0, kind=CameraKind.SEMANTIC
        )
        image = renderer.render([view], SceneFrame())[0]
        half_px = view.focal_px * statics.extent[k, 1] / metres
        middle = image[85:96, int(160 - 0.6 * half_px) : int(160 + 0.6 * half_px) + 1, 2]
        seen += float((middle == CAR_TAG).mean()) > 0.7
    assert seen >= 5, "other parked cars stand before some of them"


def test_looks_of_a_house_go_by_its_place_alone() -> None:
    rng = np.random.default_rng(0)
    center, extent = rng.uniform(-200, 200, (40, 3)), rng.uniform(3, 14, (40, 3))
    everything = building_looks(center, extent)
    some = building_looks(center[5:9], extent[5:9])
    np.testing.assert_array_equal(everything.style[5:9], some.style)
    np.testing.assert_allclose(everything.color[5:9], some.color)
    assert len(set((everything.style & 7).tolist())) >= 4
