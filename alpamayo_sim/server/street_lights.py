"""Street lamps as CARLA's light manager sees them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from alpamayo_sim.roads.statics import StaticBoxes, StaticKind

STREET_GROUP = 2
"""CARLA's `LightGroup.Street`."""
DEFAULT_INTENSITY = 2000.0
DEFAULT_COLOR = (255, 220, 170)
DUSK_DEG = 0.0
"""Altitude of the sun below which the day-night cycle lights the lamps."""
_LOG = logging.getLogger(__name__)


class StreetLights:
    """State of every lamp of the map: `[id, place, intensity, group, colour, active]`."""

    def __init__(self, statics: StaticBoxes | None, sun_altitude_deg: float) -> None:
        self._lights: list[list[Any]] = []
        self.day_night_cycle = True
        """Whether lamps go on at dusk and off at dawn; clients may switch them in between."""
        self._dark = False
        self.changed = False
        """Whether clients have to ask anew; the next world state tells them so."""
        if statics is not None:
            for index in (statics.kind == StaticKind.LAMP).nonzero()[0].tolist():
                x, y, z = statics.center[index].tolist()
                top = z + float(statics.extent[index, 2])
                self._lights.append(
                    [len(self._lights) + 1, [x, y, top], DEFAULT_INTENSITY, STREET_GROUP, list(DEFAULT_COLOR), False]
                )
        self.follow_sun(sun_altitude_deg)
        self.changed = False

    def records(self) -> list[list[Any]]:
        """Return all lamps as the wire has them."""
        return self._lights

    def shining(self) -> list[bool]:
        """Return for each lamp whether it is on or, as all are by day, will be when it gets dark."""
        return [bool(light[5]) or not self._dark for light in self._lights]

    def update(self, states: Sequence[tuple[Any, ...]]) -> None:
        """Take over new states of lamps, their places excepted; ids that do not exist are passed over, as by CARLA."""
        for light_id, _, intensity, group, color, active in states:
            if not 1 <= light_id <= len(self._lights):
                _LOG.warning("update_lights_state: there is no street light %d", light_id)
                continue
            place = self._lights[light_id - 1][1]
            self._lights[light_id - 1] = [light_id, place, intensity, group, list(color), active]
            self.changed = True

    def set_day_night_cycle(self, active: bool, sun_altitude_deg: float) -> None:
        """Let lamps follow the sun, or not; lamps that begin to follow it take the state that goes with it."""
        self.day_night_cycle = active
        if active:
            self._dark = sun_altitude_deg < DUSK_DEG
            self._switch_all(self._dark)

    def follow_sun(self, sun_altitude_deg: float) -> None:
        """Switch the lamps when the sun has crossed the horizon, if they follow it."""
        dark = sun_altitude_deg < DUSK_DEG
        if dark != self._dark:
            self._dark = dark
            if self.day_night_cycle:
                self._switch_all(dark)

    def _switch_all(self, active: bool) -> None:
        self._lights = [[*light[:5], active] for light in self._lights]
        self.changed = bool(self._lights)
