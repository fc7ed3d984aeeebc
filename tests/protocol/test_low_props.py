"""What lies on the road and is lower than a car's body is driven over, as in CARLA; what is higher is hit."""

from __future__ import annotations

import carla
import pytest
from waits import until


@pytest.mark.parametrize(
    ("prop", "hit"),
    [
        ("static.prop.dirtdebris01", False),
        ("static.prop.dirtdebris03", False),
        ("static.prop.creasedbox01", False),
        ("static.prop.trafficcone01", True),
        ("static.prop.box01", True),
    ],
)
def test_car_over_prop(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle, prop: str, hit: bool
) -> None:
    here = car.get_transform()
    place = carla.Location(here.transform(carla.Location(x=12.0)))
    obstacle = world.spawn_actor(library.find(prop), carla.Transform(place, here.rotation))
    obstacle.set_simulate_physics(False)
    sensor = world.spawn_actor(library.find("sensor.other.collision"), carla.Transform(), attach_to=car)
    assert isinstance(sensor, carla.Sensor)
    hits: list[str] = []

    def note(event: carla.SensorData) -> None:
        assert isinstance(event, carla.CollisionEvent)
        hits.append(event.other_actor.type_id)

    sensor.listen(note)
    for _ in range(160):
        car.apply_control(carla.VehicleControl(throttle=0.5))
        world.tick()
        if car.get_location().distance(here.location) > 22.0:
            break
    if hit:
        until(lambda: prop in hits)  # it may still be on its way
    sensor.stop()
    passed = car.get_location().distance(here.location) > 20.0
    assert (passed, prop in hits) == (not hit, hit)
