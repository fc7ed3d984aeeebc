"""The OpenGL context: windowless, through EGL; the GPU's driver where there is one, Mesa's llvmpipe otherwise."""

from __future__ import annotations

import importlib.resources
import threading

import moderngl

from alpamayo_sim.errors import InfrastructureError
from alpamayo_sim.render.batch import MOST_CAMERAS

DEBIAN_PACKAGES = "libegl1 libgl1-mesa-dri"
GLSL_VERSION = "#version 430\n"
VIEWPORTS = "#extension GL_ARB_shader_viewport_layer_array : require\n#define VIEWPORTS\n"
"""Lets vertex shaders choose the viewport that they draw into."""
CAMERAS_BINDING, LIGHT_BINDING, BEFORE_BINDING = 0, 1, 2
"""Of the uniform blocks."""


class RendererUnavailable(InfrastructureError):
    """No OpenGL context could be made; the message names what to install."""


_present = threading.local()


def create_context() -> moderngl.Context:
    """Return a new windowless OpenGL 4.3 context; raises RendererUnavailable where the machine has no usable EGL."""
    try:
        context = moderngl.create_context(standalone=True, require=430, backend="egl")  # pyright: ignore[reportArgumentType]
    except Exception as error:  # moderngl and glcontext raise bare Exception; it is passed on typed
        raise RendererUnavailable(
            "cameras need OpenGL 4.3 through EGL, and no context could be made "
            f"({type(error).__name__}: {error}); on Debian or Ubuntu install it with: apt-get install {DEBIAN_PACKAGES}"
        ) from error
    _present.context = context
    return context


def make_current(context: moderngl.Context) -> None:
    """Let this thread's OpenGL calls go to a context; costs nothing when they do already."""
    if getattr(_present, "context", None) is not context:
        context.__enter__()
        _present.context = context


def release_context(context: moderngl.Context) -> None:
    """Free a context and everything in it."""
    if getattr(_present, "context", None) is context:
        _present.context = None
    context.release()


def is_software(context: moderngl.Context) -> bool:
    """Return whether the processor draws, not a graphics card."""
    return any(name in str(context.info["GL_RENDERER"]) for name in ("llvmpipe", "softpipe", "swrast"))


def set_uniform(program: moderngl.Program, name: str, value: object) -> None:
    """Set a uniform, where the compiler kept it."""
    uniform = program.get(name, None)
    if isinstance(uniform, moderngl.Uniform):
        uniform.value = value


def load_program(context: moderngl.Context, vertex: str, fragment: str, *defines: str) -> moderngl.Program:
    """Return the program of two files of `render/shaders`, both preceded by `defines` and `common.glsl`.

    A software renderer pays for both sides of every branch: what a weather has no need for is left out of its program.
    """
    folder = importlib.resources.files("alpamayo_sim.render") / "shaders"
    extension = "" if is_software(context) else VIEWPORTS
    names = (*defines, f"MOST_CAMERAS {MOST_CAMERAS}")
    common = GLSL_VERSION + extension + "".join(f"#define {name}\n" for name in names)
    shared = (folder / "common.glsl").read_text()
    program = context.program(
        vertex_shader=common + "#define VERTEX_STAGE\n" + shared + (folder / vertex).read_text(),
        fragment_shader=common + shared + (folder / fragment).read_text(),
    )
    for name, binding in (("Cameras", CAMERAS_BINDING), ("Light", LIGHT_BINDING), ("Before", BEFORE_BINDING)):
        block = program.get(name, None)
        if isinstance(block, moderngl.UniformBlock):
            block.binding = binding
    return program
