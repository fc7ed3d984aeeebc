"""Agents that fail, for `--agent own_agents:Class`."""

from __future__ import annotations

import os
import time

import carla

from alpamayo_agents.base import Decision, EpisodeContext
from alpamayo_agents.expert import ExpertAgent
from alpamayo_sim.errors import InputError


class Crashes(ExpertAgent):
    """Raises after three seconds on the way."""

    def run_step(self, snapshot: carla.WorldSnapshot) -> Decision:
        self.steps = getattr(self, "steps", 0) + 1
        if self.steps > 60:
            raise RuntimeError("the model returned NaN")
        return super().run_step(snapshot)


class NeverReady(ExpertAgent):
    """Takes forever to get ready."""

    def setup(self, context: EpisodeContext) -> None:
        time.sleep(600.0)


class Lacks(ExpertAgent):
    """Needs something that the user has to give it."""

    def setup(self, context: EpisodeContext) -> None:
        raise InputError("expected a checkpoint at nowhere.safetensors; found none")


class Dies(ExpertAgent):
    """Takes its process with it, once for every file that FAULTS names."""

    def run_step(self, snapshot: carla.WorldSnapshot) -> Decision:
        marker = os.environ["FAULTS"]
        if not os.path.exists(marker):
            with open(marker, "w"):
                pass
            os.abort()
        return super().run_step(snapshot)
