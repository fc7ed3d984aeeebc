"""A world that can not keep up with real time still answers its clients."""

from __future__ import annotations

import carla

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

TOO_SHORT_STEP_S = 1.0e-5
"""No step of any world takes so little time, so every frame of an asynchronous world is late."""


def test_asynchronous_world_behind_real_time_answers() -> None:
    with EmbeddedServer("Gridvale") as server:
        world = connect(server.address).get_world()
        settings = world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = False, TOO_SHORT_STEP_S
        world.apply_settings(settings)
        first = world.wait_for_tick().frame
        assert not world.get_settings().synchronous_mode
        assert world.get_weather() is not None
        blueprint = world.get_blueprint_library().find("vehicle.lincoln.mkz_2020")
        car = world.spawn_actor(blueprint, world.get_map().get_spawn_points()[0])
        assert isinstance(car, carla.Vehicle)
        assert world.wait_for_tick().frame > first
