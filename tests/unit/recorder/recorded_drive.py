"""A short drive without clients, recorded."""

from __future__ import annotations

from alpamayo_sim.frames import Transform
from alpamayo_sim.server.simulation import Simulation

MKZ, BIKE, WALKER = "vehicle.lincoln.mkz_2020", "vehicle.yamaha.yzf", "walker.pedestrian.0001"
NAME = "drive.log"


def spawn_point(simulation: Simulation, index: int) -> Transform:
    """Return one of the map's spawn points."""
    return Transform(*simulation.road_map.spawn_points[index].tolist())


def record_drive(simulation: Simulation, *, ticks: int = 20, additional: bool = True) -> list[int]:
    """Record a car with a sensor, a motorcycle and a pedestrian; destroy the motorcycle halfway; return their ids."""
    car = simulation.spawn(MKZ, {"role_name": "hero"}, spawn_point(simulation, 0))
    bike = simulation.spawn(BIKE, {}, spawn_point(simulation, 12))
    place = spawn_point(simulation, 24)
    walker = simulation.spawn(WALKER, {}, place._replace(z=place.z + 1.0))
    simulation.recordings.start(NAME, additional=additional)
    simulation.tick()
    simulation.spawn("sensor.other.collision", {}, Transform(0.0, 0.0, 1.0), car.id)
    world = simulation.world
    world.apply_vehicle_control(car.id, 1.0, 0.1, 0.0)
    world.apply_walker_control(walker.id, (0.0, 1.0, 0.0), 1.5)
    for tick in range(1, ticks):
        if tick == ticks // 2:
            simulation.destroy(bike.id)
            world.open_door(car.id, 6)
            world.set_light_flags(car.id, 0b1011)
        simulation.tick()
    simulation.recordings.stop()
    return [car.id, bike.id, walker.id]
