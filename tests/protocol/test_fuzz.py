"""Hostile clients on both ports, see `fuzz_server.py`: the server lives, does not grow, and the next client drives."""

from __future__ import annotations

import pytest
from fuzz_server import attack


def check(frames: int, seed: int, checks: int) -> None:
    found = attack(frames, seed, checks)
    assert found["rpc_frames"] + found["stream_frames"] == frames
    assert found["next_clients"] == checks + 1 == found["killed_clients"] + 1
    assert found["answers_read"] > found["rpc_frames"] / 4, "calls are answered, or nothing was tried"


def test_two_thousand_hostile_frames() -> None:
    check(2000, 3, 1)


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_a_hundred_thousand_hostile_frames() -> None:
    check(100_000, 1, 10)
