"""Collision detector: one message for each thing that the parent touched during a tick."""

from __future__ import annotations

from collections.abc import Sequence

from alpamayo_sim.sensors.actor_record import actor_record, static_record
from alpamayo_sim.sensors.sensor import Tick, pack
from alpamayo_sim.world.errors import UnknownActor


class CollisionDetector:
    """`sensor.other.collision`: who, with whom, and the normal impulse (N*s, CARLA world frame)."""

    def measure(self, tick: Tick) -> Sequence[bytes]:
        """Return one body a contact: `[actor, other actor, normal impulse]`."""
        contacts = [contact for contact in tick.events.collisions if contact.actor_id == tick.parent_id]
        bodies: list[bytes] = []
        for contact in contacts:
            try:
                own = actor_record(tick.world.info(contact.actor_id))
                other = actor_record(tick.world.info(contact.other_id)) if contact.other_id else None
            except UnknownActor:
                continue
            other = other or static_record(contact.other_type_id)
            bodies.append(pack([own, other, [float(value) for value in contact.normal_impulse]]))
        return bodies
