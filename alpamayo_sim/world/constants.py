"""From a `VehiclePhysics` to the constants that the kernel reads."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.world.blueprints import Vector3
from alpamayo_sim.world.physics import VehiclePhysics
from alpamayo_sim.world.tables import CURVE_SLOTS, GEAR_SLOTS, PhysicsTable

GRAVITY_MPS2 = 9.81
RADPS_PER_RPM = math.pi / 30.0
REVERSE_RATIO = 4.0
"""PhysX' default; CARLA's physics control does not carry it."""
WHEEL_MASS_KG, WHEEL_MASS_SHARE = 20.0, 0.012
AIR_DENSITY = 1.2
DRAG_AREA = 0.934
"""Effective area of the drag / the box of the vehicle seen from ahead."""
DRIVEN_STIFFNESS = 0.44
"""Longitudinal stiffness of the driven tyres / that of all (identified on recorded drives: one axle drives)."""
BITE_RADPS, BITE_S = 57.9, 0.22
"""A standing vehicle gets going when its engine turns this fast, or as fast as full throttle makes it in this time."""
MIN_RADIUS_M, MIN_MASS_KG, MIN_MOI = 0.05, 1.0, 1e-3


def _curve(
    points: tuple[tuple[float, float], ...], scale: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Return a curve in kernel form: x, y [CURVE_SLOTS] and the number of points, thinned out if there are too many."""
    ordered = sorted(points)
    if len(ordered) > CURVE_SLOTS:
        keep = np.linspace(0, len(ordered) - 1, CURVE_SLOTS).round().astype(int)
        ordered = [ordered[i] for i in keep]
    x, y = np.zeros(CURVE_SLOTS), np.zeros(CURVE_SLOTS)
    for i, (px, py) in enumerate(ordered):
        x[i], y[i] = px * scale, py
    return x, y, len(ordered)


def vehicle_constants(physics: VehiclePhysics, extent: Vector3) -> NDArray[np.void]:
    """Return one `PhysicsTable` record for a vehicle with a box of half sizes `extent` (m)."""
    record = np.zeros(1, PhysicsTable.dtype)[0]
    wheels = physics.wheels
    mass_kg = max(physics.mass, MIN_MASS_KG)
    radius_m = max(float(np.mean([w.radius for w in wheels])) / 100.0, MIN_RADIUS_M)
    wheel_mass_kg = min(WHEEL_MASS_KG, WHEEL_MASS_SHARE * mass_kg)
    wheel_inertia = 0.5 * wheel_mass_kg * radius_m**2
    max_radps = physics.max_rpm * RADPS_PER_RPM
    forward = physics.forward_gears[: GEAR_SLOTS - 2]
    record["mass_kg"] = mass_kg
    record["rolling_mass_kg"] = mass_kg + len(wheels) * wheel_inertia / radius_m**2
    record["yaw_inertia"] = mass_kg / 3.0 * (extent[0] ** 2 + extent[1] ** 2)
    record["moi"] = max(physics.moi, MIN_MOI)
    record["max_radps"] = max_radps
    first_torque_nm = physics.torque_curve[0][1] if physics.torque_curve else 0.0
    record["bite_radps"] = min(BITE_RADPS, BITE_S * max(first_torque_nm, 0.0) / record["moi"])
    record["damping_full"] = max(physics.damping_full_throttle, 0.0)
    record["damping_idle"] = max(physics.damping_zero_throttle_clutch_engaged, 0.0)
    record["damping_neutral"] = max(physics.damping_zero_throttle_clutch_disengaged, 0.0)
    record["autobox"] = physics.use_gear_autobox
    record["switch_time_s"] = max(physics.gear_switch_time, 0.0)
    record["clutch"] = max(physics.clutch_strength, 0.0)
    record["gears"] = len(forward)
    record["ratio"][0] = -REVERSE_RATIO * physics.final_ratio
    for slot, gear in enumerate(forward, start=2):
        record["ratio"][slot] = gear.ratio * physics.final_ratio
        record["up_radps"][slot] = gear.up_ratio * max_radps
        record["down_radps"][slot] = gear.down_ratio * max_radps
    record["torque_radps"], record["torque_nm"], record["torque_points"] = _curve(physics.torque_curve, RADPS_PER_RPM)
    record["steering_kmh"], record["steering_factor"], record["steering_points"] = _curve(physics.steering_curve, 1.0)
    record["max_steer_deg"] = max((w.max_steer_angle for w in wheels), default=0.0)
    record["radius_m"] = radius_m
    record["wheel_inertia"] = len(wheels) * wheel_inertia
    record["brake_nm"] = sum(max(w.max_brake_torque, 0.0) for w in wheels)
    record["hand_brake_nm"] = sum(max(w.max_handbrake_torque, 0.0) for w in wheels)
    record["friction"] = float(np.mean([max(w.tire_friction, 0.0) for w in wheels]))
    record["stiffness_n"] = sum(max(w.long_stiff_value, 0.0) for w in wheels) * GRAVITY_MPS2 * DRIVEN_STIFFNESS
    area_m2 = 4.0 * extent[1] * extent[2] * DRAG_AREA
    record["drag_n"] = 0.5 * AIR_DENSITY * max(physics.drag_coefficient, 0.0) * area_m2
    record["rolling_n"] = sum(max(w.damping_rate, 0.0) for w in wheels) / radius_m**2
    record["front_axle_m"] = max(w.position[0] for w in wheels) / 100.0
    record["rear_axle_m"] = min(w.position[0] for w in wheels) / 100.0
    record["half_track_m"] = max(max(abs(w.position[1]) for w in wheels) / 100.0, 0.05)
    return record
