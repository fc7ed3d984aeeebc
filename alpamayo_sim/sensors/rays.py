"""Rays and swept spheres through the scene: against the ground, the objects of the map and the actors.

What is hit are the boxes that collide, and the ground from above. Hidden objects are hit by nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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
STOREY_M = 1.5
"""Surfaces closer to each other than this are one storey."""
MAX_STOREYS = 4
TOUCH_M = 1.0e-3
MAX_SWEEP_STEPS = 128
ROADS, SIDEWALKS, TERRAIN = 1, 2, 10
CARRIAGEWAY = LaneType.DRIVING | LaneType.BIDIRECTIONAL | LaneType.PARKING | LaneType.STOP | LaneType.SHOULDER


@dataclass(frozen=True, slots=True)
class SweepHit:
    """What a moving sphere touches first."""

    distance_m: float
    """How far its centre has moved by then; 0 when it touches something at once."""
    actor_id: int
    """0 for a part of the map."""
    label: int
    """CityObjectLabel."""


@dataclass(frozen=True)
class _Boxes:
    center: Floats
    extent: Floats
    yaw: Floats
    label: NDArray[np.int64]
    actor_id: NDArray[np.int64]


def ray_hits(world: World, origin: Floats, direction: Floats, length_m: float) -> list[Hit]:
    """Return everything on a ray, nearest first; `origin` [3] and unit `direction` [3] are in the CARLA world frame."""
    length_m = min(length_m, MAX_RAY_M)
    hits = _ground_hits(world, origin, direction, length_m)
    for boxes in (_scene_boxes(world), _actor_boxes(world)):
        distances = _box_distances(origin, direction, boxes)
        hits += [(float(distances[i]), int(boxes.label[i])) for i in np.flatnonzero(distances <= length_m)]
    return sorted(hits)


def sweep(
    world: World, origin: Floats, direction: Floats, length_m: float, radius_m: float,
    *, ignored_ids: tuple[int, ...] = (), only_dynamic: bool = False,
) -> SweepHit | None:  # fmt: skip
    """Return what a sphere touches first on its way, None for nothing.

    `origin` [3] and unit `direction` [3] are in the CARLA world frame. With `only_dynamic` vehicles and walkers count.
    """
    boxes = _actor_boxes(world, ignored_ids, kinds=(ActorKind.VEHICLE, ActorKind.WALKER) if only_dynamic else None)
    hits = _sphere_hits(boxes, origin, direction, length_m, radius_m)
    if not only_dynamic:
        hits += _sphere_hits(_scene_boxes(world), origin, direction, length_m, radius_m)
        hits += _ground_contact(world, origin, direction, length_m, radius_m)
    return min(hits, key=lambda hit: (hit.distance_m, hit.actor_id, hit.label), default=None)


def _scene_boxes(world: World) -> _Boxes:
    scene = world.scene
    there = scene.present
    return _Boxes(
        scene.center[there], scene.extent[there], scene.yaw_rad[there], scene.label[there],
        np.zeros(int(there.sum()), np.int64),
    )  # fmt: skip


def _actor_boxes(world: World, ignored_ids: tuple[int, ...] = (), kinds: tuple[ActorKind, ...] | None = None) -> _Boxes:
    actors = world.actors
    chosen = actors.collides & (actors.extent[:, 0] > 0.0) & ~np.isin(actors.ids, ignored_ids)
    if kinds is not None:
        chosen &= np.isin(actors.kind, kinds)
    rows = np.flatnonzero(chosen)
    yaw = np.radians(actors.rotation_deg[rows, 1])
    box = actors.box_center[rows]
    cos, sin = np.cos(yaw), np.sin(yaw)
    shift = np.stack([cos * box[:, 0] - sin * box[:, 1], sin * box[:, 0] + cos * box[:, 1], box[:, 2]], axis=1)
    ids = actors.ids[rows].astype(np.int64)
    tags = [world.info(actor_id).semantic_tags for actor_id in ids.tolist()]
    label = np.array([tag[0] if tag else 0 for tag in tags], np.int64)
    return _Boxes(actors.location[rows] + shift, actors.extent[rows], yaw, label, ids)


def _in_box_frames(boxes: _Boxes, point: Floats, direction: Floats) -> tuple[Floats, Floats]:
    """Return a point and a direction [3] in the frame of every box, [N, 3] each."""
    cos, sin = np.cos(boxes.yaw), np.sin(boxes.yaw)
    d = point - boxes.center
    start = np.stack([cos * d[:, 0] + sin * d[:, 1], cos * d[:, 1] - sin * d[:, 0], d[:, 2]], 1)
    along = np.stack(
        [
            cos * direction[0] + sin * direction[1],
            cos * direction[1] - sin * direction[0],
            np.full(len(cos), direction[2]),
        ],
        axis=1,
    )
    return start, along


def _box_distances(origin: Floats, direction: Floats, boxes: _Boxes) -> Floats:
    """Return where the ray enters upright boxes [N] (slab method); infinite for boxes that it misses or starts in."""
    extent = boxes.extent
    if not len(extent):
        return np.zeros(0)
    start, along = _in_box_frames(boxes, origin, direction)
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


def _sphere_hits(boxes: _Boxes, origin: Floats, direction: Floats, length_m: float, radius_m: float) -> list[SweepHit]:
    """Return the first touch with each box: the sphere moves by its distance to the box until nothing is left of it."""
    count = len(boxes.yaw)
    if not count:
        return []
    start, along = _in_box_frames(boxes, origin, direction)
    travelled = np.zeros(count)
    active, touched = np.ones(count, np.bool_), np.zeros(count, np.bool_)
    for _ in range(MAX_SWEEP_STEPS):
        outside = np.maximum(np.abs(start + travelled[:, None] * along) - boxes.extent, 0.0)
        gap = np.sqrt((outside * outside).sum(axis=1)) - radius_m
        touched |= active & (gap <= TOUCH_M)
        active &= ~touched
        travelled = np.where(active, travelled + gap, travelled)
        active &= travelled <= length_m
        if not active.any():
            break
    return [SweepHit(float(travelled[i]), int(boxes.actor_id[i]), int(boxes.label[i])) for i in np.flatnonzero(touched)]


def _ground_contact(
    world: World, origin: Floats, direction: Floats, length_m: float, radius_m: float
) -> list[SweepHit]:
    """Return the first place of a sphere's way where the ground is within its radius."""
    steps = np.linspace(0.0, length_m, max(2, math.ceil(length_m / GROUND_STEP_M) + 1))
    points = origin + steps[:, None] * direction
    gap = points[:, 2] - np.asarray(world.road_map.ground.height(points[:, :2], points[:, 2])[0]) - radius_m
    below = np.flatnonzero(gap <= 0.0)
    if not len(below):
        return []
    i = int(below[0])
    share = 0.0 if i == 0 else gap[i - 1] / (gap[i - 1] - gap[i])
    distance = 0.0 if i == 0 else float(steps[i - 1] + share * (steps[i] - steps[i - 1]))
    place = origin + distance * direction
    return [SweepHit(distance, 0, _ground_label(world, place[:2], float(place[2] - radius_m)))]


