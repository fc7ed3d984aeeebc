"""Batches: many commands in one call, each with its own answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from alpamayo_sim.server.calls import actor_calls, traffic_light_calls, vehicle_calls, walker_calls
from alpamayo_sim.server.codec import (
    Decoder,
    WireError,
    actor_description,
    anything,
    arguments,
    boolean,
    number,
    text,
    transform,
    u32,
    vehicle_control,
)
from alpamayo_sim.server.registry import CALLS, CallError, Family, call
from alpamayo_sim.server.rpc import Session
from alpamayo_sim.world.errors import WorldError

SPAWN, CONTROL, WALKER_STATE = 0, 2, 7
MAX_COMMANDS = 65_536
MAX_AFTER_DEPTH = 4
FUTURE_ACTOR = 0
"""Id that stands for the actor just spawned, in the commands to do after its spawn."""


@dataclass(frozen=True, slots=True)
class _Command:
    decoders: tuple[Decoder, ...]
    function: Callable[..., Any]


def _same_as(function: Callable[..., Any]) -> _Command:
    entry = CALLS[function.__name__]
    return _Command(entry.arguments, entry.function)


def _set_light_flags(session: Session, actor_id: int, flags: int) -> None:
    session.server.simulation.world.set_light_flags(actor_id, flags)


def _apply_walker_state(session: Session, actor_id: int, pose: Any, speed_mps: float) -> None:
    session.server.simulation.world.apply_walker_state(actor_id, pose, speed_mps)


def _console_command(session: Session, command: str) -> None:
    raise CallError("this server has no console: there is no Unreal behind it")


COMMANDS: dict[int, _Command] = {
    1: _same_as(actor_calls.destroy_actor),
    CONTROL: _same_as(vehicle_calls.apply_control_to_vehicle),
    3: _same_as(vehicle_calls.apply_ackermann_control_to_vehicle),
    4: _same_as(walker_calls.apply_control_to_walker),
    5: _same_as(vehicle_calls.apply_physics_control),
    6: _same_as(actor_calls.set_actor_transform),
    WALKER_STATE: _Command((u32, transform, number), _apply_walker_state),
    8: _same_as(actor_calls.set_actor_target_velocity),
    9: _same_as(actor_calls.set_actor_target_angular_velocity),
    10: _same_as(actor_calls.add_actor_impulse),
    11: _same_as(actor_calls.add_actor_force),
    12: _same_as(actor_calls.add_actor_angular_impulse),
    13: _same_as(actor_calls.add_actor_torque),
    14: _same_as(actor_calls.set_actor_simulate_physics),
    15: _same_as(actor_calls.set_actor_enable_gravity),
    16: _same_as(vehicle_calls.set_actor_autopilot),
    17: _same_as(vehicle_calls.show_vehicle_debug_telemetry),
    18: _Command((u32, u32), _set_light_flags),
    19: _same_as(actor_calls.set_actor_location),
    20: _Command((text,), _console_command),
    21: _same_as(traffic_light_calls.set_traffic_light_state),
}
"""CARLA's command variants by index."""


def _optional_parent(value: Any) -> int:
    if type(value) is list and value and value[0] is False:
        return 0
    if type(value) is list and len(value) == 2 and value[0] is True:
        return u32(value[1])
    raise WireError("expected an optional parent")


_SPAWN_FIELDS = (actor_description, transform, _optional_parent, anything, text, anything)


def _spawn(session: Session, fields: Sequence[Any], depth: int) -> int:
    description, pose, parent_id, attachment, _, after = arguments(_SPAWN_FIELDS, fields)
    if type(after) is not list or len(after) > MAX_COMMANDS or depth >= MAX_AFTER_DEPTH:
        raise WireError("expected commands to do after the spawn")
    kind = attachment if type(attachment) is int and 0 <= attachment <= 2 else 0
    info = session.server.simulation.spawn(
        description[1], actor_calls.attributes_of(description), pose, parent_id, kind
    )
    for command in after:
        _carry_out(session, _for_actor(command, info.id), depth + 1)
    return info.id


def _for_actor(command: Any, actor_id: int) -> Any:
    """Return the command with the id of the actor just spawned where it says so."""
    index, fields = _variant(command)
    if index != SPAWN and fields and fields[0] == FUTURE_ACTOR:
        fields = [actor_id, *fields[1:]]
    elif index == SPAWN and len(fields) > 2 and fields[2] == [True, FUTURE_ACTOR]:
        fields = [*fields[:2], [True, actor_id], *fields[3:]]
    return [[index, fields]]


def _variant(command: Any) -> tuple[int, list[Any]]:
    if type(command) is list and len(command) == 1:
        inner = command[0]
        if type(inner) is list and len(inner) == 2 and type(inner[0]) is int and type(inner[1]) is list:
            return inner[0], inner[1]
    raise WireError("expected a command")


def _carry_out(session: Session, command: Any, depth: int = 0) -> list[Any]:
    """Return the answer to one command: `[[1, actor id]]` or `[[0, [message]]]`."""
    try:
        index, fields = _variant(command)
        if index == SPAWN:
            return [[1, _spawn(session, fields, depth)]]
        if index == CONTROL and len(fields) == 2:
            actor_id = u32(fields[0])
            session.server.simulation.world.apply_vehicle_control(actor_id, *vehicle_control(fields[1]))
            return [[1, actor_id]]
        entry = COMMANDS.get(index)
        if entry is None:
            raise CallError(f"command {index} is not available in batches of this server")
        decoded = arguments(entry.decoders, fields)
        entry.function(session, *decoded)
        return [[1, decoded[0]]]
    except (WireError, WorldError, CallError) as error:
        return [[0, [str(error)]]]


def _commands(value: Any) -> list[Any]:
    if type(value) is list and len(value) <= MAX_COMMANDS:
        return value
    raise WireError(f"expected at most {MAX_COMMANDS} commands")


@call(Family.RAW, _commands, boolean)
def apply_batch(session: Session, commands: Sequence[Any], do_tick: bool) -> Any:
    """Carry out the commands in order, then advance a synchronous world if asked to; return one answer a command."""
    answers = [_carry_out(session, command) for command in commands]
    if do_tick:
        return session.server.cue(session, lambda frame: answers)
    return answers
