"""Rates, pauses and waits, on a clock of the test's own."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from alpamayo_training.endpoint.pacing import Pacer, backoff_s, retry_after_s

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=timezone.utc)


class Clock:
    """Time that passes by waiting alone."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


def test_requests_begin_at_an_even_rate() -> None:
    clock = Clock()
    pacer = Pacer(30.0, clock, clock.wait)
    begun: list[float] = []
    for _ in range(4):
        pacer.begin()
        begun.append(clock.now_s)
    assert begun == [100.0, 102.0, 104.0, 106.0]
    clock.now_s = 200.0  # no burst makes up for a rest
    pacer.begin()
    pacer.begin()
    assert clock.now_s == 202.0


def test_a_pause_that_the_server_asks_for_holds_everybody() -> None:
    clock = Clock()
    pacer = Pacer(0.0, clock, clock.wait)
    pacer.begin()
    pacer.hold(7.0)
    pacer.hold(3.0)
    pacer.begin()
    assert clock.now_s == 107.0


def test_waits_are_doubled_up_to_the_longest() -> None:
    assert [backoff_s(1.0, 5.0, retry) for retry in (0, 1, 2, 3, 9999)] == [1.0, 2.0, 4.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "12"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Thu, 99 Jan 99999999 12:00:30 GMT"}, None),
        ({}, None),
    ],
)
def test_what_a_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, NOW) == seconds
