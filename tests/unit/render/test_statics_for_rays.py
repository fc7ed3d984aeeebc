"""Rays meet what stands beside the roads where cameras see it: depth and tag of every kind of thing."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_images import depth_m, pixel_rays, shots, smooth, tags

from alpamayo_sim.frames import Transform
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.camera_kind import CameraKind
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene_frame import SceneFrame
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.static_boxes import StaticKind
from alpamayo_sim.sensors.ray_scene import RayScene
from alpamayo_sim.world.world import World

LEAST_SHARE = {StaticKind.TREE: 0.4, StaticKind.HEDGE: 0.75, StaticKind.PARKED_CAR: 0.7, StaticKind.LIGHT_POLE: 0.6}
"""Of the pixels whose depth agrees to 15 cm + 3 %: leaves, and the lofted bodies of cars, are less simple than boxes."""


@pytest.fixture(scope="module")
def world(renderer: Renderer, town: RoadMap) -> World:
    return World(town, renderer.scene.statics)


@pytest.mark.parametrize("kind", [k for k in StaticKind if k not in (StaticKind.GUARD_RAIL, StaticKind.SIGN_POLE)])
def test_rays_and_depth_cameras_agree_on_every_kind(renderer: Renderer, world: World, kind: StaticKind) -> None:
    statics, rays = renderer.scene.statics, RayScene()
    rng = np.random.default_rng(1)
    near, same, pixels = 0, 0, 0
    for k in rng.choice(np.flatnonzero(statics.kind == int(kind)), 3, replace=False):
        (x, y, z), angle = statics.center[k], rng.uniform(0.0, 2.0 * np.pi)
        away = max(6.0, 2.2 * float(np.hypot(*statics.extent[k, :2])))
        eye = Transform(
            float(x - away * np.cos(angle)), float(y - away * np.sin(angle)), float(z) + 0.5, 0.0, float(np.degrees(angle)), 0.0
        )  # fmt: skip
        view = CameraView(eye, 160, 120, 60.0)
        images = shots(renderer, view, SceneFrame(), CameraKind.DEPTH, CameraKind.SEMANTIC)
        depth, labels = depth_m(images[0]), tags(images[1])
        rows, columns = np.nonzero(smooth(depth, labels) & (labels == statics.label[k]))
        directions = pixel_rays(view, rows, columns)
        length = np.linalg.norm(directions, axis=1)
        hits = rays.cast(world, eye, directions / length[:, None], 300.0)
        seen = depth[rows, columns]
        near += int((np.abs(hits.distance_m / length - seen) < 0.15 + 0.03 * seen).sum())
        same += int((hits.tag == statics.label[k]).sum())
        pixels += len(rows)
    assert pixels > 40
    assert near > LEAST_SHARE.get(kind, 0.85) * pixels, f"{near / pixels:.1%}"
    assert same > 0.85 * pixels, f"{same / pixels:.1%}"
