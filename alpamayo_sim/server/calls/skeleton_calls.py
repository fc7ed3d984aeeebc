"""Calls on bones, sockets and components: actors here are boxes and have none of them."""

from __future__ import annotations

from typing import Any

from alpamayo_sim.server.codec import anything, number, text, u32
from alpamayo_sim.server.registry import CallError, Family, call
from alpamayo_sim.server.rpc import Session


def _none_of(session: Session, actor_id: int) -> list[Any]:
    session.server.simulation.world.info(actor_id)
    return []


@call(Family.VALUE, u32)
def get_actor_bone_names(session: Session, actor_id: int) -> list[str]:
    """Return no names."""
    return _none_of(session, actor_id)


@call(Family.VALUE, u32)
def get_actor_socket_names(session: Session, actor_id: int) -> list[str]:
    """Return no names."""
    return _none_of(session, actor_id)


@call(Family.VALUE, u32)
def get_actor_component_names(session: Session, actor_id: int) -> list[str]:
    """Return no names."""
    return _none_of(session, actor_id)


@call(Family.VALUE, u32)
def get_actor_bone_world_transforms(session: Session, actor_id: int) -> list[Any]:
    """Return no transforms."""
    return _none_of(session, actor_id)


@call(Family.VALUE, u32)
def get_actor_bone_relative_transforms(session: Session, actor_id: int) -> list[Any]:
    """Return no transforms."""
    return _none_of(session, actor_id)


@call(Family.VALUE, u32)
def get_actor_socket_world_transforms(session: Session, actor_id: int) -> list[Any]:
    """Return no transforms."""
    return _none_of(session, actor_id)


@call(Family.VALUE, u32)
def get_actor_socket_relative_transforms(session: Session, actor_id: int) -> list[Any]:
    """Return no transforms."""
    return _none_of(session, actor_id)


@call(Family.VALUE, u32, text)
def get_actor_component_world_transform(session: Session, actor_id: int, name: str) -> list[Any]:
    """Refuse: there is no such component."""
    _none_of(session, actor_id)
    raise CallError(f"actor {actor_id} has no component {name!r}")


@call(Family.VALUE, u32, text)
def get_actor_component_relative_transform(session: Session, actor_id: int, name: str) -> list[Any]:
    """Refuse: there is no such component."""
    _none_of(session, actor_id)
    raise CallError(f"actor {actor_id} has no component {name!r}")


@call(Family.VALUE, u32)
def get_bones_transform(session: Session, actor_id: int) -> list[Any]:
    """Return no bones."""
    return [_none_of(session, actor_id)]


@call(Family.VOID, u32, anything)
def set_bones_transform(session: Session, actor_id: int, bones: Any) -> None:
    """Accept for a live actor: nobody sees bones here."""
    _none_of(session, actor_id)


@call(Family.VOID, u32, number)
def blend_pose(session: Session, actor_id: int, blend: float) -> None:
    """Accept for a live actor: nobody sees poses here."""
    _none_of(session, actor_id)


@call(Family.VOID, u32)
def get_pose_from_animation(session: Session, actor_id: int) -> None:
    """Accept for a live actor: nobody sees poses here."""
    _none_of(session, actor_id)
