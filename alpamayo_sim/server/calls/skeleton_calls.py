"""Calls on bones, sockets and components. As in Unreal, the sockets of an actor are its bones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.server.codec import array, number, struct_of, text, transform, u32
from alpamayo_sim.server.registry import CallError, Family, call
from alpamayo_sim.server.rpc import Session
from alpamayo_sim.server.skeletons import BonePose, Skeletons

bone_transform = struct_of("BoneTransformDataIn", text, transform)
walker_bone_control = struct_of("WalkerBoneControlIn", array(bone_transform, 1024))


def _skeletons(session: Session) -> Skeletons:
    return session.server.simulation.skeletons


def _record(pose: Transform) -> list[Any]:
    return [pose[:3], pose[3:]]


def _sockets(session: Session, actor_id: int) -> list[BonePose]:
    try:
        return _skeletons(session).bones(actor_id)
    except CallError:
        return []


@call(Family.VALUE, u32)
def get_actor_bone_names(session: Session, actor_id: int) -> list[str]:
    """Return the names of an actor's bones; an error for an actor without a skeleton."""
    return [bone.name for bone in _skeletons(session).bones(actor_id)]


@call(Family.VALUE, u32)
def get_actor_bone_world_transforms(session: Session, actor_id: int) -> list[Any]:
    """Return the poses of an actor's bones in the world."""
    return [_record(bone.world) for bone in _skeletons(session).bones(actor_id)]


@call(Family.VALUE, u32)
def get_actor_bone_relative_transforms(session: Session, actor_id: int) -> list[Any]:
    """Return the poses of an actor's bones in the actor's frame."""
    return [_record(bone.component) for bone in _skeletons(session).bones(actor_id)]


@call(Family.VALUE, u32)
def get_vehicle_bone_world_transforms(session: Session, actor_id: int) -> list[Any]:
    """Return the poses of a vehicle's bones in the world."""
    session.server.simulation.world.vehicle(actor_id, "get vehicle bone world transforms")
    return get_actor_bone_world_transforms(session, actor_id)


@call(Family.VALUE, u32)
def get_actor_socket_names(session: Session, actor_id: int) -> list[str]:
    """Return the names of an actor's sockets, none for an actor without a skeleton."""
    return [bone.name for bone in _sockets(session, actor_id)]


@call(Family.VALUE, u32)
def get_actor_socket_world_transforms(session: Session, actor_id: int) -> list[Any]:
    """Return the poses of an actor's sockets in the world."""
    return [_record(bone.world) for bone in _sockets(session, actor_id)]


@call(Family.VALUE, u32)
def get_actor_socket_relative_transforms(session: Session, actor_id: int) -> list[Any]:
    """Return the poses of an actor's sockets in the actor's frame."""
    return [_record(bone.component) for bone in _sockets(session, actor_id)]


@call(Family.VALUE, u32)
def get_actor_component_names(session: Session, actor_id: int) -> list[str]:
    """Return the names of an actor's components."""
    return _skeletons(session).component_names(actor_id)


@call(Family.VALUE, u32, text)
def get_actor_component_world_transform(session: Session, actor_id: int, name: str) -> list[Any]:
    """Return the pose of a component in the world; an error for one that the actor has not."""
    own = _skeletons(session).component(actor_id, name)
    return _record(compose(session.server.simulation.world.transform(actor_id), own))


@call(Family.VALUE, u32, text)
def get_actor_component_relative_transform(session: Session, actor_id: int, name: str) -> list[Any]:
    """Return the pose of a component in the actor's frame; an error for one that the actor has not."""
    return _record(_skeletons(session).component(actor_id, name))


@call(Family.VALUE, u32)
def get_bones_transform(session: Session, actor_id: int) -> list[Any]:
    """Return `[name, in the world, in the actor's frame, in the parent bone's frame]` of every bone of a walker."""
    bones = _skeletons(session).walker_bones(actor_id)
    return [[[bone.name, _record(bone.world), _record(bone.component), _record(bone.relative)] for bone in bones]]


@call(Family.VOID, u32, walker_bone_control)
def set_bones_transform(session: Session, actor_id: int, bones: Sequence[Any]) -> None:
    """Set bones of the pose that `blend_pose` shows, each in its parent bone's frame; unknown names are passed over."""
    _skeletons(session).set_bones(actor_id, bones[0])


@call(Family.VOID, u32, number)
def blend_pose(session: Session, actor_id: int, blend: float) -> None:
    """Show a walker's walk (0), the pose that a client set (1), or something between."""
    _skeletons(session).blend(actor_id, blend)


@call(Family.VOID, u32)
def get_pose_from_animation(session: Session, actor_id: int) -> None:
    """Take a walker's bones as they are now for its pose."""
    _skeletons(session).pose_from_animation(actor_id)
