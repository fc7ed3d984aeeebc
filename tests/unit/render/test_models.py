"""The models: every blueprint has one, they fill their boxes, and lights, doors, wheels and legs move as they should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from car_frames import cars

from alpamayo_sim.frames import Transform, to_world
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.instances import DynamicInstances
from alpamayo_sim.render.library import bodies, mesh_library
from alpamayo_sim.render.mesh import Joint, Material
from alpamayo_sim.render.prop_shapes import PROPS, prop_of
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene_frame import ShapeClass, is_walker, shape_class
from alpamayo_sim.world.blueprints import catalogue

LEFT_BLINKER, RIGHT_BLINKER, SPECIAL = 32, 16, 512
LIBRARY = mesh_library((30, 50))


def _class(type_id: str) -> int:
    blueprint = catalogue()[type_id]
    values = blueprint.values({})
    return int(
        shape_class(
            type_id,
            base_type=blueprint.base_type,
            wheels=blueprint.number_of_wheels,
            extent=blueprint.extent,
            gender=values.get("gender", ""),
            age=values.get("age", "adult"),
        )
    )


def _vertices(name: str) -> np.ndarray:
    k = LIBRARY.index(name)
    first, count = int(LIBRARY.first[k, 0]), int(LIBRARY.count[k, 0])
    return LIBRARY.vertices[np.unique(LIBRARY.indices[first : first + count])]


def _camera(ego: Transform, ahead: float, up: float) -> CameraView:
    x, y, z = to_world(ego, np.array([ahead, 0.0, up]))
    return CameraView(Transform(float(x), float(y), float(z), -4.0, ego.yaw, 0.0), 320, 200, 60.0)


def _ahead(ego: Transform, metres: float, turn: float = 0.0) -> Transform:
    x, y, z = to_world(ego, np.array([metres, 0.0, 0.0]))
    return Transform(float(x), float(y), float(z), 0.0, ego.yaw + turn, 0.0)


@pytest.mark.parametrize(
    ("type_id", "shape"),
    [
        ("vehicle.dodge.charger_police_2020", ShapeClass.POLICE),
        ("vehicle.ford.ambulance", ShapeClass.AMBULANCE),
        ("vehicle.carlamotors.firetruck", ShapeClass.FIRE_TRUCK),
        ("vehicle.carlamotors.european_hgv", ShapeClass.TRUCK),
        ("vehicle.mitsubishi.fusorosa", ShapeClass.BUS),
        ("vehicle.mercedes.sprinter", ShapeClass.VAN),
        ("vehicle.tesla.cybertruck", ShapeClass.PICKUP),
        ("vehicle.nissan.patrol", ShapeClass.SUV),
        ("vehicle.tesla.model3", ShapeClass.SEDAN),
        ("vehicle.audi.a2", ShapeClass.HATCHBACK),
        ("vehicle.kawasaki.ninja", ShapeClass.MOTORCYCLE),
        ("vehicle.vespa.zx125", ShapeClass.SCOOTER),
        ("vehicle.gazelle.omafiets", ShapeClass.BICYCLE),
        ("walker.pedestrian.0009", ShapeClass.CHILD),
        ("walker.pedestrian.0001", ShapeClass.WOMAN),
        ("walker.pedestrian.0002", ShapeClass.MAN),
    ],
)
def test_blueprints_look_like_what_they_are(type_id: str, shape: ShapeClass) -> None:
    assert _class(type_id) == shape


def test_every_prop_of_the_catalogue_has_a_model_of_its_own_kind() -> None:
    names = [k for k in catalogue() if k.startswith("static.prop.") and max(catalogue()[k].extent) > 0.0]
    plain = [name for name in names if prop_of(name) == "box"]
    assert len(names) > 80 and plain == []
    assert {prop_of(name) for name in names} == set(PROPS) - {"box"}


@pytest.mark.parametrize("shape", sorted(bodies()))
def test_models_fill_their_boxes(shape: int) -> None:
    body = bodies()[shape]
    points = _vertices(body.mesh)["position"]
    if is_walker(np.array([shape]))[0]:
        assert points[:, 2].max() == pytest.approx(2.0 * body.half_size[2], abs=0.06)
        return
    low, high = points.min(axis=0) / body.half_size, points.max(axis=0) / body.half_size
    slack = 0.3 if body.wheel_x or shape < ShapeClass.PROP else 0.12
    assert (low[:2] > -1.0 - slack).all() and (high[:2] < 1.0 + slack).all()
    assert low[2] > -0.25 and 0.9 < high[2] < 2.25
    assert (high - low)[:2].max() > 1.0


@pytest.mark.parametrize("shape", [s for s in sorted(bodies()) if s < ShapeClass.MAN])
def test_vehicles_have_lamps_on_both_sides(shape: int) -> None:
    vertices = _vertices(bodies()[shape].mesh)
    material, y = vertices["normal"][:, 3], vertices["position"][:, 1]
    x = vertices["position"][:, 0]
    assert x[material == Material.HEADLIGHT].min() > 0.0 > x[material == Material.TAILLIGHT].max() - 0.5
    if shape != ShapeClass.BICYCLE:
        assert y[material == Material.BLINKER_LEFT].max() < 0.0 < y[material == Material.BLINKER_RIGHT].min()
    emergency = shape in (ShapeClass.POLICE, ShapeClass.AMBULANCE, ShapeClass.FIRE_TRUCK)
    assert (material == Material.BEACON).any() == emergency


def test_walkers_have_every_joint() -> None:
    for name in ("man", "woman", "child"):
        joints = set((_vertices(name)["color"][:, 3] & 127).tolist())
        assert set(range(Joint.THIGH_LEFT, Joint.FOREARM_RIGHT + 1)) <= joints


def test_wheels_steer_and_roll_about_their_hubs() -> None:
    instances = DynamicInstances(LIBRARY)
    pose = [Transform(3.0, 4.0, 0.0, 0.0, 30.0, 0.0)]
    straight, _, _ = instances.bodies(cars(pose))
    steered, _, _ = instances.bodies(cars(pose, steer_deg=20.0))
    rolled, _, _ = instances.bodies(cars(pose, wheel_turn_deg=70.0))
    wheels = np.flatnonzero(straight.mesh == LIBRARY.index("wheel"))
    assert len(wheels) == 4
    np.testing.assert_allclose(steered.rows[:, [3, 7, 11]], straight.rows[:, [3, 7, 11]], atol=1e-5)
    np.testing.assert_allclose(rolled.rows[:, [3, 7, 11]], straight.rows[:, [3, 7, 11]], atol=1e-5)
    turned = [not np.allclose(steered.rows[k, :12], straight.rows[k, :12], atol=1e-4) for k in wheels]
    assert sum(turned) == 2, "the front wheels steer, the rear wheels do not"
    for k in wheels:
        before, after = (i.rows[k, :12].reshape(3, 4)[:, :3] for i in (straight, rolled))
        np.testing.assert_allclose(after[:, 1], before[:, 1], atol=1e-5)  # the axle stays
        cosine = before[:, 0] @ after[:, 0] / (np.linalg.norm(before[:, 0]) * np.linalg.norm(after[:, 0]))
        assert cosine == pytest.approx(np.cos(np.radians(70.0)), abs=1e-4)
        # The wheel's top goes ahead.
        forward = np.array([np.cos(np.radians(30.0)), np.sin(np.radians(30.0)), 0.0])
        top = np.linalg.inv(before) @ np.array([0.0, 0.0, 1.0])
        assert (after @ top) @ forward > 0.5


def test_open_doors_hang_at_their_hinges() -> None:
    instances = DynamicInstances(LIBRARY)
    pose = [Transform(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)]
    closed, _, _ = instances.bodies(cars(pose))
    opened, _, _ = instances.bodies(cars(pose, open_doors=0b0011))
    assert len(opened.mesh) == len(closed.mesh) + 3  # two doors and the cabin behind them
    for number, side in ((0, -1.0), (1, 1.0)):
        row = opened.rows[np.flatnonzero(opened.mesh == LIBRARY.index(f"sedan_door_{number}"))[0], :12].reshape(3, 4)
        points = _vertices(f"sedan_door_{number}")["position"] @ row[:, :3].T + row[:, 3]
        assert (points[:, 1] * side).max() > 1.5, "it stands out on its side"
        hinge = points[points[:, 0] > points[:, 0].max() - 0.05]
        assert np.abs(hinge[:, 1]).max() < 1.1


def test_indicators_blink_with_simulation_time(renderer: Renderer, ego_pose: Transform) -> None:
    camera = _camera(ego_pose, 3.0, 1.3)

    def picture(time_s: float, lights: int) -> np.ndarray:
        frame = cars([_ahead(ego_pose, 9.0)], color=(30, 30, 34), lights=lights, time_s=time_s)
        return renderer.render([camera], frame)[0].astype(int)

    def amber(time_s: float, lights: int) -> tuple[int, float]:
        gain = picture(time_s, lights) - picture(time_s, 0)
        lit = (gain[..., 2] > 35) & (gain[..., 2] > gain[..., 0] + 15)
        return int(lit.sum()), float(np.nonzero(lit)[1].mean()) if lit.any() else float("nan")

    on, where = amber(0.1, LEFT_BLINKER)
    assert on > 6 and where < 160
    assert amber(0.1, RIGHT_BLINKER)[1] > 160
    assert amber(0.45, LEFT_BLINKER)[0] < 0.3 * on
    assert amber(0.1 + 2.0 / 1.5, LEFT_BLINKER)[0] == pytest.approx(on, rel=0.2)


def test_beacons_flash_only_when_they_are_on(renderer: Renderer, ego_pose: Transform) -> None:
    camera = _camera(ego_pose, 3.0, 1.6)

    def picture(lights: int, time_s: float) -> np.ndarray:
        frame = cars([_ahead(ego_pose, 9.0)], color=(20, 20, 24), lights=lights, shape=ShapeClass.POLICE, time_s=time_s)
        return renderer.render([camera], frame)[0].astype(int)

    dark, first, second = picture(0, 0.03), picture(SPECIAL, 0.03), picture(SPECIAL, 0.26)
    assert np.abs(first - dark).max(axis=2).max() > 60
    assert np.abs(first - second).max() > 60, "the two sides flash in turn"


def test_legs_move_with_the_stride_and_stand_still_without_speed(renderer: Renderer, ego_pose: Transform) -> None:
    camera = _camera(ego_pose, 4.0, 1.0)
    pose = _ahead(ego_pose, 8.0, 90.0)
    pose = pose._replace(z=pose.z + 0.93)

    def picture(speed: float, phase: float) -> np.ndarray:
        frame = cars([pose], shape=ShapeClass.MAN, half=(0.19, 0.19, 0.93), speed_mps=speed, phase_rad=phase)
        # Walkers' boxes have their middle at the origin.
        frame = replace(frame, box_center=np.zeros((1, 3)))
        return renderer.render([camera], frame)[0].astype(int)

    def moved(a: np.ndarray, b: np.ndarray) -> int:
        return int((np.abs(a - b).max(axis=2) > 30).sum())

    assert moved(picture(1.4, np.pi / 2), picture(1.4, 0.0)) > 150
    assert moved(picture(0.0, np.pi / 2), picture(0.0, 0.0)) == 0
