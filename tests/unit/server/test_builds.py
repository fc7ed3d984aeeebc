"""The thread that builds: results come in the loop, the same thing is built once, failures reach who waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from alpamayo_sim.errors import InputError
from alpamayo_sim.server.builds import MAX_WAITING, MAX_WAITING_BYTES, Builds
from alpamayo_sim.server.event_loop import EventLoop
from alpamayo_sim.server.registry import CallError
from alpamayo_sim.server.rpc import PendingReply


class Watched:
    """A loop that runs until so many calls have ended, and what they ended with."""

    def __init__(self, expected: int) -> None:
        self.loop = EventLoop()
        self.builds = Builds(self.loop)
        self.expected = expected
        self.outcomes: list[tuple[str, Any]] = []
        self.threads: set[int] = set()

    def begin(self, build: Callable[[], Any], **options: Any) -> None:
        self.builds.begin(PendingReply(holds=False), build, self._note("done"), failed=self._note("failed"), **options)

    def _note(self, how: str) -> Callable[[Any], None]:
        def note(what: Any) -> None:
            self.threads.add(threading.get_ident())
            self.outcomes.append((how, what))
            if len(self.outcomes) == self.expected:
                self.loop.stop()

        return note


def raising(error: Exception) -> Callable[[], Any]:
    def build() -> None:
        raise error

    return build


def test_the_same_thing_is_built_once_and_handed_over_in_the_loop() -> None:
    watched, built = Watched(4), []
    first = threading.Event()
    watched.begin(first.wait)
    for _ in range(3):
        watched.begin(lambda: built.append(threading.get_ident()) or "mesh", key="mesh")
    first.set()
    watched.loop.run()
    assert watched.outcomes == [("done", True)] + [("done", "mesh")] * 3
    assert len(built) == 1
    assert watched.threads == {threading.get_ident()} != set(built)


def test_failures_reach_who_waits_and_the_next_build_works() -> None:
    watched = Watched(3)
    watched.begin(raising(InputError("no roads")))
    watched.begin(raising(ZeroDivisionError("x")))
    watched.begin(lambda: 7)
    watched.loop.run()
    assert watched.outcomes == [("failed", "no roads"), ("failed", "internal error: ZeroDivisionError: x"), ("done", 7)]
    assert watched.loop.defects == 1


def test_what_waits_is_bounded() -> None:
    watched = Watched(MAX_WAITING)
    first = threading.Event()
    watched.begin(first.wait, size=MAX_WAITING_BYTES)
    with pytest.raises(CallError, match="waiting to be built"):
        watched.begin(lambda: 1, size=1)
    for number in range(MAX_WAITING - 1):
        watched.begin(lambda number=number: number)
    with pytest.raises(CallError, match="waiting to be built"):
        watched.begin(lambda: 1)
    first.set()
    watched.loop.run()
    assert [what for _, what in watched.outcomes[1:]] == list(range(MAX_WAITING - 1))
