"""The one call per step into compiled code: everything that moves through all sub-steps, with its contacts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from alpamayo_sim.world.attachment import place_children
from alpamayo_sim.world.chassis import feel_ground, move
from alpamayo_sim.world.compiled_code import drop_stale_code
from alpamayo_sim.world.contact import (
    DOOR_BOUNCE_DEG,
    DOOR_KNOCK_NS,
    DOOR_OPEN_DEG,
    DOOR_SWING_DPS,
    SIDE_DOORS,
    STATIC_CELL_M,
    collide,
    is_solid_door,
    overlap,
    write_box,
    write_door,
)
from alpamayo_sim.world.walking import slide, step_on, walk

drop_stale_code()

GROUND_INTERVAL_M, GROUND_REST_M = 0.5, 0.2
"""The ground plane under a vehicle is measured anew after this way within a step, and between steps."""
FLOOR_EVERY = 5
"""Walkers measure the floor in every fifth sub-step."""
VEHICLE, WALKER = 1, 2
MARGIN_M = 0.3
KNOCK_IMPULSE_NS = 80.0
PUSH_FROM_MPS = 0.5
"""A slower vehicle is not pushed by a walker."""


@njit(cache=True)
def touches_anything(actors: Any, vehicles: Any, statics: Any, box: Any) -> bool:
    """Whether `box` (a row as in `StaticGrid.boxes`) overlaps an actor that collides, its doors, or a box of the map."""
    other, hit = np.empty(8), np.empty(5)
    for k in range(len(actors)):
        a = actors[k]
        if a.collides and a.extent[0] > 0.0:
            write_box(a, other)
            if overlap(box, other, hit):
                return True
    for i in range(len(vehicles)):
        if vehicles[i].open_doors == 0 or not actors[vehicles[i].row].collides:
            continue
        for door in range(SIDE_DOORS):
            if is_solid_door(vehicles[i], door):
                write_door(actors[vehicles[i].row], vehicles[i], door, other)
                if overlap(box, other, hit):
                    return True
    touching = False
    for m in range(len(statics.boxes)):
        touching = touching or overlap(box, statics.boxes[m], hit)
    return touching


@njit(cache=True)
def _candidates(actors: Any, rows: Any, door_of: Any, boxes: Any, statics: Any, duration_s: float, pairs: Any) -> int:
    """Fill `pairs` with (body, body) and (body, -1 - static) that may touch within the step; return how many.

    Doors are bodies (`door_of` at least 0) in the rows of their vehicles, and touch neither these nor the map.
    """
    count = 0
    bodies = len(rows)
    reach, moves = np.empty(bodies), np.empty(bodies, np.bool_)
    for i in range(bodies):
        a = actors[rows[i]]
        moves[i] = a.simulate_physics
        speed = math.hypot(a.velocity_mps[0], a.velocity_mps[1])
        reach[i] = math.hypot(boxes[i, 3], boxes[i, 4]) + speed * duration_s + 0.5 * MARGIN_M
    for i in range(bodies):
        if not moves[i]:
            continue
        reach_a, x, y = reach[i], boxes[i, 0], boxes[i, 1]
        for j in range(bodies):
            near = reach_a + reach[j]
            if abs(boxes[j, 0] - x) > near or abs(boxes[j, 1] - y) > near or j == i or (j < i and moves[j]):
                continue
            if count < len(pairs) and rows[i] != rows[j]:
                pairs[count, 0], pairs[count, 1] = i, j
                count += 1
        if len(statics.boxes) == 0 or door_of[i] >= 0:
            continue
        x0 = int(math.floor((boxes[i, 0] - reach_a - statics.origin[0]) / STATIC_CELL_M))
        x1 = int(math.floor((boxes[i, 0] + reach_a - statics.origin[0]) / STATIC_CELL_M))
        y0 = int(math.floor((boxes[i, 1] - reach_a - statics.origin[1]) / STATIC_CELL_M))
        y1 = int(math.floor((boxes[i, 1] + reach_a - statics.origin[1]) / STATIC_CELL_M))
        first_of_body = count
        for cy in range(max(0, y0), min(statics.shape[1] - 1, y1) + 1):
            for cx in range(max(0, x0), min(statics.shape[0] - 1, x1) + 1):
                cell = cy * statics.shape[0] + cx
                for n in range(statics.cell_start[cell], statics.cell_start[cell + 1]):
                    m = statics.cell_items[n]
                    box = statics.boxes[m]
                    dx, dy = box[0] - boxes[i, 0], box[1] - boxes[i, 1]
                    along, across = dx * box[6] + dy * box[7], dy * box[6] - dx * box[7]
                    if abs(along) > box[3] + reach_a or abs(across) > box[4] + reach_a or count >= len(pairs):
                        continue
                    known = False
                    for k in range(first_of_body, count):
                        known = known or pairs[k, 1] == -1 - m
                    if not known:
                        pairs[count, 0], pairs[count, 1] = i, -1 - m
                        count += 1
    return count


@njit(cache=True)
def _inverse_masses(actors: Any, rows: Any, constants: Any, vehicle_of: Any, i: int, j: int, inverse: Any) -> None:
    """Write 1/mass and 1/inertia of the two bodies of a pair; zeros for what does not move."""
    inverse[:] = 0.0
    for side in range(2):
        body = i if side == 0 else j
        if body < 0:
            continue
        actor = actors[rows[body]]
        if not actor.simulate_physics:
            continue
        other = j if side == 0 else i
        if actor.kind == VEHICLE:
            slow = math.hypot(actor.velocity_mps[0], actor.velocity_mps[1]) < PUSH_FROM_MPS
            if other >= 0 and actors[rows[other]].kind == WALKER and slow:
                continue
            c = constants[vehicle_of[body]]
            inverse[2 * side], inverse[2 * side + 1] = 1.0 / c.mass_kg, 1.0 / c.yaw_inertia
        elif actor.kind == WALKER:
            inverse[2 * side] = 1.0 / actor.mass_kg
        else:
            inertia = actor.mass_kg / 3.0 * (actor.extent[0] ** 2 + actor.extent[1] ** 2 + 0.01)
            inverse[2 * side], inverse[2 * side + 1] = 1.0 / actor.mass_kg, 1.0 / inertia


@njit(cache=True)
def _write_body(actors: Any, vehicles: Any, rows: Any, door_of: Any, vehicle_of: Any, k: int, boxes: Any) -> None:
    """Write the box of a body, be it an actor's or a door's."""
    if door_of[k] < 0:
        write_box(actors[rows[k]], boxes[k])
    else:
        write_door(actors[rows[k]], vehicles[vehicle_of[k]], door_of[k], boxes[k])


@njit(cache=True)
def _knock(actors: Any, rows: Any, constants: Any, vehicle_of: Any, i: int, j: int, hit: Any, out: Any) -> None:
    """Push two bodies apart by what a swinging door gives; out[:2] gains the impulse on the first."""
    inverse = np.empty(4)
    _inverse_masses(actors, rows, constants, vehicle_of, i, j, inverse)
    a, b = actors[rows[i]], actors[rows[j]]
    for axis in range(2):
        impulse = DOOR_KNOCK_NS * hit[axis]
        a.velocity_mps[axis] -= impulse * inverse[0]
        b.velocity_mps[axis] += impulse * inverse[2]
        out[axis] -= impulse


@njit(cache=True)
def advance(
    actors: Any,
    vehicles: Any,
    constants: Any,
    walkers: Any,
    ground: Any,
    statics: Any,
    substep_s: float,
    substeps: int,
    step_s: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Advance the world by `substeps` of `substep_s` seconds.

    Returns the contacts of the step: [K, 2] actor rows (second -1 - static box for the map), [K, 3] impulse on the first.
    """
    n = len(actors)
    doors = 0
    for i in range(len(vehicles)):
        if vehicles[i].open_doors != 0:
            doors += SIDE_DOORS
    rows = np.empty(n + doors, np.int64)
    door_of = np.full(n + doors, -1, np.int64)
    body_of = np.full(n, -1, np.int64)
    bodies = 0
    for k in range(n):
        a = actors[k]
        if a.collides and a.extent[0] > 0.0:
            rows[bodies] = k
            body_of[k] = bodies
            bodies += 1
    first_door = bodies
    if doors > 0:
        for i in range(len(vehicles)):
            if vehicles[i].open_doors == 0 or not actors[vehicles[i].row].collides:
                continue
            for door in range(SIDE_DOORS):
                if is_solid_door(vehicles[i], door):
                    rows[bodies], door_of[bodies] = vehicles[i].row, door
                    bodies += 1
    rows = rows[:bodies]
    swung_deg = np.zeros(bodies)
    vehicle_of = np.full(bodies, -1, np.int64)
    walker_of = np.full(bodies, -1, np.int64)
    boxes = np.empty((bodies, 8))
    for i in range(len(vehicles)):
        if body_of[vehicles[i].row] >= 0:
            vehicle_of[body_of[vehicles[i].row]] = i
    for k in range(bodies):
        if k < first_door:
            write_box(actors[rows[k]], boxes[k])
        else:
            vehicle_of[k] = vehicle_of[body_of[rows[k]]]
            write_door(actors[rows[k]], vehicles[vehicle_of[k]], door_of[k], boxes[k])
    for i in range(len(walkers)):
        if body_of[walkers[i].row] >= 0:
            walker_of[body_of[walkers[i].row]] = i
    pairs = np.empty((64 + 32 * bodies, 2), np.int64)
    count = _candidates(actors, rows, door_of, boxes, statics, substep_s * substeps, pairs)
    impulses = np.zeros((count, 3))
    hit, inverse = np.empty(5), np.empty(4)
    for step in range(substeps):
        for i in range(len(vehicles)):
            v = vehicles[i]
            actor = actors[v.row]
            if not actor.simulate_physics:
                continue
            c = constants[i]
            moved = math.hypot(actor.location[0] - v.ground_xy[0], actor.location[1] - v.ground_xy[1])
            if not v.ground_known or moved > GROUND_INTERVAL_M or (step == 0 and moved > GROUND_REST_M):
                feel_ground(ground, actor, v, c)
            move(actor, v, c, substep_s)
        for i in range(len(walkers)):
            actor = actors[walkers[i].row]
            if actor.simulate_physics:
                walk(actor, walkers[i], ground, step % FLOOR_EVERY == 0, substep_s)
            step_on(actor, walkers[i], substep_s)
        for k in range(first_door):
            actor = actors[rows[k]]
            if actor.simulate_physics:
                if actor.kind != VEHICLE and actor.kind != WALKER:
                    slide(actor, ground, substep_s)
                write_box(actor, boxes[k])
        for k in range(first_door, bodies):
            v, door = vehicles[vehicle_of[k]], door_of[k]
            open_deg = min(v.door_deg[door] + DOOR_SWING_DPS * substep_s, DOOR_OPEN_DEG)
            swung_deg[k] = open_deg - v.door_deg[door]
            v.door_deg[door] = open_deg
            write_door(actors[rows[k]], v, door, boxes[k])
        for p in range(count):
            i, j = pairs[p, 0], pairs[p, 1]
            box = boxes[j] if j >= 0 else statics.boxes[-1 - j]
            if not overlap(boxes[i], box, hit):
                continue
            before = math.hypot(impulses[p, 0], impulses[p, 1])
            bounced = False
            for side in range(2):
                k = i if side == 0 else j
                if k >= first_door and swung_deg[k] > 0.0:
                    v, door = vehicles[vehicle_of[k]], int(door_of[k])
                    v.door_deg[door] = max(v.door_deg[door] - DOOR_BOUNCE_DEG, 0.0)
                    swung_deg[k] = 0.0
                    write_door(actors[rows[k]], v, door, boxes[k])
                    bounced = True
            if bounced:
                _knock(actors, rows, constants, vehicle_of, i, j, hit, impulses[p])
                if not overlap(boxes[i], boxes[j], hit):
                    continue
            _inverse_masses(actors, rows, constants, vehicle_of, i, j, inverse)
            a = actors[rows[i]]
            b = actors[rows[j]] if j >= 0 else a
            collide(hit, a, b, inverse, j >= 0, impulses[p])
            _write_body(actors, vehicles, rows, door_of, vehicle_of, i, boxes)
            if j >= 0:
                _write_body(actors, vehicles, rows, door_of, vehicle_of, j, boxes)
            if math.hypot(impulses[p, 0], impulses[p, 1]) - before > KNOCK_IMPULSE_NS:
                if walker_of[i] >= 0:
                    walkers[walker_of[i]].knocked = True
                if j >= 0 and walker_of[j] >= 0:
                    walkers[walker_of[j]].knocked = True
    place_children(actors)
    if step_s > 0.0:
        for k in range(n):
            a = actors[k]
            for axis in range(3):
                a.acceleration_mps2[axis] = (a.velocity_mps[axis] - a.previous_velocity_mps[axis]) / step_s
                a.previous_velocity_mps[axis] = a.velocity_mps[axis]
                a.force_n[axis] = 0.0
                a.torque_nm[axis] = 0.0
    touching = np.empty((count, 2), np.int64)
    contacts = 0
    for p in range(count):
        if impulses[p, 0] != 0.0 or impulses[p, 1] != 0.0:
            touching[contacts, 0] = rows[pairs[p, 0]]
            touching[contacts, 1] = rows[pairs[p, 1]] if pairs[p, 1] >= 0 else pairs[p, 1]
            impulses[contacts] = impulses[p]
            contacts += 1
    return touching[:contacts], impulses[:contacts]
