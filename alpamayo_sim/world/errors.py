"""What the world refuses, in CARLA's words."""

from __future__ import annotations


class WorldError(RuntimeError):
    """A command that the world can not carry out; the message is what CARLA's server would answer."""


class SpawnError(WorldError):
    """An actor was not created."""


class UnknownActor(WorldError):
    """No live actor has that id."""

    def __init__(self, actor_id: int, command: str = "find actor") -> None:
        super().__init__(f"unable to {command}: actor not found")
        self.actor_id = actor_id


class WrongActor(WorldError):
    """The actor is not of the kind that the command is for."""

    def __init__(self, actor_id: int, command: str, expected: str) -> None:
        super().__init__(f"unable to {command}: actor {actor_id} is not a {expected}")
        self.actor_id = actor_id
