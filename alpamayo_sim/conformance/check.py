"""What a check is: a question to a server, what CARLA is known to answer and from where, and what was measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alpamayo_sim.conformance.context import Context

Value = float | int | bool | str | None
_DIGITS = 6
"""Decimals that are kept of a measured number."""


class Verdict(str, Enum):
    """What a check came to."""

    PASS = "pass"
    FAIL = "fail"
    SKIPPED = "skipped"
    """It could not be asked here; the reason says why."""
    INFO = "info"
    """Measured; what CARLA would give is not known."""


class Skip(Exception):
    """The check does not apply to this server or town; the message says why."""


@dataclass(frozen=True)
class Measured:
    """One measured value of a check, with what CARLA gives where that is known."""

    name: str
    value: Value
    unit: str = ""
    """SI unit, or empty for counts, texts and truth values."""
    expected: Value = None
    """What CARLA gives; None where that is not known."""
    tolerance: float = 0.0
    """How far a number may lie from `expected`."""
    diff_tolerance: float | None = None
    """How far the values of two servers may lie apart; None means `tolerance`."""

    def __post_init__(self) -> None:
        _require_plain(self.name, self.value)
        if isinstance(self.value, float):
            object.__setattr__(self, "value", round(self.value, _DIGITS) + 0.0 if math.isfinite(self.value) else None)

    @property
    def holds(self) -> bool | None:
        """Whether the value is what CARLA gives; None where that is not known."""
        if self.expected is None:
            return None
        return agree(self.value, self.expected, self.tolerance)

    @property
    def spread(self) -> float:
        """How far the values of two servers may lie apart."""
        return self.tolerance if self.diff_tolerance is None else self.diff_tolerance


def _require_plain(name: str, value: object) -> None:
    """Raise TypeError for what is no number, text or truth value, such as a method that a server's binding gave."""
    if not isinstance(value, float | int | str | None):
        raise TypeError(f"{name}: expected a plain value, found {type(value).__name__}")


def agree(one: Value, other: Value, tolerance: float) -> bool:
    """Return whether two values are equal, numbers within `tolerance`."""
    if isinstance(one, bool) or isinstance(other, bool) or isinstance(one, str) or isinstance(other, str):
        return type(one) is type(other) and one == other
    if one is None or other is None:
        return one is other
    return abs(one - other) <= tolerance * (1.0 + 1e-9)


Measure = Callable[["Context"], Iterator[Measured]]


@dataclass(frozen=True)
class Check:
    """One question to a server."""

    id: str
    """Family and name, such as `transforms.set_transform`; stable between versions of the kit."""
    title: str
    carla: str
    """What CARLA does."""
    source: str
    """Where that is known from."""
    measure: Measure
    """Yields what it measures; may raise Skip."""
    is_quick: bool = True
    """Whether the quick profile has it."""
    loads_world: bool = False
    """Whether it loads a world, which ends everything that other clients do there."""
    limit_s: float = 120.0
    """How long it may take, in wall-clock time."""

    @property
    def family(self) -> str:
        """The first part of the id."""
        return self.id.partition(".")[0]


@dataclass(frozen=True)
class Outcome:
    """A check that was made."""

    check: Check
    verdict: Verdict
    reason: str
    """Why it was skipped or failed, for people; empty otherwise."""
    measured: tuple[Measured, ...]
    wall_time_s: float


class Family:
    """Collects the checks of one family in the order in which they are written."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.checks: list[Check] = []

    def check(
        self,
        name: str,
        title: str,
        *,
        carla: str,
        source: str,
        quick: bool = True,
        loads_world: bool = False,
        limit_s: float = 120.0,
    ) -> Callable[[Measure], Measure]:
        """Return a decorator that makes a generator of Measured a check of this family."""

        def register(measure: Measure) -> Measure:
            self.checks.append(Check(f"{self.name}.{name}", title, carla, source, measure, quick, loads_world, limit_s))
            return measure

        return register


def verdict_of(measured: tuple[Measured, ...]) -> Verdict:
    """Return FAIL if any value is not what CARLA gives, PASS if some are, INFO if none is known."""
    answers = [value.holds for value in measured]
    if False in answers:
        return Verdict.FAIL
    return Verdict.PASS if True in answers else Verdict.INFO
