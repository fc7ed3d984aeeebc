"""Where the cars of the background are, as the ego's route sees them."""

from __future__ import annotations

import carla
import numpy as np

from alpamayo_scenarios.background.cars import Car
from alpamayo_scenarios.library.stage import Stage

BESIDE_M = 0.17
"""Who is no farther back than this is not behind."""


class Sight:
    """Answers for one ego on its route."""

    def __init__(self, stage: Stage) -> None:
        """Take the episode's stage, whose present tick counts."""
        self._stage = stage

    def place(self, car: Car) -> carla.Location:
        """Return where a car is, and before its first tick where it was put; CARLA world frame."""
        state = self._stage.actor_state(car.id)
        return state.get_transform().location if state is not None else car.put_at

    def speed_mps(self, car: Car) -> float:
        """Return how fast a car is, 0 before its first tick."""
        state = self._stage.actor_state(car.id)
        return state.get_velocity().length() if state is not None else 0.0

    def distance_m(self, car: Car) -> float:
        """Return how far a car is from the ego."""
        return self.place(car).distance(self._stage.ego_location)

    def is_behind(self, car: Car) -> bool:
        """Return whether a car is behind the ego's place on its route, seen along the route."""
        here = self._stage.route.transform(self._stage.route_index)
        yaw = np.radians(here.yaw)
        at = self.place(car)
        return bool((at.x - here.x) * np.cos(yaw) + (at.y - here.y) * np.sin(yaw) < -BESIDE_M)
