"""Depth, labels and normals agree with rays, with the boxes of actors, with the intrinsics and with the colour picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from car_frames import SEDAN_HALF, cars
from geometry_images import ACTORS, depth_m, inside, normals, numbers, pixel_rays, populated, shots, smooth, tags

from alpamayo_sim.frames import Transform, compose, rotation_matrix, to_world
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.camera_kind import CameraKind
from alpamayo_sim.render.instance_numbers import FIRST_NUMBER
from alpamayo_sim.render.lens import Lens, through_lens
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene_frame import SceneFrame, prop_class
from alpamayo_sim.render.sky import CLEAR_NOON
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.sensors.ray_scene import RayScene
from alpamayo_sim.sensors.scene_writer import SceneWriter
from alpamayo_sim.world.world import World

DEPTH, SEMANTIC, INSTANCE, NORMALS = CameraKind.DEPTH, CameraKind.SEMANTIC, CameraKind.INSTANCE, CameraKind.NORMALS
ROAD, SIDEWALK, BUILDING, TERRAIN, SKY, RIDER, ROAD_LINE = 1, 2, 3, 10, 11, 13, 24
SKY_M = (2**24 - 6) / (2**24 - 1) * 1000.0
VIEWS = (
    (0.0, 2.2, -3.0, 0.0, 90.0, 480, 270),
    (-3.0, 7.0, -18.0, 25.0, 60.0, 320, 240),
    (4.0, 1.4, 2.0, -50.0, 120.0, 400, 200),
)
"""Metres ahead and up, pitch and yaw in degrees, field of view, size."""


@dataclass(frozen=True)
class Street:
    """A street of the town with actors in it."""

    world: World
    ids: list[int]
    frame: SceneFrame
    ego: Transform

    def view(
        self, ahead: float, up: float, pitch: float, yaw: float, fov: float, width: int, height: int
    ) -> CameraView:
        """Return a camera by its place before the ego."""
        eye = compose(self.ego, Transform(ahead, 0.0, up, pitch, yaw, 0.0))
        return CameraView(eye, width, height, fov)

    def box(self, actor_id: int) -> np.ndarray:
        """Return the corners [8, 3] of an actor's box in the world."""
        info = self.world.info(actor_id)
        signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
        return to_world(self.world.transform(actor_id), np.array(info.box_center) + signs * np.array(info.extent))


@pytest.fixture(scope="module")
def street(renderer: Renderer, town: RoadMap, ego_pose: Transform) -> Street:
    world = World(town, renderer.scene.statics)
    ids = populated(world, ego_pose)
    return Street(world, ids, SceneWriter(world).frame(), ego_pose)


@pytest.mark.parametrize("place", VIEWS)
def test_depth_and_labels_agree_with_rays(
    renderer: Renderer, street: Street, place: tuple[float, float, float, float, float, int, int]
) -> None:
    view = street.view(*place)
    depth_image, tag_image = shots(renderer, view, street.frame, DEPTH, SEMANTIC)
    depth, labels = depth_m(depth_image), tags(tag_image)
    rows, columns = np.nonzero(smooth(depth, labels))
    chosen = np.random.default_rng(3).choice(len(rows), 4000, replace=False)
    rows, columns = rows[chosen], columns[chosen]
    along = pixel_rays(view, rows, columns)
    length = np.linalg.norm(along, axis=1)
    hits = RayScene().cast(street.world, view.transform, along / length[:, None], 3000.0)
    seen, label = depth[rows, columns], labels[rows, columns]
    planar = np.where(hits.hit, hits.distance_m / length, np.inf)
    plain = np.isin(label, (ROAD, SIDEWALK, BUILDING, TERRAIN, ROAD_LINE)) & (seen < 150.0)
    same = plain & (hits.tag == np.where(label == ROAD_LINE, ROAD, label))
    assert plain.sum() > 1000 and same.sum() > 0.93 * plain.sum(), (
        "rays meet coarser shapes of what is not ground or wall"
    )
    error = np.abs(seen - planar)[same] / planar[same]
    assert np.quantile(error, 0.995) < 0.001 and (error < 0.01).mean() > 0.998
    solid = np.isin(label, (14, 15, 16)) & (hits.tag == label)
    assert np.median(np.abs(seen - planar)[solid] / planar[solid]) < 0.05
    sky = label == SKY
    assert np.allclose(seen[sky], SKY_M, atol=1e-3) and sky.sum() > 10
    assert np.isin(hits.tag[sky & hits.hit], (14, 15, 16)).all(), "to rays some vehicles are boxes"
    assert (sky & hits.hit).sum() < 0.05 * sky.sum() + 2
    assert np.all(seen[label != SKY] < 1000.0)


