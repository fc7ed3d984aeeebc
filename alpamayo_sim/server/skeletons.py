"""Bones, sockets and components of live actors: walkers have CARLA's skeleton, vehicles a base and their wheels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, compose, rotation_matrix
from alpamayo_sim.server.registry import CallError
from alpamayo_sim.world import skeleton
from alpamayo_sim.world.tables import ActorKind
from alpamayo_sim.world.world import World

Floats = NDArray[np.float64]
WHEEL_BONES = {
    2: ("Wheel_Front", "Wheel_Rear"),
    4: ("Wheel_Front_Left", "Wheel_Front_Right", "Wheel_Rear_Left", "Wheel_Rear_Right"),
}
VEHICLE_BASE = "Vehicle_Base"
COMPONENTS = {
    ActorKind.VEHICLE: ("VehicleMesh", "MovementComp", "VehicleBounds"),
    ActorKind.WALKER: ("CollisionCylinder", "CharMoveComp", "CharacterMesh0"),
}
OTHER_COMPONENTS = ("DefaultSceneRoot",)
PLACELESS = ("MovementComp", "CharMoveComp")


@dataclass(frozen=True, slots=True)
class BonePose:
    """A bone: its pose in the world, in the actor's frame, and in its parent bone's frame."""

    name: str
    world: Transform
    component: Transform
    relative: Transform


class Skeletons:
    """The skeletons of one world's actors."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pose: dict[int, Floats] = {}
        self._blend: dict[int, float] = {}

    def forget_gone(self) -> None:
        """Drop the poses of walkers that are gone."""
        for mapping in (self._pose, self._blend):
            for gone in [i for i in mapping if i not in self._world.walker_of]:
                del mapping[gone]

    def _animation(self, actor_id: int) -> Floats:
        """Return the local transforms of the walk as it is now."""
        row = self._world.actors.records[self._world.row(actor_id)]
        phase = float(self._world.walkers.stride_phase_rad[self._world.walker_of[actor_id]])
        speed = float(np.hypot(row["velocity_mps"][0], row["velocity_mps"][1]))
        return skeleton.walking_pose(2.0 * float(row["extent"][2]), speed, phase)

    def _local(self, actor_id: int) -> Floats:
        animation = self._animation(actor_id)
        pose = self._pose.get(actor_id)
        return animation if pose is None else skeleton.blended(animation, pose, self._blend.get(actor_id, 0.0))

    def set_bones(self, actor_id: int, bones: list[tuple[str, Transform]]) -> None:
        """Change bones of the pose that `blend` shows; the rest of it is the walk at the time of the first change."""
        self._world.walker(actor_id, "set bones transform")
        pose = self._pose.get(actor_id)
        self._pose[actor_id] = skeleton.with_bones(self._local(actor_id) if pose is None else pose, bones)

    def blend(self, actor_id: int, share: float) -> None:
        """Show the walk (0), the pose (1) or something between."""
        self._world.walker(actor_id, "blend pose")
        self._blend[actor_id] = min(max(share, 0.0), 1.0)

    def pose_from_animation(self, actor_id: int) -> None:
        """Take the bones as they are now for the pose."""
        self._world.walker(actor_id, "get pose from animation")
        self._pose[actor_id] = self._local(actor_id)

    def walker_bones(self, actor_id: int) -> list[BonePose]:
        """Return every bone of a walker; raises UnknownActor or WrongActor."""
        self._world.walker(actor_id, "get bones transform")
        pose, half_m = self._world.transform(actor_id), float(self._world.info(actor_id).extent[2])
        local = self._local(actor_id)
        places, matrices = skeleton.component_pose(local)
        places[:, 2] -= half_m
        turn = rotation_matrix(*pose[3:])
        in_world = skeleton.transforms(places @ turn.T + np.array(pose[:3]), turn @ matrices)
        in_actor = skeleton.transforms(places, matrices)
        relative = skeleton.local_transforms(local)
        return [
            BonePose(bone.name, *poses)
            for bone, *poses in zip(skeleton.BONES, in_world, in_actor, relative, strict=True)
        ]

    def bones(self, actor_id: int) -> list[BonePose]:
        """Return every bone of a walker or vehicle; CallError for an actor without a skeleton."""
        kind = self._world.info(actor_id).kind
        if kind == ActorKind.WALKER:
            return self.walker_bones(actor_id)
        if kind == ActorKind.VEHICLE:
            return self._vehicle_bones(actor_id)
        raise CallError(f"Component could not be found in this actor. Actor {actor_id} has no skeleton")

    def _vehicle_bones(self, actor_id: int) -> list[BonePose]:
        world = self._world
        wheels = world.physics_of[actor_id].wheels
        pose = world.transform(actor_id)
        bones = [(VEHICLE_BASE, Transform(0.0, 0.0, 0.0))]
        for index, (name, wheel) in enumerate(zip(WHEEL_BONES[2 if len(wheels) == 2 else 4], wheels, strict=False)):
            x, y, z = (value / 100.0 for value in wheel.position)
            place = 2 * index if len(wheels) == 2 else index
            rolled, steered = world.wheel_pitch_angle(actor_id, place), world.wheel_steer_angle(actor_id, place)
            bones.append((name, Transform(x, y, z, -rolled, steered, 0.0)))
        return [BonePose(name, compose(pose, own), own, own) for name, own in bones]

    def component_names(self, actor_id: int) -> list[str]:
        """Return the names of an actor's components."""
        return list(COMPONENTS.get(self._world.info(actor_id).kind, OTHER_COMPONENTS))

    def component(self, actor_id: int, name: str) -> Transform:
        """Return the pose of a component in its actor's frame; CallError for one that the actor has not, or without a place."""
        info = self._world.info(actor_id)
        if name not in self.component_names(actor_id) or name in PLACELESS:
            raise CallError(f"Component could not be found in this actor. Component Name: {name}")
        if name == "VehicleBounds":
            return Transform(*info.box_center)
        return Transform(0.0, 0.0, -info.extent[2]) if name == "CharacterMesh0" else Transform(0.0, 0.0, 0.0)
