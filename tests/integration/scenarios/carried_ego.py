"""A scenario played by the director around an ego that a test carries along its route, to the side as it wants."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import carla
import numpy as np
from standing_world import begin_anew

from alpamayo_scenarios.background.commands import Background
from alpamayo_scenarios.director import ScenarioDirector
from alpamayo_scenarios.library.registry import SCENARIO_TYPES
from alpamayo_scenarios.library.stage import Stage
from alpamayo_scenarios.observe import to_carla
from alpamayo_scenarios.route_file import ScenarioSpec
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.metrics.tick import ScenarioPhase
from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.route_planner import Route, RoutePlanner

STEP_S = 0.05
HIDDEN_BELOW_M = -20.0


@dataclass(frozen=True)
class OneSeen:
    """An actor of the scenario at a tick; `ahead_m` and `right_m` are in the ego's frame."""

    actor_id: int
    type_id: str
    location: carla.Location
    yaw_deg: float
    speed_mps: float
    ahead_m: float
    right_m: float
    gap_m: float


@dataclass(frozen=True)
class Sight:
    """What was there at a tick, `time_s` after the trigger."""

    time_s: float
    station_m: float
    actors: tuple[OneSeen, ...]
    wrong_way_allowed: bool

    def of(self, part: str) -> list[OneSeen]:
        """Return those above the ground whose type has a part in its name."""
        return [a for a in self.actors if part in a.type_id and a.location.z > HIDDEN_BELOW_M]


@dataclass
class Play:
    """A scenario from its trigger to its end."""

    before: list[Sight] = field(default_factory=list[Sight])
    sights: list[Sight] = field(default_factory=list[Sight])
    phases: list[ScenarioPhase] = field(default_factory=list[ScenarioPhase])
    reasons: list[str] = field(default_factory=list[str])
    emergency_vehicle_id: int = 0
    controls: list[carla.VehicleControl] = field(default_factory=list[carla.VehicleControl])
    left_over: int = -1

    @property
    def nearest_m(self) -> float:
        """The least gap between the ego and a vehicle of the scenario."""
        return min((a.gap_m for s in self.sights for a in s.of("vehicle.")), default=math.inf)


class RecordingBackground(Background):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def leave_space_in_front(self, space_m: float) -> None:
        self.told.append(("space", space_m))

    def set_max_speed(self, speed_kmh: float | None) -> None:
        self.told.append(("speed", speed_kmh))

    def change_opposite(self, *, active: bool | None = None, spawn_distance_m: float | None = None) -> None:
        self.told.append(("opposite", active if spawn_distance_m is None else spawn_distance_m))

    def remove_road_lane(self, lane: carla.Waypoint) -> None:
        self.told.append(("remove", lane.lane_id))

    def readd_road_lane(self, lane: carla.Waypoint) -> None:
        self.told.append(("readd", lane.lane_id))

    def stop_front_vehicles(self) -> None:
        self.told.append(("front", "stop"))

    def start_front_vehicles(self) -> None:
        self.told.append(("front", "start"))

    def stop_back_vehicles(self) -> None:
        self.told.append(("back", "stop"))

    def start_back_vehicles(self) -> None:
        self.told.append(("back", "start"))


Parameters = Mapping[str, str | tuple[float, float]]
Motion = Callable[[Sight], tuple[float, float]]
"""From what is seen to the ego's speed in m/s and how far to the right of its route it is, metres."""


