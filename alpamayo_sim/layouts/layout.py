"""The layouts of CARLA's wire structs, read from data that was taken from the client library's own debug information."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).resolve().parent
VERSION = "0.9.16"
"""The version that the embedded server speaks."""
_FORMATS = {
    "u1": "B",
    "i1": "b",
    "u2": "H",
    "u4": "I",
    "i4": "i",
    "u8": "Q",
    "i8": "q",
    "f4": "f",
    "f8": "d",
    "b1": "?",
}


@dataclass(frozen=True)
class Member:
    """One scalar member of a packed struct."""

    name: str
    """Dotted path, as in the C++ struct."""
    type: str
    """`f4`, `u8`, `i4`, `b1` (bool), `S32` (bytes), `3f4` (array)."""
    offset: int
    """Bytes from the start of the struct."""


@dataclass(frozen=True)
class PackedStruct:
    """A struct that goes over the wire as it lies in memory: little-endian, without gaps."""

    size: int
    members: tuple[Member, ...]

    def offset(self, path: str) -> int:
        """Return where a member, or a group of members, begins; KeyError for one that does not exist."""
        return min(member.offset for member in self._at(path))

    def dtype(self, names: Mapping[str, str]) -> np.dtype[Any]:
        """Return a record type of the whole struct that shows some members: our name to the path of a member or a group.

        Groups, such as a vector's three floats, become arrays. KeyError for a path that the struct does not have.
        """
        paths = list(names.values())
        return np.dtype(
            {
                "names": list(names),
                "formats": [self._format(path) for path in paths],
                "offsets": [self.offset(path) for path in paths],
                "itemsize": self.size,
            }
        )

    def packer(self) -> struct.Struct:
        """Return the packer of the whole struct, members in order; ValueError for one with gaps or unions."""
        text, end = "<", 0
        for member in self.members:
            if member.offset != end:
                raise ValueError(f"{member.name} does not follow the member before it")
            text += f"{member.type[1:]}s" if member.type.startswith("S") else _FORMATS[member.type]
            end = struct.calcsize(text)
        if end != self.size:
            raise ValueError(f"the members take {end} bytes of {self.size}")
        return struct.Struct(text)

    def _at(self, path: str) -> list[Member]:
        found = [m for m in self.members if m.name == path or m.name.startswith(f"{path}.")]
        if not found:
            raise KeyError(path)
        return found

    def _format(self, path: str) -> Any:
        found = self._at(path)
        kind = found[0].type
        if len(found) > 1:
            return _numpy(kind), (len(found),)
        if kind[0].isdigit():
            return _numpy(kind[1:]), (int(kind[0]),)
        return _numpy(kind)


def _numpy(kind: str) -> str:
    return "?" if kind == "b1" else kind if kind.startswith("S") else f"<{kind}"


@dataclass(frozen=True)
class Layout:
    """All layouts of one CARLA version."""

    packed: Mapping[str, PackedStruct]
    sensors: tuple[tuple[str, str], ...]
    """Class and serializer of each sensor type, by number."""
    commands: tuple[str, ...]
    """Batch commands, by number."""
    enums: Mapping[str, Mapping[str, int]]
    msgpack: Mapping[str, tuple[tuple[str, str], ...]]
    """Name and type of the fields of each struct that is packed as a msgpack array, in order."""

    def sensor_type(self, class_name: str) -> int:
        """Return the number of a sensor class such as `AGnssSensor`; KeyError for an unknown one."""
        for number, (name, _) in enumerate(self.sensors):
            if name == class_name:
                return number
        raise KeyError(class_name)


def read(document: Mapping[str, Any]) -> Layout:
    """Return a layout from the data of a file, or from what was derived from a library."""
    packed = {
        name: PackedStruct(fields["size"], tuple(Member(m["name"], m["type"], m["offset"]) for m in fields["fields"]))
        for name, fields in document["packed"].items()
        if fields is not None
    }
    return Layout(
        packed,
        tuple((name, serializer) for name, serializer in document["sensors"]),
        tuple(document["commands"]),
        {name: dict(members) for name, members in document["enums"].items() if members is not None},
        {
            name: tuple((field, kind) for field, kind in fields)
            for name, fields in document["msgpack"].items()
            if fields is not None
        },
    )


def load(version: str = VERSION) -> Layout:
    """Return the layouts of a CARLA version that the package has data of."""
    return read(json.loads((FOLDER / f"carla-{version}.json").read_text(encoding="utf-8")))


LAYOUT = load()
"""What the embedded server speaks."""
