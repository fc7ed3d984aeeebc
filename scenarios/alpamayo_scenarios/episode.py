"""The one episode function: one ego, one route, one agent, one seed, through the `carla` client only."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

import carla

from alpamayo_agents.base import Agent, EpisodeContext
from alpamayo_scenarios.background.activity import BackgroundActivity
from alpamayo_scenarios.background.commands import Background
from alpamayo_scenarios.director import ScenarioDirector
from alpamayo_scenarios.library.registry import SCENARIO_TYPES
from alpamayo_scenarios.library.stage import Stage
from alpamayo_scenarios.observe import TickObserver, to_carla
from alpamayo_scenarios.route_file import RouteSpec, ScenarioSpec
from alpamayo_scenarios.traffic import Traffic
from alpamayo_scenarios.walkers import WalkerCrowd
from alpamayo_scenarios.weather import Weather, weather_at
from alpamayo_sim.client.connection import why_no_cameras
from alpamayo_sim.client.sensor_rig import SensorRig, SensorSpec
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.errors import InfrastructureError
from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.episode_metrics import EpisodeMetrics
from alpamayo_sim.metrics.infraction import Infraction
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.record.front_view import FRONT_FOV_DEG, FRONT_MOUNT
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route
from alpamayo_sim.roads.walkways import build_walkways

EGO_BLUEPRINT = "vehicle.lincoln.mkz_2020"
STEP_S = 0.05
_SPAWN_HEIGHT_M = 0.5
_SETTLE_TICKS = 19
_CAMERA_PERIOD_S = 0.1
_WEATHER_EVERY_TICKS = 20


@dataclass(frozen=True)
class EpisodeSpec:
    """What is driven, by whom, among whom."""

    route: Route
    """What the agent and the scenarios go by."""
    agent: str
    seed: int
    vehicles: int = 0
    walkers: int = 0
    weather: Weather = None
    front_camera: tuple[int, int] | None = None
    """Width and height in pixels of a camera behind the windscreen at 10 Hz, or None for no camera."""
    scenarios: tuple[ScenarioSpec, ...] = ()
    """What happens along the route; the scenario types are those of `library.registry`."""
    background: bool = False
    """Whether the leaderboard's background activity drives around the ego."""
    evaluators_route: Route | None = None
    """The same way as the leaderboard's evaluator has it, for routes of its files."""

    @property
    def judged_route(self) -> Route:
        """The line by which the episode is judged."""
        return self.evaluators_route or self.route

    @property
    def start(self) -> carla.Transform:
        """Where the ego is spawned: half a metre above the first point, to which the evaluator's is lifted already."""
        return (
            start_transform(self.route) if self.evaluators_route is None else to_carla(self.judged_route.transform(0))
        )


Observer = Callable[[TickRecord, list[Infraction]], None]


def run_episode(
    client: carla.Client, spec: EpisodeSpec, agent: Agent, road_map: RoadMap, metrics: EpisodeMetrics, observe: Observer
) -> None:
    """Drive one episode to its end: route completed, or an infraction that ends it (deviation, blocked, timeout).

    `observe` is called after every tick with the infractions that it brought; the verdict is in `metrics` afterwards.
    Everything that was spawned is gone when this returns or raises. Raises InfrastructureError when the server fails.
    """
    with ExitStack() as stack:
        draws = spec.front_camera is not None or agent.needs_cameras
        world = stack.enter_context(SynchronousWorld(client, step_s=STEP_S, rendering=draws))
        no_cameras = why_no_cameras(client) if agent.needs_cameras else None
        if no_cameras is not None:
            raise InfrastructureError(f"the agent drives by cameras, and the server cannot draw: {no_cameras}")
        world.world.reset_all_traffic_lights()
        _set_weather(world.world, spec.weather, 0.0)
        ego = _spawn_ego(world.world, spec.start)
        stack.callback(ego.destroy)
        # As in the leaderboard, the ego is there for a tick, and knows its speed limit, before anything is set up around it.
        world.tick()
        activity = BackgroundActivity(client, world.world, spec.seed) if spec.background else None
        if activity is not None:
            stack.callback(activity.destroy)
        background = activity or Background()
        stage = Stage(client, world.world, road_map, ego, spec.route, background, spec.seed, STEP_S)
        director = ScenarioDirector(stage, spec.scenarios, SCENARIO_TYPES)
        stack.callback(director.destroy)
        director.set_up()
        if activity is not None:
            activity.begin(stage)
        traffic = Traffic(client, vehicle_count=spec.vehicles, seed=spec.seed, keep_clear=spec.start.location)
        stack.callback(traffic.destroy)
        crowd = WalkerCrowd(
            client,
            build_walkways(road_map),
            walker_count=spec.walkers,
            seed=spec.seed,
            step_s=STEP_S,
            near=spec.start.location,
        )
        stack.callback(crowd.destroy)
        rig = SensorRig(world.world, ego, _sensors(spec), step_s=STEP_S)
        stack.callback(rig.destroy)
        for _ in range(_SETTLE_TICKS):
            snapshot = world.tick()
            rig.collect(snapshot)
            stage.update(snapshot)
        agent.setup(EpisodeContext(world.world, ego, road_map, spec.route, spec.seed))
        stack.callback(agent.destroy)
        observer = TickObserver(world.world, ego)
        while metrics.end_reason is None:
            snapshot = world.tick()
            measurements = rig.collect(snapshot)
            stage.update(snapshot)
            decision = agent.run_step(snapshot)
            director.set_up()
            ego.apply_control(director.step(decision.control))
            if activity is not None:
                activity.step()
            crowd.step(snapshot)
            tick = replace(
                observer.record(snapshot, decision, measurements),
                scenario_events=director.take_events(),
                wrong_way_allowed=director.wrong_way_allowed,
            )
            observe(tick, metrics.update(tick))
            if isinstance(spec.weather, RouteSpec) and snapshot.frame % _WEATHER_EVERY_TICKS == 0:
                _set_weather(world.world, spec.weather, metrics.completion.percent)


def start_transform(route: Route) -> carla.Transform:
    """Return where the ego is spawned: at the first point of the route, half a metre up."""
    x, y, z = (float(v) for v in route.points[0])
    return to_carla(Transform(x, y, z + _SPAWN_HEIGHT_M, 0.0, float(route.yaw_deg[0]), 0.0))


def _spawn_ego(world: carla.World, start: carla.Transform) -> carla.Vehicle:
    blueprint = world.get_blueprint_library().find(EGO_BLUEPRINT)
    blueprint.set_attribute("role_name", "hero")
    try:
        ego = world.spawn_actor(blueprint, start)
    except RuntimeError as error:
        raise InfrastructureError(f"the ego could not be spawned at the start of the route: {error}") from error
    assert isinstance(ego, carla.Vehicle)
    return ego


def _sensors(spec: EpisodeSpec) -> list[SensorSpec]:
    sensors = [
        SensorSpec("collision", "sensor.other.collision"),
        SensorSpec("lane_invasion", "sensor.other.lane_invasion"),
    ]
    if spec.front_camera is not None:
        width, height = spec.front_camera
        attributes = {
            "image_size_x": str(width),
            "image_size_y": str(height),
            "fov": f"{FRONT_FOV_DEG:g}",
            "sensor_tick": str(_CAMERA_PERIOD_S),
        }
        sensors.append(SensorSpec("front", "sensor.camera.rgb", FRONT_MOUNT, attributes))
    return sensors


def _set_weather(world: carla.World, weather: Weather, route_percentage: float) -> None:
    wanted = weather_at(weather, route_percentage)
    if wanted is not None:
        world.set_weather(wanted)
