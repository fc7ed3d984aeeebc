"""Flows of drivers that start from rest and brake for whoever is in their way: oncoming traffic where the ego has to use its
lane, after the leaderboard's `OppositeActorFlow` and `InvadingActorFlow`."""

from __future__ import annotations

import math

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_scenarios.library.actors import ActorPool
from alpamayo_scenarios.library.alert_driver import AlertDriver
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.lanes import ahead, line_ahead, location_of
from alpamayo_scenarios.library.stage import Stage
from alpamayo_scenarios.library.timing import Behaviour

Array = NDArray[np.float64]
SECONDS_PER_KMH, BASE_M = 1.5, 30.0
"""An opposite flow begins and ends 1.5 m for every km/h of the speed limit, and 30 m, from the obstacle."""
SINK_M = 2.0


class OppositeFlow:
    """Spawns vehicles at rest at the start of a line, at random distances, and takes them away at its end.

    They drive at the speed limit of the ego's road and brake while somebody is in their way closer than `base_m` and so many
    seconds of their own driving.
    """

    def __init__(
        self,
        stage: Stage,
        actors: ActorPool,
        rng: np.random.Generator,
        line: Array,
        *,
        distance_m: tuple[float, float],
        base_m: float = 10.0,
        ahead_s: float = 1.6,
        offset_m: float = 0.0,
        sight_m: float = 0.0,
    ) -> None:
        """Take a line [N, 3], N >= 2, CARLA world frame, and the range of the distances at which vehicles follow each other.

        `offset_m` moves their way to the right of the line; nobody appears closer than `sight_m` to the ego.
        """
        self._stage, self._actors, self._rng = stage, actors, rng
        self._sink = location_of(line[-1])
        self._line = moved_right(line, offset_m)
        self._source = location_of(self._line[0])
        self._sight_m = sight_m
        self._distance_m, self._base_m, self._ahead_s = distance_m, base_m, ahead_s
        self._drivers: list[AlertDriver] = []
        self._next_m = self._draw()

    @property
    def vehicles(self) -> tuple[carla.Vehicle, ...]:
        """Those on the line, first come first."""
        return tuple(driver.vehicle for driver in self._drivers)

    def run(self) -> Behaviour:
        """Keep the flow going for ever; its vehicles are taken away when it is closed."""
        speed_mps = max(1.0, self._stage.ego.get_speed_limit() / 3.6)
        try:
            while True:
                self._step(speed_mps)
                yield
        finally:
            for driver in self._drivers:
                self._actors.destroy(driver.vehicle)
            self._drivers = []

    def _step(self, speed_mps: float) -> None:
        for driver in list(self._drivers):
            at = self._stage.actor_location(driver.vehicle)
            if driver.left_m < SINK_M or (at is not None and at.distance(self._sink) < SINK_M):
                self._drivers.remove(driver)
                self._actors.destroy(driver.vehicle)
            else:
                driver.step()
        if self._way_of_last() > self._next_m and self._stage.distance_to_ego_m(self._source) >= self._sight_m:
            self._spawn(speed_mps)

    def _way_of_last(self) -> float:
        """How far from the start the vehicle that came last has got; infinite when there is none."""
        if not self._drivers:
            return math.inf
        at = self._stage.actor_location(self._drivers[-1].vehicle)
        return at.distance(self._source) if at is not None else 0.0

    def _spawn(self, speed_mps: float) -> None:
        along = self._line[1] - self._line[0]
        yaw = math.degrees(math.atan2(along[1], along[0]))
        pose = carla.Transform(self._source, carla.Rotation(yaw=yaw))
        vehicle = self._actors.try_spawn_vehicle(pose)
        if vehicle is not None:
            self._drivers.append(
                AlertDriver(self._stage, vehicle, self._line, speed_mps, base_m=self._base_m, ahead_s=self._ahead_s)
            )
            self._next_m = self._draw()

    def _draw(self) -> float:
        return float(self._rng.uniform(*self._distance_m))


def line_past(stage: Stage, lane: carla.Waypoint) -> Array:
    """Return the centre line [N, 3] of an oncoming lane past a place in it, as long as an opposite flow drives there.

    It ends at junctions; ScenarioSetupError when there is hardly any road.
    """
    reach_m = SECONDS_PER_KMH * _limit_kmh(stage, lane) + BASE_M
    source = ahead(lane, -reach_m, into_junction=False)
    sink = ahead(lane, reach_m, into_junction=False)
    before_m = source.transform.location.distance(lane.transform.location)
    behind_m = sink.transform.location.distance(lane.transform.location)
    if before_m < BASE_M:
        raise ScenarioSetupError(
            f"the oncoming lane begins only {before_m:.0f} m before the place; {BASE_M:.0f} m are needed"
        )
    line = line_ahead(source, before_m + behind_m + 2.0 * BASE_M)
    end = sink.transform.location
    last = int(np.argmin(((line[:, :2] - np.array([end.x, end.y])) ** 2).sum(axis=1)))
    return line[: max(2, last + 1)]


def _limit_kmh(stage: Stage, lane: carla.Waypoint) -> float:
    """The map's speed limit there; the ego's where the map has none."""
    lanes = stage.road_map.lanes
    found = lanes.find(lane.road_id, lane.lane_id, lane.s)
    return float(lanes.speed_limit_kmh[found]) if found >= 0 else stage.ego.get_speed_limit()


def moved_right(line: Array, offset_m: float) -> Array:
    """Return a line [N, 3] moved sideways to the right of its direction."""
    along = np.gradient(line[:, :2], axis=0)
    along /= np.maximum(1e-6, np.linalg.norm(along, axis=1))[:, None]
    moved = line.copy()
    moved[:, 0] -= offset_m * along[:, 1]
    moved[:, 1] += offset_m * along[:, 0]
    return moved
