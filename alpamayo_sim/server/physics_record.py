"""A vehicle's physics and telemetry between the world and the wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from alpamayo_sim.server.registry import CallError
from alpamayo_sim.world.physics import GearPhysics, VehiclePhysics, WheelPhysics

GEARS_FIELD = 10
WHEELS_FIELD = 15


def physics_record(physics: VehiclePhysics) -> list[Any]:
    """Return the fields of CARLA's VehiclePhysicsControl."""
    return list(astuple(physics))


def physics_from(fields: Sequence[Any]) -> VehiclePhysics:
    """Return the physics of decoded fields; CallError for what no vehicle can have."""
    values = list(fields)
    if not values[0] or not values[GEARS_FIELD] or not values[WHEELS_FIELD] or not values[14]:
        raise CallError("a vehicle needs a torque curve, a steering curve, forward gears and wheels")
    values[0], values[14] = tuple(values[0]), tuple(values[14])
    values[GEARS_FIELD] = tuple(GearPhysics(*gear) for gear in values[GEARS_FIELD])
    values[WHEELS_FIELD] = tuple(WheelPhysics(*wheel) for wheel in values[WHEELS_FIELD])
    physics = VehiclePhysics(*values)
    if physics.mass <= 0.0 or physics.max_rpm <= 0.0 or any(wheel.radius <= 0.0 for wheel in physics.wheels):
        raise CallError("mass, max_rpm and the radius of every wheel must be positive")
    return physics


def telemetry_record(telemetry: Any) -> list[Any]:
    """Return the fields of CARLA's VehicleTelemetryData."""
    return list(astuple(telemetry))
