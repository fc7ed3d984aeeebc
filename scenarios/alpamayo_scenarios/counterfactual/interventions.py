"""What a counterfactual changes in the world, as data; how it is done is `applying.py`'s.

Everything is done through the `carla` client, as any other client of the server could do it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field


@dataclass(frozen=True)
class ActorRef:
    """Somebody or something as it was recorded at the keyframe; a replay finds it by type and place."""

    actor_id: int
    """In the recording; a replay may give another."""
    type_id: str
    x_m: float
    """Of its origin, CARLA world frame."""
    y_m: float


@dataclass(frozen=True)
class Place:
    """A place to be put at, CARLA world frame."""

    x_m: float
    y_m: float
    z_m: float
    yaw_deg: float


@dataclass(frozen=True)
class RemoveActors:
    """The actors are destroyed."""

    actors: tuple[ActorRef, ...]
    kind: Literal["remove_actors"] = "remove_actors"


@dataclass(frozen=True)
class MoveActors:
    """The actors stay in the world, but elsewhere: who moves along a lane goes on far ahead in it, everybody else stands or
    walks far beside the way.
    """

    actors: tuple[ActorRef, ...]
    kind: Literal["move_actors"] = "move_actors"


@dataclass(frozen=True)
class HoldLight:
    """A traffic light shows one state from the keyframe on, whatever its controller says.

    With green, the other lights of its group are held at red, so that nobody else has been sent into the junction.
    """

    light_id: int
    """The light's actor id, which belongs to the town and is the same in every episode there."""
    state: Literal["red", "yellow", "green", "off"]
    kind: Literal["hold_light"] = "hold_light"


@dataclass(frozen=True)
class HoldActors:
    """The actors stand still, each at its place; who has moved on already is put back there."""

    actors: tuple[ActorRef, ...]
    """As they are at the keyframe."""
    places: tuple[Place, ...]
    """One for each."""
    kind: Literal["hold_actors"] = "hold_actors"


@dataclass(frozen=True)
class PutObstacle:
    """A barrier appears at a place: something else is in the way, where the one that was has left."""

    place: Place
    kind: Literal["put_obstacle"] = "put_obstacle"


@dataclass(frozen=True)
class RemoveSign:
    """A stop or yield sign is destroyed, and the driver is set up afresh: it looks for signs when it is."""

    sign_id: int
    """The sign's actor id, which belongs to the town."""
    kind: Literal["remove_sign"] = "remove_sign"


@dataclass(frozen=True)
class MoveSign:
    """A stop or yield sign is taken elsewhere, far off the way, and the driver is set up afresh."""

    sign_id: int
    kind: Literal["move_sign"] = "move_sign"


@dataclass(frozen=True)
class ChangeRoute:
    """The driver is set up afresh with another way to go: on in its lane, or out of the next junction by another exit."""

    kind: Literal["change_route"] = "change_route"


@dataclass(frozen=True)
class RenewDriver:
    """The driver is set up afresh and nothing else changes: what the interventions that do so are to be compared with."""

    kind: Literal["renew_driver"] = "renew_driver"


Intervention = Annotated[
    RemoveActors
    | MoveActors
    | HoldActors
    | PutObstacle
    | HoldLight
    | RemoveSign
    | MoveSign
    | ChangeRoute
    | RenewDriver,
    Field(discriminator="kind"),
]
RENEWING = (RemoveSign, MoveSign, ChangeRoute, RenewDriver)
"""Those that set the driver up afresh, which alone may change what it does."""
