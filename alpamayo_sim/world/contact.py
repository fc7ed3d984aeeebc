"""Contact of boxes: overlap test, contact point, impulse, separation.

Boxes stand upright and are turned by their yaw only; their height interval decides whether two of them meet at all. The
response is the usual sequential impulse (normal with little restitution, Coulomb friction), followed by moving the bodies
apart in proportion to their inverse masses.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

VEHICLE = 1
"""`ActorKind.VEHICLE`, for compiled code."""
RESTITUTION = 0.1
RESTITUTION_FROM_MPS = 1.0
FRICTION = 0.35
SLOP_M = 0.01
CORRECTION = 0.3
MAX_CORRECTION_M = 0.05
EDGE_ANGLE = 0.05
"""Boxes turned by less than this sine against each other touch edge to edge."""
STATIC_CELL_M = 16.0
MIN_OVERLAP_Z_M = 0.02
GROUND_CLEARANCE_M = 0.2
"""Vehicles roll over what is lower: their wheels are not solid, as in CARLA, and bodies begin about here."""
SIDE_DOORS = 4
DOOR_OPEN_DEG, DOOR_SWING_DPS = 62.0, 155.0
DOOR_BOUNCE_DEG, DOOR_KNOCK_NS = 10.0, 25.0
"""A door that swings against somebody falls back by so much, having given a push like that."""
DOOR_HALF_THICKNESS_M = 0.04
DOOR_MIDDLE, DOOR_HALF_HEIGHT = 0.16, 0.76
"""Of half the vehicle's height: where the middle of a door is above that of the box, and half its height."""


class StaticGrid(NamedTuple):
    """Immovable boxes of the map in a grid of cells; passes through numba unchanged."""

    boxes: NDArray[np.float64]
    """[M, 8]: centre x y z, half sizes x y z, cosine and sine of the yaw."""
    labels: NDArray[np.int64]
    origin: NDArray[np.float64]
    shape: NDArray[np.int64]
    cell_start: NDArray[np.int64]
    cell_items: NDArray[np.int64]


