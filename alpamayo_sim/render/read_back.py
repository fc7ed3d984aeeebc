"""Pixels on their way back from a graphics card: copied by it into memory that the process sees, while other work goes on.

OpenGL's pixel buffers, mapped for good, which moderngl does not offer.
"""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InfrastructureError
from alpamayo_sim.render.raw_opengl import opengl_functions

PIXEL_PACK_BUFFER, PACK_ALIGNMENT = 0x88EB, 0x0D05
RGBA, RG, UNSIGNED_BYTE, FLOAT = 0x1908, 0x8227, 0x1401, 0x1406
MAP_READ, MAP_PERSISTENT, MAP_COHERENT, CLIENT_STORAGE = 0x0001, 0x0040, 0x0080, 0x0200
SYNC_COMMANDS_COMPLETE, SYNC_FLUSH_COMMANDS, TIMEOUT_EXPIRED, WAIT_FAILED = 0x9117, 0x0001, 0x911B, 0x911D
TIMEOUT_NS = 20_000_000_000


class ReadBack:
    """One read-back at a time; belongs to the context that is current when it is made."""

    def __init__(self) -> None:
        self._gl = opengl_functions()
        self._name = ctypes.c_uint(0)
        self._bytes: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._fence: int | None = None
        self._used = 0

    def start(self, width: int, height: int, *, floats: bool) -> None:
        """Let the lower left part of the present framebuffer be copied: four bytes a pixel, or two float32."""
        gl = self._gl
        self._used = width * height * (8 if floats else 4)
        if self._used > len(self._bytes):
            self._allocate(2 * self._used)
        gl["glBindBuffer"](PIXEL_PACK_BUFFER, self._name)
        gl["glPixelStorei"](PACK_ALIGNMENT, 1)
        pixel = (RG, FLOAT) if floats else (RGBA, UNSIGNED_BYTE)
        gl["glReadPixels"](0, 0, width, height, *pixel, None)
        gl["glBindBuffer"](PIXEL_PACK_BUFFER, 0)
        self._fence = gl["glFenceSync"](SYNC_COMMANDS_COMPLETE, 0)

    def ready(self) -> bool:
        """Return whether the copy has come."""
        assert self._fence is not None
        return self._gl["glClientWaitSync"](self._fence, SYNC_FLUSH_COMMANDS, 0) != TIMEOUT_EXPIRED

    def finish(self) -> NDArray[np.uint8]:
        """Wait for the copy and return its bytes, valid until the next `start`; InfrastructureError if it does not come."""
        assert self._fence is not None
        state = self._gl["glClientWaitSync"](self._fence, SYNC_FLUSH_COMMANDS, TIMEOUT_NS)
        self._gl["glDeleteSync"](self._fence)
        self._fence = None
        if state in (TIMEOUT_EXPIRED, WAIT_FAILED):
            raise InfrastructureError(f"the graphics device has not drawn a picture within {TIMEOUT_NS / 1e9:g} s")
        return self._bytes[: self._used]

    def release(self) -> None:
        """Free the memory."""
        if self._name.value:
            self._bytes = np.zeros(0, np.uint8)
            self._gl["glDeleteBuffers"](1, ctypes.byref(self._name))
            self._name = ctypes.c_uint(0)

    def _allocate(self, size: int) -> None:
        gl = self._gl
        self.release()
        gl["glGenBuffers"](1, ctypes.byref(self._name))
        gl["glBindBuffer"](PIXEL_PACK_BUFFER, self._name)
        flags = MAP_READ | MAP_PERSISTENT | MAP_COHERENT
        gl["glBufferStorage"](PIXEL_PACK_BUFFER, size, None, flags | CLIENT_STORAGE)
        address = gl["glMapBufferRange"](PIXEL_PACK_BUFFER, 0, size, flags)
        gl["glBindBuffer"](PIXEL_PACK_BUFFER, 0)
        if not address:
            raise InfrastructureError(f"the graphics driver has no {size} bytes for pictures")
        self._bytes = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))
