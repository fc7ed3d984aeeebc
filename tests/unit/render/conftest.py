"""A renderer over one of our towns, shared by the tests of this folder."""

from __future__ import annotations

import numpy as np
import pytest

from alpamayo_sim.frames import Transform, to_world
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.statics import build_statics


@pytest.fixture(scope="session")
def town() -> RoadMap:
    return load_road_map("Gridvale")


@pytest.fixture(scope="session")
def renderer(town: RoadMap) -> Renderer:
    return Renderer(Scene.from_road_map(town, build_statics(town)))


@pytest.fixture(scope="session")
def ego_pose(town: RoadMap) -> Transform:
    """A pose on the ground of a driving lane that goes straight on for 40 m."""
    lanes = town.lanes
    for x, y, z, _, yaw, _ in town.spawn_points:
        ahead = np.array([x, y]) + 40.0 * np.array([np.cos(np.radians(yaw)), np.sin(np.radians(yaw))])
        hit = lanes.nearest(ahead[None])
        if abs(float(hit.lateral_m[0])) < 0.3 and abs((float(hit.yaw_deg[0]) - yaw + 180.0) % 360.0 - 180.0) < 2.0:
            return Transform(float(x), float(y), float(z) - 0.5, 0.0, float(yaw), 0.0)
    raise AssertionError("no straight lane in the town")


@pytest.fixture(scope="session")
def front(ego_pose: Transform) -> CameraView:
    """The camera of the ego: 1.5 m ahead of its middle, 1.6 m above the ground."""
    x, y, z = to_world(ego_pose, np.array([1.5, 0.0, 1.6]))
    return CameraView(Transform(float(x), float(y), float(z), 0.0, ego_pose.yaw, 0.0), 640, 360, 90.0)
