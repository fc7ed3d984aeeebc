"""The longitudinal model of a vehicle: pedals, engine, clutch, automatic gearbox, brakes.

The structure is that of PhysX' `PxVehicleDrive4W`, which CARLA drives with: a torque curve, an engine damped by
`damping_*` (strongly at zero throttle: engine braking), a viscous clutch of `clutch_strength`, an automatic box that shifts on
engine speed and passes through neutral. Wheel inertia and tyre slip are folded into the clutch (`_coupling`), which leaves two
states, speed and engine speed, solved implicitly. The constants below were identified on recorded CARLA drives.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

GRAVITY_MPS2 = 9.81
PEDAL_RISE_PER_S, PEDAL_FALL_PER_S = 6.0, 10.0
HAND_BRAKE_RATE_PER_S = 12.0
SLIP_SPEED_FLOOR_MPS = 4.0
"""Below this speed tyre slip is measured against it (PhysX `minLongSlipDenominator`)."""
FIRST_GEAR_LIMIT_MPS = 5.0
"""CARLA's first gear runs away above this speed, where PhysX lowers its number of sub-steps: the box shifts up."""
FIRST_GEAR_HOLD_S, FIRST_GEAR_HOLD_AGAIN_S = 0.094, 0.39
"""How long it does so before the shift, and how much longer after every fall back from second gear."""
HUNTING_MPS = 2.0
"""Falls back count while the speed is this near to the limit."""
AUTOBOX_LATENCY_S = 0.306
NEUTRAL_DEAD_TIME_S = 0.13
"""What the first engagement after the spawn takes beyond a gear change."""
STICKY_MPS = 0.03
STICKY_GRIP = 0.2
"""A vehicle that is slower than this stands (PhysX' sticky tyres), against pushes up to this part of its weight."""
LOCK_TORQUE_S = 0.0256
"""Wheels lock below brake torque / wheel inertia times this, rad/s."""
LOCKED_GRIP = 0.7
"""Grip of locked wheels, of the tyre friction."""


@njit(cache=True)
def approach(value: float, target: float, rise: float, fall: float) -> float:
    """Return `value` moved towards `target` by at most `rise` away from zero, `fall` towards it."""
    if target > value:
        return min(target, value + (rise if value >= 0.0 else fall))
    return max(target, value - (rise if value <= 0.0 else fall))


@njit(cache=True)
def curve(xs: Any, ys: Any, count: int, x: float) -> float:
    """Return the piecewise linear curve at x, constant beyond its ends; 0 for an empty curve."""
    if count == 0:
        return 0.0
    if x <= xs[0]:
        return ys[0]
    for i in range(1, count):
        if x < xs[i]:
            return ys[i - 1] + (ys[i] - ys[i - 1]) * (x - xs[i - 1]) / (xs[i] - xs[i - 1])
    return ys[count - 1]


@njit(cache=True)
def _start_shift(v: Any, target: int) -> None:
    v.target_gear = target
    v.gear = 0
    v.gear_time_s = 0.0
    v.autobox_time_s = 0.0
    v.overspeed_s = 0.0


@njit(cache=True)
def _gearbox(v: Any, c: Any, speed_mps: float, dt: float) -> None:
    """Choose the gear: by hand, reverse, or automatically by engine speed; a change passes through neutral."""
    automatic = c.autobox and not v.manual_gear_shift
    if v.manual_gear_shift:
        wanted = min(max(v.requested_gear, -1), c.gears)
        if wanted != v.target_gear:
            _start_shift(v, wanted)
            v.gear_time_s = c.switch_time_s
    elif v.reverse and v.target_gear >= 0:
        _start_shift(v, -1)
    elif not v.reverse and v.target_gear < 0:
        _start_shift(v, 1)
    elif v.target_gear == 0 and v.throttle > 0.0:
        _start_shift(v, 1)
        v.gear_time_s = -NEUTRAL_DEAD_TIME_S
    v.autobox_time_s += dt
    if v.gear != v.target_gear:
        v.gear_time_s += dt
        if v.gear_time_s >= c.switch_time_s:
            v.gear = v.target_gear
        return
    if not automatic or v.gear < 1 or v.autobox_time_s <= AUTOBOX_LATENCY_S:
        return
    gear = v.gear
    if (
        gear > 2
        or speed_mps > FIRST_GEAR_LIMIT_MPS + HUNTING_MPS
        or speed_mps < FIRST_GEAR_LIMIT_MPS - 0.5 * HUNTING_MPS
    ):
        v.falls_back = 0
    hold_s = FIRST_GEAR_HOLD_S + FIRST_GEAR_HOLD_AGAIN_S * v.falls_back
    v.overspeed_s = v.overspeed_s + dt if gear == 1 and speed_mps > FIRST_GEAR_LIMIT_MPS else 0.0
    if gear < c.gears and (v.engine_radps > c.up_radps[gear + 1] or v.overspeed_s > hold_s):
        _start_shift(v, gear + 1)
    elif gear > 1 and v.engine_radps < c.down_radps[gear + 1]:
        if gear == 2 and speed_mps > FIRST_GEAR_LIMIT_MPS - 0.25 * HUNTING_MPS:
            v.falls_back += 1
        _start_shift(v, gear - 1)


