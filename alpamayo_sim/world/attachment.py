"""What is attached follows its parent exactly: world pose = parent pose after relative pose."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def _rotation(pitch_deg: float, yaw_deg: float, roll_deg: float, m: Any) -> None:
    """Write the matrix of `frames.rotation_matrix`."""
    cp, sp = math.cos(math.radians(pitch_deg)), math.sin(math.radians(pitch_deg))
    cy, sy = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    cr, sr = math.cos(math.radians(roll_deg)), math.sin(math.radians(roll_deg))
    m[0, 0], m[0, 1], m[0, 2] = cp * cy, cy * sp * sr - sy * cr, -cy * sp * cr - sy * sr
    m[1, 0], m[1, 1], m[1, 2] = cp * sy, sy * sp * sr + cy * cr, -sy * sp * cr + cy * sr
    m[2, 0], m[2, 1], m[2, 2] = sp, -cp * sr, cp * cr


@njit(cache=True)
def place_children(actors: Any) -> None:
    """Place every actor that has a parent (`parent_row`); parents stand before their children in the table."""
    parent, relative, world = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    for k in range(len(actors)):
        child = actors[k]
        if child.parent_row < 0:
            continue
        p = actors[child.parent_row]
        _rotation(p.rotation_deg[0], p.rotation_deg[1], p.rotation_deg[2], parent)
        _rotation(child.relative[3], child.relative[4], child.relative[5], relative)
        omega_x = math.radians(p.angular_velocity_dps[0])
        omega_y = math.radians(p.angular_velocity_dps[1])
        omega_z = math.radians(p.angular_velocity_dps[2])
        for i in range(3):
            child.location[i] = p.location[i]
            for j in range(3):
                child.location[i] += parent[i, j] * child.relative[j]
                world[i, j] = 0.0
                for m in range(3):
                    world[i, j] += parent[i, m] * relative[m, j]
        child.rotation_deg[0] = math.degrees(math.asin(min(max(world[2, 0], -1.0), 1.0)))
        child.rotation_deg[1] = math.degrees(math.atan2(world[1, 0], world[0, 0]))
        child.rotation_deg[2] = math.degrees(math.atan2(-world[2, 1], world[2, 2]))
        dx, dy = child.location[0] - p.location[0], child.location[1] - p.location[1]
        dz = child.location[2] - p.location[2]
        child.velocity_mps[0] = p.velocity_mps[0] + omega_y * dz - omega_z * dy
        child.velocity_mps[1] = p.velocity_mps[1] + omega_z * dx - omega_x * dz
        child.velocity_mps[2] = p.velocity_mps[2] + omega_x * dy - omega_y * dx
        for i in range(3):
            child.angular_velocity_dps[i] = p.angular_velocity_dps[i]
