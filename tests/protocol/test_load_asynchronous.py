"""The clock of an asynchronous world: real time, fixed and variable steps, a cap on the rate."""

from __future__ import annotations

import time

import carla
import pytest

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer


def asynchronous(world: carla.World, fixed_s: float | None) -> None:
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = False, fixed_s
    world.apply_settings(settings)
    world.wait_for_tick(20.0)
    world.wait_for_tick(20.0)


def test_fixed_steps_are_exact(world: carla.World) -> None:
    asynchronous(world, 0.02)
    deltas = [world.wait_for_tick(20.0).delta_seconds for _ in range(30)]
    assert deltas == pytest.approx([0.02] * 30, abs=1e-7)


def test_variable_steps_add_up_to_real_time(world: carla.World) -> None:
    asynchronous(world, None)
    first = world.wait_for_tick(20.0)
    stamps = [world.wait_for_tick(20.0) for _ in range(40)]
    deltas = [stamp.delta_seconds for stamp in stamps]
    assert len({round(delta, 7) for delta in deltas}) > 5, "steps are as long as the time that has passed"
    assert max(deltas) <= 0.1 + 1e-6
    late_s = (stamps[-1].platform_timestamp - first.platform_timestamp) - (
        stamps[-1].elapsed_seconds - first.elapsed_seconds
    )
    assert late_s > -0.1, "never faster than real time"


def test_rate_cap_slows_an_asynchronous_world() -> None:
    with EmbeddedServer("Gridvale", extra_args=("--max-rate", "10")) as server:
        world = connect(server.address).get_world()
        asynchronous(world, 0.05)
        start_s = time.monotonic()
        first = world.wait_for_tick(20.0).frame
        while world.wait_for_tick(20.0).frame < first + 10:
            pass
        assert time.monotonic() - start_s >= 0.8, "ten frames at ten a second, less the lag that is made up for"
