"""What one step reports beside the new state."""

from __future__ import annotations

from dataclasses import dataclass

Vector3 = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Collision:
    """One contact of an actor in one frame, as that actor's collision sensor sees it."""

    actor_id: int
    other_id: int
    """0 for what belongs to the map."""
    other_type_id: str
    """Type of the other actor; `static.building`, `static.vegetation`, ... for what belongs to the map."""
    normal_impulse: Vector3
    """On `actor_id`, in newton seconds, CARLA world frame."""


@dataclass(frozen=True, slots=True)
class StepEvents:
    """The events of one step, in order of actor ids."""

    frame: int
    collisions: tuple[Collision, ...] = ()
