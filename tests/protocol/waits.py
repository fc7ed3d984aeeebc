"""Waiting for what comes about in its own time, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

import carla

LONG_S = 120.0
"""No wait that ends well takes so long, on any machine."""


def until(holds: Callable[[], bool], within_s: float = LONG_S) -> None:
    """Wait until something holds; AssertionError when it does not for long."""
    deadline_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline_s, f"it did not come about within {within_s:.0f} s"
        time.sleep(0.02)


def newest_tick(world: carla.World) -> carla.WorldSnapshot:
    """Return a state that the server published after this call; others may still be on their way to the client.

    The server's clock is this machine's.
    """
    called_s = time.monotonic()
    while (state := world.wait_for_tick(LONG_S)).timestamp.platform_timestamp <= called_s:
        pass
    return state


def asynchronous(world: carla.World, fixed_s: float | None) -> None:
    """Let a world run by itself, and wait until what arrives was made in this mode."""
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = False, fixed_s
    world.apply_settings(settings)
    newest_tick(world)
    newest_tick(world)