def _ground_hits(world: World, origin: Floats, direction: Floats, length_m: float) -> list[Hit]:
    """Return where the ray goes through the ground from above."""
    ground = world.road_map.ground
    hits: list[Hit] = []
    if abs(direction[0]) < 1e-6 and abs(direction[1]) < 1e-6:
        if direction[2] >= 0.0:
            return []
        hint, last = float(origin[2]), math.inf
        for _ in range(MAX_STOREYS):
            z = float(ground.height(origin[None, :2], np.array([hint]))[0][0])
            distance = (origin[2] - z) / -direction[2]
            if not 0.0 <= distance <= length_m or z > last - STOREY_M:
                break
            hits.append((distance, _ground_label(world, origin[:2], z)))
            hint, last = z - STOREY_M, z
        return hits
    steps = np.linspace(0.0, length_m, max(2, math.ceil(length_m / GROUND_STEP_M) + 1))
    points = origin + steps[:, None] * direction
    heights = np.asarray(ground.height(points[:, :2], points[:, 2])[0])
    above = points[:, 2] - heights
    for i in np.flatnonzero((above[:-1] >= 0.0) & (above[1:] < 0.0)).tolist():
        share = above[i] / (above[i] - above[i + 1])
        distance = float(steps[i] + share * (steps[i + 1] - steps[i]))
        place = origin + distance * direction
        hits.append((distance, _ground_label(world, place[:2], float(place[2]))))
    return hits


def _ground_label(world: World, xy: Floats, z: float) -> int:
    lanes = world.road_map.lanes
    for types, label in ((CARRIAGEWAY, ROADS), (LaneType.SIDEWALK, SIDEWALKS)):
        if lanes.nearest(xy[None], np.array([z]), lane_types=types, on_surface=True).lane_index[0] >= 0:
            return label
    return TERRAIN
