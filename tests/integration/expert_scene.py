"""A small stage for one agent on the embedded server: a route, some actors placed by hand, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import carla
import numpy as np

from alpamayo_agents.base import EpisodeContext
from alpamayo_agents.registry import make_agent
from alpamayo_scenarios.observe import to_carla
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.sensor_rig import SensorRig, SensorSpec
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.route_planner import Route, RoutePlanner

EGO = "vehicle.lincoln.mkz_2020"


@dataclass
class Outcome:
    """The drive, tick by tick."""

    reached_end: bool = False
    xy: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    speed_mps: list[float] = field(default_factory=list[float])
    brake: list[float] = field(default_factory=list[float])
    decisions: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    reasoning: list[str] = field(default_factory=list[str])
    collided_with: set[str] = field(default_factory=set[str])

    def said(self, key: str) -> list[str]:
        """The values of one decision, in order, without repetitions."""
        values = [decision[key] for decision in self.decisions]
        return [value for value, before in zip(values, [None, *values[:-1]], strict=True) if value != before]


@dataclass
class Stage:
    """One running server with its map."""

    client: carla.Client
    world: SynchronousWorld
    road_map: RoadMap

    def route(self, *points: tuple[float, float, float]) -> Route:
        return RoutePlanner(self.road_map.carla_map).trace(points)

    def spawn(self, blueprint: str, pose: Transform) -> carla.Actor:
        found = self.world.world.get_blueprint_library().find(blueprint)
        return self.world.world.spawn_actor(found, to_carla(pose))

    def beside(self, route: Route, station_m: float, right_m: float = 0.0, turn_deg: float = 0.0) -> Transform:
        """Return a pose beside the route."""
        index = int(np.searchsorted(route.arc_length_m, station_m))
        pose = route.transform(index)
        yaw = np.radians(pose.yaw)
        x, y = pose.x - right_m * np.sin(yaw), pose.y + right_m * np.cos(yaw)
        return Transform(float(x), float(y), pose.z + 0.3, 0.0, pose.yaw + turn_deg, 0.0)

    def drive(
        self,
        route: Route,
        agent_name: str = "expert",
        *,
        seconds: float = 60.0,
        speed_mps: float = 0.0,
        each_tick: Callable[[float, carla.Vehicle], None] | None = None,
    ) -> Outcome:
        """Drive the route with an agent; the episode ends at its end or after so many seconds of simulation."""
        outcome = Outcome()
        ego = self.spawn(EGO, self.beside(route, 0.0))
        assert isinstance(ego, carla.Vehicle)
        rig = SensorRig(self.world.world, ego, [SensorSpec("collision", "sensor.other.collision")], step_s=0.05)
        for _ in range(10):
            snapshot = self.world.tick()
            rig.collect(snapshot)
        if speed_mps:
            yaw = np.radians(route.yaw_deg[0])
            ego.set_target_velocity(carla.Vector3D(float(speed_mps * np.cos(yaw)), float(speed_mps * np.sin(yaw)), 0.0))
        agent = make_agent(agent_name)
        agent.setup(EpisodeContext(self.world.world, ego, self.road_map, route, 0))
        for tick in range(int(seconds / 0.05)):
            snapshot = self.world.tick()
            outcome.collided_with |= {event.other_actor.type_id for event in rig.collect(snapshot).get("collision", ())}
            decision = agent.run_step(snapshot)
            ego.apply_control(decision.control)
            where, velocity = ego.get_location(), ego.get_velocity()
            outcome.xy.append((where.x, where.y))
            outcome.speed_mps.append(velocity.length())
            outcome.brake.append(decision.control.brake)
            assert decision.plan is not None
            outcome.decisions.append(dict(decision.plan.decisions))
            outcome.reasoning.append(decision.plan.reasoning)
            if each_tick is not None:
                each_tick(tick * 0.05, ego)
            if float(np.hypot(*(route.points[-1, :2] - (where.x, where.y)))) < 3.0:
                outcome.reached_end = True
                break
        agent.destroy()
        rig.destroy()
        ego.destroy()
        return outcome


@contextmanager
def stage(town: Path) -> Iterator[Stage]:
    """Start a server for a map file."""
    with EmbeddedServer(str(town), extra_args=("--synchronous",)) as server:
        client = connect(server.address)
        with SynchronousWorld(client, rendering=False) as world:
            yield Stage(client, world, load_road_map(town))
