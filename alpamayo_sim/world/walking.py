"""The motion of a walker: a capsule that takes its commanded velocity almost at once and keeps its feet on the ground."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from alpamayo_sim.roads.ground import BURIED_M, ground_height
from alpamayo_sim.world.drivetrain import GRAVITY_MPS2
from alpamayo_sim.world.skeleton import LONGEST_STRIDE_MPS, STRIDE, STRIDE_PER_MPS

ACCELERATION_MPS2 = 20.48
"""Unreal's default `MaxAcceleration` of characters."""
MAX_SPEED_MPS = 40.96
JUMP_SPEED_MPS = 5.0
MAX_JUMPS = 2
STEP_HEIGHT_M = 0.45
KNOCKED_DECELERATION_MPS2 = 6.0
TURN_DPS = 360.0


@njit(cache=True)
def wrapped(yaw_deg: float) -> float:
    """Return the same angle in [-180, 180]; angles in there stay as they are."""
    return yaw_deg if abs(yaw_deg) <= 180.0 else (yaw_deg + 180.0) % 360.0 - 180.0


@njit(cache=True)
def walk(actor: Any, w: Any, ground: Any, feel: bool, dt: float) -> None:
    """Advance one walker by one sub-step; with `feel` the height of the floor is measured, else the last one counts."""
    if w.knocked:
        speed = math.hypot(actor.velocity_mps[0], actor.velocity_mps[1])
        kept = max(0.0, speed - KNOCKED_DECELERATION_MPS2 * dt)
        scale = kept / speed if speed > 0.0 else 0.0
        actor.velocity_mps[0] *= scale
        actor.velocity_mps[1] *= scale
        if kept == 0.0:
            w.knocked = False
    else:
        speed = 0.0 if w.dead else min(max(w.speed, -MAX_SPEED_MPS), MAX_SPEED_MPS)
        wanted_x, wanted_y = w.direction[0] * speed, w.direction[1] * speed
        dx, dy = wanted_x - actor.velocity_mps[0], wanted_y - actor.velocity_mps[1]
        change = math.hypot(dx, dy)
        scale = min(1.0, ACCELERATION_MPS2 * dt / change) if change > 0.0 else 0.0
        actor.velocity_mps[0] += dx * scale
        actor.velocity_mps[1] += dy * scale
        if wanted_x * wanted_x + wanted_y * wanted_y > 1e-4:
            heading = math.degrees(math.atan2(wanted_y, wanted_x))
            turn = (heading - actor.rotation_deg[1] + 180.0) % 360.0 - 180.0
            turn = min(max(turn, -TURN_DPS * dt), TURN_DPS * dt)
            actor.rotation_deg[1] = wrapped(actor.rotation_deg[1] + turn)
    half = actor.extent[2]
    if feel:
        w.floor_z = ground_height(ground, actor.location[0], actor.location[1], actor.location[2] - half)[0]
    floor = w.floor_z + half
    if w.jump and w.jumps < MAX_JUMPS:
        actor.velocity_mps[2] = JUMP_SPEED_MPS
        w.falling = True
        w.jumps += 1
    w.jump = False
    actor.location[0] += actor.velocity_mps[0] * dt
    actor.location[1] += actor.velocity_mps[1] * dt
    if not actor.gravity:
        actor.velocity_mps[2] = 0.0
        return
    buried = actor.location[2] < floor - BURIED_M
    if not w.falling and (buried or actor.location[2] - floor > STEP_HEIGHT_M):
        w.falling = True
    if w.falling:
        actor.velocity_mps[2] -= GRAVITY_MPS2 * dt
        actor.location[2] += actor.velocity_mps[2] * dt
    if not w.falling or (not buried and actor.location[2] <= floor and actor.velocity_mps[2] <= 0.0):
        actor.location[2] = floor
        actor.velocity_mps[2] = 0.0
        w.falling = False
        w.jumps = 0


@njit(cache=True)
def step_on(actor: Any, w: Any, dt: float) -> None:
    """Let the stride of a walker go on by the way that it makes in one sub-step."""
    speed = math.hypot(actor.velocity_mps[0], actor.velocity_mps[1])
    if speed > 0.0:
        stride_m = 2.0 * actor.extent[2] * (STRIDE + STRIDE_PER_MPS * min(speed, LONGEST_STRIDE_MPS))
        w.stride_phase_rad = (w.stride_phase_rad + 2.0 * math.pi * speed * dt / max(stride_m, 0.1)) % (2.0 * math.pi)


@njit(cache=True)
def slide(actor: Any, ground: Any, dt: float) -> None:
    """Advance one loose prop by one sub-step: it falls, slides and comes to rest."""
    floor = ground_height(ground, actor.location[0], actor.location[1], actor.location[2])[0]
    if actor.location[2] < floor - BURIED_M:
        floor = -math.inf
    if actor.location[2] <= floor + 0.02:
        speed = math.hypot(actor.velocity_mps[0], actor.velocity_mps[1])
        scale = max(0.0, speed - KNOCKED_DECELERATION_MPS2 * dt) / speed if speed > 0.0 else 0.0
        actor.velocity_mps[0] *= scale
        actor.velocity_mps[1] *= scale
        actor.angular_velocity_dps[2] *= math.exp(-4.0 * dt)
        actor.velocity_mps[2] = max(0.0, actor.velocity_mps[2])
        actor.location[2] = max(actor.location[2], floor)
    elif actor.gravity:
        actor.velocity_mps[2] -= GRAVITY_MPS2 * dt
    for k in range(3):
        actor.velocity_mps[k] += actor.force_n[k] / actor.mass_kg * dt
        actor.location[k] += actor.velocity_mps[k] * dt
    actor.location[2] = max(actor.location[2], floor)
    yaw = actor.rotation_deg[1] + actor.angular_velocity_dps[2] * dt
    actor.rotation_deg[1] = wrapped(yaw)