class CarriedEgo:
    """A world with one route and an ego without physics."""

    def __init__(self, client: carla.Client, world: SynchronousWorld, town: str, route: Route) -> None:
        self.client, self.world, self.town, self.route = client, world, town, route

    def play(
        self,
        kind: str,
        parameters: Parameters,
        motion: Motion,
        *,
        trigger_m: float = 20.0,
        longest_s: float = 60.0,
        wanted: carla.VehicleControl | None = None,
        seed: int = 1,
        with_velocity: bool = False,
    ) -> tuple[Play, RecordingBackground]:
        """Come to the trigger at 8 m/s, then move as told until the scenario is over or the time is.

        The world sees the ego's velocity only `with_velocity`; otherwise it is put from place to place.
        """
        world = self.world.world
        blueprint = world.get_blueprint_library().find("vehicle.lincoln.mkz_2020")
        ego = world.spawn_actor(blueprint, to_carla(self.route.transform(0)))
        assert isinstance(ego, carla.Vehicle)
        ego.set_simulate_physics(False)
        background = RecordingBackground()
        stage = Stage(self.client, world, load_road_map(self.town), ego, self.route, background, seed, STEP_S)
        written = {
            name: {"value": value} if isinstance(value, str) else {"from": str(value[0]), "to": str(value[1])}
            for name, value in parameters.items()
        }
        trigger = self.route.transform(self._index(trigger_m))
        stage.update(self.world.tick())
        director = ScenarioDirector(stage, (ScenarioSpec("one", kind, trigger, (), written),), SCENARIO_TYPES)
        seen = Play()
        station, side, since_s = max(0.0, trigger_m - 10.0), 0.0, math.inf
        speed = 0.0
        try:
            director.set_up()
            for _ in range(round(longest_s / STEP_S)):
                self._carry(ego, station, side, speed if with_velocity else None)
                stage.update(self.world.tick())
                control = director.step(wanted or carla.VehicleControl())
                for event in director.take_events():
                    seen.phases.append(event.phase)
                    seen.reasons.append(event.reason)
                    if event.phase is ScenarioPhase.TRIGGERED:
                        since_s, seen.emergency_vehicle_id = stage.time_s, event.emergency_vehicle_id
                sight = self._look(stage, station, stage.time_s - since_s, director.wrong_way_allowed)
                if math.isinf(since_s):
                    seen.before.append(sight)
                else:
                    seen.sights.append(sight)
                    seen.controls.append(control)
                ended = (ScenarioPhase.FINISHED, ScenarioPhase.TIMED_OUT, ScenarioPhase.SKIPPED)
                if seen.phases and seen.phases[-1] in ended:
                    break
                speed, side = (8.0, 0.0) if math.isinf(since_s) else motion(sight)
                station = min(station + speed * STEP_S, self.route.length_m)
            director.destroy()
            stage.update(self.world.tick())
            seen.left_over = len(self._look(stage, station, 0.0, False).actors)
        finally:
            director.destroy()
            ego.destroy()
            self.world.tick()
        return seen, background

    def _index(self, station_m: float) -> int:
        return int(np.searchsorted(self.route.arc_length_m, station_m))

    def _carry(self, ego: carla.Vehicle, station_m: float, right_m: float, speed_mps: float | None) -> None:
        pose = self.route.transform(min(self._index(station_m), len(self.route.points) - 1))
        arc, points = self.route.arc_length_m, self.route.points
        x, y, z = (float(np.interp(station_m, arc, points[:, axis])) for axis in range(3))
        yaw = math.radians(pose.yaw)
        place = pose._replace(x=x - right_m * math.sin(yaw), y=y + right_m * math.cos(yaw), z=z + 0.05)
        ego.set_transform(to_carla(place))
        if speed_mps is not None:
            ego.set_target_velocity(carla.Vector3D(math.cos(yaw) * speed_mps, math.sin(yaw) * speed_mps, 0.0))

    @staticmethod
    def _look(stage: Stage, station_m: float, time_s: float, wrong_way_allowed: bool) -> Sight:
        ego = stage.ego_transform
        yaw = math.radians(ego.rotation.yaw)
        found: list[OneSeen] = []
        for state in stage.snapshot:
            actor = stage.world.get_actor(state.id)
            if (
                actor is None
                or actor.id == stage.ego.id
                or not actor.type_id.startswith(("vehicle.", "walker.", "static.prop."))
            ):
                continue
            at, velocity = state.get_transform(), state.get_velocity()
            x, y = at.location.x - ego.location.x, at.location.y - ego.location.y
            ahead, right = x * math.cos(yaw) + y * math.sin(yaw), -x * math.sin(yaw) + y * math.cos(yaw)
            speed, gap = math.hypot(velocity.x, velocity.y), stage.gap_to_ego_m(state.id)
            found.append(OneSeen(state.id, actor.type_id, at.location, at.rotation.yaw, speed, ahead, right, gap))
        return Sight(time_s, station_m, tuple(found), wrong_way_allowed)


@contextmanager
def carried_ego(server: EmbeddedServer, town: str, *through: tuple[float, float]) -> Generator[CarriedEgo]:
    """Give a world with the route through some places."""
    client = connect(server.address)
    route = RoutePlanner(load_road_map(town).carla_map).trace([(x, y, 0.0) for x, y in through])
    begin_anew(client, STEP_S)
    with SynchronousWorld(client, step_s=STEP_S, rendering=False) as world:
        yield CarriedEgo(client, world, town, route)
