"""Collisions of the ego, counted once each."""

from __future__ import annotations

import math
from typing import ClassVar

from alpamayo_sim.metrics.infraction import Infraction, InfractionKind, ego_location, location_text
from alpamayo_sim.metrics.tick import CLOCK_SLACK_S, CollisionEvent, TickRecord

_SAME_PLACE_M = 5.0
_SAME_ACTOR_S = 5.0
_AT_REST_MPS = 0.1


class Collision:
    """Counts contacts as `CollisionTest` of ScenarioRunner does.

    A contact is not counted again while the ego is within 5 m of the last counted one, nor with the same actor within 5
    s, nor when the ego stands (below 0.1 m/s), because then it is not the ego's fault. Place, time and speed are those
    of the tick before the contact: its message comes before the state of its own tick.
    """

    name: ClassVar[str] = "collision"

    def __init__(self) -> None:
        self._last_id = 0
        self._last_time_s = -math.inf
        self._last_place: tuple[float, float, float] | None = None
        self._before: TickRecord | None = None

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Return one infraction for every contact that counts."""
        before = self._before or tick
        there = ego_location(before)
        found: list[Infraction] = []
        for event in tick.collisions:
            same_actor = event.other_id != 0 and event.other_id == self._last_id
            same_place = self._last_place is not None and math.dist(there, self._last_place) <= _SAME_PLACE_M
            if same_actor or same_place or before.planar_speed_mps < _AT_REST_MPS:
                continue
            self._last_time_s, self._last_place = before.time_s, there
            self._last_id = event.other_id or self._last_id
            kind = collision_kind(event.other_type_id)
            if kind is not None:
                found.append(_infraction(kind, event, tick, there))
        if self._last_place is not None and math.dist(ego_location(tick), self._last_place) > _SAME_PLACE_M:
            self._last_place = None
        if tick.time_s - self._last_time_s > _SAME_ACTOR_S - CLOCK_SLACK_S:
            self._last_id = 0
        self._before = tick
        return found

    def finish(self) -> list[Infraction]:
        """Return nothing: every contact was seen when it happened."""
        return []

    def values(self) -> dict[str, float]:
        """Return no figure of its own: collisions are counted as infractions."""
        return {}


def collision_kind(other_type_id: str) -> InfractionKind | None:
    """Return the kind of a collision with a blueprint or "static.*" id; None for what is never counted (a sidewalk)."""
    if ("static" in other_type_id or "traffic" in other_type_id) and "sidewalk" not in other_type_id:
        return InfractionKind.COLLISION_STATIC
    if "vehicle" in other_type_id:
        return InfractionKind.COLLISION_VEHICLE
    if "walker" in other_type_id:
        return InfractionKind.COLLISION_PEDESTRIAN
    return None


def _infraction(
    kind: InfractionKind, event: CollisionEvent, tick: TickRecord, place: tuple[float, float, float]
) -> Infraction:
    other = f"type={event.other_type_id} and id={event.other_id}"
    message = f"Agent collided against object with {other} at {location_text(place)}"
    return Infraction(kind, tick.frame, tick.time_s, place, message, event.other_id, event.other_type_id)
