"""The cycles of the traffic lights, as CARLA runs them.

The controllers of a junction form a group and take turns: the current one shows green, yellow, red for its times, all others stay
red; when its red time is over, the next one starts with green.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.world.tables import LightColor, TrafficLightTable

GREEN_S, YELLOW_S, RED_S = 10.0, 3.0, 2.0
LONE_RED_S = 10.0
"""Red time of a light that no controller of the map mentions."""
NEXT_COLOR = {LightColor.GREEN: LightColor.YELLOW, LightColor.YELLOW: LightColor.RED}


class LightCycle:
    """Which controller of each group is on, what it shows, and for how long it has."""

    def __init__(self, lights: TrafficLightTable, groups: Sequence[Sequence[Sequence[int]]]) -> None:
        """`groups`: per junction its controllers in order, each the indices of its lights; others get a group each."""
        self.lights = lights
        self.groups: list[list[list[int]]] = [[list(lamp) for lamp in group if lamp] for group in groups]
        self.groups = [group for group in self.groups if group]
        mentioned = {light for group in self.groups for controller in group for light in controller}
        alone = [light for light in range(len(lights)) if light not in mentioned]
        self.groups += [[[light]] for light in alone]
        lights.green_s, lights.yellow_s, lights.red_s = GREEN_S, YELLOW_S, RED_S
        lights.red_s[alone] = LONE_RED_S
        controller_index = 0
        for group_index, group in enumerate(self.groups):
            for controller in group:
                lights.group[controller] = group_index
                lights.controller[controller] = controller_index
                controller_index += 1
        self.current = [0] * len(self.groups)
        self.color = [LightColor.GREEN] * len(self.groups)
        self.elapsed_s: NDArray[np.float64] = np.zeros(len(self.groups))
        self.frozen = False
        self.held = False
        """Whether somebody else, such as a replay, shows colours; the cycles then stand still."""
        for group_index in range(len(self.groups)):
            self.reset(group_index)

    def reset(self, group: int) -> None:
        """All lights of the group red, then its first controller starts with green."""
        for controller in self.groups[group]:
            self.lights.state[controller] = LightColor.RED
            self.lights.elapsed_s[controller] = 0.0
        self.current[group] = 0
        self._show(group, LightColor.GREEN)

    def advance(self, dt_s: float) -> None:
        """Let time pass; a stage ends when more than its time has gone by."""
        if self.frozen or self.held:
            return
        self.elapsed_s += dt_s
        for group in range(len(self.groups)):
            controller = self.groups[group][self.current[group]]
            elapsed_s = float(self.elapsed_s[group])
            if elapsed_s > self._stage_time_s(controller[0], self.color[group]):
                following = NEXT_COLOR.get(self.color[group])
                if following is None:
                    self.lights.elapsed_s[controller] = 0.0
                    self.current[group] = (self.current[group] + 1) % len(self.groups[group])
                    following = LightColor.GREEN
                self._show(group, following)
            else:
                self.lights.elapsed_s[controller] = elapsed_s

    def _stage_time_s(self, light: int, color: LightColor) -> float:
        if color == LightColor.GREEN:
            return float(self.lights.green_s[light])
        return float(self.lights.yellow_s[light] if color == LightColor.YELLOW else self.lights.red_s[light])

    def _show(self, group: int, color: LightColor) -> None:
        controller = self.groups[group][self.current[group]]
        self.color[group] = color
        self.elapsed_s[group] = 0.0
        self.lights.state[controller] = color
        self.lights.elapsed_s[controller] = 0.0
