"""The table of remote calls: for each name its arguments, its family of answers and what carries it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from alpamayo_sim.server.codec import Decoder

Function = TypeVar("Function", bound=Callable[..., Any])


class Family(Enum):
    """How the client unpacks an answer; an error of another family is a type mismatch there."""

    VALUE = "value"
    VOID = "void"
    RAW = "raw"


@dataclass(frozen=True, slots=True)
class Call:
    """One entry of the table."""

    name: str
    family: Family
    arguments: tuple[Decoder, ...]
    function: Callable[..., Any]
    """Takes the session, then the decoded arguments."""


class Packed(bytes):
    """A result that is msgpack already."""


class CallError(RuntimeError):
    """A call that can not be carried out; the message is the client's error."""


CALLS: dict[str, Call] = {}


def call(family: Family, *items: Decoder) -> Callable[[Function], Function]:
    """Enter the decorated function into the table, under its own name."""

    def register(function: Function) -> Function:
        CALLS[function.__name__] = Call(function.__name__, family, items, function)
        return function

    return register


_VOID_VERBS = (
    "set", "apply", "enable", "disable", "add", "clear", "update", "freeze", "reset", "show_vehicle", "draw", "open",
    "close", "load", "unload", "send", "restore", "use", "stop", "destroy", "blend", "activate", "deactivate",
)  # fmt: skip


def family_of(name: str) -> Family:
    """Return the family of a call; of an unknown one the family that its verb suggests."""
    known = CALLS.get(name)
    if known is not None:
        return known.family
    return Family.VOID if name.startswith(tuple(f"{verb}_" for verb in _VOID_VERBS)) else Family.VALUE
