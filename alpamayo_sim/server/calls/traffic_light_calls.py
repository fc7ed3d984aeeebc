"""Calls on traffic lights."""

from __future__ import annotations

from typing import Any

from alpamayo_sim.server.codec import boolean, integer, number, u32
from alpamayo_sim.server.level_boxes import world_box
from alpamayo_sim.server.registry import Family, call
from alpamayo_sim.server.rpc import Session

light_color = integer(0, 4)


@call(Family.VALUE, u32)
def get_group_traffic_lights(session: Session, actor_id: int) -> list[int]:
    """Return the ids of the lights of one junction, itself among them."""
    return session.server.simulation.world.group_lights(actor_id)


@call(Family.VALUE, u32)
def get_light_boxes(session: Session, actor_id: int) -> list[Any]:
    """Return the boxes of the lamp housings, in the CARLA world frame."""
    world = session.server.simulation.world
    world.group_lights(actor_id)
    row = world.actors.ids.searchsorted(actor_id)
    signal = int(world.lights.signal[(world.lights.row == row).argmax()])
    return [world_box(box, actor_id) for box in world.scene.light_boxes[signal]]


@call(Family.VOID, u32, light_color)
def set_traffic_light_state(session: Session, actor_id: int, state: int) -> None:
    """Show a colour."""
    session.server.simulation.world.set_light_state(actor_id, state)


@call(Family.VOID, u32, number)
def set_traffic_light_green_time(session: Session, actor_id: int, seconds: float) -> None:
    """Set the green time."""
    session.server.simulation.world.set_light_green_time(actor_id, seconds)


@call(Family.VOID, u32, number)
def set_traffic_light_yellow_time(session: Session, actor_id: int, seconds: float) -> None:
    """Set the yellow time."""
    session.server.simulation.world.set_light_yellow_time(actor_id, seconds)


@call(Family.VOID, u32, number)
def set_traffic_light_red_time(session: Session, actor_id: int, seconds: float) -> None:
    """Set the red time."""
    session.server.simulation.world.set_light_red_time(actor_id, seconds)


@call(Family.VOID, u32, boolean)
def freeze_traffic_light(session: Session, actor_id: int, frozen: bool) -> None:
    """Stop or resume all lights, as CARLA does for this call too."""
    world = session.server.simulation.world
    world.group_lights(actor_id)
    world.freeze_all_lights(frozen)


@call(Family.VOID, boolean)
def freeze_all_traffic_lights(session: Session, frozen: bool) -> None:
    """Stop or resume all lights."""
    session.server.simulation.world.freeze_all_lights(frozen)


@call(Family.VOID, u32)
def reset_traffic_light_group(session: Session, actor_id: int) -> None:
    """Start the cycle of one junction anew."""
    session.server.simulation.world.reset_light_group(actor_id)


@call(Family.VOID)
def reset_all_traffic_lights(session: Session) -> None:
    """Start all cycles anew."""
    session.server.simulation.world.reset_all_lights()