@pytest.mark.parametrize("place", VIEWS)
def test_numbers_are_those_of_the_actors_that_are_there(
    renderer: Renderer, street: Street, place: tuple[float, float, float, float, float, int, int]
) -> None:
    view = street.view(*place)
    instance, depth_image = shots(renderer, view, street.frame, INSTANCE, DEPTH)
    number, label, depth = numbers(instance), tags(instance), depth_m(depth_image)
    signals = {int(i) for i in (*street.frame.traffic_light_id, *street.frame.traffic_sign_id)}
    there = set(np.unique(number[number < FIRST_NUMBER]).tolist()) - {0}
    assert there <= set(street.ids) | signals
    assert np.isin(label[np.isin(number, list(signals))], (6, 7, 8)).all()
    assert set(np.unique(label[number == 0])) <= {ROAD, SIDEWALK, TERRAIN, SKY, ROAD_LINE, 25, 26}
    ahead = 0
    for actor_id in street.ids:
        corners = street.box(actor_id)
        pixels, depths = view.project(corners)
        mask = number == actor_id
        if depths.min() < 0.5:
            continue
        # Handlebars, mirrors and heads may reach a little over their box.
        over = 2.0 + 0.04 * (pixels.max(axis=0) - pixels.min(axis=0))
        low, high = pixels.min(axis=0) - over, pixels.max(axis=0) + over
        walker = "walker" in street.world.info(actor_id).type_id
        if walker:
            # A capsule is narrower than the person in it.
            low, high = low - 0.4 * view.focal_px / depths.min(), high + 0.4 * view.focal_px / depths.min()
        within = (high > 8.0).all() and (low < np.array([view.width, view.height]) - 8.0).all()
        if not within:
            assert not mask.any()
            continue
        ahead += 1
        if mask.any():
            rows, columns = np.nonzero(mask)
            assert (
                low[0] <= columns.min() and columns.max() <= high[0] and low[1] <= rows.min() and rows.max() <= high[1]
            )
            slack = 0.5 if walker else 0.15
            assert depths.min() - slack < depth[mask].min() and depth[mask].max() < depths.max() + slack
            expected = set(street.world.info(actor_id).semantic_tags)
            assert set(np.unique(label[mask]).tolist()) <= expected
    assert ahead >= 1


def test_every_actor_is_seen_from_the_front(renderer: Renderer, street: Street) -> None:
    (instance,) = shots(renderer, street.view(0.0, 3.5, -8.0, 0.0, 90.0, 640, 360), street.frame, INSTANCE)
    number, label = numbers(instance), tags(instance)
    for actor_id, (type_id, *_) in zip(street.ids, ACTORS, strict=True):
        assert (number == actor_id).sum() > 30, type_id
    for type_id, machine in (("vehicle.kawasaki.ninja", 18), ("vehicle.bh.crossbike", 19)):
        actor_id = street.ids[[a[0] for a in ACTORS].index(type_id)]
        found = label[number == actor_id]
        assert (found == RIDER).mean() > 0.2 and (found == machine).mean() > 0.15
    assert len(np.unique(number[number >= FIRST_NUMBER])) > 10, "houses and trees are told apart"
    assert (label[number >= FIRST_NUMBER] != ROAD).all()


