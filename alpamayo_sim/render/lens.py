"""The lens distortion of CARLA's cameras, as the nodes of its material `PhysicLensDistortion` compute it.

With p = 2 uv - 1 of a pixel (both axes -1 to 1), and s the sizes of the lens:

    (u, v) = s p^2,  r = u + v,  f = 1 + r (k + kcube sqrt(r))
    mask = (circle_multiplier min(sqrt(r), 1)) ^ circle_falloff
    the pixel shows what is at uv - mask sign(p) f (u, v)

Without a circle multiplier, CARLA's default, the picture is that of a pinhole. The nearest pixel is shown, so that labels and
depths stay what they are, and beyond the edge what is at the edge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
PREFIX = "lens_"


@dataclass(frozen=True)
class Lens:
    """A camera's lens, in the terms of its blueprint's `lens_` attributes; the defaults are CARLA's."""

    circle_falloff: float = 5.0
    circle_multiplier: float = 0.0
    k: float = -1.0
    kcube: float = 0.0
    x_size: float = 0.08
    y_size: float = 0.08

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, str]) -> Lens:
        """Return the lens of a camera blueprint's values; ValueError for what is no finite number."""
        names = [name for name in cls.__dataclass_fields__ if PREFIX + name in attributes]
        values = {name: float(attributes[PREFIX + name].rstrip("f")) for name in names}
        for name, value in values.items():
            if not np.isfinite(value):
                raise ValueError(f"{PREFIX}{name} is {value}; expected a finite number")
        return cls(**values)

    @property
    def is_pinhole(self) -> bool:
        """Whether nothing is distorted."""
        return self.circle_multiplier <= 0.0 or (self.x_size == 0.0 and self.y_size == 0.0)

    def source(self, uv: Floats) -> Floats:
        """Return where in the undistorted picture a place [..., 2] of the picture looks; both 0 to 1 from the upper left."""
        uv = np.asarray(uv, dtype=np.float64)
        if self.is_pinhole:
            return uv
        p = 2.0 * uv - 1.0
        bent = p * p * np.array([self.x_size, self.y_size])
        r = bent.sum(axis=-1, keepdims=True)
        with np.errstate(all="ignore"):
            root = np.sqrt(np.maximum(r, 0.0))
            f = 1.0 + r * (self.k + self.kcube * root)
            mask = (self.circle_multiplier * np.minimum(root, 1.0)) ** self.circle_falloff
            found = uv - mask * np.sign(p) * f * bent
        return np.where(np.isfinite(found), found, uv)

    def sources(self, width: int, height: int) -> NDArray[np.int32]:
        """Return for every pixel [height * width] the number of the pixel of the undistorted picture that it shows."""
        u, v = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
        place = self.source(np.stack(np.meshgrid(u, v), axis=-1))
        column = np.clip(np.floor(place[..., 0] * width), 0, width - 1).astype(np.int32)
        row = np.clip(np.floor(place[..., 1] * height), 0, height - 1).astype(np.int32)
        return (row * width + column).ravel()


def through_lens(pixels: NDArray[np.generic], sources: NDArray[np.int32]) -> NDArray[np.generic]:
    """Return a picture [height, width, channels] with each pixel taken from where `sources` says."""
    flat = pixels.reshape(-1, pixels.shape[-1])
    return np.take(flat, sources, axis=0).reshape(pixels.shape)
