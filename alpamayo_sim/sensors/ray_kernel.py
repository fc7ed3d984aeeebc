"""The ray caster: many rays from one place, each against the ground's triangles and the solids of a scene.

Rays walk through the cells of one grid (Amanatides and Woo 1987) that list the triangles of the ground and the solids that
stand still. What moves is found by the direction in which it is seen from the sensor. Triangles count from both sides
(Moeller and Trumbore 1997); solids that hold the sensor are transparent, as things are to a sensor that is built into them.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

FRUSTUM, ELLIPSOID = 0, 1
"""Kinds of solids. A frustum is a box whose front, rear and sides may lean inwards with height."""
NOTHING, GROUND = -2, -1
"""Values of `body` where there is none."""
BINS = 720
"""Directions around the sensor in which moving bodies are listed."""
PARALLEL = 1.0e-12
SEAM = 1.0e-5
"""Share of a triangle by which it is widened, so that no ray slips between neighbours."""
SLACK_M = 1.0e-3


class TriangleGrid(NamedTuple):
    """Triangles and fixed bodies by cell; passes through numba unchanged."""

    origin: Floats
    """[3] x and y of the corner, side of a cell, metres."""
    shape: Ints
    """[2] cells along x and y."""
    triangles: NDArray[np.float32]
    """[T, 12] corner, two edges from it, unit normal."""
    triangle_tag: NDArray[np.uint8]
    triangle_start: Ints
    triangle_items: Ints
    triangle_z: Floats
    """[cells, 2] lowest and highest triangle of a cell."""
    body_start: Ints
    body_items: Ints
    body_z: Floats


class Bodies(NamedTuple):
    """Rigid bodies of one or more solids each, in the CARLA world frame."""

    pose: Floats
    """[N, 19] centre, rotation matrix row by row, radius of the sphere about the centre that holds everything, low and high
    corner in the body's frame."""
    first: Ints
    """[N + 1] first solid of each body."""
    solids: Floats
    """[S, 10] kind; centre and half sizes in the body's frame; how far front, rear and sides lean in per metre of height."""
    tag: NDArray[np.uint8]
    """[S] CityObjectLabel."""


@njit(cache=True)
def _frustum(solid: Any, o: Any, d: Any, found: Any) -> int:
    """Intersect a ray with a frustum. Returns 0 for a miss, 1 for a hit (found[:2]: distance, cosine), 2 from inside."""
    near, far, cosine = -1.0e30, 1.0e30, 0.0
    px, py, pz = o[0] - solid[1], o[1] - solid[2], o[2] - solid[3]
    up = pz + solid[6]
    for k in range(6):
        lean = 0.0
        if k == 0:
            lean = solid[7]
            gap, along = px + lean * up - solid[4], d[0] + lean * d[2]
        elif k == 1:
            lean = solid[8]
            gap, along = -px + lean * up - solid[4], -d[0] + lean * d[2]
        elif k == 2:
            lean = solid[9]
            gap, along = py + lean * up - solid[5], d[1] + lean * d[2]
        elif k == 3:
            lean = solid[9]
            gap, along = -py + lean * up - solid[5], -d[1] + lean * d[2]
        elif k == 4:
            gap, along = pz - solid[6], d[2]
        else:
            gap, along = -pz - solid[6], -d[2]
        if abs(along) < PARALLEL:
            if gap > 0.0:
                return 0
            continue
        t = -gap / along
        if along < 0.0:
            if t > near:
                near = t
                cosine = -along / math.sqrt(1.0 + lean * lean)
        elif t < far:
            far = t
        if near > far or far < 0.0:
            return 0
    if near < 0.0:
        return 2
    found[0], found[1] = near, cosine
    return 1


@njit(cache=True)
def _ellipsoid(solid: Any, o: Any, d: Any, found: Any) -> int:
    """Intersect a ray with an ellipsoid; answers as `_frustum` does."""
    px, py, pz = (o[0] - solid[1]) / solid[4], (o[1] - solid[2]) / solid[5], (o[2] - solid[3]) / solid[6]
    ux, uy, uz = d[0] / solid[4], d[1] / solid[5], d[2] / solid[6]
    a = ux * ux + uy * uy + uz * uz
    b = px * ux + py * uy + pz * uz
    c = px * px + py * py + pz * pz - 1.0
    if c < 0.0:
        return 2
    root = b * b - a * c
    if root < 0.0 or b > 0.0:
        return 0
    t = (-b - math.sqrt(root)) / a
    nx, ny, nz = (px + t * ux) / solid[4], (py + t * uy) / solid[5], (pz + t * uz) / solid[6]
    found[0] = t
    found[1] = -(nx * d[0] + ny * d[1] + nz * d[2]) / math.sqrt(nx * nx + ny * ny + nz * nz)
    return 1


