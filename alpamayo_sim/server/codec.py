"""Checked decoding of arguments: each decoder takes what msgpack gave and returns a typed value or raises WireError."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from alpamayo_sim.frames import Transform
from alpamayo_sim.layouts.layout import LAYOUT

Decoder = Callable[[Any], Any]
Vector = tuple[float, float, float]

MAX_TEXT = 4096
"""Longest name, attribute value or the like, in characters."""
MAX_SHORT_TEXT = 512
MAX_XODR_BYTES = 48 << 20
MAX_COORDINATE_M = 1.0e7
MAX_MAGNITUDE = 1.0e12


class WireError(ValueError):
    """An argument has another type or size than the call takes."""


def _found(value: Any) -> str:
    return f"found {type(value).__name__} {str(value)[:60]!r}"


def boolean(value: Any) -> bool:
    """A msgpack boolean."""
    if value is True or value is False:
        return value
    raise WireError(f"expected a boolean, {_found(value)}")


def integer(low: int, high: int) -> Decoder:
    """Return a decoder of integers in [low, high]."""

    def decode(value: Any) -> int:
        if type(value) is int and low <= value <= high:
            return value
        raise WireError(f"expected an integer in [{low}, {high}], {_found(value)}")

    return decode


u8 = integer(0, 0xFF)
u16 = integer(0, 0xFFFF)
u32 = integer(0, 0xFFFFFFFF)
u64 = integer(0, 0xFFFFFFFFFFFFFFFF)
i32 = integer(-(1 << 31), (1 << 31) - 1)


def number(value: Any) -> float:
    """A finite number, integer or float."""
    if (type(value) is float or type(value) is int) and -MAX_MAGNITUDE <= value <= MAX_MAGNITUDE:
        return float(value)
    raise WireError(f"expected a finite number, {_found(value)}")


def loose_number(value: Any) -> float:
    """A number that may be infinite, but not NaN."""
    if (type(value) is float or type(value) is int) and not math.isnan(value):
        return float(value)
    raise WireError(f"expected a number, {_found(value)}")


def text(value: Any) -> str:
    """A string of at most MAX_TEXT characters."""
    if type(value) is str and len(value) <= MAX_TEXT:
        return value
    raise WireError(f"expected a string of at most {MAX_TEXT} characters, {_found(value)}")


def short_text(value: Any) -> str:
    """A string of at most MAX_SHORT_TEXT characters, of which an actor keeps many."""
    if type(value) is str and len(value) <= MAX_SHORT_TEXT:
        return value
    raise WireError(f"expected a string of at most {MAX_SHORT_TEXT} characters, {_found(value)}")


def xodr_text(value: Any) -> str:
    """OpenDRIVE text."""
    if type(value) is str and len(value) <= MAX_XODR_BYTES:
        return value
    raise WireError(f"expected OpenDRIVE text of at most {MAX_XODR_BYTES} characters, {_found(value)[:120]}")


def anything(value: Any) -> Any:
    """What came, unchecked; for arguments that the server keeps no trace of."""
    return value


def vector(value: Any) -> Vector:
    """Three finite numbers."""
    if type(value) is list and len(value) == 3:
        x, y, z = value
        return number(x), number(y), number(z)
    raise WireError(f"expected three numbers, {_found(value)}")


def location(value: Any) -> Vector:
    """A place within MAX_COORDINATE_M of the origin."""
    place = vector(value)
    if max(abs(place[0]), abs(place[1]), abs(place[2])) > MAX_COORDINATE_M:
        raise WireError(f"expected a location within {MAX_COORDINATE_M:g} m of the origin, {_found(value)}")
    return place


def vector2(value: Any) -> tuple[float, float]:
    """Two finite numbers."""
    if type(value) is list and len(value) == 2:
        return number(value[0]), number(value[1])
    raise WireError(f"expected two numbers, {_found(value)}")


def transform(value: Any) -> Transform:
    """`[[x, y, z], [pitch, yaw, roll]]`."""
    if type(value) is list and len(value) == 2:
        return Transform(*location(value[0]), *vector(value[1]))
    raise WireError(f"expected [location, rotation], {_found(value)}")


def array(item: Decoder, max_length: int = 65536) -> Decoder:
    """Return a decoder of arrays of `item`."""

    def decode(value: Any) -> list[Any]:
        if type(value) is list and len(value) <= max_length:
            return [item(element) for element in value]
        raise WireError(f"expected an array of at most {max_length} elements, {_found(value)}")

    return decode


def optional(item: Decoder) -> Decoder:
    """Return a decoder of `[false]` (None) or `[true, item]`."""

    def decode(value: Any) -> Any:
        if type(value) is list and value:
            if value[0] is False and len(value) == 1:
                return None
            if value[0] is True and len(value) == 2:
                return item(value[1])
        raise WireError(f"expected an optional value, {_found(value)}")

    return decode


def struct_of(name: str, *items: Decoder) -> Callable[[Any], tuple[Any, ...]]:
    """Return a decoder of the struct `name`: an array with one element per item, decoded to a tuple.

    ValueError when the layouts give the struct another number of fields.
    """
    length = len(items)
    fields = LAYOUT.msgpack.get(name)
    if fields is not None and len(fields) != length:
        raise ValueError(f"{name} has {len(fields)} fields on the wire, this decoder takes {length}")

    def decode(value: Any) -> tuple[Any, ...]:
        if type(value) is not list or len(value) != length:
            raise WireError(f"expected {name} with {length} fields, {_found(value)}")
        return tuple([item(element) for item, element in zip(items, value, strict=True)])

    return decode


def arguments(items: Sequence[Decoder], given: Sequence[Any]) -> list[Any]:
    """Return the decoded arguments of a call; WireError says which one is wrong."""
    if len(items) != len(given):
        raise WireError(f"expected {len(items)} arguments, found {len(given)}")
    try:
        return [item(value) for item, value in zip(items, given, strict=True)]
    except WireError:
        for position, (item, value) in enumerate(zip(items, given, strict=True), start=1):
            try:
                item(value)
            except WireError as error:
                raise WireError(f"argument {position}: {error}") from None
        raise


vehicle_control = struct_of("VehicleControl", number, number, number, boolean, boolean, boolean, i32)
ackermann_control = struct_of("VehicleAckermannControl", number, number, number, number, number)
ackermann_settings = struct_of("AckermannControllerSettings", number, number, number, number, number, number)
walker_control = struct_of("WalkerControl", vector, number, boolean)
light_state = struct_of("VehicleLightState", u32)
actor_description = struct_of(
    "ActorDescription", u32, short_text, array(struct_of("ActorAttributeValue", short_text, u8, short_text), 512)
)
weather = struct_of("WeatherParameters", *[number] * 14)
episode_settings = struct_of(
    "EpisodeSettings",
    boolean, boolean, optional(number), boolean, number, i32, number, boolean, number, number, boolean,
)  # fmt: skip
opendrive_parameters = struct_of(
    "OpendriveGenerationParameters", number, number, number, number, boolean, boolean, boolean
)
_wheel = struct_of("WheelPhysicsControl", *[number] * 9, vector)
_gear = struct_of("GearPhysicsControl", number, number, number)
physics_control = struct_of(
    "VehiclePhysicsControl",
    array(vector2, 256), number, number, number, number, number, boolean, number, number, number, array(_gear, 16),
    number, number, location, array(vector2, 256), array(_wheel, 16), boolean,
)  # fmt: skip
