"""Cameras: which picture a camera actor takes, and the rendering of all that are due at one tick."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from alpamayo_sim.frames import Transform
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
        if not (0 < self.width <= MAX_SIDE and 0 < self.height <= MAX_SIDE and self.width * self.height <= MAX_PIXELS):
            raise ValueError(
                f"an image of {self.width} x {self.height} pixels; at most {MAX_PIXELS} in all are rendered"
            )
        if not 0.1 <= self.fov_deg <= 175.0:
            raise ValueError(f"a field of view of {self.fov_deg:g} degrees; expected 0.1 to 175")


class CameraRoom:
    """The renderer of one world, made when the first camera is spawned."""

    def __init__(self, world: World) -> None:
        self._world = world

    def open(self) -> None:
        """Make the renderer; InfrastructureError when there is no OpenGL here."""

    def take(self, cameras: Sequence[tuple[Camera, Transform]]) -> list[tuple[bytes, memoryview]]:
        """Return (image header, pixels) for each camera at its pose, all rendered in one call."""
        return []

    def close(self) -> None:
        """Free the renderer."""
