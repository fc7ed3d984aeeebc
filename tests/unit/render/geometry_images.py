"""What the pictures of depth, segmentation and normals cameras say, and a world full of things to look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.camera_kind import CameraKind
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene_frame import SceneFrame
from alpamayo_sim.world.world import World

Image = NDArray[Any]
ACTORS = (
    ("vehicle.tesla.model3", 14.0, 0.3, 10.0), ("vehicle.mitsubishi.fusorosa", 34.0, -3.4, 180.0),
    ("vehicle.kawasaki.ninja", 9.0, -2.6, 150.0), ("vehicle.bh.crossbike", 8.0, 2.9, 60.0),
    ("vehicle.carlamotors.firetruck", 24.0, 1.4, -8.0), ("walker.pedestrian.0001", 11.0, 4.0, 90.0),
    ("walker.pedestrian.0012", 12.5, -5.0, -60.0), ("static.prop.trafficcone01", 6.0, -1.2, 0.0),
    ("static.prop.container", 18.0, -6.5, 30.0), ("static.prop.barrel", 6.5, 1.5, 0.0),
)  # fmt: skip
"""Blueprints, and where they stand: metres ahead and to the right, degrees."""


def depth_m(image: Image) -> NDArray[np.float64]:
    """Return metres [height, width] as CARLA's documentation decodes them."""
    b, g, r, _ = np.moveaxis(image.astype(np.float64), -1, 0)
    return (r + g * 256.0 + b * 65536.0) / (256.0**3 - 1.0) * 1000.0


def tags(image: Image) -> NDArray[np.int64]:
    """Return semantic tags [height, width]."""
    return image[..., 2].astype(np.int64)


def numbers(image: Image) -> NDArray[np.int64]:
    """Return instance numbers [height, width]."""
    return image[..., 1].astype(np.int64) + 256 * image[..., 0].astype(np.int64)


def normals(image: Image) -> NDArray[np.float64]:
    """Return normals [height, width, 3] in the world."""
    return image[..., 2::-1].astype(np.float64) / 127.5 - 1.0


def shots(renderer: Renderer, view: CameraView, frame: SceneFrame, *kinds: CameraKind) -> list[Image]:
    """Return the pictures of several kinds of cameras at one place."""
    return renderer.render([replace(view, kind=kind) for kind in kinds], frame)


def inside(flags: NDArray[np.bool_], by: int = 1) -> NDArray[np.bool_]:
    """Return which pixels [height, width] have no other value within `by` pixels."""
    kept = flags.copy()
    for dy in range(-by, by + 1):
        for dx in range(-by, by + 1):
            kept &= np.roll(flags, (dy, dx), (0, 1))
    kept[:by], kept[-by:], kept[:, :by], kept[:, -by:] = False, False, False, False
    return kept


def smooth(depth: NDArray[np.float64], labels: NDArray[np.int64], ratio: float = 1.08) -> NDArray[np.bool_]:
    """Return which pixels are on no edge: depths of the neighbours within a ratio, tags the same."""
    kept = np.ones(depth.shape, dtype=np.bool_)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            other = np.roll(depth, (dy, dx), (0, 1))
            kept &= (np.maximum(other, depth) < ratio * np.minimum(other, depth)) & (
                np.roll(labels, (dy, dx), (0, 1)) == labels
            )
    kept[[0, -1]], kept[:, [0, -1]] = False, False
    return kept


def pixel_rays(view: CameraView, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the directions [N, 3] of pixels in the camera's frame, 1 m along its axis."""
    right = (columns + 0.5 - view.width / 2.0) / view.focal_px
    down = (rows + 0.5 - view.height / 2.0) / view.focal_px
    return np.stack([np.ones(len(right)), right, -down], axis=1).astype(np.float64)


def populated(world: World, ego: Transform) -> list[int]:
    """Spawn the actors ahead of `ego` and let them stand; return their ids."""
    found: list[int] = []
    for type_id, forward, right, turn in ACTORS:
        lift = 1.2 if type_id.startswith("walker") else 0.15 if type_id.startswith("vehicle") else 0.0
        pose = compose(ego, Transform(forward, right, lift, 0.0, turn, 0.0))
        found.append(world.spawn(type_id, {}, pose).id)
    for _ in range(20):
        world.step(0.05)
    return found
