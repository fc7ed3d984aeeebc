"""Flows: vehicles that come from a place one after another and drive to another, after the leaderboard's `ActorFlow`."""

from __future__ import annotations

import math
from enum import Enum
from itertools import pairwise

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_scenarios.library.actors import ActorPool
from alpamayo_scenarios.library.lanes import location_of
from alpamayo_scenarios.library.motion import LineDriver
from alpamayo_scenarios.library.stage import Stage
from alpamayo_scenarios.library.timing import Behaviour

Array = NDArray[np.float64]
TOUCH_M = 0.3
TURN_MPS2 = 4.0
"""Sideways acceleration in bends, where a faster vehicle would leave its lane."""


class InitialVehicles(Enum):
    """Where a flow has vehicles when it begins."""

    NONE = "none"
    OUTSIDE_JUNCTIONS = "outside junctions"
    EVERYWHERE = "everywhere"


class Flow:
    """Spawns vehicles at the start of a line, at random distances, drives them along it, takes them away at its end.

    They hold their speed whatever is in their way, as the leaderboard's do, until one touches the ego or another of them, or
    comes to a bend that is too tight for it, where the leaderboard's touch what stands there: from then on all of them slow
    down for bends and keep their distance.
    """

    def __init__(
        self,
        stage: Stage,
        actors: ActorPool,
        rng: np.random.Generator,
        line: Array,
        *,
        speed_mps: float,
        distance_m: tuple[float, float],
        blueprints: tuple[str, ...] = (),
        sink_m: float = 2.0,
        initial: InitialVehicles = InitialVehicles.NONE,
    ) -> None:
        """Take a line [N, 3], N >= 2, CARLA world frame, and the range of distances between vehicles' origins, metres."""
        self._stage, self._actors, self._rng = stage, actors, rng
        self._line, self._speed_mps, self._distance_m = line, speed_mps, distance_m
        self._blueprints, self._sink_m, self._initial = blueprints, sink_m, initial
        self._arc_m = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line[:, :2], axis=0), axis=1))])
        self._drivers: list[LineDriver] = []
        self._next_m = self._draw()
        self._heeds = False

    @property
    def vehicles(self) -> tuple[carla.Vehicle, ...]:
        """Those on the line, first come first."""
        return tuple(driver.vehicle for driver in self._drivers)

    def run(self) -> Behaviour:
        """Keep the flow going for ever; close it to stop, after which the vehicles are on their own."""
        self._populate()
        while True:
            self.step()
            yield

    def step(self) -> None:
        """Drive, take away and spawn for one tick."""
        for driver in list(self._drivers):
            if driver.left_m < self._sink_m:
                self._drivers.remove(driver)
                self._actors.destroy(driver.vehicle)
        if not self._heeds and (any(map(self._is_upset, self._drivers)) or self._touch_each_other()):
            self._heeds = True
            for driver in self._drivers:
                driver.constant, driver.heeds = False, True
        for driver in self._drivers:
            driver.step()
        if not self._drivers or self._drivers[-1].progress_m > self._next_m:
            self._spawn(0.0)

    def _draw(self) -> float:
        return float(self._rng.uniform(*self._distance_m))

    def _populate(self) -> None:
        """Put vehicles on the line, the first one a distance from its start."""
        if self._initial is InitialVehicles.NONE:
            return
        at_m, last_m = self._next_m, float(self._arc_m[-1]) - self._sink_m - 1.0
        while at_m < last_m:
            if self._initial is InitialVehicles.OUTSIDE_JUNCTIONS and self._in_junction(at_m):
                at_m += 1.0
            elif self._spawn(at_m):
                at_m += self._next_m
            else:
                at_m += 1.0

    def _in_junction(self, at_m: float) -> bool:
        here = self._line[int(np.searchsorted(self._arc_m, at_m))]
        return self._stage.map.get_waypoint(location_of(here)).is_junction

    def _spawn(self, at_m: float) -> bool:
        """Put a vehicle on the line, at its speed, and draw the distance to the next; return whether there was room."""
        index = min(int(np.searchsorted(self._arc_m, at_m)), len(self._line) - 2)
        along = self._line[index + 1] - self._line[index]
        yaw = math.degrees(math.atan2(along[1], along[0]))
        pitch = math.degrees(math.atan2(along[2], math.hypot(along[0], along[1])))
        pose = carla.Transform(location_of(self._line[index]), carla.Rotation(pitch=pitch, yaw=yaw))
        vehicle = self._actors.try_spawn_vehicle(pose, choose_from=self._blueprints)
        if vehicle is None:
            return False
        driver = LineDriver(self._stage, vehicle, self._line, self._speed_mps, heeds=self._heeds, turn_mps2=TURN_MPS2)
        driver.progress_m = float(self._arc_m[index])
        driver.constant = not self._heeds
        vehicle.set_target_velocity(pose.get_forward_vector() * driver.allowed_mps)
        self._drivers.append(driver)
        self._drivers.sort(key=lambda d: -d.progress_m)
        self._next_m = self._draw()
        return True

    def _is_upset(self, driver: LineDriver) -> bool:
        """Whether somebody touches the ego, or leaves its line in a bend."""
        return self._stage.gap_to_ego_m(driver.vehicle.id) < TOUCH_M or driver.allowed_mps < driver.speed_mps

    def _touch_each_other(self) -> bool:
        """Whether somebody has run into the one ahead, as behind a bend that the first have slowed down for."""
        return any(
            ahead.progress_m - behind.progress_m < ahead.half_length_m + behind.half_length_m + TOUCH_M
            for ahead, behind in pairwise(self._drivers)
        )
