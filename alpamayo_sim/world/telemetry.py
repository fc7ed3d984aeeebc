"""What CARLA calls telemetry: the state of engine and tyres of one vehicle, derived from the tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from alpamayo_sim.world.constants import GRAVITY_MPS2


@dataclass(frozen=True, slots=True)
class WheelTelemetry:
    """Fields in the order of CARLA's `WheelTelemetryData`."""

    tire_friction: float
    lat_slip: float
    long_slip: float
    omega: float
    tire_load: float
    normalized_tire_load: float
    torque: float
    long_force: float
    lat_force: float
    normalized_long_force: float
    normalized_lat_force: float


@dataclass(frozen=True, slots=True)
class VehicleTelemetry:
    """Fields in the order of CARLA's `VehicleTelemetryData`; speed m/s, drag N."""

    speed: float
    steer: float
    throttle: float
    brake: float
    engine_rpm: float
    gear: int
    drag: float
    wheels: tuple[WheelTelemetry, ...]


def vehicle_telemetry(actor: Any, vehicle: Any, constants: Any, wheels: int) -> VehicleTelemetry:
    """Return the telemetry of a vehicle from its records; loads and forces are shared evenly by the wheels."""
    yaw = math.radians(float(actor["rotation_deg"][1]))
    forward = np.array([math.cos(yaw), math.sin(yaw)])
    right = np.array([-forward[1], forward[0]])
    velocity, acceleration = actor["velocity_mps"][:2], actor["acceleration_mps2"][:2]
    speed, slide = float(velocity @ forward), float(velocity @ right)
    mass, radius = float(constants["mass_kg"]), float(constants["radius_m"])
    load = mass * GRAVITY_MPS2 / wheels
    long_force, lat_force = (
        mass * float(acceleration @ forward) / wheels,
        mass * float(acceleration @ right) / wheels,
    )
    stiffness = float(constants["stiffness_n"]) / wheels
    slip = long_force / stiffness if stiffness > 0.0 else 0.0
    wheel = WheelTelemetry(
        tire_friction=float(constants["friction"]),
        lat_slip=math.atan2(slide, max(abs(speed), 1.0)),
        long_slip=slip,
        omega=speed * (1.0 + slip) / radius,
        tire_load=load,
        normalized_tire_load=1.0,
        torque=long_force * radius,
        long_force=long_force,
        lat_force=lat_force,
        normalized_long_force=long_force / load,
        normalized_lat_force=lat_force / load,
    )
    return VehicleTelemetry(
        speed=speed,
        steer=float(vehicle["steer_input"]),
        throttle=float(vehicle["throttle_input"]),
        brake=float(vehicle["brake_input"]),
        engine_rpm=float(vehicle["engine_radps"]) * 30.0 / math.pi,
        gear=int(vehicle["gear"]),
        drag=float(constants["drag_n"]) * speed * speed,
        wheels=(wheel,) * wheels,
    )
