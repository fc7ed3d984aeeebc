"""The vehicles of the background activity: spawned, driven by TrafficManager at a share of the speed limit, destroyed."""

from __future__ import annotations

from dataclasses import dataclass

import carla
import numpy as np

from alpamayo_scenarios.background.traffic_manager import ManagerLease
from alpamayo_scenarios.library.actors import everyday_cars

ROLE = "background"
LIFT_M = 0.2
LEADING_DISTANCE_M = 10.0
LANE_OFFSET_M = 0.1
FULL_PERCENT = 100.0
_FLASH = carla.VehicleLightState.Brake


@dataclass(eq=False)
class Car:
    """One vehicle of the background."""

    actor: carla.Vehicle
    put_at: carla.Location
    """Where it was placed; its place until the next tick tells of it."""
    speed_percent: float = FULL_PERCENT
    """Of the speed limit."""
    lane_from_left: int = 0
    """Which of the road's lanes it drives in, for cars of the ego's road."""
    held: bool = False
    """Stopped by a scenario."""
    told_percent: float = -1.0

    @property
    def id(self) -> int:
        """The actor's id."""
        return self.actor.id


class CarFleet:
    """Spawns and destroys the cars, and tells TrafficManager their speeds."""

    def __init__(self, client: carla.Client, world: carla.World, lease: ManagerLease, rng: np.random.Generator) -> None:
        self._client, self._world, self._lease, self._rng = client, world, lease, rng
        self._library = world.get_blueprint_library()
        self._names = everyday_cars(self._library)
        self.max_speed_kmh: float | None = None
        """No car drives faster than this."""

    def spawn(self, waypoint: carla.Waypoint, speed_mps: float = 0.0) -> Car | None:
        """Put a car into a lane, moving at a speed; None when there is no room."""
        blueprint = self._library.find(self._names[int(self._rng.integers(len(self._names)))])
        if blueprint.has_attribute("color"):
            colours = blueprint.get_attribute("color").recommended_values
            blueprint.set_attribute("color", colours[int(self._rng.integers(len(colours)))])
        blueprint.set_attribute("role_name", ROLE)
        pose = waypoint.transform
        pose.location.z += LIFT_M
        actor = self._world.try_spawn_actor(blueprint, pose)
        if actor is None:
            return None
        assert isinstance(actor, carla.Vehicle)
        manager = self._lease.manager
        actor.set_autopilot(True, self._lease.port)
        manager.auto_lane_change(actor, False)
        manager.update_vehicle_lights(actor, True)
        manager.distance_to_leading_vehicle(actor, LEADING_DISTANCE_M)
        manager.vehicle_lane_offset(actor, LANE_OFFSET_M)
        if speed_mps > 0.0:
            actor.set_target_velocity(waypoint.transform.get_forward_vector() * speed_mps)
        return Car(actor, waypoint.transform.location)

    def ignore_lights_and_signs(self, car: Car) -> None:
        """Let a car drive on whatever the lights show, as those have to that leave the ego behind."""
        self._lease.manager.ignore_lights_percentage(car.actor, 100.0)
        self._lease.manager.ignore_signs_percentage(car.actor, 100.0)

    def drive(self, car: Car) -> None:
        """Tell TrafficManager the car's speed, if it has changed and the car is still there.

        TrafficManager takes away who has stood for very long, also within the tick that has just ended.
        """
        if not car.actor.is_alive:
            return
        percent = 0.0 if car.held else car.speed_percent
        if self.max_speed_kmh is not None:
            limit = max(1.0, car.actor.get_speed_limit())
            percent = min(percent, 100.0 * self.max_speed_kmh / limit)
        percent = float(round(percent))
        if percent != car.told_percent:
            self._lease.manager.vehicle_percentage_speed_difference(car.actor, 100.0 - percent)
            car.told_percent = percent

    def hold(self, car: Car) -> None:
        """Stop a car, brake lights on, until `release`."""
        car.held = True
        self._lease.manager.update_vehicle_lights(car.actor, False)
        car.actor.set_light_state(carla.VehicleLightState(int(car.actor.get_light_state()) | int(_FLASH)))

    def release(self, car: Car) -> None:
        """Let it drive on."""
        car.held = False
        self._lease.manager.update_vehicle_lights(car.actor, True)
        car.actor.set_light_state(carla.VehicleLightState(int(car.actor.get_light_state()) & ~int(_FLASH)))

    def move(self, car: Car, waypoint: carla.Waypoint) -> None:
        """Put a car elsewhere."""
        pose = waypoint.transform
        pose.location.z += LIFT_M
        car.actor.set_transform(pose)
        car.put_at = waypoint.transform.location

    def destroy(self, cars: list[Car]) -> None:
        """Take cars away."""
        if cars:
            self._client.apply_batch_sync([carla.command.DestroyActor(car.actor) for car in cars], False)
