"""Flows: vehicles that come from a place one after another and drive to another, after the leaderboard's `ActorFlow`."""

from __future__ import annotations

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_scenarios.library.actors import ActorPool
from alpamayo_scenarios.library.motion import LineDriver
from alpamayo_scenarios.library.stage import Stage
from alpamayo_scenarios.library.timing import Behaviour

Array = NDArray[np.float64]
TOUCH_M = 0.3


class Flow:
    """Spawns vehicles at the start of a line, at random distances, drives them along it, takes them away at its end.

    They hold their speed whatever is in their way, as the leaderboard's do, until one touches the ego: from then on all
    of them keep their distance.
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
        populated: bool = False,
        constant: bool = True,
    ) -> None:
        """Take a line [N, 3] and the range of distances between vehicles; `populated` puts vehicles on all of it at once."""
        self._stage, self._actors, self._rng = stage, actors, rng
        self._line, self._speed_mps, self._distance_m = line, speed_mps, distance_m
        self._blueprints, self._sink_m, self._constant = blueprints, sink_m, constant
        self._arc_m = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line[:, :2], axis=0), axis=1))])
        self._drivers: list[LineDriver] = []
        self._next_m = self._draw()
        self._heeds = not constant
        if populated:
            at = float(self._arc_m[-1]) - sink_m - self._draw()
            while at > 0.0:
                self._spawn(at)
                at -= self._draw()

    @property
    def vehicles(self) -> tuple[carla.Vehicle, ...]:
        """Those on the line, first come first."""
        return tuple(driver.vehicle for driver in self._drivers)

    def run(self) -> Behaviour:
        """Keep the flow going for ever; close it to stop, after which the vehicles are on their own."""
        while True:
            self.step()
            yield

    def step(self) -> None:
        """Drive, take away and spawn for one tick."""
        for driver in list(self._drivers):
            if driver.left_m < self._sink_m:
                self._drivers.remove(driver)
                self._actors.destroy(driver.vehicle)
        if self._constant and not self._heeds and any(self._touches_ego(d.vehicle) for d in self._drivers):
            self._heeds = True
            for driver in self._drivers:
                driver.constant, driver.heeds = False, True
        for driver in self._drivers:
            driver.step()
        if not self._drivers or self._drivers[-1].progress_m > self._next_m:
            self._spawn(0.0)

    def _draw(self) -> float:
        return float(self._rng.uniform(*self._distance_m))

    def _spawn(self, at_m: float) -> None:
        index = min(int(np.searchsorted(self._arc_m, at_m)), len(self._line) - 2)
        here, there = self._line[index], self._line[index + 1]
        yaw = float(np.degrees(np.arctan2(there[1] - here[1], there[0] - here[0])))
        pose = carla.Transform(carla.Location(float(here[0]), float(here[1]), float(here[2])), carla.Rotation(yaw=yaw))
        vehicle = self._actors.try_spawn_vehicle(pose, choose_from=self._blueprints)
        if vehicle is None:
            return
        driver = LineDriver(
            self._stage, vehicle, self._line, self._speed_mps, constant=not self._heeds, heeds=self._heeds
        )
        driver.progress_m = float(self._arc_m[index])
        if self._heeds:
            yaw_rad = np.radians(yaw)
            velocity = carla.Vector3D(float(np.cos(yaw_rad)), float(np.sin(yaw_rad)), 0.0) * self._speed_mps
            vehicle.set_target_velocity(velocity)
        self._drivers.append(driver)
        self._drivers.sort(key=lambda d: -d.progress_m)
        self._next_m = self._draw()

    def _touches_ego(self, vehicle: carla.Vehicle) -> bool:
        return self._stage.gap_to_ego_m(vehicle.id) < TOUCH_M
