"""CarSim and Chrono: CARLA's client does not wait for the answers to these calls, so the server's log tells of the refusal."""

from __future__ import annotations

import carla

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer


def test_refused_physics_is_a_warning_once_an_actor() -> None:
    with EmbeddedServer("Gridvale", seed=1) as own:
        world = connect(own.address).get_world()
        blueprint, points = world.get_blueprint_library().find("vehicle.audi.tt"), world.get_map().get_spawn_points()
        first, second = (world.spawn_actor(blueprint, points[k]) for k in (0, 1))
        for _ in range(3):
            first.enable_carsim("/etc/passwd")
            first.use_carsim_road(True)
        second.enable_chrono_physics(10, 0.01, "vehicle.json", "powertrain.json", "tire.json", "/etc")
        second.apply_control(carla.VehicleControl(throttle=0.5))
        assert second.get_physics_control().mass > 0.0, "answered after everything before it"
        warnings = [line for line in own.log().splitlines() if "keeps this server's dynamics" in line]
    assert len(warnings) == 2
    assert warnings[0].startswith(f"WARNING actor {first.id}, enable CarSim: CarSim plugin is not enabled")
    assert warnings[1].startswith(f"WARNING actor {second.id}, enable Chrono physics: Chrono is not built")
