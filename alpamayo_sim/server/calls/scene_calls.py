"""Calls on what shines and falls: weather, street lights, the gravity that IMUs measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alpamayo_sim.server.calls.debug_calls import color
from alpamayo_sim.server.codec import array, boolean, location, number, struct_of, text, u8, u32, weather
from alpamayo_sim.server.registry import Family, call
from alpamayo_sim.server.rpc import Session
from alpamayo_sim.world.weather import Weather

lamp_state = struct_of("LightState", u32, location, number, u8, color, boolean)


@call(Family.VALUE)
def get_weather_parameters(session: Session) -> list[float]:
    """Return the weather."""
    weather_now = session.server.simulation.world.weather
    return [getattr(weather_now, name) for name in Weather.__slots__]


@call(Family.VOID, weather)
def set_weather_parameters(session: Session, values: Sequence[float]) -> None:
    """Change the weather."""
    simulation = session.server.simulation
    simulation.world.weather = Weather(*values)
    simulation.street_lights.follow_sun(simulation.world.weather.sun_altitude_angle)


@call(Family.VALUE)
def get_imui_gravity(session: Session) -> float:
    """Return the gravity that IMUs measure, m/s^2."""
    return session.server.simulation.sensors.gravity_mps2


@call(Family.VOID, number)
def set_imui_gravity(session: Session, gravity_mps2: float) -> None:
    """Set the gravity that IMUs measure."""
    session.server.simulation.sensors.gravity_mps2 = gravity_mps2


@call(Family.VALUE, text)
def query_lights_state(session: Session, endpoint: str) -> list[Any]:
    """Return every street light."""
    return session.server.simulation.street_lights.records()


@call(Family.VOID, text, array(lamp_state), boolean)
def update_lights_state(session: Session, endpoint: str, states: Sequence[Any], discard: bool) -> None:
    """Change street lights."""
    session.server.simulation.street_lights.update(states)


@call(Family.VOID, text, boolean)
def update_day_night_cycle(session: Session, endpoint: str, active: bool) -> None:
    """Let street lights go on at dusk and off at dawn, or leave them to the clients."""
    simulation = session.server.simulation
    simulation.street_lights.set_day_night_cycle(active, simulation.world.weather.sun_altitude_angle)
