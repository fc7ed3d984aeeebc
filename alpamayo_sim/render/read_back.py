"""Pixels on their way back from a graphics card: copied by it into memory that the process sees, while other work goes on.

OpenGL's pixel buffers, mapped for good, which moderngl does not offer.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InfrastructureError

PIXEL_PACK_BUFFER, PACK_ALIGNMENT = 0x88EB, 0x0D05
RGBA, RG, UNSIGNED_BYTE, FLOAT = 0x1908, 0x8227, 0x1401, 0x1406
MAP_READ, MAP_PERSISTENT, MAP_COHERENT, CLIENT_STORAGE = 0x0001, 0x0040, 0x0080, 0x0200
SYNC_COMMANDS_COMPLETE, SYNC_FLUSH_COMMANDS, TIMEOUT_EXPIRED, WAIT_FAILED = 0x9117, 0x0001, 0x911B, 0x911D
TIMEOUT_NS = 20_000_000_000
_UINT, _INT, _POINTER, _SIZE = ctypes.c_uint, ctypes.c_int, ctypes.c_void_p, ctypes.c_ssize_t
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "glGenBuffers": (None, _INT, _POINTER),
    "glDeleteBuffers": (None, _INT, _POINTER),
    "glBindBuffer": (None, _UINT, _UINT),
    "glBufferStorage": (None, _UINT, _SIZE, _POINTER, _UINT),
    "glMapBufferRange": (_POINTER, _UINT, _SIZE, _SIZE, _UINT),
    "glPixelStorei": (None, _UINT, _INT),
    "glReadPixels": (None, _INT, _INT, _INT, _INT, _UINT, _UINT, _POINTER),
    "glFenceSync": (_POINTER, _UINT, _UINT),
    "glClientWaitSync": (_UINT, _POINTER, _UINT, ctypes.c_uint64),
    "glDeleteSync": (None, _POINTER),
}


class ReadBack:
    """One read-back at a time; belongs to the context that is current when it is made."""

    def __init__(self) -> None:
        self._gl = _functions()
        self._name = _UINT(0)
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
            self._name = _UINT(0)

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


def _functions() -> dict[str, Any]:
    """Return OpenGL's functions as the driver of the current context offers them."""
    find = ctypes.CDLL("libEGL.so.1").eglGetProcAddress
    find.restype, find.argtypes = _POINTER, [ctypes.c_char_p]
    found: dict[str, Any] = {}
    for name, (result, *arguments) in _SIGNATURES.items():
        address = find(name.encode())
        if not address:
            raise InfrastructureError(f"the graphics driver has no {name}")
        found[name] = ctypes.CFUNCTYPE(result, *arguments)(address)
    return found
