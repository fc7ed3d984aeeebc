"""Calls on the episode: version, settings, ticks, streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alpamayo_sim.server.codec import boolean, episode_settings, text, u16, u32
from alpamayo_sim.server.registry import CallError, Family, call
from alpamayo_sim.server.rpc import PendingReply, Session
from alpamayo_sim.server.settings import checked_settings

VERSION = "0.9.16"
FREE_POLLS_PER_FRAME = 4
"""How often a client may ask for the settings within one frame of an asynchronous world before it waits for the next.

TrafficManager asks as fast as it is answered; CARLA answers once a frame.
"""


@call(Family.VALUE)
def version(session: Session) -> str:
    """Return the version of CARLA whose protocol this is."""
    return VERSION


@call(Family.VALUE)
def get_episode_info(session: Session) -> list[Any]:
    """Return the episode id and the token of the world-observer stream."""
    server = session.server
    return [server.simulation.episode_id, [server.hub.token(server.simulation.world_stream)]]


@call(Family.VALUE)
def get_episode_settings(session: Session) -> Any:
    """Return the settings, at the next frame when asked too often."""
    server = session.server
    session.gate.settings_asked()
    changed = PendingReply(holds=False)
    if server.when_episode_changed(session.connection, lambda: changed.resolve(server.simulation.settings.record())):
        return changed
    if server.clock.synchronous:
        # A client asks right after it has subscribed to the world's state, and then takes for granted that it has it.
        late = PendingReply(holds=True)
        if server.when_subscribed(session.connection, lambda: late.resolve(server.simulation.settings.record())):
            return late
        return server.simulation.settings.record()
    if session.polls_in(server.simulation.world.frame) <= FREE_POLLS_PER_FRAME:
        return server.simulation.settings.record()
    reply = PendingReply(holds=False)
    server.clock.at_next_frame(lambda: reply.resolve(server.simulation.settings.record()))
    return reply


@call(Family.VALUE, episode_settings)
def set_episode_settings(session: Session, fields: Sequence[Any]) -> int:
    """Take over settings and return the frame."""
    session.server.apply_settings(checked_settings(fields), session.connection)
    return session.server.simulation.world.frame


@call(Family.VALUE)
def tick_cue(session: Session) -> Any:
    """Advance a synchronous world by one step and return the frame."""
    return session.server.cue(session, lambda frame: frame)


@call(Family.VALUE, u32)
def get_sensor_token(session: Session, stream_id: int) -> list[bytes]:
    """Return where to subscribe to a stream."""
    stream = session.server.hub.find(stream_id)
    if stream is None:
        raise CallError(f"there is no stream {stream_id}")
    return [session.server.give_token(stream, session.connection)]


@call(Family.VOID, text, boolean, u16)
def load_new_episode(session: Session, name: str, reset_settings: bool, layers: int) -> PendingReply:
    """Load a map; "" loads the present one again. As in CARLA, the new episode begins after the answer."""
    session.server.simulation.wanted_layers = layers
    return session.server.load_map(name, reset_settings=reset_settings, caller=session.connection)
