"""Behaviours: generators that yield once a tick and end when they are done, and what they are put together from."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack

from alpamayo_scenarios.library.stage import Stage

Behaviour = Generator[None, None, None]
"""Runs from one tick to the next; closing it ends it wherever it is, and its `finally` clauses run."""


def wait_s(stage: Stage, duration_s: float) -> Behaviour:
    """Wait for so many seconds of simulated time."""
    end_s = stage.time_s + duration_s
    while stage.time_s < end_s - 1e-6:
        yield


def wait_until(condition: Callable[[], bool]) -> Behaviour:
    """Wait for the first tick at which the condition holds; no tick passes when it holds already."""
    while not condition():
        yield


def repeat(action: Callable[[], object]) -> Behaviour:
    """Do something at every tick, for ever; for use beside a behaviour that ends."""
    while True:
        action()
        yield


def first_of(*behaviours: Behaviour) -> Behaviour:
    """Run behaviours side by side, in their order within a tick, until one ends; the others are closed."""
    with ExitStack() as stack:
        for behaviour in behaviours:
            stack.callback(behaviour.close)
        while True:
            for behaviour in behaviours:
                try:
                    next(behaviour)
                except StopIteration:
                    return
            yield


def all_of(*behaviours: Behaviour) -> Behaviour:
    """Run behaviours side by side, in their order within a tick, until all have ended."""
    going = list(behaviours)
    with ExitStack() as stack:
        for behaviour in behaviours:
            stack.callback(behaviour.close)
        while going:
            still: list[Behaviour] = []
            for behaviour in going:
                try:
                    next(behaviour)
                    still.append(behaviour)
                except StopIteration:
                    continue
            going = still
            if going:
                yield
