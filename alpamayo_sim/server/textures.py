"""Textures that clients gave objects: checked and remembered; nothing here is drawn with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alpamayo_sim.server.codec import Decoder, WireError, u32

MAX_TEXTURE_PIXELS = 1 << 24
CHANNELS = 4


@dataclass(frozen=True, slots=True)
class Texture:
    """What is remembered of one texture."""

    width: int
    height: int
    mean: tuple[float, ...]
    """Mean of red, green, blue and alpha."""


def texture(channel: Decoder) -> Decoder:
    """Return a decoder of CARLA's `Texture`: width, height, and `[r, g, b, a]` of every pixel."""

    def decode(value: Any) -> Texture:
        if type(value) is not list or len(value) != 3:
            raise WireError("expected a texture: width, height, pixels")
        width, height, pixels = u32(value[0]), u32(value[1]), value[2]
        if type(pixels) is not list or not 0 < len(pixels) <= MAX_TEXTURE_PIXELS or len(pixels) != width * height:
            raise WireError(f"expected a texture of {width} x {height} pixels")
        totals = [0.0] * CHANNELS
        for pixel in pixels:
            if type(pixel) is not list or len(pixel) != CHANNELS:
                raise WireError("expected four channels for every pixel")
            for index, value_ in enumerate(pixel):
                totals[index] += channel(value_)
        return Texture(width, height, tuple(total / len(pixels) for total in totals))

    return decode


class Textures:
    """Textures by object name and material parameter."""

    def __init__(self) -> None:
        self.applied: dict[tuple[str, int], Texture] = {}

    def apply(self, names: Sequence[str], parameter: int, image: Texture) -> None:
        """Remember a texture for objects."""
        for name in names:
            self.applied[name, parameter] = image

    def records(self) -> list[list[Any]]:
        """Return `[object name, material parameter, width, height, mean colour]` of each."""
        return [
            [name, parameter, image.width, image.height, list(image.mean)]
            for (name, parameter), image in self.applied.items()
        ]
