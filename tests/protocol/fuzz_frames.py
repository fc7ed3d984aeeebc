"""What a hostile client may send: valid calls of every registered method, the same calls broken in many ways, and plain noise."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import msgpack

from alpamayo_sim.server import calls as registered
from alpamayo_sim.server import codec
from alpamayo_sim.world.blueprints import catalogue

CALLS = registered.CALLS
HEAVY = frozenset({"load_new_episode", "copy_opendrive_to_file"})
"""Calls that take the server long by nature: sent rarely, so that they do not use up the time of all others."""
ONE_HEAVY_IN = 400
XODR = files("alpamayo_sim.roads").joinpath("towns/data/Oldwick.xodr").read_text(encoding="utf-8")
EDGES: tuple[Any, ...] = (
    0, -1, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1, -(2**63), 0.0, -0.0, 1e-300, 1e30, -1e308, math.inf, -math.inf, math.nan,
    True, False, None, "", "x" * 5000, "\x00", "../../etc/passwd", b"", b"\xff" * 300, [], [[]], {}, {"a": 1}, [None] * 300,
)  # fmt: skip
SETTINGS = [False, True, [True, 0.05], True, 0.01, 10, 0.0, True, 3000.0, 2000.0, True]


class Frames:
    """Makes frames from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names = sorted(set(CALLS) - HEAVY)
        self.blueprints = sorted(catalogue())
        self.ids: list[int] = [1, 2, 3]
        """Ids of actors that live or have lived."""

    def valid_arguments(self, name: str) -> list[Any]:
        """Return arguments of the right types for a call."""
        choice = self.random
        if name == "set_episode_settings":
            return [[choice.random() < 0.5, *SETTINGS[1:]]]
        if name == "load_new_episode":
            return [
                choice.choice(["", "Gridvale", "Oldwick", "OpenDriveMap", "Atlantis"]),
                choice.random() < 0.5,
                0xFFFF,
            ]
        if name == "copy_opendrive_to_file":
            return [self.broken_xodr(), [2.0, 50.0, 1.0, 0.6, True, True, True]]
        if name in ("spawn_actor", "spawn_actor_with_parent"):
            return self._spawn(parented=name.endswith("parent"))
        if name == "apply_batch":
            return [[self._command() for _ in range(choice.randrange(12))], choice.random() < 0.3]
        return [self.value(decoder) for decoder in CALLS[name].arguments]

    def _spawn(self, *, parented: bool) -> list[Any]:
        choice = self.random
        blueprint = catalogue()[choice.choice(self.blueprints)]
        attributes = [[a.id, a.type, self._attribute(a.id, a.default)] for a in blueprint.attributes]
        place = [choice.uniform(-300.0, 300.0), choice.uniform(-300.0, 300.0), choice.uniform(0.0, 3.0)]
        fields: list[Any] = [
            [blueprint.uid, blueprint.id, attributes],
            [place, [0.0, choice.uniform(-180.0, 180.0), 0.0]],
        ]
        return [*fields, choice.choice(self.ids), choice.randrange(80), ""] if parented else fields

    def _attribute(self, name: str, default: str) -> str:
        if name in ("image_size_x", "image_size_y") and self.random.random() < 0.9:
            return str(self.random.randrange(8, 64))
        if self.random.random() < 0.9:
            return default
        return self.random.choice(["nan", "-1", "1e30", "", "true", "0", "x" * 100, "99999999999", default])

    def _command(self) -> list[Any]:
        index = self.random.randrange(24)
        if index == 0:
            description, pose = self._spawn(parented=False)
            return [[0, [description, pose, [False], 0, "", [self._command()] if self.random.random() < 0.3 else []]]]
        fields = self.value(codec.vehicle_control) if index == 2 else self.value(codec.transform)
        return [[index, [self.random.choice(self.ids), fields]]]

    def value(self, decoder: Callable[..., Any]) -> Any:
        """Return a value that a decoder takes."""
        choice = self.random
        kind = decoder.__qualname__
        cells = dict(zip(decoder.__code__.co_freevars, decoder.__closure__ or (), strict=False))
        if kind.startswith("integer."):
            low, high = cells["low"].cell_contents, cells["high"].cell_contents
            return choice.choice([low, high, choice.randint(low, high), min(high, max(low, choice.choice(self.ids)))])
        if kind.startswith("array."):
            many = choice.choice([0, 1, 2, 3, 8]) if choice.random() < 0.98 else 2000
            return [self.value(cells["item"].cell_contents) for _ in range(many)]
        if kind.startswith("optional."):
            return [True, self.value(cells["item"].cell_contents)] if choice.random() < 0.5 else [False]
        if kind.startswith("struct_of."):
            return [self.value(item) for item in cells["items"].cell_contents]
        simple: dict[str, Callable[[], Any]] = {
            "boolean": lambda: choice.random() < 0.5,
            "number": lambda: choice.choice([0.0, 1.0, -1.0, 1e12, choice.uniform(-100.0, 100.0)]),
            "loose_number": lambda: choice.choice([math.inf, 0.0, choice.uniform(-100.0, 100.0)]),
            "short_text": lambda: choice.choice(["", "vehicle.audi.tt", "a" * 512, choice.choice(self.blueprints)]),
            "text": lambda: choice.choice(
                ["", "None", "Gridvale", "vehicle", "a" * 4096, choice.choice(self.blueprints)]
            ),
            "xodr_text": self.broken_xodr,
            "vector": lambda: [choice.uniform(-50.0, 50.0) for _ in range(3)],
            "location": lambda: [choice.uniform(-500.0, 500.0) for _ in range(3)],
            "vector2": lambda: [choice.uniform(0.0, 5000.0) for _ in range(2)],
            "transform": lambda: [[choice.uniform(-300.0, 300.0) for _ in range(3)] for _ in range(2)],
        }
        return simple.get(kind, self.junk)()

    def junk(self, depth: int = 0) -> Any:
        """Return anything that msgpack can carry."""
        choice = self.random
        if depth < 4 and choice.random() < 0.3:
            return [self.junk(depth + 1) for _ in range(choice.randrange(6))]
        if choice.random() < 0.6:
            return choice.choice(EDGES)
        return choice.choice([choice.getrandbits(32), choice.random(), choice.randbytes(choice.randrange(40))])

    def broken(self, value: Any) -> Any:
        """Return a value with one thing in it changed."""
        choice = self.random
        if type(value) is list and value and choice.random() < 0.85:
            place = choice.randrange(len(value))
            kind = choice.randrange(6)
            if kind == 0:
                return value[:place] + value[place + 1 :]
            if kind == 1:
                return [*value[:place], self.junk(), *value[place:]]
            return [*value[:place], self.broken(value[place]), *value[place + 1 :]]
        if type(value) in (int, float) and not isinstance(value, bool) and choice.random() < 0.4:
            scaled = value * choice.choice([-1, 10, 1e6, 2**40])
            return scaled if type(scaled) is float else min(max(scaled, -(2**63)), 2**64 - 1)
        return self.junk()

    def broken_xodr(self) -> str:
        """Return OpenDRIVE text with a few places changed; three in four are still well-formed XML."""
        choice, text = self.random, XODR
        kinds = (0, 1, 2, 3, 4) if choice.random() < 0.25 else (2, 2, 3)
        for _ in range(choice.randrange(1, 12)):
            place = choice.randrange(len(text))
            kind = choice.choice(kinds)
            if kind == 0:
                text = text[:place] + text[place + choice.randrange(200) :]
            elif kind == 1:
                text = (
                    text[:place] + choice.choice(["NaN", "1e309", "-1", "<", '"', "&", "\x00", "é"]) + text[place + 1 :]
                )
            elif kind == 2:
                start = text.find('="', place) + 2
                end = text.find('"', start)
                if 1 < start <= end:
                    new = choice.choice(["nan", "inf", "-1e12", "0", "", "999999999", "1e-12", "right"])
                    text = text[:start] + new + text[end:]
            elif kind == 3:
                end = text.find("/>", place) + 2
                start = text.rfind("<", 0, end)
                text = text[:start] + text[start:end] * choice.randrange(4) + text[end:]
            elif choice.random() < 0.2:
                text = text[:place]
        return text

    def name(self) -> str:
        """Return the name of a registered call."""
        if self.random.randrange(ONE_HEAVY_IN) == 0:
            return self.random.choice(sorted(HEAVY))
        return self.random.choice(self.names)

    def request(self, name: str, arguments: Sequence[Any], message_id: int | None = None) -> bytes:
        """Return a packed call."""
        number = self.random.getrandbits(32) if message_id is None else message_id
        return msgpack.packb(
            [0, number, name, [[self.random.random() < 0.3], *arguments]], unicode_errors="surrogateescape"
        )

    def rpc(self) -> tuple[bytes, bool]:
        """Return one frame for the RPC port, and whether it is a whole message."""
        choice = self.random
        kind = choice.random()
        name = self.name()
        arguments = self.valid_arguments(name)
        if kind < 0.30:
            return self.request(name, arguments), True
        if kind < 0.75:
            for _ in range(choice.choice([1, 1, 1, 2, 4])):
                arguments = self.broken(arguments)
                arguments = arguments if type(arguments) is list else [arguments]
            return self.request(name, arguments), True
        if kind < 0.82:
            out_of_order = [
                [1, 5, None, [[1, 0]]], [2, name, arguments], [0, -1, name, arguments], [0, 2**40, name, arguments],
                [0, 1, name], [3, 1, name, arguments], [0, 1, 5, arguments], [0, 1, name, {}], [], None, 7, {"a": 1},
                [0, 1, "no_such_call_" + str(choice.randrange(10**6)), [[False]]], [0, 1, name, []],
            ]  # fmt: skip
            return msgpack.packb(choice.choice(out_of_order), unicode_errors="surrogateescape"), True
        whole = bytearray(self.request(name, arguments))
        if kind < 0.90:
            for _ in range(choice.randrange(1, 6)):
                whole[choice.randrange(len(whole))] = choice.randrange(256)
            return bytes(whole), False
        if kind < 0.94:
            return bytes(whole[: choice.randrange(1, len(whole) + 1)]), False
        if kind < 0.96:
            return choice.choice([b"\xdd", b"\xdb", b"\xc6", b"\xdf", b"\xc9"]) + b"\x7f\xff\xff\xff", False
        if kind < 0.98:
            return b"\x91" * choice.randrange(1, 3000), False
        return choice.randbytes(choice.randrange(1, 400)), False

    def subscription(self) -> bytes:
        """Return one frame for the streaming port."""
        choice = self.random
        stream = struct.pack("<I", choice.choice([1, 1, 1, 2, 3, 10, 50, 0, 2**32 - 1, choice.getrandbits(32)]))
        kind = choice.random()
        if kind < 0.4:
            return stream
        if kind < 0.6:
            return stream[: choice.randrange(1, 4)]
        if kind < 0.8:
            return stream + choice.randbytes(choice.randrange(1, 2000))
        return choice.randbytes(choice.randrange(1, 100))
