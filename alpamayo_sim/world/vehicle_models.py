"""The physics of every vehicle blueprint.

`vehicle.lincoln.mkz_2017` and `vehicle.nissan.patrol` are what CARLA's recorder wrote for them; the others scale one of
these two, an electric drivetrain or a two-wheeler to the size of their box.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    gear_switch_time=0.1,
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

SEDAN_2020 = replace(
    SEDAN,
    torque_curve=(
        (0.0, 286.9),
        (400.0, 274.3),
        (800.0, 376.8),
        (1200.0, 519.8),
        (1600.0, 386.1),
        (2000.0, 445.2),
        (2400.0, 691.6),
        (2800.0, 758.4),
        (3200.0, 581.6),
        (4000.0, 533.5),
        (6500.0, 631.4),
    ),
    damping_full_throttle=0.0945,
    damping_zero_throttle_clutch_engaged=1.8633,
    gear_switch_time=0.09,
    forward_gears=(
        GearPhysics(4.7835, 0.23, 0.54),
        GearPhysics(3.2214, 0.23, 0.4195),
        GearPhysics(1.9625, 0.23, 0.4589),
        GearPhysics(1.4404, 0.23, 0.4371),
        GearPhysics(1.0, 0.23, 0.4293),
        GearPhysics(0.746, 0.23, 0.4293),
    ),
    wheels=four_wheels(1.478, -1.394, 0.785, 35.5, 820.0, 1640.0),
)
"""vehicle.lincoln.mkz_2020: nobody published its values; these were identified on CARLA drives with throttles 0.5 to 1.0."""

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
    gear_switch_time=0.1,
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


ELECTRIC = replace(
    SEDAN,
    torque_curve=(
        (0.0, 743.0),
        (9000.0, 743.0),
        (9500.0, 660.0),
        (10400.0, 605.0),
        (12500.0, 528.0),
        (15000.0, 502.0),
    ),
    max_rpm=15000.0,
    damping_full_throttle=0.15,
    damping_zero_throttle_clutch_engaged=0.5,
    final_ratio=9.0,
    forward_gears=(GearPhysics(1.0, 0.15, 1.0),),
    mass=1900.0,
    wheels=four_wheels(1.45, -1.42, 0.785, 36.0, 900.0, 1800.0),
)
"""One gear and a flat torque curve; engine braking is set to what a driver expects, CARLA's value is not known."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a class of vehicles differs from the physics that it scales."""

    base: VehiclePhysics
    mass_kg: float
    pull: float = 1.0
    """Engine torque per kilogram, of the base's."""
    radius_cm: float = 0.0
    max_steer_deg: float = 70.0
    half_track_m: float = 0.0


TWO_WHEELS = {
    "motorcycle": _Shape(SEDAN, 270.0, 1.1, 31.0, 60.0, 0.15),
    "bicycle": _Shape(SEDAN, 95.0, 0.35, 33.0, 60.0, 0.15),
}
HEAVY = {
    "vehicle.carlamotors.carlacola": _Shape(SUV, 5500.0, 0.6, 45.0),
    "vehicle.carlamotors.european_hgv": _Shape(SUV, 9000.0, 0.5, 50.0),
    "vehicle.carlamotors.firetruck": _Shape(SUV, 10000.0, 0.55, 50.0),
    "vehicle.mitsubishi.fusorosa": _Shape(SUV, 7000.0, 0.5, 45.0),
    "vehicle.ford.ambulance": _Shape(SUV, 4200.0, 0.75, 40.0),
    "vehicle.mercedes.sprinter": _Shape(SUV, 3000.0, 0.75, 38.0),
    "vehicle.tesla.cybertruck": _Shape(ELECTRIC, 3000.0, 1.1, 44.0),
    "vehicle.jeep.wrangler_rubicon": _Shape(SUV, 2000.0, 0.9, 40.0),
    "vehicle.nissan.patrol_2021": _Shape(SUV, 2750.0, 1.0, 42.0),
    "vehicle.audi.etron": _Shape(ELECTRIC, 2500.0, 1.0, 38.0),
    "vehicle.volkswagen.t2": _Shape(SUV, 1900.0, 0.6, 36.0),
    "vehicle.volkswagen.t2_2021": _Shape(SUV, 1900.0, 0.6, 36.0),
    "vehicle.micro.microlino": _Shape(ELECTRIC, 570.0, 0.5, 26.0),
}
MEASURED = {
    "vehicle.lincoln.mkz_2017": SEDAN,
    "vehicle.lincoln.mkz_2020": SEDAN_2020,
    "vehicle.nissan.patrol": SUV,
}
SEDAN_VOLUME_M3 = 8.0 * 2.4508 * 1.0642 * 0.7554
FRONT_AXLE, REAR_AXLE = 0.302, -0.284
"""Places of the axles in lengths of the vehicle, those of the mkz_2017."""


def _scaled(shape: _Shape, blueprint: Blueprint) -> VehiclePhysics:
    """Return the physics of `shape.base` for another mass and box: engine, clutch and brakes grow with the mass."""
    base = shape.base
    scale = shape.mass_kg / base.mass
    radius_cm = shape.radius_cm or base.wheels[0].radius
    grip = scale * radius_cm / base.wheels[0].radius
    length_m, center_m = 2.0 * blueprint.extent[0], blueprint.box_center[0]
    wheels = four_wheels(
        center_m + FRONT_AXLE * length_m,
        center_m + REAR_AXLE * length_m,
        shape.half_track_m or 0.78 * blueprint.extent[1],
        radius_cm,
        grip * base.wheels[0].max_brake_torque,
        grip * base.wheels[-1].max_handbrake_torque,
        max_steer_deg=shape.max_steer_deg,
        lat_stiff_max_load=base.wheels[0].lat_stiff_max_load,
        long_stiff_value=scale * base.wheels[0].long_stiff_value,
    )
    return replace(
        base,
        torque_curve=tuple((rpm, torque * grip * shape.pull) for rpm, torque in base.torque_curve),
        moi=base.moi * grip,
        damping_full_throttle=base.damping_full_throttle * grip * shape.pull,
        damping_zero_throttle_clutch_engaged=base.damping_zero_throttle_clutch_engaged * grip * shape.pull,
        damping_zero_throttle_clutch_disengaged=base.damping_zero_throttle_clutch_disengaged * grip,
        clutch_strength=base.clutch_strength * grip,
        mass=shape.mass_kg,
        wheels=wheels,
    )


@cache
def physics_template(blueprint: Blueprint) -> VehiclePhysics:
    """Return the physics template of a vehicle blueprint (wheel positions relative to the actor, cm)."""
    measured = MEASURED.get(blueprint.id)
    if measured is not None:
        return measured
    shape = HEAVY.get(blueprint.id) or TWO_WHEELS.get(blueprint.base_type)
    if shape is None:
        base = ELECTRIC if blueprint.special_type == "electric" else SEDAN
        volume_m3 = 8.0 * blueprint.extent[0] * blueprint.extent[1] * blueprint.extent[2]
        shape = _Shape(base, round(base.mass * (volume_m3 / SEDAN_VOLUME_M3) ** 0.7))
    return _scaled(shape, blueprint)
