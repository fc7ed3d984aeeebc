"""`alpamayo drive`: one route, one agent, traffic; ends in a video and a report."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import carla
import numpy as np
from tyro.conf import UseAppendAction

from alpamayo_agents.base import Agent
from alpamayo_agents.registry import make_agent
from alpamayo_scenarios.episode import EpisodeSpec, run_episode, start_transform
from alpamayo_scenarios.route_file import RouteSpec, load_route, load_routes
from alpamayo_scenarios.traffic import free_spawn_points
from alpamayo_scenarios.weather import preset
from alpamayo_sim.client.connection import ServerAddress, connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.metrics.episode_metrics import EpisodeMetrics
from alpamayo_sim.metrics.episode_result import EpisodeIdentity, EpisodeResult, summarise
from alpamayo_sim.metrics.infraction import Infraction
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.record.episode_recorder import EpisodeRecorder
from alpamayo_sim.record.report import write_report
from alpamayo_sim.record.run_folder import RunFolder
from alpamayo_sim.roads.road_map import RoadMap, road_map_from_text
from alpamayo_sim.roads.route_planner import Route, RoutePlanner
from alpamayo_training.progress import DriveProgress

DEFAULT_TOWN = "Gridvale"
MAP_CACHE = ".maps"
"""Folder beside the run folders that remembers what was computed from maps."""
_EPISODE_ID = "drive"


@dataclass(frozen=True)
class Arguments:
    """Drive one route with an agent in traffic, on the embedded server or the one that --server names."""

    town: str | None = None
    """Name of a town, or a path to an OpenDRIVE file (.xodr); by default the route's town, or Gridvale."""
    routes: Path | None = None
    """Leaderboard route file (.xml, 1.0 or 2.x); without it the route is random, by the seed."""
    route: str | None = None
    """Id of the route in that file; its first one by default."""
    length_m: float = 700.0
    """Length of a random route in metres, about."""
    agent: str = "expert"
    """Who drives: expert, route_follower, constant_velocity."""
    vehicles: int = 30
    """Vehicles driven by CARLA's TrafficManager."""
    walkers: int = 20
    """Pedestrians on sidewalks and crosswalks."""
    weather: str | None = None
    """One of CARLA's presets, such as ClearNoon or HardRainNight; by default the route file's, else the server's."""
    seed: int = 0
    """Seed of the random route, the traffic, the walkers and the world."""
    server: str | None = None
    """HOST:PORT of a running CARLA 0.9.16 server; by default the embedded server is started and ended here."""
    maps: UseAppendAction[tuple[Path, ...]] = ()
    """Folder with more OpenDRIVE files for the embedded server; may be given several times."""
    video: bool = True
    """Record a video: front camera, bird's-eye view, text."""
    camera: tuple[int, int] = (960, 540)
    """Width and height of the front camera in pixels."""
    out: Path = Path("runs")
    """Folder in which the run folder is made."""
    json: bool = False
    """Print the summary as one JSON line at the end, and nothing else on standard output."""

    def run(self) -> int:
        """Drive; return 0 if the episode ended by itself, 1 if the agent failed or did not finish the route."""
        self._check()
        agent = make_agent(self.agent)
        planned = self._planned_route()
        with ExitStack() as stack:
            client, server_name = self._server(stack, planned)
            world_map = client.get_world().get_map()
            name = world_map.name.rsplit("/", 1)[-1]
            road_map = road_map_from_text(name, world_map.to_opendrive(), cache_dir=self.out / MAP_CACHE)
            route = self._trace(road_map, planned)
            free_spawn_points(world_map, self.vehicles, start_transform(route).location)
            route_id = planned.route_id if planned else f"random-{self.seed}"
            identity = EpisodeIdentity(_EPISODE_ID, road_map.name, route_id, self.agent, self.seed, server_name)
            run = RunFolder.create(self.out, "drive", {k: v for k, v in asdict(self).items() if v is not None})
            result = self._drive(client, agent, road_map, route, planned, identity, run)
        summary = summarise([result])
        run.write_summary(summary)
        report = write_report(run)
        self._say(result, run, report, summary)
        return 0 if result.outcome == "completed" else 1

    def _check(self) -> None:
        if self.vehicles < 0 or self.walkers < 0:
            raise InputError(f"--vehicles and --walkers are 0 or more; found {self.vehicles} and {self.walkers}")
        if self.length_m < 50.0:
            raise InputError(f"--length-m is at least 50; found {self.length_m}")
        if not all(16 <= size <= 3840 for size in self.camera):
            raise InputError(f"--camera takes a width and a height between 16 and 3840; found {self.camera}")
        if self.route is not None and self.routes is None:
            raise InputError("--route names a route in a file; say which with --routes FILE")
        if self.weather is not None:
            preset(self.weather)

    def _planned_route(self) -> RouteSpec | None:
        if self.routes is None:
            return None
        return load_route(self.routes, self.route) if self.route is not None else load_routes(self.routes)[0]

    def _server(self, stack: ExitStack, planned: RouteSpec | None) -> tuple[carla.Client, str]:
        town = self.town or (planned.town if planned else None)
        if self.server is not None:
            address = ServerAddress.parse(self.server)
            client = connect(address)
            _load_town(client, town)
            return client, f"CARLA {client.get_server_version()} at {address}"
        server = stack.enter_context(
            EmbeddedServer(town or DEFAULT_TOWN, seed=self.seed, maps_dirs=self.maps, cache_dir=self.out / MAP_CACHE)
        )
        return connect(server.address), "embedded"

    def _trace(self, road_map: RoadMap, planned: RouteSpec | None) -> Route:
        planner = RoutePlanner(road_map.carla_map)
        if planned is not None:
            return planner.trace(planned.waypoints)
        rng = np.random.default_rng(self.seed)
        return planner.random_route(rng, 0.9 * self.length_m, 1.1 * self.length_m)

    def _cameras_work(self, client: carla.Client) -> bool:
        """Whether the server can draw; if not, the drive goes on with a bird's-eye video and this says why."""
        world = client.get_world()
        blueprint = world.get_blueprint_library().find("sensor.camera.rgb")
        try:
            camera = world.spawn_actor(blueprint, carla.Transform(carla.Location(z=50.0)))
        except RuntimeError as error:
            print(f"note: no front camera in the video: {error}", file=sys.stderr)
            return False
        client.apply_batch_sync([carla.command.DestroyActor(camera.id)])
        return True

    def _drive(
        self,
        client: carla.Client,
        agent: Agent,
        road_map: RoadMap,
        route: Route,
        planned: RouteSpec | None,
        identity: EpisodeIdentity,
        run: RunFolder,
    ) -> EpisodeResult:
        spec = EpisodeSpec(
            route=route,
            agent=self.agent,
            seed=self.seed,
            vehicles=self.vehicles,
            walkers=self.walkers,
            weather=preset(self.weather) if self.weather else planned,
            front_camera=self.camera if self.video and self._cameras_work(client) else None,
        )
        metrics = EpisodeMetrics(road_map, route)
        details = {
            "vehicles": self.vehicles,
            "walkers": self.walkers,
            "weather": self.weather or "the route's or server's",
        }
        started = time.perf_counter()
        with EpisodeRecorder(run, identity, road_map, route, video=self.video, details=details) as recorder:
            with DriveProgress(route.length_m, quiet=self.json) as progress:

                def observe(tick: TickRecord, infractions: list[Infraction]) -> None:
                    recorder.write(tick, infractions)
                    progress.update(metrics.completion.percent, tick.time_s, tick.speed_mps, infractions)

                run_episode(client, spec, agent, road_map, metrics, observe)
            result = metrics.result(identity, wall_time_s=time.perf_counter() - started)
            recorder.close(result)
        return result

    def _say(self, result: EpisodeResult, run: RunFolder, report: Path, summary: dict[str, float | int | str]) -> None:
        if self.json:
            print(json.dumps(summary))
            return
        video = run.video_file(_EPISODE_ID)
        print(
            f"{result.outcome}: route completion {result.route_completion_percent:.1f} %, driving score "
            f"{result.driving_score:.1f}, {result.infractions_total} infractions, "
            f"{result.distance_m / 1000.0:.2f} km in {result.duration_s:.0f} s, "
            f"{result.duration_s / max(result.wall_time_s, 1e-6):.1f}x real time, server: "
            f"{result.identity.server}"
        )
        if video.is_file():
            print(f"video:  {video}")
        print(f"report: {report}")


def _load_town(client: carla.Client, town: str | None) -> None:
    """Make the server show the town that was asked for; InputError if it has none of that name."""
    current = client.get_world().get_map().name.rsplit("/", 1)[-1]
    if town is None or town == current:
        return
    if town.endswith(".xodr"):
        path = Path(town)
        if not path.is_file():
            raise InputError(f"there is no map file {path}")
        client.generate_opendrive_world(path.read_text(encoding="utf-8"))
        return
    available = sorted(name.rsplit("/", 1)[-1] for name in client.get_available_maps())
    if town not in available:
        raise InputError(f"the server has no town {town!r}; it has {', '.join(available)}")
    try:
        client.load_world(town)
    except RuntimeError as error:
        raise InfrastructureError(f"the server did not load {town}: {error}") from error
