"""The tiling noise that roughens asphalt, grass, plaster and clouds."""

from __future__ import annotations

import moderngl
import numpy as np

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
