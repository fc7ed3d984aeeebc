"""What CARLA calls a vehicle's physics control: engine, gearbox, wheels, body.

Units are the wire's: torques N*m, mass kg, radius and wheel positions cm, centre of mass m, steering curve km/h.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

Vector2 = tuple[float, float]
Vector3 = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class GearPhysics:
    """One forward gear: ratio, and the fractions of the highest engine speed at which the automatic box leaves it."""

    ratio: float
    down_ratio: float
    up_ratio: float


@dataclass(frozen=True, slots=True)
class WheelPhysics:
    """One wheel; fields in the order of CARLA's `WheelPhysicsControl`."""

    tire_friction: float = 3.5
    damping_rate: float = 0.25
    max_steer_angle: float = 0.0
    radius: float = 35.5
    max_brake_torque: float = 800.0
    max_handbrake_torque: float = 0.0
    lat_stiff_max_load: float = 3.0
    lat_stiff_value: float = 20.0
    long_stiff_value: float = 3000.0
    position: Vector3 = (0.0, 0.0, 0.0)
    """Centimetres; in a vehicle's template relative to the actor, in `World.physics_control` in the world."""


@dataclass(frozen=True, slots=True)
class VehiclePhysics:
    """Fields in the order of CARLA's `VehiclePhysicsControl`."""

    torque_curve: tuple[Vector2, ...]
    max_rpm: float
    moi: float
    damping_full_throttle: float
    damping_zero_throttle_clutch_engaged: float
    damping_zero_throttle_clutch_disengaged: float
    use_gear_autobox: bool
    gear_switch_time: float
    clutch_strength: float
    final_ratio: float
    forward_gears: tuple[GearPhysics, ...]
    mass: float
    drag_coefficient: float
    center_of_mass: Vector3
    steering_curve: tuple[Vector2, ...]
    wheels: tuple[WheelPhysics, ...]
    use_sweep_wheel_collision: bool = False

    @property
    def wheelbase_m(self) -> float:
        """Distance of front and rear axle in metres."""
        return (max(w.position[0] for w in self.wheels) - min(w.position[0] for w in self.wheels)) / 100.0

    @property
    def rear_axle_m(self) -> float:
        """x of the rear axle in the actor frame, metres."""
        return min(w.position[0] for w in self.wheels) / 100.0

    def with_wheel_positions(self, positions_cm: tuple[Vector3, ...]) -> VehiclePhysics:
        """Return the same physics with other wheel positions, one a wheel."""
        wheels = tuple(replace(w, position=p) for w, p in zip(self.wheels, positions_cm, strict=True))
        return replace(self, wheels=wheels)


def four_wheels(
    front_x_m: float,
    rear_x_m: float,
    half_track_m: float,
    radius_cm: float,
    brake_torque: float,
    hand_brake_torque: float,
    *,
    max_steer_deg: float = 70.0,
    lat_stiff_max_load: float = 3.0,
    long_stiff_value: float = 3000.0,
) -> tuple[WheelPhysics, ...]:
    """Return front left, front right, rear left, rear right; the front steers, the hand brake holds the rear."""
    return tuple(
        WheelPhysics(
            max_steer_angle=max_steer_deg if x_m == front_x_m else 0.0,
            radius=radius_cm,
            max_brake_torque=brake_torque,
            max_handbrake_torque=0.0 if x_m == front_x_m else hand_brake_torque,
            lat_stiff_max_load=lat_stiff_max_load,
            long_stiff_value=long_stiff_value,
            position=(100.0 * x_m, 100.0 * side * half_track_m, radius_cm),
        )
        for x_m in (front_x_m, rear_x_m)
        for side in (-1.0, 1.0)
    )
