"""Commands that walkers understand."""

from __future__ import annotations

import math
from collections.abc import Sequence

from alpamayo_sim.frames import Transform
from alpamayo_sim.world.actor_commands import ActorCommands

AFTER_LIFE_SPAN_S = 10.0
"""How long CARLA leaves a dead walker where it fell (`AWalkerBase::AfterLifeSpan`)."""


class WalkerCommands(ActorCommands):
    """Part of `World`: commands on walkers. Unknown ids raise UnknownActor, other actors WrongActor."""

    def walkers_to_remove(self) -> list[int]:
        """Return the ids of the walkers that have been dead for their life span."""
        gone = self.walkers.dead & (self.elapsed_s - self.walkers.died_at_s >= AFTER_LIFE_SPAN_S)
        return self.actors.ids[self.walkers.row[gone]].tolist()

    def apply_walker_control(self, actor_id: int, direction: Sequence[float], speed: float, jump: bool = False) -> None:
        """Walk at `speed` metres per second along `direction` (CARLA world frame) until told otherwise; jump once."""
        record = self.walkers.records[self.walker(actor_id, "apply control to walker")]
        record["direction"] = direction
        record["speed"] = speed
        record["jump"] = jump

    def apply_walker_state(self, actor_id: int, transform: Transform, speed: float) -> None:
        """Put a walker's feet somewhere and say how fast it walks there, along its forward vector (CARLA's AI walkers).

        The clients' navigation knows walkers by the point under their feet, the world by the middle of their capsule.
        """
        index = self.walker(actor_id, "apply walker state")
        half_height = float(self.actors.extent[self.walkers.row[index], 2])
        self.set_transform(actor_id, transform._replace(z=transform.z + half_height))
        record = self.walkers.records[index]
        yaw = math.radians(transform.yaw)
        record["direction"] = (math.cos(yaw), math.sin(yaw), 0.0)
        record["speed"] = speed
        row = self.walkers.row[index]
        if not self.actors.simulate_physics[row]:
            self.actors.velocity_mps[row] = (speed * math.cos(yaw), speed * math.sin(yaw), 0.0)
