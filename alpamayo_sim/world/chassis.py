"""The body of a vehicle on the ground: steering, lateral tyre forces, suspension, tilt.

Steering follows CARLA's input rates and steering curve; the yaw rate is that of a bicycle whose effective wheel angle
shrinks with speed (measured on recorded drives: 0.97 - 0.012 per m/s) and lags by 0.06 s. Tyre forces bring the body to
that motion as far as friction allows, so that pushes, spins and slippery ground show.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from alpamayo_sim.roads.ground import BURIED_M, ground_height
from alpamayo_sim.world.drivetrain import GRAVITY_MPS2, curve, drive

STEER_RISE_PER_S, STEER_FALL_PER_S = 2.5, 5.0
STEER_LAG_S = 0.06
STEER_GAIN, STEER_GAIN_PER_MPS, STEER_GAIN_FLOOR = 0.97, 0.012, 0.4
SUSPENSION_RADPS = 14.0
SUSPENSION_DAMPING = 0.9
DROOP_M = 0.12
TILT_TIME_S = 0.08
MAX_SUSPENSION_MPS2 = 150.0
MAX_SLOPE = 1.0
NEGLIGIBLE = 1e-9
"""Smaller motions are at rest (and would end in slow subnormal numbers)."""


@njit(cache=True)
def steer_rate(value: float, target: float, dt: float) -> float:
    """Return the steering input after `dt`: it rises slower than it falls back to the middle."""
    if value * target < 0.0 or abs(target) < abs(value):
        step = STEER_FALL_PER_S * dt
    else:
        step = STEER_RISE_PER_S * dt
    return min(target, value + step) if target > value else max(target, value - step)


@njit(cache=True)
def feel_ground(ground: Any, actor: Any, v: Any, c: Any) -> None:
    """Fit the ground plane under the two axles into the vehicle's record."""
    yaw = math.radians(actor.rotation_deg[1])
    cos, sin = math.cos(yaw), math.sin(yaw)
    x, y, hint = actor.location[0], actor.location[1], actor.location[2]
    front, front_nx, front_ny, front_nz = ground_height(
        ground, x + cos * c.front_axle_m, y + sin * c.front_axle_m, hint
    )
    rear, rear_nx, rear_ny, rear_nz = ground_height(ground, x + cos * c.rear_axle_m, y + sin * c.rear_axle_m, hint)
    along = (front - rear) / (c.front_axle_m - c.rear_axle_m)
    nx, ny, nz = front_nx + rear_nx, front_ny + rear_ny, front_nz + rear_nz
    across = -(ny * cos - nx * sin) / nz
    along = min(max(along, -MAX_SLOPE), MAX_SLOPE)
    across = min(max(across, -MAX_SLOPE), MAX_SLOPE)
    v.ground_z = front - along * c.front_axle_m
    v.ground_slope[0] = along * cos - across * sin
    v.ground_slope[1] = along * sin + across * cos
    v.ground_xy[0] = x
    v.ground_xy[1] = y
    v.ground_known = True


