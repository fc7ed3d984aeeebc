"""Calls on the recorder and the replayer."""

from __future__ import annotations

from typing import Any

from alpamayo_sim.frames import Transform
from alpamayo_sim.server.codec import boolean, integer, number, text, transform, u32
from alpamayo_sim.server.recorder.replayer import ReplayRequest
from alpamayo_sim.server.registry import CallError, Family, call
from alpamayo_sim.server.rpc import Session

character = integer(-128, 255)
"""A C++ char, which travels as a number."""
MAX_TIME_FACTOR = 1.0e6


@call(Family.VALUE, text, boolean)
def start_recorder(session: Session, name: str, additional: bool) -> str:
    """Record from the next tick on; return the path of the file."""
    return session.server.simulation.recordings.start(name, additional=additional)


@call(Family.VOID)
def stop_recorder(session: Session) -> None:
    """End the recording."""
    session.server.simulation.recordings.stop()


@call(Family.VALUE, text, boolean)
def show_recorder_file_info(session: Session, name: str, show_all: bool) -> str:
    """Return a text about what a recording holds."""
    return session.server.simulation.recordings.file_info(name, show_all=show_all)


@call(Family.VALUE, text, character, character)
def show_recorder_collisions(session: Session, name: str, first_type: int, second_type: int) -> str:
    """Return a text about the collisions between two types of actors."""
    return session.server.simulation.recordings.collisions(name, chr(first_type & 0xFF), chr(second_type & 0xFF))


@call(Family.VALUE, text, number, number)
def show_recorder_actors_blocked(session: Session, name: str, min_time_s: float, min_distance_cm: float) -> str:
    """Return a text about actors that moved less than a distance for at least a time."""
    return session.server.simulation.recordings.actors_blocked(name, min_time_s, min_distance_cm)


@call(Family.VALUE, text, number, number, u32, boolean, transform)
def replay_file(
    session: Session,
    name: str,
    start_s: float,
    duration_s: float,
    follow_id: int,
    replay_sensors: bool,
    offset: Transform,
) -> Any:
    """Play a recording, on its own map; return a text about what will be played."""
    recordings = session.server.simulation.recordings
    request = ReplayRequest(start_s, duration_s, follow_id, replay_sensors, offset)
    answer, other_map = recordings.replay(name, request)
    if other_map is None:
        return answer

    def not_loaded(error: str) -> str:
        recordings.forget_waiting()
        return f"{answer.splitlines()[0]}\nCould not load mapfile {other_map}: {error}\n"

    try:
        return session.server.load_map(
            other_map, reset_settings=True, caller=session.connection, answer=answer, failed=not_loaded
        )
    except CallError as error:
        return not_loaded(str(error))


@call(Family.VOID, boolean)
def stop_replayer(session: Session, keep_actors: bool) -> None:
    """End the replay."""
    session.server.simulation.recordings.stop_replay(keep_actors=keep_actors)


@call(Family.VOID, number)
def set_replayer_time_factor(session: Session, time_factor: float) -> None:
    """Set how much faster than recorded replays go."""
    if not 0.0 <= time_factor <= MAX_TIME_FACTOR:
        raise CallError(f"the time factor of a replay must lie in [0, {MAX_TIME_FACTOR:g}]; found {time_factor:g}")
    session.server.simulation.recordings.settings.time_factor = time_factor


@call(Family.VOID, boolean)
def set_replayer_ignore_hero(session: Session, ignore_hero: bool) -> None:
    """Set whether replays leave out the actors whose role is hero."""
    session.server.simulation.recordings.settings.ignore_hero = ignore_hero


@call(Family.VOID, boolean)
def set_replayer_ignore_spectator(session: Session, ignore_spectator: bool) -> None:
    """Set whether replays leave the spectator alone."""
    session.server.simulation.recordings.settings.ignore_spectator = ignore_spectator
