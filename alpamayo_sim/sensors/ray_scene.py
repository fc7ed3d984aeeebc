"""The scene of a world as rays meet it: the ground of the cameras, what stands beside the roads, and the actors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, rotation_matrices, rotation_matrix
from alpamayo_sim.roads.statics import StaticKind
from alpamayo_sim.roads.surface import GroundMesh, build_ground_mesh
from alpamayo_sim.sensors.ray_grid import build_grid
from alpamayo_sim.sensors.ray_kernel import GROUND, Bodies, TriangleGrid, cast_rays
from alpamayo_sim.sensors.ray_shapes import (
    RIDER,
    TWO_WHEELERS,
    Solid,
    bodies_of,
    box,
    prop_solids,
    static_solids,
    vehicle_solids,
    walker_solids,
)
from alpamayo_sim.sensors.scene_writer import VISIBLE, shape_of, signal_actor_ids
from alpamayo_sim.world.contact import DOOR_HALF_HEIGHT, DOOR_HALF_THICKNESS_M, DOOR_MIDDLE
from alpamayo_sim.world.contact import SIDE_DOORS as DOORS
from alpamayo_sim.world.tables import ActorKind
from alpamayo_sim.world.world import World

Floats = NDArray[np.float64]
MAX_RANGE_M = 20_000.0


class _Fixed(NamedTuple):
    grid: TriangleGrid
    bodies: Bodies
    actor_id: NDArray[np.int64]


@dataclass(frozen=True)
class RayHits:
    """What N rays met, in their order."""

    hit: NDArray[np.bool_]
    """[N] whether there was anything in reach; what follows is 0 (the distance infinite) where not."""
    distance_m: Floats
    cosine: Floats
    """[N] of the angle between the ray and the surface's normal, at least 0."""
    actor_id: NDArray[np.int64]
    """[N] of the vehicle, walker, prop, light or sign; 0 for the rest of the map."""
    tag: NDArray[np.uint8]
    """[N] CityObjectLabel."""
    velocity_mps: Floats
    """[N, 3] of what was hit, CARLA world frame."""


class RayScene:
    """Casts rays through one world. The map's part is built when it has changed, the actors' shapes when others are there."""

    def __init__(self) -> None:
        self._mesh: GroundMesh | None = None
        self._fixed: _Fixed | None = None
        self._version = -1
        self._light_ids: NDArray[np.int64] = np.zeros(0, np.int64)
        self._ids: NDArray[np.int64] = np.zeros(0, np.int64)
        self._rows: NDArray[np.int64] = np.zeros(0, np.int64)
        self._open: NDArray[np.int64] = np.zeros((0, 2), np.int64)
        self._actors = bodies_of([], [])

    def cast(
        self, world: World, pose: Transform, directions: Floats, length_m: float, ignored_ids: tuple[int, ...] = ()
    ) -> RayHits:
        """Return what rays from `pose` meet within `length_m`; unit `directions` [N, 3] are in the frame of the pose."""
        fixed, moving = self._standing(world), self._moving(world)
        along = np.ascontiguousarray(directions @ rotation_matrix(*pose[3:]).T)
        chosen = ~np.isin(self._ids, np.asarray(ignored_ids, np.int64))
        distance, cosine, body, solid = cast_rays(
            np.array(pose[:3]), along, min(length_m, MAX_RANGE_M), fixed.grid, fixed.bodies, moving, chosen
        )
        hit = np.isfinite(distance)
        on_ground = body == GROUND
        owner = np.where(body >= 0, body, len(fixed.actor_id) + len(self._ids))
        velocity = np.concatenate(
            [np.zeros((len(fixed.actor_id), 3)), world.actors.velocity_mps[self._rows], np.zeros((1, 3))]
        )
        tags = np.concatenate([fixed.bodies.tag, moving.tag, [0]]).astype(np.uint8)
        tag = tags[np.where(body >= 0, solid, len(tags) - 1)]
        tag[on_ground] = fixed.grid.triangle_tag[solid[on_ground]]
        ids = np.concatenate([fixed.actor_id, self._ids, [0]])
        return RayHits(hit, distance, cosine, ids[owner], tag, velocity[owner])

    def _standing(self, world: World) -> _Fixed:
        light_ids = world.actors.ids[world.lights.row].astype(np.int64)
        changed = self._version != world.scene.version or not np.array_equal(light_ids, self._light_ids)
        if self._fixed is None or changed:
            self._version, self._light_ids = world.scene.version, light_ids
            bodies, owner = _fixed_bodies(world)
            if self._mesh is None:
                self._mesh = build_ground_mesh(world.road_map)
            grid = build_grid(self._mesh, world.road_map.lanes.xyz[:, :2], bodies)
            self._fixed = _Fixed(grid, bodies, owner)
        return self._fixed

    def _moving(self, world: World) -> Bodies:
        """Return the actors and, after them, the open side doors, each with the row and the id of its vehicle."""
        actors = world.actors
        solid = np.isin(actors.kind, VISIBLE) & (actors.extent[:, 0] > 0.0)
        bodies, opened = np.flatnonzero(solid), _open_doors(world)
        rows = np.concatenate([bodies, world.vehicles.row[opened[:, 0]]])
        ids = actors.ids[rows].astype(np.int64)
        if not np.array_equal(ids, self._ids) or not np.array_equal(opened[:, 1], self._open[:, 1]):
            shapes = [_actor_solids(world, int(i), float(w)) for i, w in
                      zip(actors.ids[bodies], actors.contact_half_width[bodies], strict=True)]  # fmt: skip
            shapes += [_door_solids(world, vehicle, door) for vehicle, door in opened.tolist()]
            self._ids, self._actors = ids, bodies_of([s for s, _ in shapes], [t for _, t in shapes])
        self._rows, self._open = rows, opened
        turn, middle = rotation_matrices(actors.rotation_deg[rows]), actors.box_center[rows]
        ajar = np.tile(np.eye(3), (len(rows), 1, 1))
        for k, (vehicle, door) in enumerate(opened.tolist(), len(bodies)):
            middle[k], ajar[k] = _door_pose(world, vehicle, door)
        pose = self._actors.pose
        pose[:, :3] = actors.location[rows] + np.einsum("nij,nj->ni", turn, middle)
        pose[:, 3:12] = (turn @ ajar).reshape(-1, 9)
        return self._actors