@njit(cache=True)
def _hit_body(bodies: Bodies, n: int, origin: Any, d: Any, best: float, work: Any, out: Any) -> int:
    """Return the solid of a body that a ray hits nearer than `best`, -1 for none; out[:2]: distance and cosine."""
    pose = bodies.pose[n]
    ox, oy, oz = origin[0] - pose[0], origin[1] - pose[1], origin[2] - pose[2]
    middle = -(ox * d[0] + oy * d[1] + oz * d[2])
    apart2 = ox * ox + oy * oy + oz * oz - middle * middle
    radius = pose[12]
    if apart2 > radius * radius or middle + radius < 0.0 or middle - radius > best:
        return -1
    o, v = work[0], work[1]
    for k in range(3):
        o[k] = pose[3 + k] * ox + pose[6 + k] * oy + pose[9 + k] * oz
        v[k] = pose[3 + k] * d[0] + pose[6 + k] * d[1] + pose[9 + k] * d[2]
    enter, leave = -1.0e30, best
    for k in range(3):
        if abs(v[k]) < PARALLEL:
            if o[k] < pose[13 + k] or o[k] > pose[16 + k]:
                return -1
            continue
        a, b = (pose[13 + k] - o[k]) / v[k], (pose[16 + k] - o[k]) / v[k]
        enter, leave = max(enter, min(a, b)), min(leave, max(a, b))
    if enter > leave or leave < 0.0:
        return -1
    found = work[2]
    hit = -1
    for s in range(bodies.first[n], bodies.first[n + 1]):
        solid = bodies.solids[s]
        answer = _frustum(solid, o, v, found) if solid[0] == FRUSTUM else _ellipsoid(solid, o, v, found)
        if answer == 2:
            return -1
        if answer == 1 and found[0] < best:
            best = found[0]
            out[0], out[1] = found[0], found[1]
            hit = s
    return hit


@njit(cache=True)
def _hit_triangle(t: Any, origin: Any, d: Any) -> float:
    """Return the distance to a triangle (a row of `TriangleGrid.triangles`), infinite for a miss."""
    hx, hy, hz = d[1] * t[8] - d[2] * t[7], d[2] * t[6] - d[0] * t[8], d[0] * t[7] - d[1] * t[6]
    det = t[3] * hx + t[4] * hy + t[5] * hz
    if abs(det) < PARALLEL:
        return np.inf
    f = 1.0 / det
    sx, sy, sz = origin[0] - t[0], origin[1] - t[1], origin[2] - t[2]
    u = f * (sx * hx + sy * hy + sz * hz)
    if u < -SEAM or u > 1.0 + SEAM:
        return np.inf
    qx, qy, qz = sy * t[5] - sz * t[4], sz * t[3] - sx * t[5], sx * t[4] - sy * t[3]
    v = f * (d[0] * qx + d[1] * qy + d[2] * qz)
    if v < -SEAM or u + v > 1.0 + SEAM:
        return np.inf
    distance = f * (t[6] * qx + t[7] * qy + t[8] * qz)
    return distance if distance > 0.0 else np.inf


@njit(cache=True)
def directions_of_bodies(bodies: Bodies, chosen: Any, origin: Any, length: float) -> Any:
    """Return (start [BINS + 1], body numbers) of the chosen bodies within `length` by the direction in which they are seen."""
    count = len(bodies.pose)
    low, high = np.zeros(count, np.int64), np.full(count, -1, np.int64)
    start = np.zeros(BINS + 1, np.int64)
    for n in range(count):
        if not chosen[n]:
            continue
        dx, dy, dz = bodies.pose[n, 0] - origin[0], bodies.pose[n, 1] - origin[1], bodies.pose[n, 2] - origin[2]
        radius, flat = bodies.pose[n, 12], math.sqrt(dx * dx + dy * dy)
        if math.sqrt(flat * flat + dz * dz) > length + radius:
            continue
        if flat <= radius * 1.01 + SLACK_M:
            low[n], high[n] = 0, BINS - 1
        else:
            middle, half = math.atan2(dy, dx), math.asin(radius / flat)
            low[n] = math.floor((middle - half) / (2.0 * math.pi) * BINS) - 1
            high[n] = min(low[n] + BINS - 1, math.floor((middle + half) / (2.0 * math.pi) * BINS) + 1)
        for b in range(low[n], high[n] + 1):
            start[b % BINS + 1] += 1
    for b in range(BINS):
        start[b + 1] += start[b]
    place = start[:-1].copy()
    items = np.zeros(start[BINS], np.int64)
    for n in range(count):
        for b in range(low[n], high[n] + 1):
            items[place[b % BINS]] = n
            place[b % BINS] += 1
    return start, items


