"""Calls on sensors beyond their streams: ROS, gbuffers, V2X messages, vehicles to ignore."""

from __future__ import annotations

from collections.abc import Sequence

from alpamayo_sim.server.codec import array, boolean, text, u32
from alpamayo_sim.server.registry import CallError, Family, call
from alpamayo_sim.server.rpc import Session
from alpamayo_sim.world.errors import WrongActor
from alpamayo_sim.world.tables import ActorKind

V2X_CUSTOM = "sensor.other.v2x_custom"


def _stream_exists(session: Session, stream_id: int) -> None:
    if session.server.hub.find(stream_id) is None:
        raise CallError(f"there is no stream {stream_id}")


def _sensor(session: Session, actor_id: int, command: str) -> str:
    """Return the type of a sensor actor; raises UnknownActor or WrongActor."""
    info = session.server.simulation.world.info(actor_id)
    if info.kind != ActorKind.SENSOR:
        raise WrongActor(actor_id, command, "sensor")
    return info.type_id


@call(Family.VOID, u32)
def enable_sensor_for_ros(session: Session, stream_id: int) -> None:
    """Refuse: there is no ROS bridge here, as in a CARLA that was started without `--ros2`."""
    _stream_exists(session, stream_id)
    raise CallError("this server does not publish to ROS")


@call(Family.VOID, u32)
def disable_sensor_for_ros(session: Session, stream_id: int) -> None:
    """Accept: nothing is published to ROS."""
    _stream_exists(session, stream_id)


@call(Family.VALUE, u32)
def is_sensor_enabled_for_ros(session: Session, stream_id: int) -> bool:
    """Return False: nothing is published to ROS."""
    return False


@call(Family.VOID, u32, array(u32))
def set_ignored_vehicles(session: Session, actor_id: int, ids: Sequence[int]) -> None:
    """Tell a sensor which vehicles it must not detect; ids that are no actors are kept too, as in CARLA."""
    _sensor(session, actor_id, "set ignored vehicles")
    session.server.simulation.sensors.ignore(actor_id, tuple(ids))


@call(Family.VOID, u32, boolean)
def enable_gbuffers(session: Session, actor_id: int, enabled: bool) -> None:
    """Refuse to enable: cameras here have no gbuffers. Disabling is no error."""
    _sensor(session, actor_id, "enable gbuffers")
    if enabled:
        raise CallError("cameras of this server have no gbuffers")


@call(Family.VALUE, u32)
def are_gbuffers_enabled(session: Session, actor_id: int) -> bool:
    """Return False: cameras here have no gbuffers."""
    _sensor(session, actor_id, "ask for gbuffers")
    return False


@call(Family.VALUE, u32, u32)
def get_gbuffer_token(session: Session, actor_id: int, gbuffer_id: int) -> bytes:
    """Refuse: cameras here have no gbuffers."""
    _sensor(session, actor_id, "get gbuffer token")
    raise CallError("cameras of this server have no gbuffers")


@call(Family.VOID, u32, text)
def send(session: Session, actor_id: int, message: str) -> None:
    """Refuse: V2X sensors are not simulated. CARLA takes messages for custom V2X sensors only."""
    if _sensor(session, actor_id, "send") != V2X_CUSTOM:
        raise WrongActor(actor_id, "send", "custom V2X sensor")
    raise CallError("this server does not simulate V2X")