@pytest.mark.parametrize(
    ("width", "height", "fov"), [(800, 600, 90.0), (1280, 720, 60.0), (320, 180, 120.0), (400, 400, 35.0)]
)
@pytest.mark.parametrize("lens", [Lens(), Lens(3.0, 3.0), Lens(2.0, 1.5, 0.4, -0.3, 0.05, 0.1)])
def test_corners_of_a_box_are_where_the_intrinsics_say(
    renderer: Renderer, ego_pose: Transform, width: int, height: int, fov: float, lens: Lens
) -> None:
    view = CameraView(compose(ego_pose, Transform(0.0, 0.0, 1.6, 0.0, 0.0, 0.0)), width, height, fov, INSTANCE)
    focal = width / (2.0 * np.tan(np.radians(fov) / 2.0))
    for metres, right, turn in ((9.0, -1.1, 0.0), (14.0, 2.5, 35.0)):
        pose = compose(ego_pose, Transform(metres, right, 0.9, 0.0, turn, 0.0))
        half = np.array([0.8, 0.6, 0.4])
        frame = replace(cars([pose], shape=prop_class("box"), half=(0.8, 0.6, 0.4)), actor_id=np.array([7]))
        mask = numbers(renderer.render([view], frame)[0])[..., None] == 7
        seen = through_lens(mask, lens.sources(width, height))[..., 0]
        corners = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (0, 2)]) * half
        local = (to_world(pose, corners) - view.transform[:3]) @ rotation_matrix(0.0, ego_pose.yaw, 0.0)
        expected = np.stack(
            [width / 2 + focal * local[:, 1] / local[:, 0], height / 2 - focal * local[:, 2] / local[:, 0]], axis=1
        )
        expected = _shown_at(lens, expected / (width, height)) * (width, height)
        rows, columns = np.nonzero(seen)
        found = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        np.testing.assert_allclose(found, [*expected.min(axis=0), *expected.max(axis=0)], atol=1.0)


def _shown_at(lens: Lens, places: np.ndarray) -> np.ndarray:
    """Return where in the distorted picture [N, 2] the places of the undistorted one are seen."""
    found = places.copy()
    for _ in range(200):
        found += 0.5 * (places - lens.source(found))
    np.testing.assert_allclose(lens.source(found), places, atol=1e-7)
    return found


def test_normals_are_of_unit_length_face_the_camera_and_point_up_from_the_ground(
    renderer: Renderer, street: Street
) -> None:
    view = street.view(0.0, 2.2, -3.0, 0.0, 90.0, 640, 360)
    image, tag_image = shots(renderer, view, street.frame, NORMALS, SEMANTIC)
    normal, label = normals(image), tags(tag_image)
    assert (image[label == SKY][:, :3] == 128).all()
    surface = label != SKY
    np.testing.assert_allclose(np.linalg.norm(normal[surface], axis=1), 1.0, atol=0.02)
    assert (normal[inside(label == ROAD, 2)][:, 2] > 0.98).mean() > 0.98
    assert (normal[inside(np.isin(label, (TERRAIN, ROAD_LINE)))][:, 2] > 0.9).all()
    walls = normal[label == BUILDING]
    assert ((np.abs(walls[:, 2]) < 0.01) | (walls[:, 2] > 0.5)).mean() > 0.999
    rows, columns = np.nonzero(np.isin(label, (ROAD, SIDEWALK, BUILDING, TERRAIN)))
    rays = pixel_rays(view, rows, columns) @ rotation_matrix(*view.transform[3:]).T
    assert ((normal[rows, columns] * rays).sum(axis=1) < 0.01).mean() > 0.999


def test_edges_of_labels_are_those_of_the_colour_picture(
    renderer: Renderer, front: CameraView, ego_pose: Transform
) -> None:
    pose = compose(ego_pose, Transform(10.0, -0.5, 0.9, 0.0, 30.0, 0.0))
    frame = replace(cars([pose], color=(255, 0, 255)), actor_id=np.array([9]), semantic_tag=np.array([14]))
    empty, full = (renderer.render([front], f)[0][..., :3].astype(int) for f in (SceneFrame(), frame))
    changed = np.abs(empty - full).max(axis=2) > 6
    mask = numbers(shots(renderer, front, frame, INSTANCE)[0]) == 9
    assert mask.sum() > 2000 and changed[mask].mean() > 0.985
    above = np.arange(front.height)[:, None] < np.nonzero(mask)[0].mean()
    assert (changed & ~mask & above).sum() <= 0.002 * mask.sum(), "no shadow falls above the car's middle"


def test_light_and_weather_write_no_labels(renderer: Renderer, front: CameraView, street: Street) -> None:
    storm = (100.0, 100.0, 90.0, CLEAR_NOON[3], -1.0, -90.0, 100.0, 0.75, 0.1, 100.0, 1.0, 0.03, 0.0331, 50.0)
    night = replace(street.frame, weather=storm, light_flags=np.full(len(street.frame), 2 | 8))
    for kind in (DEPTH, SEMANTIC, INSTANCE, NORMALS):
        day, dark = (shots(renderer, front, frame, kind)[0] for frame in (street.frame, night))
        np.testing.assert_array_equal(day, dark)


