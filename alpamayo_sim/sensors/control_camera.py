"""`sensor.camera.cosmos_visualization`: draws the control view by the painter's order, without OpenGL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, rotation_matrix
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.camera_kind import CameraKind
from alpamayo_sim.sensors.camera import Camera
from alpamayo_sim.sensors.control_view import Shapes, shapes_of
from alpamayo_sim.sensors.sensor import Tick

Floats = NDArray[np.floating]
NEAR_M, FAR_M = 0.2, 400.0
SUBPIXEL_BITS = 4
MOST_PX = 1e5
"""Coordinates beyond this are cut: they must fit OpenCV's integers."""


class ControlCamera:
    """A camera with CARLA's attributes of size, field of view and lens."""

    def __init__(self, attributes: Mapping[str, str], seed: int) -> None:
        """Read the attributes; ValueError for what no camera has. There is nothing random about it."""
        self._camera = Camera(CameraKind.RGB, attributes)

    @property
    def pixels(self) -> int:
        """Of one picture."""
        return self._camera.pixels

    def measure(self, tick: Tick) -> Sequence[bytes]:
        """Return one body: the image header, then BGRA pixels row by row."""
        camera = self._camera
        view = CameraView(tick.pose, camera.width, camera.height, camera.fov_deg)
        return (b"".join(camera.body(draw(view, shapes_of(tick.world)))),)


def draw(view: CameraView, shapes: Shapes) -> NDArray[np.uint8]:
    """Return the picture [height, width, 4], BGRA on opaque black, far things first."""
    image = np.zeros((view.height, view.width, 4), dtype=np.uint8)
    image[..., 3] = 255
    outlines, depths, chosen = _ribbons(view, _in_camera(view.transform, shapes.ends), shapes.width_m)
    paint = shapes.color[chosen][:, ::-1].astype(np.float64)
    jobs: list[tuple[float, NDArray[np.int32], tuple[float, ...]]] = [
        (depth, outline, (*color, 255.0))
        for depth, outline, color in zip(depths.tolist(), outlines, paint.tolist(), strict=True)
    ]
    for polygon, (red, green, blue) in shapes.polygons:
        corners = _cut(_in_camera(view.transform, polygon))
        if len(corners) >= 3 and float(corners[:, 0].min()) < FAR_M:
            jobs.append((float(corners[:, 0].mean()), _fixed(_project(view, corners)), (blue, green, red, 255.0)))
    for _, outline, color in sorted(jobs, key=lambda job: -job[0]):
        cv2.fillPoly(image, [outline], color, lineType=cv2.LINE_8, shift=SUBPIXEL_BITS)
    return image


def _in_camera(pose: Transform, points: Floats) -> Floats:
    """Return points [..., 3] in the camera's frame: ahead, right, up."""
    return (np.asarray(points, np.float64) - np.array(pose[:3])) @ rotation_matrix(*pose[3:])


def _cut(polygon: Floats) -> Floats:
    """Return the part [K, 3] of a polygon before the near plane."""
    kept: list[Floats] = []
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if a[0] >= NEAR_M:
            kept.append(a)
        if (a[0] - NEAR_M) * (b[0] - NEAR_M) < 0.0:
            kept.append(a + (b - a) * ((NEAR_M - a[0]) / (b[0] - a[0])))
    return np.array(kept).reshape(-1, 3)


def _project(view: CameraView, points: Floats) -> Floats:
    """Return pixel coordinates [..., 2] of points [..., 3] in the camera's frame."""
    u = view.width / 2.0 + view.focal_px * points[..., 1] / points[..., 0]
    v = view.height / 2.0 - view.focal_px * points[..., 2] / points[..., 0]
    return np.stack([u, v], axis=-1)


def _ribbons(view: CameraView, ends: Floats, width_m: Floats) -> tuple[NDArray[np.int32], Floats, NDArray[np.integer]]:
    """Return the outlines [K, 4, 2] of lines [S, 2, 3] of some width that face the camera, their depths [K] and numbers [K]."""
    depth = ends[..., 0]
    chosen = np.flatnonzero((depth.max(axis=1) > NEAR_M) & (depth.min(axis=1) < FAR_M))
    line, width = ends[chosen], width_m[chosen]
    for near, far in ((0, 1), (1, 0)):
        behind = line[:, near, 0] < NEAR_M
        a, b = line[behind, near], line[behind, far]
        line[behind, near] = a + (b - a) * ((NEAR_M - a[:, :1]) / (b[:, :1] - a[:, :1]))
    seen = _project(view, line)
    half = np.maximum(0.5 * view.focal_px * width[:, None] / line[..., 0], 0.5)
    reach = half.max(axis=1, keepdims=True)
    inside = (seen.max(axis=1) + reach > 0.0) & (seen.min(axis=1) - reach < np.array([view.width, view.height]))
    kept = inside.all(axis=1)
    line, seen, half = line[kept], seen[kept], half[kept]
    way = seen[:, 1] - seen[:, 0]
    across = np.stack([-way[:, 1], way[:, 0]], axis=1) / np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-6)[:, None]
    off = across[:, None] * half[..., None]
    outline = np.stack(
        [seen[:, 0] + off[:, 0], seen[:, 1] + off[:, 1], seen[:, 1] - off[:, 1], seen[:, 0] - off[:, 0]], axis=1
    )
    return _fixed(outline), line[..., 0].mean(axis=1), chosen[kept]


def _fixed(points: Floats) -> NDArray[np.int32]:
    """Return pixel coordinates as OpenCV's fixed-point numbers; its pixels have their middle at whole numbers."""
    return np.rint((np.clip(points, -MOST_PX, MOST_PX) - 0.5) * (1 << SUBPIXEL_BITS)).astype(np.int32)
