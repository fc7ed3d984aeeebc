"""Textures: the tiling noise that roughens asphalt, grass, plaster and clouds, and the atlas of sign faces."""

from __future__ import annotations

import moderngl
import numpy as np

from alpamayo_sim.render.sign_atlas import CELL_PX, CELLS, sign_atlas

SIZE = 256
EXPONENT = -0.85
"""Amplitude falls with this power of the frequency: between white noise and hills."""


def noise_texture(context: moderngl.Context) -> moderngl.Texture:
    """Return a repeating texture of 256 x 256 grey values round 0.5, the same on every machine."""
    rng = np.random.Generator(np.random.PCG64(20240229))
    frequency = np.fft.fftfreq(SIZE) * SIZE
    radius = np.hypot(*np.meshgrid(frequency, frequency))
    radius[0, 0] = np.inf
    field = np.fft.ifft2(np.fft.fft2(rng.standard_normal((SIZE, SIZE))) * radius**EXPONENT).real
    grey = np.clip(128.0 + 46.0 * (field - field.mean()) / field.std(), 0.0, 255.0).astype(np.uint8)
    texture = context.texture((SIZE, SIZE), 1, grey.tobytes())
    texture.build_mipmaps()
    texture.filter = (moderngl.LINEAR_MIPMAP_NEAREST, moderngl.LINEAR)
    texture.repeat_x = texture.repeat_y = True
    return texture


def atlas_texture(context: moderngl.Context, speed_limits: tuple[int, ...]) -> moderngl.Texture:
    """Return the texture of the sign faces; it is not shrunk so far that neighbours run together."""
    size = (CELLS * CELL_PX, CELLS * CELL_PX)
    texture = context.texture(size, 4, sign_atlas(speed_limits).tobytes())
    texture.build_mipmaps(max_level=5)
    texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
    texture.repeat_x = texture.repeat_y = False
    return texture
