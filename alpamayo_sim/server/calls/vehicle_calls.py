"""Calls on vehicles: controls, physics, telemetry, lights, wheels, doors."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from alpamayo_sim.server.codec import (
    ackermann_control,
    ackermann_settings,
    boolean,
    integer,
    light_state,
    number,
    physics_control,
    text,
    u32,
    u64,
    vehicle_control,
)
from alpamayo_sim.server.physics_record import physics_from, physics_record, telemetry_record
from alpamayo_sim.server.registry import CallError, Family, call
from alpamayo_sim.server.rpc import Session
from alpamayo_sim.world.ackermann import AckermannSettings

_LOG = logging.getLogger(__name__)
wheel = integer(0, 3)
door = integer(0, 6)


@call(Family.VOID, u32, vehicle_control)
def apply_control_to_vehicle(session: Session, actor_id: int, control: Sequence[Any]) -> None:
    """Set throttle, steer, brake, hand brake, reverse, manual shift and gear."""
    session.server.simulation.world.apply_vehicle_control(actor_id, *control)


@call(Family.VOID, u32, ackermann_control)
def apply_ackermann_control_to_vehicle(session: Session, actor_id: int, control: Sequence[float]) -> None:
    """Drive by steering angle and speed: steer, steer speed, speed, acceleration, jerk."""
    session.server.simulation.world.apply_ackermann_control(actor_id, *control)


@call(Family.VALUE, u32)
def get_ackermann_controller_settings(session: Session, actor_id: int) -> list[float]:
    """Return the gains of the Ackermann controller."""
    return list(astuple(session.server.simulation.world.ackermann_settings(actor_id)))


@call(Family.VOID, u32, ackermann_settings)
def apply_ackermann_controller_settings(session: Session, actor_id: int, gains: Sequence[float]) -> None:
    """Set the gains of the Ackermann controller."""
    session.server.simulation.world.apply_ackermann_settings(actor_id, AckermannSettings(*gains))


@call(Family.VOID, u32, boolean)
def set_actor_autopilot(session: Session, actor_id: int, enabled: bool) -> None:
    """Accept for a live actor: the autopilot is the client's TrafficManager."""
    session.server.simulation.world.info(actor_id)


@call(Family.VALUE, u32)
def get_physics_control(session: Session, actor_id: int) -> list[Any]:
    """Return the physics of a vehicle."""
    return physics_record(session.server.simulation.world.physics_control(actor_id))


@call(Family.VOID, u32, physics_control)
def apply_physics_control(session: Session, actor_id: int, fields: Sequence[Any]) -> None:
    """Replace the physics of a vehicle."""
    session.server.simulation.world.apply_physics_control(actor_id, physics_from(fields))


@call(Family.VALUE, u32)
def get_telemetry_data(session: Session, actor_id: int) -> list[Any]:
    """Return what drivetrain and tyres do."""
    return telemetry_record(session.server.simulation.world.telemetry(actor_id))


@call(Family.VOID, u32, boolean)
def show_vehicle_debug_telemetry(session: Session, actor_id: int, enabled: bool) -> None:
    """Accept for a live actor: there is no screen to show it on."""
    session.server.simulation.world.info(actor_id)


@call(Family.VALUE, u32)
def get_vehicle_light_state(session: Session, actor_id: int) -> list[int]:
    """Return the light bits of a vehicle."""
    return [session.server.simulation.world.light_flags(actor_id)]


@call(Family.VOID, u32, light_state)
def set_vehicle_light_state(session: Session, actor_id: int, state: Sequence[int]) -> None:
    """Set the light bits of a vehicle."""
    session.server.simulation.world.set_light_flags(actor_id, state[0])


@call(Family.VALUE)
def get_vehicle_light_states(session: Session) -> list[list[int]]:
    """Return [id, light bits] of every vehicle."""
    world = session.server.simulation.world
    ids = world.actors.ids[world.vehicles.row].tolist()
    return [list(pair) for pair in zip(ids, world.vehicles.light_flags.tolist(), strict=True)]


@call(Family.VALUE, u32, wheel)
def get_wheel_steer_angle(session: Session, actor_id: int, place: int) -> float:
    """Return the angle of a wheel in degrees."""
    return session.server.simulation.world.wheel_steer_angle(actor_id, place)


@call(Family.VALUE, u32, wheel)
def get_wheel_pitch_angle(session: Session, actor_id: int, place: int) -> float:
    """Return how far a wheel has rolled, degrees in [0, 360)."""
    return session.server.simulation.world.wheel_pitch_angle(actor_id, place)


@call(Family.VOID, u32, wheel, number)
def set_wheel_steer_direction(session: Session, actor_id: int, place: int, angle_deg: float) -> None:
    """Turn a wheel as it is drawn."""
    session.server.simulation.world.set_wheel_steer_direction(actor_id, place, angle_deg)


@call(Family.VOID, u32, wheel, number)
def set_wheel_pitch_angle(session: Session, actor_id: int, place: int, angle_deg: float) -> None:
    """Roll a wheel as it is drawn."""
    session.server.simulation.world.set_wheel_pitch_angle(actor_id, place, angle_deg)


@call(Family.VOID, u32, door)
def open_vehicle_door(session: Session, actor_id: int, place: int) -> None:
    """Open a door."""
    session.server.simulation.world.open_door(actor_id, place)


@call(Family.VOID, u32, door)
def close_vehicle_door(session: Session, actor_id: int, place: int) -> None:
    """Close a door."""
    session.server.simulation.world.close_door(actor_id, place)


def _refuse_physics(session: Session, actor_id: int, action: str, missing: str) -> None:
    """Refuse other physics for a vehicle; the log says so, once an actor, as CARLA's client does not wait for the answer."""
    simulation = session.server.simulation
    simulation.world.vehicle(actor_id, action)
    reason = f"{missing}: the vehicle keeps this server's dynamics"
    if actor_id not in simulation.refused_physics:
        simulation.refused_physics.add(actor_id)
        _LOG.warning("actor %d, %s: %s", actor_id, action, reason)
    raise CallError(reason)


@call(Family.VOID, u32, text)
def enable_carsim(session: Session, actor_id: int, file_name: str) -> None:
    """Refuse: there is no CarSim here, as in CARLA's packages."""
    _refuse_physics(session, actor_id, "enable CarSim", "CarSim plugin is not enabled")


@call(Family.VOID, u32, boolean)
def use_carsim_road(session: Session, actor_id: int, enabled: bool) -> None:
    """Refuse: there is no CarSim here, as in CARLA's packages."""
    _refuse_physics(session, actor_id, "use CarSim road", "CarSim plugin is not enabled")


@call(Family.VOID, u32, u64, number, text, text, text, text)
def enable_chrono_physics(
    session: Session,
    actor_id: int,
    max_substeps: int,
    max_substep_s: float,
    vehicle_json: str,
    powertrain_json: str,
    tire_json: str,
    base_path: str,
) -> None:
    """Refuse: there is no Chrono here, as in CARLA's packages; no file is read."""
    _refuse_physics(session, actor_id, "enable Chrono physics", "Chrono is not built into this server")


@call(Family.VOID, u32)
def restore_physx_physics(session: Session, actor_id: int) -> None:
    """Accept for a vehicle: it has never left this server's dynamics."""
    session.server.simulation.world.vehicle(actor_id, "restore physics")
