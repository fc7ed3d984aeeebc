"""The entry file's own MessagePack and the server's agree; nothing executable and nothing endless gets through."""

from __future__ import annotations

import pickle
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import alpamayo_wire
from alpamayo_agents.serving import messages

TEXT = st.text(max_size=40)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXT
    | st.binary(max_size=400)
)  # fmt: skip
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=20) | st.dictionaries(TEXT, inner, max_size=20))
NUMBERS = arrays.arrays(
    st.sampled_from([np.dtype(kind) for kind in ("u1", "i8", "f4", "f8", "?")]),
    arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5),
)


@settings(max_examples=60)
@given(VALUES)
def test_what_the_entry_file_sends_arrives(value: Any) -> None:
    message = {"type": "x", "value": value}
    assert messages.unpacked(alpamayo_wire.packed(message)) == message


@pytest.mark.parametrize("size", [0, 31, 32, 255, 256, 65_535, 65_536])
def test_every_length_has_its_form(size: int) -> None:
    for value in ("x" * size, b"x" * size, [1] * min(size, 4096), {str(i): i for i in range(min(size, 4096))}):
        message = {"type": "x", "value": value}
        assert messages.unpacked(alpamayo_wire.packed(message)) == message
        assert alpamayo_wire.unpacked(messages.packed(message)) == message


@settings(max_examples=60)
@given(VALUES)
def test_what_the_server_answers_arrives(value: Any) -> None:
    message = {"type": "x", "value": value}
    assert alpamayo_wire.unpacked(messages.packed(message)) == message


@given(NUMBERS)
def test_arrays_travel_both_ways(array: np.ndarray) -> None:
    for there in (
        messages.unpacked(alpamayo_wire.packed({"type": "x", "a": array}))["a"],
        alpamayo_wire.unpacked(messages.packed({"type": "x", "a": array}))["a"],
    ):
        assert there.dtype == array.dtype and there.shape == array.shape
        np.testing.assert_array_equal(there, array)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_are_refused_by_name(data: bytes) -> None:
    try:
        message = messages.unpacked(data)
    except messages.ProtocolError:
        return
    assert isinstance(message["type"], str)


@given(st.binary(max_size=200))
def test_the_entry_file_is_not_upset_by_bytes_either(data: bytes) -> None:
    try:
        alpamayo_wire.unpacked(data)
    except alpamayo_wire.WireError as error:
        assert "no message" in str(error)


class Bomb:
    """Would run code when unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (exec, ("raise SystemExit(99)",))


@pytest.mark.parametrize("kind", ["|O", "O8", "V8", "<M8[s]", [["f", "<f8"]], 7])
def test_an_array_of_objects_is_refused_and_never_unpickled(kind: Any) -> None:
    content = msgpack.packb([kind, [1], pickle.dumps(Bomb())])
    data = msgpack.packb({"type": "x", "a": msgpack.ExtType(messages.ARRAY_EXTENSION, content)})
    assert data is not None
    for unpacked, error in (
        (messages.unpacked, messages.ProtocolError),
        (alpamayo_wire.unpacked, alpamayo_wire.WireError),
    ):
        with pytest.raises(error):
            unpacked(data)


def test_an_array_whose_shape_is_not_its_size_is_refused() -> None:
    content = msgpack.packb(["<f8", [1000], b"\0" * 8])
    data = msgpack.packb({"type": "x", "a": msgpack.ExtType(messages.ARRAY_EXTENSION, content)})
    assert data is not None
    with pytest.raises(messages.ProtocolError):
        messages.unpacked(data)


def test_nesting_without_end_is_refused() -> None:
    data = b"\x81\xa4type" + b"\x91" * 100_000 + b"\xc0"
    with pytest.raises(messages.ProtocolError):
        messages.unpacked(data)
    with pytest.raises(alpamayo_wire.WireError):
        alpamayo_wire.unpacked(data)


def test_a_list_that_announces_more_than_a_message_holds_is_refused_at_once() -> None:
    with pytest.raises(messages.ProtocolError):
        messages.unpacked(b"\x81\xa4type\xdd\xff\xff\xff\xff")


def test_what_no_message_holds_is_not_sent() -> None:
    with pytest.raises(alpamayo_wire.WireError, match="Bomb"):
        alpamayo_wire.packed({"type": "x", "a": Bomb()})
    with pytest.raises(alpamayo_wire.WireError, match="ndarray"):
        alpamayo_wire.packed(np.array([Bomb()]))
    with pytest.raises(TypeError, match="Bomb"):
        messages.packed({"type": "x", "a": Bomb()})
