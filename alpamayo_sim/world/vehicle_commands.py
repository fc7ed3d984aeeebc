"""Commands that vehicles understand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from alpamayo_sim.world.errors import WrongActor

if TYPE_CHECKING:
    from alpamayo_sim.world.physics import VehiclePhysics
    from alpamayo_sim.world.tables import ActorTable, VehicleTable


class VehicleCommands:
    """Part of `World`: commands on vehicles. Unknown ids raise UnknownActor, other actors WrongActor."""

    actors: ActorTable
    vehicles: VehicleTable
    _row_of: dict[int, int]
    _vehicle_of: dict[int, int]
    _physics: dict[int, VehiclePhysics]

    def _vehicle(self, actor_id: int, command: str) -> int:
        index = self._vehicle_of.get(actor_id)
        if index is None:
            self._row(actor_id, command)
            raise WrongActor(actor_id, command, "vehicle")
        return index

    def _row(self, actor_id: int, command: str = "find actor") -> int: ...

    def apply_vehicle_control(
        self,
        actor_id: int,
        throttle: float,
        steer: float,
        brake: float,
        hand_brake: bool = False,
        reverse: bool = False,
        manual_gear_shift: bool = False,
        gear: int = 0,
    ) -> None:
        """Set the controls; they stay until changed. Throttle and brake in [0, 1], steer in [-1, 1], right positive."""
        record = self.vehicles.records[self._vehicle(actor_id, "apply control to vehicle")]
        record["throttle"] = min(max(throttle, 0.0), 1.0)
        record["steer"] = min(max(steer, -1.0), 1.0)
        record["brake"] = min(max(brake, 0.0), 1.0)
        record["hand_brake"] = hand_brake
        record["reverse"] = reverse
        record["manual_gear_shift"] = manual_gear_shift
        record["gear"] = gear

    def enable_constant_velocity(self, actor_id: int, velocity_mps: Sequence[float]) -> None:
        """Hold a velocity given in the vehicle's own frame until disabled."""
        index = self._vehicle(actor_id, "enable actor constant velocity")
        self.vehicles.constant_velocity[index] = True
        self.vehicles.constant_velocity_mps[index] = velocity_mps

    def disable_constant_velocity(self, actor_id: int) -> None:
        """Let physics drive again."""
        self.vehicles.constant_velocity[self._vehicle(actor_id, "disable actor constant velocity")] = False

    def physics_control(self, actor_id: int) -> VehiclePhysics:
        """Return the physics of a vehicle, wheel positions in world centimetres."""
        self._vehicle(actor_id, "get physics control")
        return self._physics[actor_id]

    def apply_physics_control(self, actor_id: int, physics: VehiclePhysics) -> None:
        """Replace the physics of a vehicle."""
        self._vehicle(actor_id, "apply physics control")
        self._physics[actor_id] = physics

    def light_flags(self, actor_id: int) -> int:
        """Return the bits of CARLA's VehicleLightState."""
        return int(self.vehicles.light_flags[self._vehicle(actor_id, "get vehicle light state")])

    def set_light_flags(self, actor_id: int, flags: int) -> None:
        """Set the bits of CARLA's VehicleLightState."""
        self.vehicles.light_flags[self._vehicle(actor_id, "set vehicle light state")] = flags & 0xFFFFFFFF

    def wheel_steer_angle(self, actor_id: int, wheel: int) -> float:
        """Return the angle of a wheel in degrees (0 front left, 1 front right, 2 and 3 rear); positive to the right."""
        index = self._vehicle(actor_id, "get wheel steer angle")
        return float(self.vehicles.wheel_angle_deg[index]) if wheel < 2 else 0.0

    def _step_vehicles(self, dt_s: float) -> None:
        vehicles, actors = self.vehicles, self.actors
        for index, row in enumerate(vehicles.row.tolist()):
            if not actors.simulate_physics[row]:
                continue
            record, actor = vehicles.records[index], actors.records[row]
            yaw = np.radians(actor["rotation_deg"][1])
            heading = np.array([np.cos(yaw), np.sin(yaw)])
            speed = float(actor["velocity_mps"][:2] @ heading)
            sign = -1.0 if record["reverse"] else 1.0
            speed += sign * 4.0 * float(record["throttle"]) * dt_s
            speed -= np.sign(speed) * min(abs(speed), (8.0 * float(record["brake"]) + 0.2) * dt_s)
            yaw_rate = speed / 2.87 * np.tan(np.radians(0.7 * 70.0 * float(record["steer"])))
            actor["rotation_deg"][1] += np.degrees(yaw_rate) * dt_s
            actor["velocity_mps"][:2] = speed * heading
            actor["location"][:2] += actor["velocity_mps"][:2] * dt_s
            actor["angular_velocity_dps"][2] = np.degrees(yaw_rate)
