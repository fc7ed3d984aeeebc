"""The agent of a driving model that ends after a few seconds, for `--agent soon_over:SoonOver`."""

from __future__ import annotations

import sys

import carla

from alpamayo_agents.base import Decision
from alpamayo_agents.vla.agent import VlaAgent

TICKS = 76
"""1.5 s of history before the first plan, and 2.3 s with plans."""


class SoonOver(VlaAgent):
    """Drives as its model says, and then gives up and says which runtimes its process has loaded."""

    ticks = 0

    def run_step(self, snapshot: carla.WorldSnapshot) -> Decision:
        self.ticks += 1
        if self.ticks > TICKS:
            loaded = [name for name in ("torch", "transformers", "onnxruntime") if name in sys.modules]
            raise RuntimeError(f"over, having loaded {loaded}")
        return super().run_step(snapshot)
