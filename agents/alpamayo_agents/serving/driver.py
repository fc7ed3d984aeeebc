"""The interfaces between the model server and what drives: one driver for each session, or one policy for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alpamayo_agents.serving.messages import Command, Observation, SessionStart


class Driver(ABC):
    """Drives one route; everything but `close` is called from one thread, in order."""

    @abstractmethod
    def start(self, start: SessionStart) -> None:
        """Prepare for a route. Raises InputError or InfrastructureError, whose words reach the evaluator."""

    @abstractmethod
    def step(self, observation: Observation) -> Command:
        """Return the answer to one tick."""

    def close(self) -> None:
        """Release what `start` took; safe to call twice and before `start`."""
        return


class BatchedPolicy(ABC):
    """Drives any number of routes at once: the ticks of sessions that wait at the same time come in one call."""

    name: str = "policy"
    sensors: Sequence[Mapping[str, Any]] = ()
    """The leaderboard's sensor specifications."""
    tracks: Sequence[str] = ("SENSORS", "SENSORS_QUALIFIER")
    """The leaderboard's tracks that these sensors are allowed in."""
    max_batch: int = 8
    max_wait_s: float = 0.005
    """How long a tick may wait for others to be answered with."""

    @abstractmethod
    def start(self, session: int, start: SessionStart) -> None:
        """Prepare for a route of a session."""

    @abstractmethod
    def act(self, requests: Sequence[tuple[int, Observation]]) -> Sequence[Command]:
        """Return the answers to 1 to `max_batch` ticks of different sessions (session, observation), in their order."""

    def end(self, session: int) -> None:
        """Forget a session; called once for every one that was started."""
        return


@dataclass(frozen=True)
class Offer:
    """What a model server offers to evaluators."""

    agent: str
    privileged: bool
    """Whether it looks at the world through a CARLA client of its own, so needs the address and the dense route."""
    sensors: tuple[Mapping[str, Any], ...]
    tracks: tuple[str, ...] = field(default=("SENSORS", "MAP", "SENSORS_QUALIFIER", "MAP_QUALIFIER"))
