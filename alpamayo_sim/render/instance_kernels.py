"""Rows of what moves, compiled: bodies and wheels, and the quads of their shadows on the ground."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.floating]
TURNED_FROM = 1.4
"""Props whose box is this much longer along y than along x are drawn with a quarter turn."""
SMALLEST_M = 0.005
LIGHT_BITS = 0x7FF
HUB_SHARE = 0.985
LOWEST_SUN = 0.22


class Models(NamedTuple):
    """What the classes of shapes look like, C classes with up to W wheels; `mesh` and `wheel_mesh` are numbers in the library."""

    mesh: NDArray[Any]
    half: NDArray[Any]
    is_prop: NDArray[Any]
    is_walker: NDArray[Any]
    has_wheel: NDArray[Any]
    wheel_x: NDArray[Any]
    wheel_side: NDArray[Any]
    wheel_steers: NDArray[Any]
    wheel_mesh: NDArray[Any]
    wheel_radius: NDArray[Any]
    wheel_width: NDArray[Any]
    mesh_radius: NDArray[Any]
    """[meshes of the library] round their origins."""


class Moving(NamedTuple):
    """The fields of a scene frame as arrays of one type each, all of N."""

    transform: NDArray[Any]
    extent: NDArray[Any]
    box_center: NDArray[Any]
    shape: NDArray[Any]
    paint: NDArray[Any]
    """[N, 4] RGB 0..1, look."""
    light_flags: NDArray[Any]
    open_doors: NDArray[Any]
    stride_phase: NDArray[Any]
    speed: NDArray[Any]
    steer_deg: NDArray[Any]
    wheel_turn_deg: NDArray[Any]
    owner: NDArray[Any]
    """[N, 2] semantic tag and actor id."""


@njit(cache=True)
def _place(
    row: NDArray[Any], axes: NDArray[Any], sx: float, sy: float, sz: float, x: float, y: float, z: float
) -> None:
    for r in range(3):
        row[4 * r], row[4 * r + 1], row[4 * r + 2] = axes[r, 0] * sx, axes[r, 1] * sy, axes[r, 2] * sz
    row[3], row[7], row[11] = x, y, z


@njit(cache=True)
def body_rows(
    moving: Moving,
    models: Models,
    axes: NDArray[Any],
    foot: NDArray[Any],
    scale: NDArray[Any],
    rows: NDArray[Any],
    mesh: NDArray[Any],
    radius: NDArray[Any],
) -> int:
    """Fill `axes` [N, 3, 3], `foot` [N, 3] and `scale` [N, 3]; write the rows, meshes and radii of bodies, then of wheels.

    Returns how many there are.
    """
    count = len(moving.shape)
    turned = np.empty((3, 3))
    for i in range(count):
        pitch, yaw, roll = moving.transform[i, 3], moving.transform[i, 4], moving.transform[i, 5]
        cp, cy, cr = np.cos(np.radians(pitch)), np.cos(np.radians(yaw)), np.cos(np.radians(roll))
        sp, sy, sr = np.sin(np.radians(pitch)), np.sin(np.radians(yaw)), np.sin(np.radians(roll))
        a = axes[i]
        a[0, 0], a[0, 1], a[0, 2] = cp * cy, cy * sp * sr - sy * cr, -cy * sp * cr - sy * sr
        a[1, 0], a[1, 1], a[1, 2] = cp * sy, sy * sp * sr + cy * cr, -sy * sp * cr + cy * sr
        a[2, 0], a[2, 1], a[2, 2] = sp, -cp * sr, cp * cr
        bx, by, bz = moving.box_center[i, 0], moving.box_center[i, 1], moving.box_center[i, 2] - moving.extent[i, 2]
        for r in range(3):
            foot[i, r] = moving.transform[i, r] + a[r, 0] * bx + a[r, 1] * by + a[r, 2] * bz
        k = moving.shape[i]
        ex, ey, ez = moving.extent[i, 0], moving.extent[i, 1], moving.extent[i, 2]
        ex, ey, ez = max(ex, SMALLEST_M), max(ey, SMALLEST_M), max(ez, SMALLEST_M)
        across = models.is_prop[k] and ey > TURNED_FROM * ex
        for r in range(3):
            # Props' meshes are long along x; a quarter turn to the left keeps their axes right-angled.
            turned[r, 0], turned[r, 1] = (a[r, 1], -a[r, 0]) if across else (a[r, 0], a[r, 1])
            turned[r, 2] = a[r, 2]
        if across:
            ex, ey = ey, ex
        walker = models.is_walker[k]
        scale[i, 2] = ez / models.half[k, 2]
        # A capsule is narrower than the person in it: people keep their proportions.
        scale[i, 0] = scale[i, 2] if walker else ex / models.half[k, 0]
        scale[i, 1] = scale[i, 2] if walker else ey / models.half[k, 1]
        row = rows[i]
        _place(row, turned, scale[i, 0], scale[i, 1], scale[i, 2], foot[i, 0], foot[i, 1], foot[i, 2])
        for c in range(4):
            row[12 + c] = moving.paint[i, c]
        row[16] = moving.light_flags[i] & LIGHT_BITS
        row[17] = moving.stride_phase[i] if walker else float(moving.open_doors[i])
        row[18] = moving.speed[i] if walker else 0.0
        row[19] = 1.0
        row[20], row[21], row[22] = moving.owner[i, 0], moving.owner[i, 1], 0.0
        mesh[i] = models.mesh[k]
        radius[i] = models.mesh_radius[mesh[i]] * max(scale[i, 0], scale[i, 1], scale[i, 2])
    placed = count
    for i in range(count):
        k = moving.shape[i]
        a = axes[i]
        for j in range(models.has_wheel.shape[1]):
            if not models.has_wheel[k, j]:
                continue
            side = models.wheel_side[k, j]
            size, width = models.wheel_radius[k] * scale[i, 2], models.wheel_width[k]
            yaw = np.radians(moving.steer_deg[i] * models.wheel_steers[k, j])
            # The mesh shows its outer side at +y: wheels on the left are turned about.
            about = -1.0 if side < 0.0 else 1.0
            c, s = np.cos(yaw) * about, np.sin(yaw) * about
            # Rolling forward takes the top ahead; a wheel that was turned about rolls the other way in its own frame.
            angle = np.radians(moving.wheel_turn_deg[i])
            cr, sr = np.cos(angle), np.sin(angle) * about
            hub_x = models.wheel_x[k, j] * scale[i, 0]
            hub_y = side * (moving.extent[i, 1] * HUB_SHARE - 0.5 * width)
            row = rows[placed]
            for r in range(3):
                forward = a[r, 0] * c + a[r, 1] * s
                row[4 * r] = (forward * cr - a[r, 2] * sr) * size
                row[4 * r + 1] = (a[r, 1] * c - a[r, 0] * s) * width
                row[4 * r + 2] = (a[r, 2] * cr + forward * sr) * size
                row[4 * r + 3] = foot[i, r] + a[r, 0] * hub_x + a[r, 1] * hub_y + a[r, 2] * size
            for column in range(12, 22):
                row[column] = rows[i, column]
            row[22] = 0.0
            mesh[placed] = models.wheel_mesh[k]
            radius[placed] = models.mesh_radius[mesh[placed]] * max(size, width)
            placed += 1
    return placed


@njit(cache=True)
def shadow_rows(
    shape: NDArray[Any],
    extent: NDArray[Any],
    axes: NDArray[Any],
    foot: NDArray[Any],
    is_walker: NDArray[Any],
    first_truck: int,
    sun: NDArray[Any],
    strength: float,
    rows: NDArray[Any],
) -> int:
    """Write rows of contact shadows, then of sun shadows if these have any strength; return how many.

    The quads of sun shadows hold the shadows of the boxes; the shader finds which points the sun does not reach.
    """
    count = len(shape)
    high = max(sun[2], LOWEST_SUN)
    norm = np.sqrt(sun[0] ** 2 + sun[1] ** 2 + high**2)
    sx, sy, sz = sun[0] / norm, sun[1] / norm, high / norm
    low_edge, high_edge = np.empty(2), np.empty(2)
    half = np.empty(2)
    for i in range(count):
        a = axes[i]
        walker = is_walker[shape[i]]
        half_x = 0.30 if walker else extent[i, 0] * 1.06
        half_y = 0.30 if walker else extent[i, 1] * 1.14
        x, y, z = foot[i, 0] + a[0, 2] * 0.03, foot[i, 1] + a[1, 2] * 0.03, foot[i, 2] + a[2, 2] * 0.03
        row = rows[i]
        row[:] = 0.0
        _place(row, a, half_x, half_y, 1.0, x, y, z)
        row[17] = 0.40 if walker else 0.62
        if strength <= 0.0:
            continue
        row = rows[count + i]
        row[:] = 0.0
        height = 2.0 * extent[i, 2]
        up = max(a[0, 2] * sx + a[1, 2] * sy + a[2, 2] * sz, 0.15)
        for c in range(2):
            half[c] = 0.22 if walker else extent[i, c]
            reach = -(a[0, c] * sx + a[1, c] * sy + a[2, c] * sz) / up * height
            low_edge[c] = min(-half[c], -half[c] + reach) - 0.15
            high_edge[c] = max(half[c], half[c] + reach) + 0.15
        mx, my = 0.5 * (low_edge[0] + high_edge[0]), 0.5 * (low_edge[1] + high_edge[1])
        x += a[0, 0] * mx + a[0, 1] * my
        y += a[1, 0] * mx + a[1, 1] * my
        z += a[2, 0] * mx + a[2, 1] * my
        _place(row, a, 0.5 * (high_edge[0] - low_edge[0]), 0.5 * (high_edge[1] - low_edge[1]), 1.0, x, y, z)
        row[12], row[13], row[14] = half[0], half[1], height
        row[15] = 0.58 * height if shape[i] < first_truck else height
        row[16], row[17] = 3.0 if walker else 2.0, strength
        row[18], row[19] = -mx, -my
    return 2 * count if strength > 0.0 else count
