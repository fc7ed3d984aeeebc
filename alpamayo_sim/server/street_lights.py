"""Street lamps as CARLA's light manager sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alpamayo_sim.roads.statics import StaticBoxes, StaticKind
from alpamayo_sim.server.registry import CallError

STREET_GROUP = 1
DEFAULT_INTENSITY = 2000.0
DEFAULT_COLOR = (255, 220, 170)


class StreetLights:
    """State of every lamp of the map: `[id, place, intensity, group, colour, active]`."""

    def __init__(self, statics: StaticBoxes | None) -> None:
        self._lights: list[list[Any]] = []
        if statics is not None:
            for index in (statics.kind == StaticKind.LAMP).nonzero()[0].tolist():
                x, y, z = statics.center[index].tolist()
                top = z + float(statics.extent[index, 2])
                self._lights.append(
                    [len(self._lights) + 1, [x, y, top], DEFAULT_INTENSITY, STREET_GROUP, list(DEFAULT_COLOR), False]
                )

    def records(self) -> list[list[Any]]:
        """Return all lamps as the wire has them."""
        return self._lights

    def update(self, states: Sequence[tuple[Any, ...]]) -> None:
        """Take over new states of lamps; CallError for one that does not exist."""
        for light_id, _, intensity, group, color, active in states:
            if not 1 <= light_id <= len(self._lights):
                raise CallError(f"there is no street light {light_id}")
            light = self._lights[light_id - 1]
            self._lights[light_id - 1] = [light_id, light[1], intensity, group, list(color), active]

    def switch_all(self, active: bool) -> None:
        """Switch every lamp."""
        self._lights = [[*light[:5], active] for light in self._lights]
