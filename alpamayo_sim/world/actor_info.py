"""What the world tells about an actor that does not change while it lives."""

from __future__ import annotations

from dataclasses import dataclass

from alpamayo_sim.world.tables import ActorKind

Vector3 = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ActorInfo:
    """Identity, attributes and box of one actor."""

    id: int
    parent_id: int
    """0 without a parent."""
    kind: ActorKind
    uid: int
    """Registration number of the blueprint; 0 for what the map brings."""
    type_id: str
    attributes: tuple[tuple[str, int, str], ...]
    """(id, ActorAttributeType, value) each."""
    extent: Vector3
    """Half sizes of the box, metres."""
    box_center: Vector3
    """Centre of the box in the actor's frame, metres."""
    semantic_tags: tuple[int, ...]
    attachment: int = 0
    sign_id: str = ""
    """OpenDRIVE id of the signal behind a traffic light or sign."""

    @property
    def attribute_values(self) -> dict[str, str]:
        """The attributes' values by id."""
        return {id: value for id, _, value in self.attributes}
