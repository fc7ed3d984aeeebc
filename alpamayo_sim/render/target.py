"""The image that all cameras of a batch are drawn into, one below the other, and its read-back."""

from __future__ import annotations

from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray


class Target:
    """A colour and a depth image as large as the pictures need, with multisampling where `samples` asks for it.

    Pixels have `components` numbers of a `dtype`: bytes or float32.
    """

    def __init__(
        self, context: moderngl.Context, samples: int, *, components: int = 4, dtype: type[np.generic] = np.uint8
    ) -> None:
        self._context = context
        self._components, self._dtype = components, dtype
        self._format = "f4" if dtype is np.float32 else "f1"
        self._samples = min(samples, context.max_samples)
        self._size = (0, 0)
        self._used = (0, 0)
        self._plain: moderngl.Framebuffer | None = None
        self._multi: moderngl.Framebuffer | None = None

    @property
    def most_rows(self) -> int:
        """The height that a target can have."""
        return min(int(self._context.info["GL_MAX_VIEWPORT_DIMS"][1]), 16_384)

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
        places = np.empty((len(sizes), 4), dtype=np.float32)
        places[:, 0], places[:, 1] = sizes[:, 0] / width, sizes[:, 1] / height
        places[:, 2], places[:, 3] = sizes[:, 0] / width - 1.0, (2 * top + sizes[:, 1]) / height - 1.0
        return places

    def use(self) -> None:
        """Draw into the target."""
        self._drawn().use()

    def write_depth(self, enabled: bool) -> None:
        """Switch the writing of depths."""
        self._drawn().depth_mask = enabled

    def read(self) -> NDArray[Any]:
        """Return all pictures [height, width, components], top row first, in an array of its own."""
        plain = self._plain
        assert plain is not None
        if self._multi is not None:
            self._context.copy_framebuffer(plain, self._multi)
        width, height = self._used
        pixels = np.empty((height, width, self._components), dtype=self._dtype)
        plain.read_into(
            pixels, viewport=(0, 0, width, height), components=self._components, dtype=self._format, alignment=1
        )
        return pixels

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
        colour = context.renderbuffer(size, self._components, dtype=self._format)
        if self._samples:
            self._plain = context.framebuffer([colour])
            colour = context.renderbuffer(size, self._components, samples=self._samples, dtype=self._format)
            self._multi = context.framebuffer([colour], context.depth_renderbuffer(size, samples=self._samples))
        else:
            self._plain = context.framebuffer([colour], context.depth_renderbuffer(size))
