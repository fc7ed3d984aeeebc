"""Calls on pedestrians."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alpamayo_sim.server.codec import u32, walker_control
from alpamayo_sim.server.registry import Family, call
from alpamayo_sim.server.rpc import Session


@call(Family.VOID, u32, walker_control)
def apply_control_to_walker(session: Session, actor_id: int, control: Sequence[Any]) -> None:
    """Walk: direction, speed in m/s, jump."""
    session.server.simulation.world.apply_walker_control(actor_id, *control)
