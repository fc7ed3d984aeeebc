"""Commands that walkers understand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from alpamayo_sim.world.errors import WrongActor

if TYPE_CHECKING:
    from alpamayo_sim.frames import Transform
    from alpamayo_sim.world.tables import ActorTable, WalkerTable


class WalkerCommands:
    """Part of `World`: commands on walkers. Unknown ids raise UnknownActor, other actors WrongActor."""

    actors: ActorTable
    walkers: WalkerTable
    _row_of: dict[int, int]
    _walker_of: dict[int, int]

    def _walker(self, actor_id: int, command: str) -> int:
        index = self._walker_of.get(actor_id)
        if index is None:
            self._row(actor_id, command)
            raise WrongActor(actor_id, command, "walker")
        return index

    def _row(self, actor_id: int, command: str = "find actor") -> int: ...

    def set_transform(self, actor_id: int, transform: Transform) -> None: ...

    def apply_walker_control(
        self, actor_id: int, direction: Sequence[float], speed: float, jump: bool = False
    ) -> None:
        """Walk at `speed` metres per second along `direction` (CARLA world frame) until told otherwise."""
        index = self._walker(actor_id, "apply control to walker")
        self.walkers.direction[index] = direction
        self.walkers.speed[index] = speed
        self.walkers.jump[index] = jump

    def apply_walker_state(self, actor_id: int, transform: Transform, speed: float) -> None:
        """Put a walker somewhere and say how fast it walks there."""
        index = self._walker(actor_id, "apply walker state")
        self.set_transform(actor_id, transform)
        self.walkers.speed[index] = speed

    def _step_walkers(self, dt_s: float) -> None:
        actors = self.actors
        for index, row in enumerate(self.walkers.row.tolist()):
            if actors.simulate_physics[row]:
                velocity = self.walkers.direction[index] * self.walkers.speed[index]
                actors.velocity_mps[row] = velocity
                actors.location[row] += velocity * dt_s
