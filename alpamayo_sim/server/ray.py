"""Rays through the scene: against the ground, the static boxes and the actors."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.world.tables import ActorKind
from alpamayo_sim.world.world import World

Floats = NDArray[np.float64]
Hit = tuple[float, int]
"""Distance along the ray in metres, CityObjectLabel of what is there."""

MAX_RAY_M = 20_000.0
GROUND_STEP_M = 0.5
ROADS, SIDEWALKS, TERRAIN = 1, 2, 10
LABEL_BY_KIND = {ActorKind.WALKER: 12, ActorKind.PROP: 20, ActorKind.TRAFFIC_LIGHT: 7, ActorKind.TRAFFIC_SIGN: 8}


def ray_hits(world: World, origin: Floats, direction: Floats, length_m: float) -> list[Hit]:
    """Return everything on a ray, nearest first; `origin` [3] and unit `direction` [3] are in the CARLA world frame."""
    length_m = min(length_m, MAX_RAY_M)
    hits = _ground_hits(world, origin, direction, length_m)
    statics = world.statics
    if statics is not None and len(statics):
        distances = _box_distances(
            origin,
            direction,
            np.asarray(statics.center, np.float64),
            np.asarray(statics.extent, np.float64),
            np.radians(statics.yaw_deg),
        )
        hits += [(float(distances[i]), int(statics.label[i])) for i in np.flatnonzero(distances <= length_m)]
    hits += _actor_hits(world, origin, direction, length_m)
    return sorted(hits)


def _box_distances(origin: Floats, direction: Floats, center: Floats, extent: Floats, yaw: Floats) -> Floats:
    """Return where the ray enters upright boxes [N] (slab method); infinite for boxes that it misses or starts in."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    to_box = origin - center
    start = np.stack(
        [cos * to_box[:, 0] + sin * to_box[:, 1], cos * to_box[:, 1] - sin * to_box[:, 0], to_box[:, 2]], 1
    )
    along = np.stack(
        [
            cos * direction[0] + sin * direction[1],
            cos * direction[1] - sin * direction[0],
            np.full(len(yaw), direction[2]),
        ],
        axis=1,
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1.0 / along
        near = np.nan_to_num((-np.sign(along) * extent - start) * inverse, nan=-np.inf, posinf=np.inf, neginf=-np.inf)
        far = np.nan_to_num((np.sign(along) * extent - start) * inverse, nan=np.inf, posinf=np.inf, neginf=-np.inf)
    flat = along == 0.0
    inside = np.abs(start) <= extent
    near = np.where(flat, np.where(inside, -np.inf, np.inf), near)
    far = np.where(flat, np.where(inside, np.inf, -np.inf), far)
    enter, leave = near.max(axis=1), far.min(axis=1)
    return np.where((enter <= leave) & (enter >= 0.0), enter, np.inf)


def _actor_hits(world: World, origin: Floats, direction: Floats, length_m: float) -> list[Hit]:
    actors = world.actors
    rows = np.flatnonzero(actors.collides)
    if not len(rows):
        return []
    yaw = np.radians(actors.rotation_deg[rows, 1])
    box = actors.box_center[rows]
    cos, sin = np.cos(yaw), np.sin(yaw)
    shift = np.stack([cos * box[:, 0] - sin * box[:, 1], sin * box[:, 0] + cos * box[:, 1], box[:, 2]], axis=1)
    distances = _box_distances(origin, direction, actors.location[rows] + shift, actors.extent[rows], yaw)
    hits: list[Hit] = []
    for i in np.flatnonzero(distances <= length_m).tolist():
        tags = world.info(int(actors.ids[rows[i]])).semantic_tags
        hits.append((float(distances[i]), tags[0] if tags else 0))
    return hits


def _ground_hits(world: World, origin: Floats, direction: Floats, length_m: float) -> list[Hit]:
    """Return where the ray goes through the ground from above."""
    ground = world.road_map.ground
    if abs(direction[0]) < 1e-6 and abs(direction[1]) < 1e-6:
        if direction[2] >= 0.0:
            return []
        z = float(ground.height(origin[None, :2], origin[None, 2])[0][0])
        distance = (origin[2] - z) / -direction[2]
        return [(distance, _ground_label(world, origin[:2], z))] if 0.0 <= distance <= length_m else []
    steps = np.linspace(0.0, length_m, max(2, math.ceil(length_m / GROUND_STEP_M) + 1))
    points = origin + steps[:, None] * direction
    heights = np.asarray(ground.height(points[:, :2], points[:, 2])[0])
    above = points[:, 2] - heights
    hits: list[Hit] = []
    for i in np.flatnonzero((above[:-1] >= 0.0) & (above[1:] < 0.0)).tolist():
        share = above[i] / (above[i] - above[i + 1])
        distance = float(steps[i] + share * (steps[i + 1] - steps[i]))
        place = origin + distance * direction
        hits.append((distance, _ground_label(world, place[:2], float(place[2]))))
    return hits


def _ground_label(world: World, xy: Floats, z: float) -> int:
    lanes = world.road_map.lanes
    for types, label in ((LaneType.DRIVING, ROADS), (LaneType.SIDEWALK, SIDEWALKS)):
        if lanes.nearest(xy[None], np.array([z]), lane_types=types, on_surface=True).lane_index[0] >= 0:
            return label
    return TERRAIN
