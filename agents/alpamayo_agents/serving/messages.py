"""What evaluators and the model server tell each other: MessagePack maps, arrays as plain numbers, nothing executable.

Every request gets one answer. `hello` is answered by `welcome`, `start` by `started`, `step` by `control`, `end` by `ended`,
and anything that cannot be done by `error`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Message = dict[str, Any]

PROTOCOL = 1
ARRAY_EXTENSION = 1
MAX_ROUTE_POINTS = 200_000
_MAX_ITEMS = 4096
"""Items of one list or map; what is longer travels as an array."""
_MAX_TEXT = 64 * 1024 * 1024
"""An OpenDRIVE map is text of up to tens of MiB; the message itself has its own limit."""
_MAX_DIMENSIONS = 4


class ProtocolError(ValueError):
    """A message that the protocol does not allow: what was expected and what was found."""


def packed(message: Mapping[str, Any]) -> bytes:
    """Return a message as it travels. Raises TypeError for what no message holds."""
    data = msgpack.packb(message, default=_extension, use_bin_type=True)
    assert data is not None
    return data


def unpacked(data: bytes) -> Message:
    """Return the message that travelled as `data`. Raises ProtocolError for anything else."""
    limits = dict.fromkeys(("max_array_len", "max_map_len"), _MAX_ITEMS)
    try:
        message = msgpack.unpackb(
            data, ext_hook=_value_of_extension, strict_map_key=False, max_str_len=_MAX_TEXT, **limits
        )
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        raise ProtocolError(f"expected MessagePack; found something else ({error or type(error).__name__})") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise ProtocolError("expected a map with a `type`; found something else")
    return message


def _extension(value: object) -> msgpack.ExtType:
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        content = [value.dtype.str, list(value.shape), np.ascontiguousarray(value).tobytes()]
        return msgpack.ExtType(ARRAY_EXTENSION, msgpack.packb(content))
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a message cannot hold {type(value).__name__}")


def _value_of_extension(code: int, data: bytes) -> NDArray[Any]:
    """An array of numbers; objects, and so pickles, are no numbers."""
    if code != ARRAY_EXTENSION:
        raise ValueError(f"extension {code}")
    content = msgpack.unpackb(data, max_array_len=_MAX_DIMENSIONS)
    kind, shape, numbers = content
    dtype = np.dtype(kind) if isinstance(kind, str) else None
    if dtype is None or dtype.kind not in "biuf" or dtype.names is not None:
        raise ValueError(f"an array of {kind!r}")
    if not all(isinstance(size, int) and size >= 0 for size in shape) or not isinstance(numbers, bytes):
        raise ValueError(f"an array of the shape {shape!r}")
    return np.frombuffer(numbers, dtype=dtype).reshape(shape)


@dataclass(frozen=True, eq=False)
class RoutePlan:
    """Points of a route with CARLA's road options."""

    poses: Array
    """[N, 6] x, y, z in metres, pitch, yaw, roll in degrees, CARLA world frame."""
    options: NDArray[np.int64]
    """[N] road option numbers."""

    @staticmethod
    def read(value: object, what: str) -> RoutePlan:
        """Check a route that came in a message; ProtocolError names `what`."""
        if not isinstance(value, Mapping):
            raise ProtocolError(f"expected {what} with `poses` and `options`; found {type(value).__name__}")
        poses, options = value.get("poses"), value.get("options")
        if not isinstance(poses, np.ndarray) or poses.ndim != 2 or poses.shape[1] != 6:
            raise ProtocolError(f"expected {what}.poses as an array [N, 6]")
        if not 2 <= len(poses) <= MAX_ROUTE_POINTS:
            raise ProtocolError(f"expected 2 to {MAX_ROUTE_POINTS} points in {what}; found {len(poses)}")
        if not isinstance(options, np.ndarray) or options.shape != (len(poses),) or options.dtype.kind not in "iu":
            raise ProtocolError(f"expected {what}.options as {len(poses)} whole numbers")
        if not np.isfinite(poses).all():
            raise ProtocolError(f"expected finite numbers in {what}; found NaN or infinity")
        return RoutePlan(poses.astype(np.float64), options.astype(np.int64))