@njit(cache=True)
def cast_rays(
    origin: Any, directions: Any, length: float, grid: TriangleGrid, fixed: Bodies, moving: Bodies, chosen: Any
) -> Any:
    """Return per ray distance (infinite for none), cosine of incidence, body and solid.

    `origin` [3] and unit `directions` [N, 3] are in the CARLA world frame; `chosen` [M] are the moving bodies that count.
    `body` is NOTHING, GROUND, or a number that goes through the fixed bodies and then the moving ones; `solid` likewise, a
    triangle's number on the ground.
    """
    count = len(directions)
    distances, cosines = np.full(count, np.inf), np.zeros(count)
    body, solid = np.full(count, NOTHING, np.int32), np.zeros(count, np.int32)
    start, items = directions_of_bodies(moving, chosen, origin, length)
    work, found = np.zeros((3, 3)), np.zeros(2)
    cell, nx, ny = grid.origin[2], grid.shape[0], grid.shape[1]
    x_low, y_low = grid.origin[0], grid.origin[1]
    ceiling = -1.0e30
    for c in range(nx * ny):
        ceiling = max(ceiling, max(grid.triangle_z[c, 1], grid.body_z[c, 1]))
    n_fixed, n_fixed_solids = len(fixed.pose), len(fixed.solids)
    for r in range(count):
        d = directions[r]
        best = length
        turn = math.atan2(d[1], d[0]) / (2.0 * math.pi) * BINS
        b = int(math.floor(turn)) % BINS
        for i in range(start[b], start[b + 1]):
            n = items[i]
            s = _hit_body(moving, n, origin, d, best, work, found)
            if s >= 0:
                best = found[0]
                distances[r], cosines[r], body[r], solid[r] = best, found[1], n_fixed + n, n_fixed_solids + s
        # The part of the ray over the grid.
        t0, t1 = 0.0, best
        for k in range(2):
            low = x_low if k == 0 else y_low
            high = low + cell * (nx if k == 0 else ny)
            if abs(d[k]) < PARALLEL:
                if origin[k] < low or origin[k] >= high:
                    t1 = -1.0
                continue
            a, z = (low - origin[k]) / d[k], (high - origin[k]) / d[k]
            t0, t1 = max(t0, min(a, z)), min(t1, max(a, z))
        if t0 > t1:
            continue
        i = min(max(int((origin[0] + d[0] * t0 - x_low) / cell), 0), nx - 1)
        j = min(max(int((origin[1] + d[1] * t0 - y_low) / cell), 0), ny - 1)
        step_i, step_j = (1 if d[0] > 0.0 else -1), (1 if d[1] > 0.0 else -1)
        next_x, next_y, per_x, per_y = np.inf, np.inf, np.inf, np.inf
        if abs(d[0]) >= PARALLEL:
            next_x = (x_low + cell * (i + (1 if step_i > 0 else 0)) - origin[0]) / d[0]
            per_x = cell / abs(d[0])
        if abs(d[1]) >= PARALLEL:
            next_y = (y_low + cell * (j + (1 if step_j > 0 else 0)) - origin[1]) / d[1]
            per_y = cell / abs(d[1])
        while True:
            leave = min(next_x, next_y)
            z_in, z_out = origin[2] + d[2] * t0, origin[2] + d[2] * min(leave, t1)
            if d[2] >= 0.0 and z_in > ceiling:
                break
            bottom, top = min(z_in, z_out) - SLACK_M, max(z_in, z_out) + SLACK_M
            c = j * nx + i
            if bottom <= grid.triangle_z[c, 1] and top >= grid.triangle_z[c, 0]:
                for m in range(grid.triangle_start[c], grid.triangle_start[c + 1]):
                    t = grid.triangle_items[m]
                    distance = _hit_triangle(grid.triangles[t], origin, d)
                    if distance < best:
                        best = distance
                        normal = grid.triangles[t]
                        cosine = abs(normal[9] * d[0] + normal[10] * d[1] + normal[11] * d[2])
                        distances[r], cosines[r], body[r], solid[r] = best, cosine, GROUND, t
            if bottom <= grid.body_z[c, 1] and top >= grid.body_z[c, 0]:
                for m in range(grid.body_start[c], grid.body_start[c + 1]):
                    n = grid.body_items[m]
                    s = _hit_body(fixed, n, origin, d, best, work, found)
                    if s >= 0:
                        best = found[0]
                        distances[r], cosines[r], body[r], solid[r] = best, found[1], n, s
            if best <= leave or leave >= t1:
                break
            t0 = leave
            if next_x <= next_y:
                i += step_i
                next_x += per_x
                if i < 0 or i >= nx:
                    break
            else:
                j += step_j
                next_y += per_y
                if j < 0 or j >= ny:
                    break
    return distances, cosines, body, solid
