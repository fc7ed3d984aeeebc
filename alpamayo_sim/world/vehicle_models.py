"""The physics of every vehicle blueprint.

`vehicle.lincoln.mkz_2017` and `vehicle.nissan.patrol` are what CARLA's recorder wrote for them; the others scale one of
these two, an electric drivetrain or a two-wheeler to the size of their box.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from alpamayo_sim.world.blueprints import Blueprint
from alpamayo_sim.world.physics import GearPhysics, VehiclePhysics, four_wheels

STEERING_CURVE = ((0.0, 1.0), (20.0, 0.9), (60.0, 0.8), (120.0, 0.7))

SEDAN = VehiclePhysics(
    torque_curve=(
        (1000.0, 347.0),
        (1500.0, 523.0),
        (2000.0, 606.0),
        (3000.0, 695.0),
        (4000.0, 677.0),
        (5300.0, 607.0),
        (6500.0, 466.0),
    ),
    max_rpm=6500.0,
    moi=1.0,
    damping_full_throttle=0.05,
    damping_zero_throttle_clutch_engaged=2.0,
    damping_zero_throttle_clutch_disengaged=0.35,
    use_gear_autobox=True,
    gear_switch_time=0.0,
    clutch_strength=10.0,
    final_ratio=3.21,
    forward_gears=(
        GearPhysics(4.584, 0.23, 0.54),
        GearPhysics(2.964, 0.23, 0.50),
        GearPhysics(1.912, 0.23, 0.46),
        GearPhysics(1.446, 0.23, 0.46),
        GearPhysics(1.0, 0.23, 0.46),
        GearPhysics(0.746, 0.23, 0.46),
    ),
    mass=1696.0,
    drag_coefficient=0.3,
    center_of_mass=(0.6, 0.0, -0.3),
    steering_curve=STEERING_CURVE,
    wheels=four_wheels(1.478, -1.394, 0.785, 35.5, 800.0, 1600.0),
)
"""vehicle.lincoln.mkz_2017, from CARLA's recorder."""

SUV = VehiclePhysics(
    torque_curve=(
        (1000.0, 262.2),
        (1500.0, 531.05),
        (2500.0, 881.6),
        (3100.0, 974.7),
        (3800.0, 974.7),
        (4700.0, 897.75),
        (5500.0, 784.7),
        (6000.0, 632.7),
    ),
    max_rpm=6000.0,
    moi=1.0,
    damping_full_throttle=0.15,
    damping_zero_throttle_clutch_engaged=2.0,
    damping_zero_throttle_clutch_disengaged=0.35,
    use_gear_autobox=True,
    gear_switch_time=0.0,
    clutch_strength=10.0,
    final_ratio=4.814,
    forward_gears=(
        GearPhysics(5.08, 0.25, 0.58),
        GearPhysics(2.804, 0.17, 0.54),
        GearPhysics(1.783, 0.17, 0.50),
        GearPhysics(1.26, 0.25, 0.50),
        GearPhysics(1.0, 0.25, 0.50),
        GearPhysics(0.835, 0.25, 0.50),
    ),
    mass=2355.0,
    drag_coefficient=0.3,
    center_of_mass=(0.3, 0.0, -0.3),
    steering_curve=STEERING_CURVE,
    wheels=four_wheels(1.46, -1.378, 0.815, 39.0, 1300.0, 2600.0, lat_stiff_max_load=5.0, long_stiff_value=4000.0),
)
"""vehicle.nissan.patrol, from CARLA's recorder."""


@cache
def physics_template(blueprint: Blueprint) -> VehiclePhysics:
    """Return the physics template of a vehicle blueprint (wheel positions relative to the actor, cm)."""
    length_m, width_m = 2.0 * blueprint.extent[0], 2.0 * blueprint.extent[1]
    if blueprint.id.startswith("vehicle.lincoln."):
        return SEDAN
    if blueprint.id.startswith("vehicle.nissan.patrol"):
        return SUV
    half_track_m = 0.39 * width_m
    front_m, rear_m = 0.3 * length_m + blueprint.box_center[0], -0.285 * length_m + blueprint.box_center[0]
    return replace(SEDAN, wheels=four_wheels(front_m, rear_m, half_track_m, 35.5, 800.0, 1600.0))