def test_lights_and_signs_have_the_numbers_of_their_actors(renderer: Renderer, street: Street, town: RoadMap) -> None:
    seen = 0
    scene = renderer.scene
    for light, actor_id in enumerate(street.frame.traffic_light_id.tolist()[:12]):
        heads = scene.instances.rows[scene.light_heads[scene.light_of_head == light]]
        for head in heads:
            facing = np.array([head[0], head[4], 0.0])
            eye = head[[3, 7, 11]] + 6.0 * facing
            yaw = float(np.degrees(np.arctan2(-facing[1], -facing[0])))
            view = CameraView(Transform(float(eye[0]), float(eye[1]), float(eye[2]), 0.0, yaw, 0.0), 120, 90, 30.0)
            (instance,) = shots(renderer, view, street.frame, INSTANCE)
            middle = (tags(instance)[45, 60], numbers(instance)[45, 60])
            seen += middle == (7, actor_id)
    assert (street.frame.traffic_light_id > 0).all() and seen >= 10


def test_kinds_in_one_call_are_those_of_calls_of_their_own(
    renderer: Renderer, front: CameraView, street: Street
) -> None:
    kinds = tuple(CameraKind)
    together = shots(renderer, front, street.frame, *kinds)
    for kind, image in zip(kinds, together, strict=True):
        alone = shots(renderer, front, street.frame, kind)[0]
        assert alone.shape == image.shape and alone.dtype == image.dtype
        if kind is not DEPTH:
            assert (np.abs(alone.astype(float) - image.astype(float)) < 3.0).mean() > 0.998, kind
    np.testing.assert_allclose(
        np.median(np.abs(depth_m(together[DEPTH]) - depth_m(shots(renderer, front, street.frame, DEPTH)[0]))),
        0.0,
        atol=1e-3,
    )


def test_multisampling_mixes_no_labels(renderer: Renderer, front: CameraView, street: Street) -> None:
    soft = Renderer(renderer.scene, samples=4)
    sharp = shots(renderer, front, street.frame, INSTANCE)[0]
    np.testing.assert_array_equal(shots(soft, front, street.frame, CameraKind.RGB, INSTANCE)[1], sharp)
    soft.release()


def test_a_car_without_label_is_drawn_with_none(renderer: Renderer, front: CameraView, ego_pose: Transform) -> None:
    frame = cars([compose(ego_pose, Transform(9.0, 0.0, 0.0, 0.0, 0.0, 0.0))], half=SEDAN_HALF)
    (image,) = shots(renderer, front, frame, INSTANCE)
    assert (image[..., :3] == 0).all(axis=2).sum() > 1000


def test_parking_bays_are_ground_with_painted_borders(renderer: Renderer) -> None:
    scene = renderer.scene
    bays = scene.instances.rows[scene.instances.mesh == scene.library.index("bay")]
    assert len(bays) > 0
    x, y, z = (float(v) for v in bays[0, [3, 7, 11]])
    above = CameraView(Transform(x, y, z + 9.0, -90.0, 0.0, 0.0), 200, 200, 60.0)
    instance = shots(renderer, above, SceneFrame(), INSTANCE)[0]
    label, number = tags(instance), numbers(instance)
    assert (label == 25).sum() > 200 and (label == ROAD_LINE).sum() > 100
    assert (label == 14).sum() > 1000 and (number[label == 14] >= FIRST_NUMBER).all(), "the car in it has a number"
    assert (number[np.isin(label, (25, ROAD_LINE))] == 0).all()


def test_more_cameras_of_all_kinds_and_sizes_than_one_batch_holds(
    renderer: Renderer, front: CameraView, street: Street
) -> None:
    kinds = list(CameraKind)
    views = [
        replace(
            front, width=40 + 8 * (k % 5), height=30 + 6 * (k % 7), fov_deg=60.0 + k % 3, kind=kinds[k % len(kinds)]
        )
        for k in range(180)
    ]
    views[77] = replace(views[77], width=1920, height=1080)
    images = renderer.render(views, street.frame)
    for k, (view, image) in enumerate(zip(views, images, strict=True)):
        channels, dtype = (2, np.float32) if view.kind is CameraKind.FLOW else (4, np.uint8)
        assert image.shape == (view.height, view.width, channels) and image.dtype == dtype
        if k % 13 == 0 or k == 77:
            (alone,) = renderer.render([view], street.frame)
            if view.kind is DEPTH:
                image, alone = depth_m(image), depth_m(alone)
            assert (np.abs(image.astype(float) - alone.astype(float)) < 3.0).mean() > 0.97, (k, view.kind.name)
