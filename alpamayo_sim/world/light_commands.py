"""Commands on traffic lights."""

from __future__ import annotations

import numpy as np

from alpamayo_sim.world.light_cycle import LightCycle
from alpamayo_sim.world.tables import LightColor
from alpamayo_sim.world.world_state import WorldState


class LightCommands(WorldState):
    """Part of `World`: commands on traffic lights. Unknown ids raise UnknownActor, other actors WrongActor."""

    light_cycle: LightCycle

    def set_light_state(self, actor_id: int, state: int) -> None:
        """Show a colour now; the cycle goes on and overwrites it unless the lights are frozen."""
        self.lights.state[self.light(actor_id, "set traffic light state")] = LightColor(state)

    def set_light_green_time(self, actor_id: int, seconds: float) -> None:
        """Set the green time of every light of the same controller."""
        self.lights.green_s[self._same_controller(actor_id, "set green time")] = seconds

    def set_light_yellow_time(self, actor_id: int, seconds: float) -> None:
        """Set the yellow time of every light of the same controller."""
        self.lights.yellow_s[self._same_controller(actor_id, "set yellow time")] = seconds

    def set_light_red_time(self, actor_id: int, seconds: float) -> None:
        """Set the red time of every light of the same controller."""
        self.lights.red_s[self._same_controller(actor_id, "set red time")] = seconds

    def _same_controller(self, actor_id: int, command: str) -> np.ndarray:
        index = self.light(actor_id, command)
        return self.lights.controller == self.lights.controller[index]

    def freeze_all_lights(self, frozen: bool) -> None:
        """Stop or resume the cycles of all lights."""
        self.light_cycle.frozen = frozen
        self.lights.frozen = frozen

    def reset_light_group(self, actor_id: int) -> None:
        """Start the cycle of the light's junction anew."""
        self.light_cycle.reset(int(self.lights.group[self.light(actor_id, "reset traffic light group")]))

    def reset_all_lights(self) -> None:
        """Start the cycles of all junctions anew."""
        for group in range(len(self.light_cycle.groups)):
            self.light_cycle.reset(group)

    def group_lights(self, actor_id: int) -> list[int]:
        """Return the ids of the lights of the same junction, itself among them."""
        index = self.light(actor_id, "get group traffic lights")
        same = self.lights.group == self.lights.group[index]
        return self.actors.ids[self.lights.row[same]].tolist()
