"""Calls on actors of any kind: blueprints, life, place, motion."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from alpamayo_sim.frames import Transform
from alpamayo_sim.server.codec import (
    Vector,
    actor_description,
    array,
    boolean,
    location,
    text,
    transform,
    u8,
    u32,
    vector,
)
from alpamayo_sim.server.registry import CallError, Family, Packed, call
from alpamayo_sim.server.replies import pack
from alpamayo_sim.server.rpc import Session
from alpamayo_sim.world.blueprints import catalogue
from alpamayo_sim.world.errors import UnknownActor

RIGID = 0
_NO_BOX = [[0.0] * 3, [0.0] * 3, [0.0] * 3, 0]


@cache
def _definitions() -> Packed:
    definitions = [
        [
            blueprint.uid,
            blueprint.id,
            blueprint.tags,
            [[a.id, a.type, a.default, list(a.recommended), a.modifiable, a.restrict] for a in blueprint.attributes],
        ]
        for blueprint in catalogue().values()
    ]
    return Packed(pack(definitions))


@call(Family.VALUE)
def get_actor_definitions(session: Session) -> Packed:
    """Return the blueprint catalogue."""
    return _definitions()


@call(Family.VALUE)
def get_spectator(session: Session) -> list[Any]:
    """Return the spectator."""
    simulation = session.server.simulation
    return simulation.record(simulation.world.info(simulation.world.spectator_id))


@call(Family.VALUE, array(u32))
def get_actors_by_id(session: Session, ids: Sequence[int]) -> list[list[Any]]:
    """Return those of the actors that live."""
    simulation = session.server.simulation
    found: list[list[Any]] = []
    for actor_id in ids:
        try:
            found.append(simulation.record(simulation.world.info(actor_id)))
        except UnknownActor:
            continue
    return found


def attributes_of(description: Sequence[Any]) -> dict[str, str]:
    """Return the attribute values of a decoded ActorDescription."""
    return {attribute_id: value for attribute_id, _, value in description[2]}


@call(Family.VALUE, actor_description, transform)
def spawn_actor(session: Session, description: Sequence[Any], pose: Transform) -> list[Any]:
    """Create an actor and return it."""
    simulation = session.server.simulation
    return simulation.record(simulation.spawn(description[1], attributes_of(description), pose))


@call(Family.VALUE, actor_description, transform, u32, u8, text)
def spawn_actor_with_parent(
    session: Session, description: Sequence[Any], relative: Transform, parent_id: int, attachment: int, socket_name: str
) -> list[Any]:
    """Create an actor attached to another one and return it. Sockets do not exist here: the name is ignored."""
    simulation = session.server.simulation
    return simulation.record(
        simulation.spawn(
            description[1], attributes_of(description), relative, parent_id, attachment if attachment <= 2 else RIGID
        )
    )


@call(Family.VALUE, u32)
def destroy_actor(session: Session, actor_id: int) -> bool:
    """Remove an actor."""
    if not session.server.simulation.destroy(actor_id):
        raise CallError("unable to destroy actor: not found")
    return True


@call(Family.VALUE, u32)
def get_actor_bounding_box(session: Session, actor_id: int) -> Any:
    """Return the box of an actor, also of one that is gone; an empty one for an id that never was."""
    return session.server.simulation.box(actor_id) or _NO_BOX


@call(Family.VOID, u32, location)
def set_actor_location(session: Session, actor_id: int, place: Vector) -> None:
    """Put an actor somewhere, without turning it."""
    session.server.simulation.world.set_location(actor_id, place)


@call(Family.VOID, u32, transform)
def set_actor_transform(session: Session, actor_id: int, pose: Transform) -> None:
    """Put an actor somewhere; relative to its parent if it has one."""
    session.server.simulation.world.set_transform(actor_id, pose)


@call(Family.VOID, u32, vector)
def set_actor_target_velocity(session: Session, actor_id: int, velocity_mps: Vector) -> None:
    """Set the velocity, world frame."""
    session.server.simulation.world.set_target_velocity(actor_id, velocity_mps)


@call(Family.VOID, u32, vector)
def set_actor_target_angular_velocity(session: Session, actor_id: int, velocity_dps: Vector) -> None:
    """Set the angular velocity, degrees per second, world frame."""
    session.server.simulation.world.set_target_angular_velocity(actor_id, velocity_dps)


@call(Family.VOID, u32, vector)
def enable_actor_constant_velocity(session: Session, actor_id: int, velocity_mps: Vector) -> None:
    """Hold a velocity, given in the actor's frame."""
    session.server.simulation.world.enable_constant_velocity(actor_id, velocity_mps)


@call(Family.VOID, u32)
def disable_actor_constant_velocity(session: Session, actor_id: int) -> None:
    """Let physics move the actor again."""
    session.server.simulation.world.disable_constant_velocity(actor_id)


@call(Family.VOID, u32, vector)
def add_actor_impulse(session: Session, actor_id: int, impulse: Vector) -> None:
    """Push once, N*s."""
    session.server.simulation.world.add_impulse(actor_id, impulse)


@call(Family.VOID, u32, vector, location)
def add_actor_impulse_at_location(session: Session, actor_id: int, impulse: Vector, place: Vector) -> None:
    """Push once at a place, N*s."""
    session.server.simulation.world.add_impulse_at_location(actor_id, impulse, place)


@call(Family.VOID, u32, vector)
def add_actor_force(session: Session, actor_id: int, force: Vector) -> None:
    """Push during the next step, N."""
    session.server.simulation.world.add_force(actor_id, force)


@call(Family.VOID, u32, vector, location)
def add_actor_force_at_location(session: Session, actor_id: int, force: Vector, place: Vector) -> None:
    """Push at a place during the next step, N."""
    session.server.simulation.world.add_force_at_location(actor_id, force, place)


@call(Family.VOID, u32, vector)
def add_actor_angular_impulse(session: Session, actor_id: int, impulse: Vector) -> None:
    """Twist once."""
    session.server.simulation.world.add_angular_impulse(actor_id, impulse)


@call(Family.VOID, u32, vector)
def add_actor_torque(session: Session, actor_id: int, torque: Vector) -> None:
    """Twist during the next step."""
    session.server.simulation.world.add_torque(actor_id, torque)


@call(Family.VOID, u32, boolean)
def set_actor_simulate_physics(session: Session, actor_id: int, enabled: bool) -> None:
    """Switch physics. An actor that is gone is no error: TrafficManager ends its process on one."""
    simulation = session.server.simulation
    try:
        simulation.world.set_simulate_physics(actor_id, enabled)
    except UnknownActor:
        if simulation.box(actor_id) is None:
            raise


@call(Family.VOID, u32, boolean)
def set_actor_collisions(session: Session, actor_id: int, enabled: bool) -> None:
    """Switch whether the actor collides."""
    session.server.simulation.world.set_collisions(actor_id, enabled)


@call(Family.VOID, u32, boolean)
def set_actor_enable_gravity(session: Session, actor_id: int, enabled: bool) -> None:
    """Switch gravity."""
    session.server.simulation.world.set_enable_gravity(actor_id, enabled)


@call(Family.VOID, u32)
def set_actor_dead(session: Session, actor_id: int) -> None:
    """Make an actor stop acting."""
    session.server.simulation.world.set_dead(actor_id)
