"""Textures that clients gave objects: checked and remembered; nothing here is drawn with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.server.codec import MAX_MAGNITUDE, Decoder, WireError, u32
from alpamayo_sim.server.requests import PackedPixels

CHANNELS = 4
PIXEL_HEADER, BYTE_HEADER = 0x90 | CHANNELS, 0xCC
FLOATS = {0xCA: ">f4", 0xCB: ">f8"}
CHUNK_BYTES = 1 << 18
"""Pixels are read in pieces of this size, so that reading a texture takes no multiple of its memory."""
Means = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Texture:
    """What is remembered of one texture."""

    width: int
    height: int
    mean: Means
    """Mean of red, green, blue and alpha."""


class _BytePixels:
    """Reads pixels of `[r, g, b, a]` in 0 to 255, packed in five to nine bytes each: large values have a header of their own."""

    def __init__(self) -> None:
        self._header_last = False
        self._values: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._heads: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.total = np.zeros(CHANNELS)
        self.count = 0

    @property
    def complete(self) -> bool:
        return not len(self._values) and not self._header_last

    def read(self, data: NDArray[np.uint8]) -> bool:
        """Add a piece of the data; False when it is not of such pixels."""
        header = data == BYTE_HEADER
        if self._header_last:
            header[0] = False
        place = np.arange(len(data))
        run_start = np.maximum.accumulate(np.where(header, -1, place))
        header &= (place - run_start) % 2 == 1  # in a row of headers, each second one is a value
        value = np.concatenate([[self._header_last], header[:-1]])
        self._header_last = bool(header[-1])
        pixel = (data == PIXEL_HEADER) & ~value
        if not (pixel | value | header | (data < 0x80)).all():
            return False
        values = np.concatenate([self._values, data[~header]])
        heads = np.concatenate([self._heads, pixel[~header]])
        whole = len(values) // (CHANNELS + 1) * (CHANNELS + 1)
        rows, row_heads = values[:whole].reshape(-1, CHANNELS + 1), heads[:whole].reshape(-1, CHANNELS + 1)
        self._values, self._heads = values[whole:], heads[whole:]
        self.total += rows[:, 1:].sum(axis=0)
        self.count += len(rows)
        return bool(row_heads[:, 0].all() and not row_heads[:, 1:].any())


def _byte_means(pixels: PackedPixels) -> Means | None:
    """Return the means of pixels in 0 to 255; None for data of another kind."""
    reader = _BytePixels()
    data = np.frombuffer(pixels.data, np.uint8)
    for start in range(0, len(data), CHUNK_BYTES):
        if not reader.read(data[start : start + CHUNK_BYTES]):
            return None
    if not reader.complete or reader.count != pixels.count:
        return None
    return tuple((reader.total / reader.count).tolist())


def _float_means(pixels: PackedPixels) -> Means | None:
    """Return the means of finite floating-point pixels; None for data of another kind."""
    kind = FLOATS.get(pixels.data[1]) if len(pixels.data) > 1 else None
    if kind is None:
        return None
    record = np.dtype([("pixel", "u1"), ("channels", [("kind", "u1"), ("value", kind)], (CHANNELS,))])
    if len(pixels.data) != record.itemsize * pixels.count:
        return None
    data = np.frombuffer(pixels.data, record)
    total = np.zeros(CHANNELS)
    for start in range(0, len(data), CHUNK_BYTES):
        part = data[start : start + CHUNK_BYTES]
        channels = part["channels"]
        values = channels["value"].astype(np.float64)
        headed = (part["pixel"] == PIXEL_HEADER).all() and (channels["kind"] == pixels.data[1]).all()
        if not headed or not (np.abs(values) <= MAX_MAGNITUDE).all():
            return None
        total += values.sum(axis=0)
    return tuple((total / pixels.count).tolist())


def _texture(means: Callable[[PackedPixels], Means | None], channels: str) -> Decoder:
    def decode(value: Any) -> Texture:
        if type(value) is not list or len(value) != 3:
            raise WireError("expected a texture: width, height, pixels")
        width, height, pixels = u32(value[0]), u32(value[1]), value[2]
        if type(pixels) is not PackedPixels or not 0 < pixels.count == width * height:
            raise WireError(f"expected a texture of {width} x {height} pixels")
        mean = means(pixels)
        if mean is None:
            raise WireError(f"expected {CHANNELS} {channels} for every pixel")
        return Texture(width, height, mean)

    return decode


color_texture = _texture(_byte_means, "integers in [0, 255]")
"""CARLA's `TextureColor`: width, height, and `[r, g, b, a]` of every pixel."""
float_color_texture = _texture(_float_means, "finite floats")
"""CARLA's `TextureFloatColor`."""


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
