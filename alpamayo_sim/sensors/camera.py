"""Cameras: which picture a camera actor takes, and the rendering of all that are due at one tick."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np

from alpamayo_sim.frames import Transform
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.roads.statics import build_statics
from alpamayo_sim.sensors.scene_writer import SceneWriter
from alpamayo_sim.sensors.sensor import floats
from alpamayo_sim.world.world import World

IMAGE_HEADER = struct.Struct("<IIf")
"""Width, height, horizontal field of view in degrees."""
MAX_SIDE = 8192
MAX_PIXELS = 1 << 24


class Camera:
    """`sensor.camera.rgb`: size and field of view of the pictures."""

    def __init__(self, attributes: Mapping[str, str]) -> None:
        """Read the attributes; ValueError for a size or an angle that no camera has."""
        self.width, self.height = int(attributes["image_size_x"]), int(attributes["image_size_y"])
        (self.fov_deg,) = floats(attributes, "fov")
        sides = 0 < self.width <= MAX_SIDE and 0 < self.height <= MAX_SIDE
        if not sides or self.width * self.height > MAX_PIXELS:
            raise ValueError(f"{self.width} x {self.height} pixels; a picture has 1 to {MAX_PIXELS}")
        if not 0.1 <= self.fov_deg <= 175.0:
            raise ValueError(f"a field of view of {self.fov_deg:g} degrees; expected 0.1 to 175")
        self.image_header = IMAGE_HEADER.pack(self.width, self.height, self.fov_deg)


class CameraRoom:
    """The renderer of one world, made when the first camera is spawned."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._renderer: Renderer | None = None
        self._writer = SceneWriter(world)
        self._scene_version = world.scene.version

    def open(self) -> None:
        """Make the renderer if there is none of the present scene yet; InfrastructureError when there is no OpenGL here."""
        if self._scene_version != self._world.scene.version:
            self.close()
        if self._renderer is None:
            self._scene_version = self._world.scene.version
            statics = self._world.scene.present_statics()
            if statics is None:
                statics = build_statics(self._world.road_map)
            self._renderer = Renderer(Scene.from_road_map(self._world.road_map, statics))

    def take(self, cameras: Sequence[tuple[Camera, Transform]]) -> list[tuple[bytes, memoryview]]:
        """Return (image header, BGRA pixels row by row) for each camera at its pose, all rendered in one call."""
        self.open()
        assert self._renderer is not None
        views = [CameraView(pose, camera.width, camera.height, camera.fov_deg) for camera, pose in cameras]
        images = self._renderer.render(views, self._writer.frame())
        return [
            (camera.image_header, np.ascontiguousarray(image).reshape(-1).data)
            for (camera, _), image in zip(cameras, images, strict=True)
        ]

    def close(self) -> None:
        """Free the renderer."""
        if self._renderer is not None:
            self._renderer.release()
            self._renderer = None
