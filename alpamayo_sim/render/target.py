"""The image that all cameras of a batch are drawn into, one below the other, and its read-back."""

from __future__ import annotations

from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.camera_kind import Paper
from alpamayo_sim.render.raw_opengl import opengl_functions
from alpamayo_sim.render.read_back import ReadBack


def most_rows(context: moderngl.Context) -> int:
    """Return the height that a target can have."""
    return min(int(context.info["GL_MAX_VIEWPORT_DIMS"][1]), 16_384)


class Target:
    """A colour and a depth image as large as the pictures need, with multisampling where `samples` asks for it.

    On `hardware` each picture has a viewport, and the pixels come back while the process does something else.
    """

    def __init__(self, context: moderngl.Context, paper: Paper, samples: int, *, hardware: bool) -> None:
        self._context = context
        floats = paper is Paper.FLOAT
        self._components, self._dtype, self._format = (2, np.float32, "f4") if floats else (4, np.uint8, "f1")
        self._samples = min(samples, context.max_samples) if paper is Paper.COLOUR else 0
        self._size = (0, 0)
        self._used = (0, 0)
        self._again: NDArray[Any] = np.empty(0, dtype=self._dtype)
        self._set_viewports = opengl_functions()["glViewportArrayv"] if hardware else None
        self._read_back = ReadBack() if hardware else None
        self._plain: moderngl.Framebuffer | None = None
        self._multi: moderngl.Framebuffer | None = None

    def begin(self, sizes: NDArray[np.integer]) -> NDArray[np.float32]:
        """Make room for pictures of sizes [K, 2] and clear it; return their places [K, 4], scales and offsets in clip space."""
        width, height = int(sizes[:, 0].max()), int(sizes[:, 1].sum())
        self._used = (width, height)
        if width > self._size[0] or height > self._size[1]:
            self._allocate((max(width, self._size[0]), max(height, self._size[1])))
        drawn = self._drawn()
        drawn.use()
        drawn.depth_mask = True
        drawn.viewport = (0, 0, width, height)
        drawn.clear(0.0, 0.0, 0.0, 1.0, depth=1.0, viewport=(0, 0, width, height))
        top = np.cumsum(sizes[:, 1]) - sizes[:, 1]
        if self._set_viewports is not None:
            viewports = np.zeros((len(sizes), 4), dtype=np.float32)
            viewports[:, 1], viewports[:, 2:] = top, sizes
            self._set_viewports(0, len(viewports), viewports.ctypes.data)
        places = np.empty((len(sizes), 4), dtype=np.float32)
        places[:, 0], places[:, 1] = sizes[:, 0] / width, sizes[:, 1] / height
        places[:, 2], places[:, 3] = sizes[:, 0] / width - 1.0, (2 * top + sizes[:, 1]) / height - 1.0
        return places

    def write_depth(self, enabled: bool) -> None:
        """Switch the writing of depths."""
        self._drawn().depth_mask = enabled

    def end(self) -> None:
        """Everything is drawn: let the pixels come."""
        plain = self._plain
        assert plain is not None
        if self._multi is not None:
            self._context.copy_framebuffer(plain, self._multi)
            plain.use()
        if self._read_back is not None:
            self._read_back.start(*self._used, floats=self._components == 2)

    def ready(self) -> bool:
        """Return whether `pixels` would not wait."""
        return self._read_back is None or self._read_back.ready()

    def pixels(self) -> NDArray[Any]:
        """Return all pictures [height, width, components], top row first, valid until the next `begin`."""
        width, height = self._used
        shape = (height, width, self._components)
        if self._read_back is not None:
            return self._read_back.finish().view(self._dtype).reshape(shape)
        count = width * height * self._components
        if len(self._again) < count:
            self._again = np.empty(count, dtype=self._dtype)
        pixels = self._again[:count].reshape(shape)
        plain = self._plain
        assert plain is not None
        viewport = (0, 0, width, height)
        plain.read_into(pixels, viewport=viewport, components=self._components, dtype=self._format, alignment=1)
        return pixels

    def _drawn(self) -> moderngl.Framebuffer:
        drawn = self._multi or self._plain
        assert drawn is not None
        return drawn

    def release(self) -> None:
        """Free the images."""
        for old in (self._plain, self._multi):
            if old is not None:
                for attachment in (*old.color_attachments, old.depth_attachment):
                    if attachment is not None:
                        attachment.release()
                old.release()
        self._plain = self._multi = None
        if self._read_back is not None:
            self._read_back.release()

    def _allocate(self, size: tuple[int, int]) -> None:
        self.release()
        context = self._context
        self._size = size
        colour = context.renderbuffer(size, self._components, dtype=self._format)
        if self._samples:
            self._plain = context.framebuffer([colour])
            colour = context.renderbuffer(size, self._components, samples=self._samples, dtype=self._format)
            self._multi = context.framebuffer([colour], context.depth_renderbuffer(size, samples=self._samples))
        else:
            self._plain = context.framebuffer([colour], context.depth_renderbuffer(size))
