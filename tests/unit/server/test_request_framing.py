"""Cutting a stream into requests: however it comes in pieces, whatever is thrown away in between."""

from __future__ import annotations

from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpamayo_sim.server.codec import WireError
from alpamayo_sim.server.framing import Framer
from alpamayo_sim.server.requests import (
    MAX_ARRAY_LENGTH,
    MAX_LARGE_REQUEST_BYTES,
    MAX_REQUEST_BYTES,
    PackedPixels,
    allowance,
    request_head,
    unpacked,
)
from alpamayo_sim.server.textures import color_texture, float_color_texture

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in zip(places, places[1:], strict=False)]


def messages(framer: Framer, parts: list[bytes]) -> list[bytes]:
    found: list[bytes] = []
    for part in parts:
        framer.feed(part)
        while (message := framer.next()) is not None:
            found.append(bytes(message))
    return found


@given(st.lists(values, max_size=8), st.lists(st.integers(0, 10**6), max_size=20))
def test_messages_come_out_as_they_went_in(sent: list[Any], cuts: list[int]) -> None:
    packed = [msgpack.packb(value, unicode_errors="surrogateescape") for value in sent]
    framer = Framer()
    assert messages(framer, pieces(b"".join(packed), cuts)) == packed
    assert framer.unfinished_bytes == 0


@settings(deadline=None)
@given(st.integers(1, 4000), st.lists(st.integers(0, 10**6), max_size=20), st.sampled_from(["map", "pixels", "ids"]))
def test_what_is_thrown_away_ends_where_the_message_ends(kept: int, cuts: list[int], kind: str) -> None:
    arguments: dict[str, list[Any]] = {
        "map": ["copy_opendrive_to_file", [[False], "x" * 70_000, [1.0, True]]],
        "pixels": ["apply_color_texture_to_objects", [[False], ["a"], 0, [9, 9, [[1, 200, 3, 4]] * 9000]]],
        "ids": ["get_actors_by_id", [[False], list(range(30_000))]],
    }
    large = msgpack.packb([0, 7, *arguments[kind]])
    after = [msgpack.packb([0, number, "version", [[False]]]) for number in range(3)]
    framer = Framer()
    framer.feed(after[0] + large[:kept])
    assert framer.next() == after[0]
    assert framer.next() is None
    framer.discard()
    assert framer.unfinished_bytes == 0
    assert messages(framer, pieces(large[kept:] + b"".join(after), cuts)) == after
    assert not framer.discarding
    assert messages(framer, [large, after[1]]) == [large, after[1]]


@pytest.mark.parametrize("noise", [b"\xc1", b"\x91" * 5000, b"\x92\x01\xc1"])
def test_noise_is_not_msgpack(noise: bytes) -> None:
    framer = Framer()
    framer.feed(noise)
    with pytest.raises(ValueError):
        framer.next()


def texture_request(name: str, pixels: list[Any], width: int, height: int) -> bytes:
    return msgpack.packb([0, 7, name, [[False], ["a"], 0, [width, height, pixels]]], use_single_float=True)


def test_only_maps_and_textures_may_be_large() -> None:
    pixels = texture_request("apply_color_texture_to_objects", [[1, 2, 3, 4]] * 100, 10, 10)
    map_text = msgpack.packb([0, 7, "copy_opendrive_to_file", [[False], "x" * 1000, [1.0]]])
    empty = msgpack.packb([0, 7, "copy_opendrive_to_file", [[False], [[]] * 1000]])
    other = msgpack.packb([0, 7, "get_actors_by_id", [[False], "x" * 1000]])
    assert [allowance(request[:200]) for request in (pixels, map_text, empty, other, b"\x93")] == [
        MAX_LARGE_REQUEST_BYTES, MAX_LARGE_REQUEST_BYTES, MAX_REQUEST_BYTES, MAX_REQUEST_BYTES, MAX_REQUEST_BYTES,
    ]  # fmt: skip
    assert request_head(pixels[:60]) == (7, "apply_color_texture_to_objects")
    assert request_head(b"\x93\x02\xa1a\x90") is None


def test_long_arrays_are_refused_unless_they_are_pixels() -> None:
    long = msgpack.packb([0, 7, "get_actors_by_id", [[False], [1] * (MAX_ARRAY_LENGTH + 1)]])
    with pytest.raises(ValueError, match="max_array_len"):
        unpacked(long)
    count = MAX_ARRAY_LENGTH + 1
    texture = unpacked(texture_request("apply_color_texture_to_objects", [[1, 2, 3, 4]] * count, count, 1))[3][3]
    assert type(texture[2]) is PackedPixels
    assert color_texture(texture).mean == (1.0, 2.0, 3.0, 4.0)


channel = st.integers(0, 255) | st.sampled_from([0x7F, 0x80, 0x94, 0xCC])


@settings(deadline=None)
@given(st.lists(st.tuples(channel, channel, channel, channel), min_size=1, max_size=200), st.integers(1, 50))
def test_bytes_of_textures_are_averaged(pixels: list[tuple[int, ...]], piece: int) -> None:
    request = unpacked(texture_request("apply_color_texture_to_objects", pixels, len(pixels), 1))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("alpamayo_sim.server.textures.CHUNK_BYTES", piece)
        texture = color_texture(request[3][3])
    assert (texture.width, texture.height) == (len(pixels), 1)
    assert np.allclose(texture.mean, np.mean(pixels, axis=0))


@given(st.lists(st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 4), min_size=1, max_size=50), st.booleans())
def test_floats_of_textures_are_averaged(pixels: list[tuple[float, ...]], single: bool) -> None:
    packed = msgpack.packb(
        [0, 7, "apply_float_color_texture_to_objects", [[False], ["a"], 0, [len(pixels), 1, pixels]]],
        use_single_float=single,
    )
    assert np.allclose(float_color_texture(unpacked(packed)[3][3]).mean, np.mean(pixels, axis=0))


@pytest.mark.parametrize(
    "pixels",
    [
        [[1, 2, 3]], [[1, 2, 3, 4, 5]], [[1, 2, 3, 256]], [[1, 2, 3, -1]], [[1, 2, 3, None]], [[1, 2, 3, 4.0]], [1, 2], ["x"],
        [[1, 2, 3, 4], [1, 2, 3, 4]], [],
    ],
)  # fmt: skip
def test_broken_pixels_are_refused(pixels: list[Any]) -> None:
    for name, decoder in (("", color_texture), ("float_", float_color_texture)):
        request = unpacked(texture_request(f"apply_{name}color_texture_to_objects", pixels, 1, 1))
        with pytest.raises(WireError):
            decoder(request[3][3])
    floats = texture_request("apply_float_color_texture_to_objects", [[0.0, 1.0, 2.0, float("nan")]], 1, 1)
    with pytest.raises(WireError, match="finite"):
        float_color_texture(unpacked(floats)[3][3])