def _open_doors(world: World) -> NDArray[np.int64]:
    """Return the side doors [D, 2] that are open and solid: the vehicle's place in the world's table, the door's number."""
    vehicles = world.vehicles
    found = (vehicles.open_doors[:, None] >> np.arange(DOORS)) & 1 == 1
    return np.argwhere(found & (vehicles.door_length_m[:, np.arange(DOORS) // 2] > 0.0))


def _door_solids(world: World, vehicle: int, door: int) -> tuple[list[Solid], list[int]]:
    """Return an open door about its middle, x along it, as `world.contact` has it, and its tag."""
    row = world.vehicles.row[vehicle]
    half = 0.5 * float(world.vehicles.door_length_m[vehicle, door // 2])
    height = DOOR_HALF_HEIGHT * float(world.actors.extent[row, 2])
    tags = world.info(int(world.actors.ids[row])).semantic_tags
    return [box((0.0, 0.0, 0.0), (half, DOOR_HALF_THICKNESS_M, height))], [tags[0] if tags else 0]


def _door_pose(world: World, vehicle: int, door: int) -> tuple[Floats, Floats]:
    """Return an open door's middle [3] and rotation [3, 3] in its vehicle's frame, as `world.contact.write_door` has them."""
    actors, vehicles = world.actors, world.vehicles
    row, side = vehicles.row[vehicle], -1.0 if door % 2 == 0 else 1.0
    angle = np.radians(vehicles.door_deg[vehicle, door])
    back, out = -np.cos(angle), side * np.sin(angle)
    half = 0.5 * vehicles.door_length_m[vehicle, door // 2]
    hinge = (vehicles.door_hinge_m[vehicle, door // 2], side * (actors.contact_half_width[row] - DOOR_HALF_THICKNESS_M))
    up = DOOR_MIDDLE * actors.extent[row, 2]
    middle = actors.box_center[row] + np.array([hinge[0] + half * back, hinge[1] + half * out, up])
    return middle, np.array([[back, -out, 0.0], [out, back, 0.0], [0.0, 0.0, 1.0]])


def _actor_solids(world: World, actor_id: int, half_width_m: float) -> tuple[list[Solid], list[int]]:
    """Return the solids of an actor and their tags."""
    info = world.info(actor_id)
    tag = info.semantic_tags[0] if info.semantic_tags else 0
    if info.kind == ActorKind.WALKER:
        solids = walker_solids(info.extent)
    elif info.kind == ActorKind.VEHICLE:
        shape = shape_of(info)
        solids = vehicle_solids(shape, info.extent, half_width_m)
        if shape in TWO_WHEELERS and RIDER in info.semantic_tags:
            return solids, [tag] + [RIDER] * (len(solids) - 1)
    else:
        solids = prop_solids(info.type_id, info.extent)
    return solids, [tag] * len(solids)


def _fixed_bodies(world: World) -> tuple[Bodies, NDArray[np.int64]]:
    """Return the objects of the map that are there, and the light or sign actor [N] that each is a part of (0: none)."""
    scene = world.scene
    present = np.flatnonzero(scene.present)
    statics = scene.statics
    count = 0 if statics is None else len(statics)
    solids: list[list[Solid]] = []
    for index in present.tolist():
        thing = scene.objects[index]
        if statics is not None and index < count:
            solids.append(static_solids(StaticKind(int(statics.kind[index])), thing.extent, thing.yaw_deg))
        else:
            solids.append([box((0.0, 0.0, 0.0), thing.extent)])
    tags = [[scene.objects[i].label] * len(group) for i, group in zip(present.tolist(), solids, strict=True)]
    bodies = bodies_of(solids, tags)
    bodies.pose[:, :3] = scene.center[present]
    angles = np.column_stack([np.zeros(len(present)), np.degrees(scene.yaw_rad[present]), np.zeros(len(present))])
    bodies.pose[:, 3:12] = rotation_matrices(angles).reshape(-1, 9)
    return bodies, _owners(world)[present]


def _owners(world: World) -> NDArray[np.int64]:
    """Return for every object of the map the traffic light or sign actor that it belongs to, 0 for none."""
    scene = world.scene
    light_id, sign_id = signal_actor_ids(world)
    owners: list[NDArray[np.int64]] = []
    if scene.statics is not None:
        statics = scene.statics
        own = np.zeros(len(statics), np.int64)
        for kind, actor_ids in ((StaticKind.LIGHT_POLE, light_id), (StaticKind.SIGN_POLE, sign_id)):
            poles = (statics.kind == int(kind)) & (statics.source >= 0)
            own[poles] = actor_ids[statics.source[poles]]
        owners.append(own)
    housings = np.array([len(boxes) for boxes in scene.light_boxes], np.int64)
    return np.concatenate([*owners, np.repeat(light_id, housings), sign_id])


_SCENES: WeakKeyDictionary[World, RayScene] = WeakKeyDictionary()


def ray_scene(world: World) -> RayScene:
    """Return the scene of a world, the same for all its sensors."""
    scene = _SCENES.get(world)
    if scene is None:
        scene = _SCENES[world] = RayScene()
    return scene
