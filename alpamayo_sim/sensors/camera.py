"""Cameras: which picture a camera actor takes, and the rendering of all that are due at one tick."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform
from alpamayo_sim.render.camera import CameraView, LastPicture
from alpamayo_sim.render.camera_kind import CameraKind
from alpamayo_sim.render.lens import Lens, through_lens
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.render.scene_frame import SceneFrame
from alpamayo_sim.roads.statics import build_statics
from alpamayo_sim.sensors.scene_writer import SceneWriter
from alpamayo_sim.sensors.sensor import floats
from alpamayo_sim.world.world import World

IMAGE_HEADER = struct.Struct("<IIf")
"""Width, height, horizontal field of view in degrees."""
MAX_SIDE = 8192
MAX_PIXELS = 1 << 24
CAMERA_KINDS = {
    "sensor.camera.rgb": CameraKind.RGB,
    "sensor.camera.depth": CameraKind.DEPTH,
    "sensor.camera.semantic_segmentation": CameraKind.SEMANTIC,
    "sensor.camera.instance_segmentation": CameraKind.INSTANCE,
    "sensor.camera.normals": CameraKind.NORMALS,
    "sensor.camera.optical_flow": CameraKind.FLOW,
}
"""What the pixels of each camera blueprint tell."""


class Camera:
    """One camera actor: kind, size, field of view and lens of its pictures."""

    def __init__(self, kind: CameraKind, attributes: Mapping[str, str]) -> None:
        """Read the attributes; ValueError for a size or an angle that no camera has, or a lens that is none.

        Of the attributes of exposure, colour, focus and effects the pictures take no notice.
        """
        self.kind = kind
        self.width, self.height = int(attributes["image_size_x"]), int(attributes["image_size_y"])
        (self.fov_deg,) = floats(attributes, "fov")
        sides = 0 < self.width <= MAX_SIDE and 0 < self.height <= MAX_SIDE
        if not sides or self.width * self.height > MAX_PIXELS:
            raise ValueError(f"{self.width} x {self.height} pixels; a picture has 1 to {MAX_PIXELS}")
        if not 0.1 <= self.fov_deg <= 175.0:
            raise ValueError(f"a field of view of {self.fov_deg:g} degrees; expected 0.1 to 175")
        self.lens = Lens.from_attributes(attributes)
        self.image_header = IMAGE_HEADER.pack(self.width, self.height, self.fov_deg)
        self._last: LastPicture | None = None

    @property
    def pixels(self) -> int:
        """Of one picture."""
        return self.width * self.height

    def view(self, pose: Transform, frame: SceneFrame) -> CameraView:
        """Return the picture to take now; a flow camera remembers it, since the next one shows the motion between both."""
        last = self._last
        if self.kind is CameraKind.FLOW:
            self._last = LastPicture(pose, frame)
        return CameraView(pose, self.width, self.height, self.fov_deg, self.kind, last)

    def body(self, image: NDArray[Any]) -> tuple[bytes | memoryview, ...]:
        """Return the parts of a message's body: the image header, and the pixels row by row as the lens shows them.

        None when there is nothing to say.
        """
        seen = image if self.lens.is_pinhole else through_lens(image, self.lens_sources)
        return self.image_header, np.ascontiguousarray(seen).reshape(-1).view(np.uint8).data

    @cached_property
    def lens_sources(self) -> NDArray[np.int32]:
        """Which pixel of the undistorted picture each pixel shows."""
        return self.lens.sources(self.width, self.height)


class CameraRoom:
    """The renderer of one world, made when the first camera is spawned."""

    def __init__(self, world: World, render_service: str | None = None) -> None:
        """`render_service` is the address of the process that is to draw; without one this process does."""
        self._world = world
        self._service = render_service
        self._renderer: Renderer | None = None
        self._writer = SceneWriter(world)
        self._scene_version = world.scene.version

    def open(self) -> None:
        """Make the renderer if there is none of the present scene yet; InfrastructureError when there is no OpenGL here."""
        if self._scene_version != self._world.scene.version:
            self.close()
        if self._renderer is None:
            self._scene_version = self._world.scene.version
            statics, shown = self._world.scene.statics, self._world.scene.shown()
            if statics is None:
                statics = build_statics(self._world.road_map)
            self._renderer = Renderer(Scene.from_road_map(self._world.road_map, statics, shown), service=self._service)

    def take(self, cameras: Sequence[tuple[Camera, Transform]]) -> list[tuple[bytes | memoryview, ...]]:
        """Return the parts of the message's body for each camera at its pose, all rendered in one call."""
        self.open()
        assert self._renderer is not None
        frame = self._writer.frame()
        images = self._renderer.render([camera.view(pose, frame) for camera, pose in cameras], frame)
        return [camera.body(image) for (camera, _), image in zip(cameras, images, strict=True)]

    def close(self) -> None:
        """Free the renderer."""
        if self._renderer is not None:
            self._renderer.release()
            self._renderer = None
