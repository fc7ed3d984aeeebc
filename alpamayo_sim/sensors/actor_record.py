"""An actor as messages carry it."""

from __future__ import annotations

from typing import Any

from alpamayo_sim.world.actor_info import ActorInfo


def bounding_box(info: ActorInfo) -> list[Any]:
    """Return an actor's box: centre and half sizes in its own frame, no rotation, its id."""
    return [list(info.box_center), list(info.extent), [0.0, 0.0, 0.0], info.id]


def actor_record(info: ActorInfo, token: bytes = b"") -> list[Any]:
    """Return id, parent, description, box, semantic tags and stream token, in the order of CARLA's `Actor`."""
    description = [info.uid, info.type_id, [list(attribute) for attribute in info.attributes]]
    return [info.id, info.parent_id, description, bounding_box(info), bytes(info.semantic_tags), token]


def static_record(type_id: str) -> list[Any]:
    """Return the actor that stands for a part of the map, such as `static.building`; its id is 0."""
    return [0, 0, [0, type_id, []], [[0.0] * 3, [0.0] * 3, [0.0] * 3, 0], b"", b""]
