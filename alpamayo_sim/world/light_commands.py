"""Traffic lights: their cycle and the commands on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alpamayo_sim.world.errors import WrongActor
from alpamayo_sim.world.tables import LightColor

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap
    from alpamayo_sim.world.tables import ActorTable, TrafficLightTable


class LightCommands:
    """Part of `World`: commands on traffic lights. Unknown ids raise UnknownActor, other actors WrongActor."""

    actors: ActorTable
    lights: TrafficLightTable
    road_map: RoadMap
    _light_of: dict[int, int]

    def _light(self, actor_id: int, command: str) -> int:
        index = self._light_of.get(actor_id)
        if index is None:
            self._row(actor_id, command)
            raise WrongActor(actor_id, command, "traffic light")
        return index

    def _row(self, actor_id: int, command: str = "find actor") -> int: ...

    def _start_lights(self) -> None: ...

    def set_light_state(self, actor_id: int, state: int) -> None:
        """Show a colour now; the cycle goes on and overwrites it unless the lights are frozen."""
        self.lights.state[self._light(actor_id, "set traffic light state")] = LightColor(state)

    def set_light_green_time(self, actor_id: int, seconds: float) -> None:
        """Set the green time of every light of the same controller."""
        self.lights.green_s[self._light(actor_id, "set green time")] = seconds

    def set_light_yellow_time(self, actor_id: int, seconds: float) -> None:
        """Set the yellow time of every light of the same controller."""
        self.lights.yellow_s[self._light(actor_id, "set yellow time")] = seconds

    def set_light_red_time(self, actor_id: int, seconds: float) -> None:
        """Set the red time of every light of the same controller."""
        self.lights.red_s[self._light(actor_id, "set red time")] = seconds

    def freeze_all_lights(self, frozen: bool) -> None:
        """Stop or resume the cycles of all lights."""
        self.lights.frozen = frozen

    def reset_light_group(self, actor_id: int) -> None:
        """Start the cycle of the light's junction anew."""
        self._light(actor_id, "reset traffic light group")

    def reset_all_lights(self) -> None:
        """Start the cycles of all junctions anew."""

    def group_lights(self, actor_id: int) -> list[int]:
        """Return the ids of the lights of the same junction, itself among them."""
        index = self._light(actor_id, "get group traffic lights")
        same = self.lights.group == self.lights.group[index]
        return self.actors.ids[self.lights.row[same]].tolist()

    def _step_lights(self, dt_s: float) -> None: ...
