"""The image that all cameras of a tick are drawn into, one below the other, and its read-back."""

from __future__ import annotations

from collections.abc import Sequence

import moderngl
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.camera import CameraView


class Target:
    """A colour and a depth image as large as the cameras need, with multisampling where `samples` asks for it."""

    def __init__(self, context: moderngl.Context, samples: int) -> None:
        self._context = context
        self._samples = min(samples, context.max_samples)
        self._size = (0, 0)
        self._used = (0, 0)
        self._boxes: list[tuple[int, int, int, int]] = []
        self._plain: moderngl.Framebuffer | None = None
        self._multi: moderngl.Framebuffer | None = None

    @property
    def most_rows(self) -> int:
        """The height that a target can have."""
        return min(int(self._context.info["GL_MAX_VIEWPORT_DIMS"][1]), 16_384)

    def begin(self, cameras: Sequence[CameraView]) -> None:
        """Make room for the cameras' pictures and clear it."""
        self._boxes = []
        top = 0
        for camera in cameras:
            self._boxes.append((0, top, camera.width, camera.height))
            top += camera.height
        self._used = (max(c.width for c in cameras), top)
        if self._used[0] > self._size[0] or self._used[1] > self._size[1]:
            self._allocate((max(self._used[0], self._size[0]), max(self._used[1], self._size[1])))
        drawn = self._drawn()
        drawn.use()
        drawn.depth_mask = True
        drawn.clear(0.0, 0.0, 0.0, 1.0, depth=1.0, viewport=(0, 0, *self._used))

    def use(self, index: int) -> None:
        """Draw into the place of the camera `index`."""
        self._drawn().viewport = self._boxes[index]

    def write_depth(self, enabled: bool) -> None:
        """Switch the writing of depths."""
        self._drawn().depth_mask = enabled

    def read(self) -> list[NDArray[np.uint8]]:
        """Return the pictures [height, width, 4], each an array of its own."""
        plain = self._plain
        assert plain is not None
        if self._multi is not None:
            self._context.copy_framebuffer(plain, self._multi)
        width, height = self._used
        pixels = np.frombuffer(plain.read(viewport=(0, 0, width, height), components=4), dtype=np.uint8)
        pixels = pixels.reshape(height, width, 4)
        return [pixels[y : y + h, x : x + w].copy() for x, y, w, h in self._boxes]

    def _drawn(self) -> moderngl.Framebuffer:
        drawn = self._multi or self._plain
        assert drawn is not None
        return drawn

    def _allocate(self, size: tuple[int, int]) -> None:
        for old in (self._plain, self._multi):
            if old is not None:
                for attachment in (*old.color_attachments, old.depth_attachment):
                    if attachment is not None:
                        attachment.release()
                old.release()
        context = self._context
        self._size, self._multi = size, None
        if self._samples:
            self._plain = context.framebuffer([context.renderbuffer(size, 4)])
            colour = context.renderbuffer(size, 4, samples=self._samples)
            self._multi = context.framebuffer([colour], context.depth_renderbuffer(size, samples=self._samples))
        else:
            self._plain = context.framebuffer([context.renderbuffer(size, 4)], context.depth_renderbuffer(size))
