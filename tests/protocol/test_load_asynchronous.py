"""The clock of an asynchronous world: real time, fixed and variable steps, a cap on the rate.

Times are those of the server's own clock, so that it does not matter when states reach this process.
"""

from __future__ import annotations

import time

import carla
import pytest
from waits import LONG_S, asynchronous

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.server.clock import MAX_LAG_S


def test_fixed_steps_are_exact(world: carla.World) -> None:
    asynchronous(world, 0.02)
    deltas = [world.wait_for_tick(LONG_S).delta_seconds for _ in range(30)]
    assert deltas == pytest.approx([0.02] * 30, abs=1e-7)


def test_variable_steps_add_up_to_real_time(world: carla.World) -> None:
    asynchronous(world, None)
    first = world.wait_for_tick(LONG_S)
    stamps = [world.wait_for_tick(LONG_S) for _ in range(40)]
    deadline_s = time.monotonic() + LONG_S
    # On a machine that is late with every frame all steps are as long as they may be.
    while len({round(stamp.delta_seconds, 7) for stamp in stamps}) <= 5 and time.monotonic() < deadline_s:
        stamps.append(world.wait_for_tick(LONG_S))
    deltas = [stamp.delta_seconds for stamp in stamps]
    assert len({round(delta, 7) for delta in deltas}) > 5, "steps are as long as the time that has passed"
    assert max(deltas) <= MAX_LAG_S + 1e-6
    late_s = (stamps[-1].platform_timestamp - first.platform_timestamp) - (
        stamps[-1].elapsed_seconds - first.elapsed_seconds
    )
    assert late_s > -MAX_LAG_S - 1e-6, "never faster than real time"


def test_rate_cap_slows_an_asynchronous_world() -> None:
    with EmbeddedServer("Gridvale", extra_args=("--max-rate", "10")) as server:
        world = connect(server.address).get_world()
        asynchronous(world, 0.05)
        first = world.wait_for_tick(LONG_S)
        while (last := world.wait_for_tick(LONG_S)).frame < first.frame + 10:
            pass
        took_s = last.platform_timestamp - first.platform_timestamp
        # Of a frame that was late the next one may make up for so much, and the one that was measured may have been late.
        assert took_s >= 0.1 * (last.frame - first.frame - 1) - MAX_LAG_S - 1e-6
