"""OpenGL's functions that moderngl does not offer, as the driver of the current context has them."""

from __future__ import annotations

import ctypes
from typing import Any

from alpamayo_sim.errors import InfrastructureError

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
    "glViewportArrayv": (None, _UINT, _INT, _POINTER),
}


def opengl_functions() -> dict[str, Any]:
    """Return the functions by name; InfrastructureError for a driver that lacks one."""
    try:
        find = ctypes.CDLL("libEGL.so.1").eglGetProcAddress
    except OSError as error:
        raise InfrastructureError(f"libEGL.so.1 can not be loaded: {error}") from error
    find.restype, find.argtypes = _POINTER, [ctypes.c_char_p]
    found: dict[str, Any] = {}
    for name, (result, *arguments) in _SIGNATURES.items():
        address = find(name.encode())
        if not address:
            raise InfrastructureError(f"the graphics driver has no {name}")
        found[name] = ctypes.CFUNCTYPE(result, *arguments)(address)
    return found
