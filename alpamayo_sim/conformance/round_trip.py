"""Settings of the world that come back as they were given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from alpamayo_sim.conformance.check import Measured, Value
from alpamayo_sim.conformance.context import Context

StateT = TypeVar("StateT")


def come_back(
    context: Context,
    read: Callable[[], StateT],
    apply: Callable[[StateT], object],
    wanted: StateT,
    values: Mapping[str, Value],
    *,
    ticks: int,
    tolerance: float,
) -> Iterator[Measured]:
    """Apply `wanted`, measure after `ticks` what its attributes named in `values` have become, and put back what was there."""
    found = read()
    try:
        apply(wanted)
        context.tick(ticks)
        back = read()
    finally:
        apply(found)
    for name, value in values.items():
        yield Measured(name, getattr(back, name), expected=value, tolerance=tolerance)


def changed(state: StateT, values: Mapping[str, Value]) -> StateT:
    """Return `state` with attributes set."""
    for name, value in values.items():
        setattr(state, name, value)
    return state