def static_grid(center: NDArray[Any], extent: NDArray[Any], yaw_deg: NDArray[Any], label: NDArray[Any]) -> StaticGrid:
    """Return upright boxes (centres and half sizes [M, 3], yaws [M], labels [M]) as a grid."""
    yaw = np.radians(yaw_deg)
    cos, sin = np.cos(yaw), np.sin(yaw)
    boxes = np.column_stack([center, extent, cos, sin]).reshape(-1, 8).astype(np.float64)
    reach = np.column_stack(
        [
            np.abs(cos) * boxes[:, 3] + np.abs(sin) * boxes[:, 4],
            np.abs(sin) * boxes[:, 3] + np.abs(cos) * boxes[:, 4],
        ]
    )
    if len(boxes) == 0:
        empty = np.zeros(0, np.int64)
        return StaticGrid(boxes, empty, np.zeros(2), np.ones(2, np.int64), np.zeros(2, np.int64), empty)
    low, high = boxes[:, :2] - reach, boxes[:, :2] + reach
    origin = np.floor(low.min(axis=0))
    first = ((low - origin) // STATIC_CELL_M).astype(np.int64)
    last = ((high - origin) // STATIC_CELL_M).astype(np.int64)
    shape = last.max(axis=0) + 1
    cells: list[int] = []
    items: list[int] = []
    for m in range(len(boxes)):
        for j in range(first[m, 1], last[m, 1] + 1):
            for i in range(first[m, 0], last[m, 0] + 1):
                cells.append(j * int(shape[0]) + i)
                items.append(m)
    order = np.argsort(np.array(cells), kind="stable")
    start = np.zeros(int(shape[0] * shape[1]) + 1, np.int64)
    np.add.at(start, np.array(cells) + 1, 1)
    return StaticGrid(boxes, label.astype(np.int64), origin, shape, np.cumsum(start), np.array(items, np.int64)[order])


@njit(cache=True)
def write_box(actor: Any, box: Any) -> None:
    """Write the solid box of an actor record as a row like those of `StaticGrid.boxes`."""
    yaw = math.radians(actor.rotation_deg[1])
    cos, sin = math.cos(yaw), math.sin(yaw)
    cx, cy = actor.box_center[0], actor.box_center[1]
    box[0] = actor.location[0] + cos * cx - sin * cy
    box[1] = actor.location[1] + sin * cx + cos * cy
    lift = 0.5 * GROUND_CLEARANCE_M if actor.kind == VEHICLE else 0.0
    box[2] = actor.location[2] + actor.box_center[2] + lift
    box[3], box[4], box[5] = actor.extent[0], actor.contact_half_width, actor.extent[2] - lift
    box[6], box[7] = cos, sin


@njit(cache=True)
def write_door(actor: Any, vehicle: Any, door: int, box: Any) -> None:
    """Write the solid box of a side door (number of `carla.VehicleDoor`), as far as it is open, like `write_box`."""
    side = -1.0 if door % 2 == 0 else 1.0
    yaw, angle = math.radians(actor.rotation_deg[1]), math.radians(vehicle.door_deg[door])
    cos, sin = math.cos(yaw), math.sin(yaw)
    half = 0.5 * vehicle.door_length_m[door // 2]
    back, out = -math.cos(angle), side * math.sin(angle)
    x = actor.box_center[0] + vehicle.door_hinge_m[door // 2] + half * back
    y = actor.box_center[1] + side * (actor.contact_half_width - DOOR_HALF_THICKNESS_M) + half * out
    box[0] = actor.location[0] + cos * x - sin * y
    box[1] = actor.location[1] + sin * x + cos * y
    box[2] = actor.location[2] + actor.box_center[2] + DOOR_MIDDLE * actor.extent[2]
    box[3], box[4], box[5] = half, DOOR_HALF_THICKNESS_M, DOOR_HALF_HEIGHT * actor.extent[2]
    box[6], box[7] = cos * back - sin * out, sin * back + cos * out


@njit(cache=True)
def is_solid_door(vehicle: Any, door: int) -> bool:
    """Whether a vehicle has a side door and it is open."""
    return (vehicle.open_doors >> door) & 1 == 1 and vehicle.door_length_m[door // 2] > 0.0


@njit(cache=True)
def overlap(a: Any, b: Any, out: Any) -> bool:
    """Whether boxes a and b (rows as in `StaticGrid.boxes`) overlap.

    If so, out[:5] are the unit normal from a to b (x, y), the depth along it (m), and the contact point (x, y).
    """
    if abs(a[2] - b[2]) > a[5] + b[5] - MIN_OVERLAP_Z_M:
        return False
    dx, dy = b[0] - a[0], b[1] - a[1]
    reach = math.sqrt(a[3] * a[3] + a[4] * a[4]) + math.sqrt(b[3] * b[3] + b[4] * b[4])
    if dx * dx + dy * dy > reach * reach:
        return False
    cos = a[6] * b[6] + a[7] * b[7]
    sin = a[6] * b[7] - a[7] * b[6]
    c, s = abs(cos), abs(sin)
    depth = 1e30
    axis = -1
    for k in range(4):
        if k == 0:
            nx, ny, size = a[6], a[7], a[3] + b[3] * c + b[4] * s
        elif k == 1:
            nx, ny, size = -a[7], a[6], a[4] + b[3] * s + b[4] * c
        elif k == 2:
            nx, ny, size = b[6], b[7], b[3] + a[3] * c + a[4] * s
        else:
            nx, ny, size = -b[7], b[6], b[4] + a[3] * s + a[4] * c
        distance = dx * nx + dy * ny
        gap = size - abs(distance)
        if gap <= 0.0:
            return False
        if gap < depth - 1e-4:
            depth = gap
            axis = k
            sign = 1.0 if distance >= 0.0 else -1.0
            out[0], out[1] = nx * sign, ny * sign
    out[2] = depth
    nx, ny = out[0], out[1]
    tx, ty = -ny, nx
    half_a = a[3] * abs(a[6] * tx + a[7] * ty) + a[4] * abs(-a[7] * tx + a[6] * ty)
    half_b = b[3] * abs(b[6] * tx + b[7] * ty) + b[4] * abs(-b[7] * tx + b[6] * ty)
    center = dx * tx + dy * ty
    low, high = max(-half_a, center - half_b), min(half_a, center + half_b)
    along = 0.5 * (low + high)
    if min(c, s) > EDGE_ANGLE:
        if axis < 2:
            px = -1.0 if b[6] * nx + b[7] * ny > 0.0 else 1.0
            py = -1.0 if -b[7] * nx + b[6] * ny > 0.0 else 1.0
            vx = dx + px * b[3] * b[6] - py * b[4] * b[7]
            vy = dy + px * b[3] * b[7] + py * b[4] * b[6]
        else:
            px = 1.0 if a[6] * nx + a[7] * ny > 0.0 else -1.0
            py = 1.0 if -a[7] * nx + a[6] * ny > 0.0 else -1.0
            vx = px * a[3] * a[6] - py * a[4] * a[7]
            vy = px * a[3] * a[7] + py * a[4] * a[6]
        along = min(max(vx * tx + vy * ty, low), high)
    face = a[3] * abs(a[6] * nx + a[7] * ny) + a[4] * abs(-a[7] * nx + a[6] * ny) - 0.5 * depth
    out[3] = a[0] + nx * face + tx * along
    out[4] = a[1] + ny * face + ty * along
    return True


@njit(cache=True)
def collide(hit: Any, a: Any, b: Any, inverse: Any, has_b: bool, out: Any) -> None:
    """Apply the contact `hit` (of `overlap`) to the records of actors a and b; `inverse` = 1/mass a, 1/inertia a, same of b.

    With `has_b` False b is the map and does not move. out[:2] gains the impulse on a (N*s, x and y).
    """
    nx, ny, depth, px, py = hit[0], hit[1], hit[2], hit[3], hit[4]
    ima, iia, imb, iib = inverse[0], inverse[1], inverse[2], inverse[3]
    if ima + imb <= 0.0:
        return
    rax, ray = px - a.location[0], py - a.location[1]
    wa = math.radians(a.angular_velocity_dps[2])
    vx = -(a.velocity_mps[0] - wa * ray)
    vy = -(a.velocity_mps[1] + wa * rax)
    rbx, rby, wb = 0.0, 0.0, 0.0
    if has_b:
        rbx, rby = px - b.location[0], py - b.location[1]
        wb = math.radians(b.angular_velocity_dps[2])
        vx += b.velocity_mps[0] - wb * rby
        vy += b.velocity_mps[1] + wb * rbx
    approach = vx * nx + vy * ny
    if approach < 0.0:
        ran, rbn = rax * ny - ray * nx, rbx * ny - rby * nx
        bounce = RESTITUTION if approach < -RESTITUTION_FROM_MPS else 0.0
        impulse = -(1.0 + bounce) * approach / (ima + imb + iia * ran * ran + iib * rbn * rbn)
        tx, ty = -ny, nx
        rat, rbt = rax * ty - ray * tx, rbx * ty - rby * tx
        slide = vx * tx + vy * ty
        grip = -slide / (ima + imb + iia * rat * rat + iib * rbt * rbt)
        grip = min(max(grip, -FRICTION * impulse), FRICTION * impulse)
        jx, jy = impulse * nx + grip * tx, impulse * ny + grip * ty
        a.velocity_mps[0] -= jx * ima
        a.velocity_mps[1] -= jy * ima
        a.angular_velocity_dps[2] -= math.degrees(iia * (rax * jy - ray * jx))
        if has_b:
            b.velocity_mps[0] += jx * imb
            b.velocity_mps[1] += jy * imb
            b.angular_velocity_dps[2] += math.degrees(iib * (rbx * jy - rby * jx))
        out[0] -= impulse * nx
        out[1] -= impulse * ny
    push = min(max(depth - SLOP_M, 0.0) * CORRECTION, MAX_CORRECTION_M) / (ima + imb)
    a.location[0] -= nx * push * ima
    a.location[1] -= ny * push * ima
    if has_b:
        b.location[0] += nx * push * imb
        b.location[1] += ny * push * imb
