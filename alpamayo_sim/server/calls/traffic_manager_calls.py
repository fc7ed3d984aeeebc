"""Calls by which clients find each other's TrafficManagers."""

from __future__ import annotations

from typing import Any

from alpamayo_sim.server.codec import struct_of, text, u16
from alpamayo_sim.server.registry import Family, call
from alpamayo_sim.server.rpc import Session


@call(Family.VALUE, u16)
def is_traffic_manager_running(session: Session, port: int) -> bool:
    """Return whether a client runs one at the port."""
    return session.server.traffic_managers.is_running(port)


@call(Family.VALUE, u16)
def get_traffic_manager_running(session: Session, port: int) -> list[Any]:
    """Return host and port of the one at the port."""
    return list(session.server.traffic_managers.find(port))


@call(Family.VALUE, struct_of("TrafficManagerAddress", text, u16))
def add_traffic_manager_running(session: Session, address: tuple[str, int]) -> bool:
    """Register the caller's."""
    session.gate.managers += 1
    return session.server.traffic_managers.add(*address, session.connection)


@call(Family.VOID, u16)
def destroy_traffic_manager(session: Session, port: int) -> None:
    """Forget the one at the port."""
    session.server.traffic_managers.remove(port)