@dataclass(frozen=True)
class SessionStart:
    """What an evaluator says of a route before its first tick."""

    plan: RoutePlan
    """The route as the rules hand it to agents: thinned out to 50 or 200 m between points."""
    gps_plan: NDArray[np.float64] | None
    """[N, 3] latitude, longitude in degrees and altitude in metres of the same points."""
    dense_plan: RoutePlan | None
    """The evaluator's own route, a point every metre; told to privileged agents only."""
    carla_address: tuple[str, int] | None
    """Host and port of the evaluator's CARLA; told to privileged agents only."""
    name: str
    """What the evaluator calls the route, if it does."""
    seed: int

    @staticmethod
    def read(message: Message) -> SessionStart:
        """Check a `start`; ProtocolError says what is wrong with it."""
        gps, dense, carla = message.get("gps_plan"), message.get("dense_plan"), message.get("carla")
        if gps is not None and (not isinstance(gps, np.ndarray) or gps.ndim != 2 or gps.shape[1] != 3):
            raise ProtocolError("expected gps_plan as an array [N, 3]")
        address: tuple[str, int] | None = None
        if carla is not None:
            host, port = (carla.get("host"), carla.get("port")) if isinstance(carla, Mapping) else (None, None)
            if not isinstance(host, str) or not isinstance(port, int) or not 0 < port < 65536:
                raise ProtocolError("expected carla with a host and a port")
            address = (host, port)
        seed = message.get("seed", 0)
        if not isinstance(seed, int) or seed < 0:
            raise ProtocolError(f"expected a seed of 0 or more; found {seed!r}")
        return SessionStart(
            plan=RoutePlan.read(message.get("plan"), "plan"),
            gps_plan=None if gps is None else gps.astype(np.float64),
            dense_plan=None if dense is None else RoutePlan.read(dense, "dense_plan"),
            carla_address=address,
            name=str(message.get("name", ""))[:500],
            seed=seed,
        )


@dataclass(frozen=True)
class Observation:
    """What the sensors say at one tick."""

    frame: int | None
    """The world's frame, None if the evaluator does not tell."""
    time_s: float
    """Game time since the route began."""
    sensors: Mapping[str, tuple[int, Any]]
    """Frame and data by sensor id: arrays, or maps for speedometer and OpenDRIVE map. A sensor may be missing at a tick."""

    @staticmethod
    def read(message: Message) -> Observation:
        """Check a `step`; ProtocolError says what is wrong with it."""
        frame, time_s, sensors = message.get("frame"), message.get("time_s"), message.get("sensors", {})
        if frame is not None and not isinstance(frame, int):
            raise ProtocolError(f"expected a whole number as frame; found {frame!r}")
        if not isinstance(time_s, int | float) or not math.isfinite(time_s):
            raise ProtocolError(f"expected seconds as time_s; found {time_s!r}")
        if not isinstance(sensors, Mapping):
            raise ProtocolError("expected sensors as a map from id to [frame, data]")
        readings: dict[str, tuple[int, Any]] = {}
        for name, reading in sensors.items():
            if not isinstance(reading, Sequence) or len(reading) != 2 or not isinstance(reading[0], int):
                raise ProtocolError(f"expected [frame, data] of sensor {name!r}")
            readings[str(name)] = (reading[0], reading[1])
        return Observation(frame, float(time_s), readings)


@dataclass(frozen=True)
class Command:
    """An agent's answer to one tick."""

    throttle: float
    steer: float
    brake: float
    hand_brake: bool = False
    reverse: bool = False
    reasoning: str = ""

    def __post_init__(self) -> None:
        values = (self.throttle, self.steer, self.brake)
        if not all(math.isfinite(value) for value in values):
            raise ValueError(f"throttle, steer and brake are finite numbers; found {values}")

    def message(self) -> Message:
        """Return the answer to a `step`, within the limits that CARLA sets."""
        return {
            "type": "control",
            "throttle": min(1.0, max(0.0, self.throttle)),
            "steer": min(1.0, max(-1.0, self.steer)),
            "brake": min(1.0, max(0.0, self.brake)),
            "hand_brake": self.hand_brake,
            "reverse": self.reverse,
            "reasoning": self.reasoning,
        }
