"""The interface of every driving agent: what it is told, what it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import carla

from alpamayo_sim.policy.plan import Plan
from alpamayo_sim.record.scene_state import ExpertReason
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route


@dataclass(frozen=True)
class EpisodeContext:
    """What an agent gets before the first tick."""

    world: carla.World
    """The connected world; only privileged agents may look at other actors through it."""
    ego: carla.Vehicle
    road_map: RoadMap
    route: Route
    seed: int


@dataclass(frozen=True)
class Decision:
    """What an agent answers to one tick."""

    control: carla.VehicleControl
    plan: Plan | None = None
    """The plan that the control follows, if the agent plans."""


class Agent(ABC):
    """A driver of one ego vehicle for one episode."""

    name: ClassVar[str]
    needs_cameras: bool = False
    """Whether the agent mounts cameras, so that the server has to draw."""

    @abstractmethod
    def setup(self, context: EpisodeContext) -> None:
        """Prepare for one episode; called once, before the first tick."""

    @abstractmethod
    def run_step(self, snapshot: carla.WorldSnapshot) -> Decision:
        """Return the control for the next tick, given the state after the last one.

        The agent never ticks the world and never applies the control itself.
        """

    @property
    def reason(self) -> ExpertReason | None:
        """What the agent went by in its last decision, where it is one that can say so."""
        return None

    def notes(self) -> Mapping[str, Any]:
        """Return what the agent wants kept of the episode beside its record, as plain values; asked for after `destroy`."""
        return {}

    def destroy(self) -> None:
        """Release what `setup` took; safe to call twice and before `setup`."""
        return