@njit(cache=True)
def move(actor: Any, v: Any, c: Any, dt: float) -> None:
    """Advance one vehicle by one sub-step."""
    yaw = math.radians(actor.rotation_deg[1])
    cos, sin = math.cos(yaw), math.sin(yaw)
    vx, vy = actor.velocity_mps[0], actor.velocity_mps[1]
    forward, lateral = vx * cos + vy * sin, vy * cos - vx * sin
    yaw_rate = math.radians(actor.angular_velocity_dps[2])
    along = v.ground_slope[0] * cos + v.ground_slope[1] * sin
    across = v.ground_slope[1] * cos - v.ground_slope[0] * sin
    x, y, z = actor.location[0], actor.location[1], actor.location[2]
    ground = v.ground_z + v.ground_slope[0] * (x - v.ground_xy[0]) + v.ground_slope[1] * (y - v.ground_xy[1])
    height = z - ground
    grounded = -BURIED_M < height < DROOP_M
    gravity = GRAVITY_MPS2 if actor.gravity else 0.0
    push_x, push_y = actor.force_n[0] / c.mass_kg, actor.force_n[1] / c.mass_kg
    push_forward, push_lateral = push_x * cos + push_y * sin, push_y * cos - push_x * sin

    slope_mps2 = -gravity * along / math.sqrt(1.0 + along * along) if grounded else 0.0
    forward = drive(v, c, forward, slope_mps2, push_forward, grounded, dt)

    v.steer_input = steer_rate(v.steer_input, 0.0 if v.dead else v.steer, dt)
    commanded_deg = (
        v.steer_input
        * c.max_steer_deg
        * curve(c.steering_kmh, c.steering_factor, c.steering_points, abs(forward) * 3.6)
    )
    v.wheel_angle_deg += (commanded_deg - v.wheel_angle_deg) * (1.0 - math.exp(-dt / STEER_LAG_S))
    gain = max(STEER_GAIN_FLOOR, STEER_GAIN - STEER_GAIN_PER_MPS * abs(forward))
    wheelbase = c.front_axle_m - c.rear_axle_m
    lateral += push_lateral * dt
    yaw_rate += actor.torque_nm[2] / c.yaw_inertia * dt
    if grounded:
        grip = c.friction * GRAVITY_MPS2
        wanted_rate = forward / wheelbase * math.tan(math.radians(gain * v.wheel_angle_deg))
        if abs(wanted_rate * forward) > grip:
            wanted_rate = math.copysign(grip / abs(forward), wanted_rate)
        lateral -= gravity * across / math.sqrt(1.0 + across * across) * dt
        turn = yaw_rate * dt
        turned_lateral = lateral * math.cos(turn) - forward * math.sin(turn)
        forward = forward * math.cos(turn) + lateral * math.sin(turn)
        yaw += turn
        slide = c.mass_kg * (-wanted_rate * c.rear_axle_m - turned_lateral)
        spin = c.yaw_inertia * (wanted_rate - yaw_rate)
        limit = grip * c.mass_kg * dt / wheelbase
        front = (spin - c.rear_axle_m * slide) / wheelbase
        rear = slide - front
        front = min(max(front, limit * c.rear_axle_m), -limit * c.rear_axle_m)
        rear = min(max(rear, -limit * c.front_axle_m), limit * c.front_axle_m)
        lateral = turned_lateral + (front + rear) / c.mass_kg
        yaw_rate += (c.front_axle_m * front + c.rear_axle_m * rear) / c.yaw_inertia
        spring = -SUSPENSION_RADPS * SUSPENSION_RADPS * height
        rise = v.ground_slope[0] * vx + v.ground_slope[1] * vy
        spring -= 2.0 * SUSPENSION_DAMPING * SUSPENSION_RADPS * (actor.velocity_mps[2] - rise)
        actor.velocity_mps[2] += min(max(spring, -gravity), MAX_SUSPENSION_MPS2) * dt
        blend = 1.0 - math.exp(-dt / TILT_TIME_S)
        pitch, roll = math.degrees(math.atan(along)), -math.degrees(math.atan(across))
        actor.rotation_deg[0] += (pitch - actor.rotation_deg[0]) * blend
        actor.rotation_deg[2] += (roll - actor.rotation_deg[2]) * blend
    else:
        turn = yaw_rate * dt
        turned_lateral = lateral * math.cos(turn) - forward * math.sin(turn)
        forward = forward * math.cos(turn) + lateral * math.sin(turn)
        lateral = turned_lateral
        yaw += turn
        actor.velocity_mps[2] -= gravity * dt
    actor.velocity_mps[2] += actor.force_n[2] / c.mass_kg * dt
    if abs(yaw_rate) < NEGLIGIBLE:
        yaw_rate = 0.0
    if abs(actor.velocity_mps[2]) < NEGLIGIBLE:
        actor.velocity_mps[2] = 0.0
    for k in (0, 2):
        if abs(actor.rotation_deg[k]) < NEGLIGIBLE:
            actor.rotation_deg[k] = 0.0
    cos, sin = math.cos(yaw), math.sin(yaw)
    actor.velocity_mps[0] = forward * cos - lateral * sin
    actor.velocity_mps[1] = forward * sin + lateral * cos
    if v.constant_velocity:
        wanted = v.constant_velocity_mps
        actor.velocity_mps[0] = wanted[0] * cos - wanted[1] * sin
        actor.velocity_mps[1] = wanted[0] * sin + wanted[1] * cos
    actor.angular_velocity_dps[2] = math.degrees(yaw_rate)
    degrees = math.degrees(yaw)
    actor.rotation_deg[1] = degrees if abs(degrees) <= 180.0 else (degrees + 180.0) % 360.0 - 180.0
    for k in range(3):
        actor.location[k] += actor.velocity_mps[k] * dt
    ground = v.ground_z + v.ground_slope[0] * (actor.location[0] - v.ground_xy[0])
    ground += v.ground_slope[1] * (actor.location[1] - v.ground_xy[1])
    if ground - BURIED_M < actor.location[2] < ground - DROOP_M:
        actor.location[2] = ground - DROOP_M
        actor.velocity_mps[2] = max(actor.velocity_mps[2], 0.0)
    v.wheel_turn_deg = (v.wheel_turn_deg + math.degrees(forward / c.radius_m) * dt) % 360.0
