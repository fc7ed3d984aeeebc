"""Commands that vehicles understand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from alpamayo_sim.frames import to_world
from alpamayo_sim.world.ackermann import AckermannController, AckermannSettings, AckermannTarget
from alpamayo_sim.world.actor_commands import ActorCommands
from alpamayo_sim.world.blueprints import catalogue
from alpamayo_sim.world.constants import vehicle_constants
from alpamayo_sim.world.errors import WorldError
from alpamayo_sim.world.friction import FrictionTriggers
from alpamayo_sim.world.physics import VehiclePhysics
from alpamayo_sim.world.telemetry import VehicleTelemetry, vehicle_telemetry

ALL_DOORS = 6


class VehicleCommands(ActorCommands):
    """Part of `World`: commands on vehicles. Unknown ids raise UnknownActor, other actors WrongActor."""

    ackermann: dict[int, AckermannController]
    friction_triggers: FrictionTriggers
    wheel_pitch_deg: dict[tuple[int, int], float]
    """Angles that clients gave wheels, by vehicle and wheel."""

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
        record = self.vehicles.records[self.vehicle(actor_id, "apply control to vehicle")]
        record["throttle"] = min(max(throttle, 0.0), 1.0) if math.isfinite(throttle) else 0.0
        record["steer"] = min(max(steer, -1.0), 1.0) if math.isfinite(steer) else 0.0
        record["brake"] = min(max(brake, 0.0), 1.0) if math.isfinite(brake) else 0.0
        record["hand_brake"] = hand_brake
        record["reverse"] = reverse
        record["manual_gear_shift"] = manual_gear_shift
        record["requested_gear"] = gear
        self.ackermann[actor_id].target = None

    def apply_ackermann_control(
        self, actor_id: int, steer: float, steer_speed: float, speed: float, acceleration: float, jerk: float
    ) -> None:
        """Let CARLA's Ackermann controller drive: steer rad, steer speed rad/s, speed m/s, acceleration m/s^2, jerk m/s^3."""
        self.vehicle(actor_id, "apply ackermann control to vehicle")
        self.ackermann[actor_id].target = AckermannTarget(steer, steer_speed, speed, acceleration, jerk)

    def ackermann_settings(self, actor_id: int) -> AckermannSettings:
        """Return the gains of the Ackermann controller."""
        self.vehicle(actor_id, "get ackermann controller settings")
        return self.ackermann[actor_id].settings

    def apply_ackermann_settings(self, actor_id: int, settings: AckermannSettings) -> None:
        """Set the gains of the Ackermann controller."""
        self.vehicle(actor_id, "apply ackermann controller settings")
        self.ackermann[actor_id].settings = settings

    def enable_constant_velocity(self, actor_id: int, velocity_mps: Sequence[float]) -> None:
        """Hold a velocity given in the vehicle's own frame until disabled."""
        index = self.vehicle(actor_id, "enable actor constant velocity")
        self.vehicles.constant_velocity_mps[index] = velocity_mps
        self.vehicles.constant_velocity[index] = True

    def disable_constant_velocity(self, actor_id: int) -> None:
        """Let physics drive again."""
        self.vehicles.constant_velocity[self.vehicle(actor_id, "disable actor constant velocity")] = False

    def physics_control(self, actor_id: int) -> VehiclePhysics:
        """Return the physics of a vehicle, wheel positions in the world (cm)."""
        index = self.vehicle(actor_id, "get physics control")
        physics = self.physics_of[actor_id]
        pose = self.pose(self.vehicles.row[index])
        points = to_world(pose, np.array([wheel.position for wheel in physics.wheels]) / 100.0)
        if (friction := self.friction_triggers.inside.get(actor_id)) is not None:
            physics = replace(physics, wheels=tuple(replace(w, tire_friction=friction) for w in physics.wheels))
        positions = tuple((100.0 * float(x), 100.0 * float(y), 100.0 * float(z)) for x, y, z in points)
        return physics.with_wheel_positions(positions)

    def apply_physics_control(self, actor_id: int, physics: VehiclePhysics) -> None:
        """Replace the physics of a vehicle; wheel positions are ignored, as in CARLA. Wrong numbers of wheels are refused."""
        index = self.vehicle(actor_id, "apply physics control")
        known = self.physics_of[actor_id]
        if len(physics.wheels) != len(known.wheels):
            raise WorldError(
                f"unable to apply physics control: the vehicle has {len(known.wheels)} wheels, {len(physics.wheels)} given"
            )
        physics = physics.with_wheel_positions(tuple(wheel.position for wheel in known.wheels))
        self.physics_of[actor_id] = physics
        self.constants.records[index] = vehicle_constants(physics, self.infos[actor_id].extent)
        self.actors.mass_kg[self.vehicles.row[index]] = self.constants.mass_kg[index]
        self.friction_triggers.inside.pop(actor_id, None)

    def telemetry(self, actor_id: int) -> VehicleTelemetry:
        """Return what CARLA's telemetry reports: engine, gear, drag and the tyres."""
        index = self.vehicle(actor_id, "get telemetry data")
        return vehicle_telemetry(
            self.actors.records[self.vehicles.row[index]],
            self.vehicles.records[index],
            self.constants.records[index],
            len(self.physics_of[actor_id].wheels),
        )

    def light_flags(self, actor_id: int) -> int:
        """Return the bits of CARLA's VehicleLightState."""
        return int(self.vehicles.light_flags[self.vehicle(actor_id, "get vehicle light state")])

    def set_light_flags(self, actor_id: int, flags: int) -> None:
        """Set the bits of CARLA's VehicleLightState."""
        self.vehicles.light_flags[self.vehicle(actor_id, "set vehicle light state")] = flags & 0xFFFFFFFF

    def wheel_steer_angle(self, actor_id: int, wheel: int) -> float:
        """Return the angle of a wheel in degrees (0 front left, 1 front right, 2 and 3 rear); positive to the right."""
        record = self.vehicles.records[self.vehicle(actor_id, "get wheel steer angle")]
        if 0 <= wheel < 4 and record["wheel_direction_set"][wheel] and not self.actors.simulate_physics[record["row"]]:
            return float(record["wheel_direction_deg"][wheel])
        return float(record["wheel_angle_deg"]) if wheel in (0, 1) else 0.0

    def wheel_pitch_angle(self, actor_id: int, wheel: int) -> float:
        """Return how far a wheel has rolled, degrees in [0, 360)."""
        index = self.vehicle(actor_id, "get wheel pitch angle")
        drawn = self.wheel_pitch_deg.get((actor_id, wheel))
        if drawn is not None and not self.actors.simulate_physics[self.vehicles.row[index]]:
            return drawn % 360.0
        return float(self.vehicles.wheel_turn_deg[index])

    def set_wheel_steer_direction(self, actor_id: int, wheel: int, angle_deg: float) -> None:
        """Turn a wheel for the eye; while the vehicle's physics is on nothing happens, as in CARLA."""
        index = self.vehicle(actor_id, "set wheel steer direction")
        if 0 <= wheel < 4 and not self.actors.simulate_physics[self.vehicles.row[index]]:
            self.vehicles.wheel_direction_deg[index, wheel] = angle_deg
            self.vehicles.wheel_direction_set[index, wheel] = True

    def set_wheel_pitch_angle(self, actor_id: int, wheel: int, angle_deg: float) -> None:
        """Roll a wheel for the eye; while the vehicle's physics is on nothing happens."""
        index = self.vehicle(actor_id, "set wheel pitch angle")
        if 0 <= wheel < 4 and not self.actors.simulate_physics[self.vehicles.row[index]]:
            self.wheel_pitch_deg[actor_id, wheel] = angle_deg

    def open_door(self, actor_id: int, door: int) -> None:
        """Open a door (0 front left ... 5 trunk, 6 all), if the vehicle's model has doors that open."""
        index = self.vehicle(actor_id, "open vehicle door")
        if not catalogue()[self.infos[actor_id].type_id].has_doors:
            return
        self.vehicles.open_doors[index] |= 0x3F if door == ALL_DOORS else (1 << door) & 0x3F

    def close_door(self, actor_id: int, door: int) -> None:
        """Close a door (0 front left ... 5 trunk, 6 all)."""
        index = self.vehicle(actor_id, "close vehicle door")
        self.vehicles.open_doors[index] &= 0 if door == ALL_DOORS else 0x3F & ~(1 << door)
        self.vehicles.door_deg[index, slice(None) if door == ALL_DOORS else slice(door, door + 1)] = 0.0

    def _run_ackermann(self, dt_s: float) -> None:
        for actor_id, controller in self.ackermann.items():
            if controller.target is None or dt_s <= 0.0:
                continue
            index = self.vehicle_of[actor_id]
            record = self.vehicles.records[index]
            actor = self.actors.records[record["row"]]
            yaw = math.radians(actor["rotation_deg"][1])
            speed = float(actor["velocity_mps"][0] * math.cos(yaw) + actor["velocity_mps"][1] * math.sin(yaw))
            max_steer_rad = math.radians(float(self.constants.max_steer_deg[index]))
            throttle, steer, brake, reverse = controller.run(speed, max_steer_rad, dt_s)
            record["throttle"], record["steer"], record["brake"], record["reverse"] = (
                throttle,
                steer,
                brake,
                reverse,
            )
            record["hand_brake"], record["manual_gear_shift"] = False, False
