"""One scenario played on the embedded server around an ego that is carried along its route as a test wants it."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
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
from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.tick import ScenarioPhase
from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.route_planner import Route, RoutePlanner

STEP_S = 0.05
HALF_LENGTH_M, HALF_WIDTH_M = 2.45, 0.95
Parameters = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Seen:
    """A scenario's actor at one tick."""

    actor_id: int
    type_id: str
    pose: Transform
    speed_mps: float
    gap_m: float
    """Free distance to the ego."""


@dataclass(frozen=True)
class Moment:
    """What an observer saw at one tick."""

    time_s: float
    station_m: float
    ego: Transform
    actors: tuple[Seen, ...]
    lights: Mapping[int, carla.TrafficLightState]


@dataclass
class Course:
    """All that was seen of a scenario, from its trigger on."""

    moments: list[Moment] = field(default_factory=list[Moment])
    phases: list[ScenarioPhase] = field(default_factory=list[ScenarioPhase])
    reasons: list[str] = field(default_factory=list[str])
    left_over: int = 0
    """Actors of the scenario that were there after it."""

    @property
    def nearest_m(self) -> float:
        """The least free distance between the ego and an actor of the scenario."""
        return min((seen.gap_m for moment in self.moments for seen in moment.actors), default=math.inf)

    def tracks(self) -> dict[int, list[tuple[float, Seen]]]:
        """Each actor's sightings."""
        found: dict[int, list[tuple[float, Seen]]] = {}
        for moment in self.moments:
            for seen in moment.actors:
                found.setdefault(seen.actor_id, []).append((moment.time_s, seen))
        return found


class FlowScene:
    """A world, a route and the ego on it."""

    def __init__(self, client: carla.Client, world: SynchronousWorld, town: str, route: Route, seed: int) -> None:
        self.client, self.world, self.route = client, world, route
        blueprint = world.world.get_blueprint_library().find("vehicle.lincoln.mkz_2020")
        blueprint.set_attribute("role_name", "hero")
        start = route.transform(0)
        ego = world.world.spawn_actor(blueprint, to_carla(start._replace(z=start.z + 0.3)))
        assert isinstance(ego, carla.Vehicle)
        self.ego = ego
        self.background = Background()
        self.stage = Stage(client, world.world, load_road_map(town), ego, route, self.background, seed, STEP_S)
        self.stage.update(world.tick())

    def play(
        self,
        kind: str,
        trigger_m: float,
        parameters: Parameters,
        speed: Callable[[Moment], float],
        *,
        start_m: float | None = None,
        longest_s: float = 60.0,
        after_s: float = 0.0,
        carried: bool = True,
        watch: Callable[[Moment], None] | None = None,
    ) -> Course:
        """Carry the ego along from a little before the trigger at the speed that is asked for, until the scenario is over."""
        trigger = self.route.transform(self.index(trigger_m))
        spec = ScenarioSpec("one", kind, trigger, (), parameters)
        director = ScenarioDirector(self.stage, (spec,), SCENARIO_TYPES)
        course, station, v = Course(), trigger_m - 3.0 if start_m is None else start_m, 0.0
        try:
            if carried:
                self.ego.set_simulate_physics(False)
                self._place(station, v)
            self.stage.route_index = self.index(station)
            self.stage.update(self.world.tick())
            director.set_up()
            over_s = math.inf
            for _ in range(round(longest_s / STEP_S)):
                self.stage.update(self.world.tick())
                director.step(carla.VehicleControl())
                moment = self.moment(station)
                for event in director.take_events():
                    course.phases.append(event.phase)
                    course.reasons.append(event.reason)
                    if event.phase in (ScenarioPhase.FINISHED, ScenarioPhase.TIMED_OUT, ScenarioPhase.SKIPPED):
                        over_s = moment.time_s + after_s
                course.moments.append(moment)
                if watch is not None:
                    watch(moment)
                if moment.time_s >= over_s:
                    break
                if carried:
                    v = speed(moment)
                    station = min(station + v * STEP_S, self.route.length_m)
                    self._place(station, v)
        finally:
            director.destroy()
        self.stage.update(self.world.tick())
        course.left_over = len(self.moment(station).actors)
        return course

    def moment(self, station_m: float) -> Moment:
        """Look around."""
        snapshot = self.stage.snapshot
        seen: list[Seen] = []
        for state in snapshot:
            actor = self.world.world.get_actor(state.id)
            if actor is None or not actor.attributes.get("role_name", "").startswith("scenario"):
                continue
            at, velocity = state.get_transform(), state.get_velocity()
            pose = Transform(at.location.x, at.location.y, at.location.z, at.rotation.pitch, at.rotation.yaw)
            speed = math.hypot(velocity.x, velocity.y)
            seen.append(Seen(state.id, actor.type_id, pose, speed, self.stage.gap_to_ego_m(state.id)))
        lights = {
            light.id: light.get_state()
            for light in self.world.world.get_actors().filter("traffic.traffic_light")
            if isinstance(light, carla.TrafficLight)
        }
        at = self.stage.ego_transform
        ego = Transform(at.location.x, at.location.y, at.location.z, at.rotation.pitch, at.rotation.yaw)
        return Moment(snapshot.timestamp.elapsed_seconds, station_m, ego, tuple(seen), lights)

    def index(self, station_m: float) -> int:
        """Return the route's point at a station."""
        return min(int(np.searchsorted(self.route.arc_length_m, station_m)), len(self.route.points) - 1)

    def pose(self, station_m: float) -> Transform:
        """Return the pose at a station, between the route's points."""
        arc, points = self.route.arc_length_m, self.route.points
        x, y, z = (float(np.interp(station_m, arc, points[:, axis])) for axis in range(3))
        return Transform(x, y, z, yaw=float(self.route.yaw_deg[self.index(station_m)]))

    def entry_m(self, after_m: float = 0.0) -> float:
        """Return the station at which the route enters its first junction behind another station."""
        inside = self.route.in_junction & (self.route.arc_length_m >= after_m)
        return float(self.route.arc_length_m[np.flatnonzero(inside)[0]])

    def _place(self, station_m: float, speed_mps: float) -> None:
        pose = self.pose(station_m)
        self.ego.set_transform(to_carla(pose._replace(z=pose.z + 0.05)))
        yaw = math.radians(pose.yaw)
        self.ego.set_target_velocity(carla.Vector3D(math.cos(yaw) * speed_mps, math.sin(yaw) * speed_mps, 0.0))


@contextmanager
def flow_scene(
    server: EmbeddedServer, town: str, through: Sequence[tuple[float, float, float]], seed: int = 1
) -> Generator[FlowScene]:
    """Give a scene with the route through some places."""
    client = connect(server.address)
    route = RoutePlanner(load_road_map(town).carla_map).trace(list(through))
    begin_anew(client, STEP_S)
    with SynchronousWorld(client, step_s=STEP_S, rendering=False) as world:
        scene = FlowScene(client, world, town, route, seed)
        try:
            yield scene
        finally:
            scene.ego.destroy()
