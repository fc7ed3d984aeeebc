"""The server at the sizes that its acceptance states: determinism with traffic, memory after the largest map."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from bench_server import MEGABYTE, determinism

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_twenty_managed_vehicles_repeat_bit_by_bit_for_2000_ticks_in_three_fresh_process_pairs() -> None:
    hashes = determinism(None, "Gridvale", 2000)
    assert len(hashes) == 3 and len(set(hashes)) == 1


@pytest.mark.full
def test_memory_without_cameras_stays_under_300_mb_after_town04(shared_data: Path) -> None:
    with EmbeddedServer("Gridvale", maps_dirs=[shared_data / "maps"]) as server:
        client = connect(server.address, timeout_s=60.0)
        client.load_world("Town04")
        world = client.get_world()
        settings = world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
        world.apply_settings(settings)
        for point in world.get_map().get_spawn_points()[:50]:
            world.try_spawn_actor(world.get_blueprint_library().find("vehicle.lincoln.mkz_2020"), point)
        for _ in range(100):
            world.tick()
        assert psutil.Process(server.pid).memory_info().rss < 300 * MEGABYTE