@njit(cache=True)
def _coupling(c: Any, ratio: float, speed_mps: float) -> float:
    """Return engine torque per rad/s of difference that reaches the road through clutch and tyres, N*m*s."""
    if c.stiffness_n <= 0.0:
        return 0.0
    slip_mps = max(abs(speed_mps), SLIP_SPEED_FLOOR_MPS)
    return c.clutch / (1.0 + c.clutch * ratio * ratio * slip_mps / (c.stiffness_n * c.radius_m * c.radius_m))


@njit(cache=True)
def _stands(v: Any, c: Any, push_mps2: float) -> bool:
    """Whether a vehicle at rest stays there: its engine has not come up to speed, and what pushes is too weak."""
    if v.gear != 0 and v.throttle_input > 0.0 and v.engine_radps >= c.bite_radps and v.brake_input == 0.0:
        return False
    return abs(push_mps2) < STICKY_GRIP * c.friction / 3.5 * GRAVITY_MPS2


@njit(cache=True)
def drive(
    v: Any, c: Any, speed_mps: float, slope_mps2: float, external_mps2: float, grounded: bool, dt: float
) -> float:
    """Advance pedals, gearbox and engine by `dt`; return the new forward speed.

    `slope_mps2` is gravity along the vehicle (negative uphill), `external_mps2` what forces from outside add.
    """
    throttle = 0.0 if v.dead else v.throttle
    v.throttle_input = approach(v.throttle_input, throttle, PEDAL_RISE_PER_S * dt, PEDAL_FALL_PER_S * dt)
    v.brake_input = approach(v.brake_input, v.brake, PEDAL_RISE_PER_S * dt, PEDAL_FALL_PER_S * dt)
    held = 1.0 if v.hand_brake else 0.0
    v.hand_brake_input = approach(v.hand_brake_input, held, HAND_BRAKE_RATE_PER_S * dt, HAND_BRAKE_RATE_PER_S * dt)
    _gearbox(v, c, speed_mps, dt)

    gear = v.gear
    throttle = v.throttle_input if gear != 0 else 0.0
    limited = v.engine_radps >= c.max_radps
    torque = 0.0 if limited else throttle * curve(c.torque_radps, c.torque_nm, c.torque_points, v.engine_radps)
    idle = c.damping_idle if gear != 0 else c.damping_neutral
    damping = idle + (c.damping_full - idle) * throttle
    drag = (c.drag_n * speed_mps * abs(speed_mps)) / c.mass_kg
    brake_torque = v.brake_input * c.brake_nm + v.hand_brake_input * c.hand_brake_nm
    brake_mps2 = brake_torque / c.radius_m / c.rolling_mass_kg
    grip_mps2 = c.friction * GRAVITY_MPS2
    inertia = c.moi

    free = speed_mps + dt * (slope_mps2 + external_mps2 - drag)
    engine = (v.engine_radps + dt / inertia * torque) / (1.0 + dt / inertia * damping)
    if not grounded:
        v.engine_radps = engine
        return free
    pull = 0.0
    ratio = c.ratio[gear + 1]
    if gear != 0:
        coupling = _coupling(c, ratio, speed_mps)
        a = dt * coupling / inertia
        b = dt * coupling * ratio / (c.radius_m * c.rolling_mass_kg)
        per_mps = ratio / c.radius_m
        m11, m12, m21, m22 = 1.0 + dt / inertia * damping + a, -a * per_mps, -b, 1.0 + b * per_mps
        rhs = v.engine_radps + dt / inertia * torque
        det = m11 * m22 - m12 * m21
        coupled = (m11 * free - m21 * rhs) / det
        pull = (coupled - free) / dt
        engine = (rhs * m22 - m12 * free) / det
        if abs(pull) > grip_mps2:
            pull = math.copysign(grip_mps2, pull)
            engine = (rhs - dt / inertia * pull * c.rolling_mass_kg * c.radius_m / ratio) / (
                1.0 + dt / inertia * damping
            )
    if abs(speed_mps) < STICKY_MPS and _stands(v, c, slope_mps2 + external_mps2):
        v.engine_radps = max(0.0, (v.engine_radps + dt / inertia * torque) / (1.0 + dt / inertia * damping))
        return 0.0
    v.engine_radps = min(engine, c.max_radps) if engine > 1e-6 else 0.0
    moved = free + dt * pull
    spin = abs(moved) / c.radius_m
    if (
        brake_torque > 0.0
        and (gear == 1 or gear == 0 or gear == -1)
        and spin < brake_torque / c.wheel_inertia * LOCK_TORQUE_S
    ):
        brake_mps2 = max(brake_mps2, LOCKED_GRIP * grip_mps2)
        moved = free
    brake_mps2 = min(brake_mps2 + c.rolling_n * abs(moved) / c.rolling_mass_kg, grip_mps2)
    if abs(moved) <= brake_mps2 * dt:
        return 0.0
    return moved - math.copysign(brake_mps2 * dt, moved)
