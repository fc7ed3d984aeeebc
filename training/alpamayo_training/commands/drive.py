"""`alpamayo drive`: one route, one agent, traffic; ends in a video and a report."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from tyro.conf import OmitArgPrefixes, UseAppendAction

from alpamayo_agents.base import Agent
from alpamayo_agents.registry import make_agent
from alpamayo_agents.vla.agent import VlaAgent
from alpamayo_agents.vla.settings import VlaSettings
from alpamayo_scenarios.episode import EpisodeSpec, start_transform
from alpamayo_scenarios.route_file import RouteSpec, load_route, load_routes
from alpamayo_scenarios.route_run import AGENT_ERROR_FILE, RouteRun
from alpamayo_scenarios.traced_route import trace_route
from alpamayo_scenarios.traffic import free_spawn_points
from alpamayo_scenarios.weather import preset
from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.episode_metrics import CRITERIA, DEFAULT_CRITERIA
from alpamayo_sim.metrics.episode_result import OK, EpisodeIdentity, EpisodeResult, summarise
from alpamayo_sim.metrics.infraction import Infraction
from alpamayo_sim.metrics.profile import DEFAULT_PROFILE, scoring_profile
from alpamayo_sim.metrics.results.file import RESULT_FILE, write_atomically, write_result_file
from alpamayo_sim.metrics.results.from_episode import EVENTS_FILE, events_text, leaderboard_file
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.record.report import write_report
from alpamayo_sim.record.run_folder import RunFolder, check_writable
from alpamayo_sim.roads.road_map import RoadMap, road_map_from_text
from alpamayo_sim.roads.route_planner import Route, RoutePlanner
from alpamayo_training.progress import DriveProgress
from alpamayo_training.server_choice import ConnectedServer, open_server

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
    """Who drives: expert, route_follower, constant_velocity, vla (a driving model), or module:Class for an agent of your own."""
    vla: OmitArgPrefixes[VlaSettings] = field(default_factory=VlaSettings)
    vehicles: int = 30
    """Vehicles driven by CARLA's TrafficManager."""
    walkers: int = 20
    """Pedestrians on sidewalks and crosswalks."""
    weather: str | None = None
    """One of CARLA's presets, such as ClearNoon or HardRainNight; by default the route file's, else the server's."""
    profile: str = DEFAULT_PROFILE
    """Rules and penalties of leaderboard-1.0, leaderboard-2.0, leaderboard-2.1 or bench2drive."""
    min_speed: bool = False
    """Also judge minimum speed against the traffic's, as the leaderboard 2.x (which takes off for it) and Bench2Drive do."""
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
        """Drive; return 0 if the route was completed, 1 if it was not."""
        self._check()
        agent = make_agent(self.agent, self.vla)
        planned = self._planned_route()
        with ExitStack() as stack:
            town = self.town or (planned.town if planned else None)
            cache = self.out / MAP_CACHE
            server = open_server(
                stack, self.server, town, default_town=DEFAULT_TOWN, seed=self.seed, maps=self.maps, cache=cache
            )
            world_map = server.client.get_world().get_map()
            town_name = world_map.name.rsplit("/", 1)[-1]
            road_map = road_map_from_text(town_name, world_map.to_opendrive(), cache_dir=cache)
            route, evaluators_route = self._trace(road_map, planned)
            free_spawn_points(world_map, self.vehicles, start_transform(route).location)
            route_id = planned.route_id if planned else f"random-{self.seed}"
            identity = EpisodeIdentity(_EPISODE_ID, road_map.name, route_id, self.agent, self.seed, server.name)
            run = RunFolder.create(self.out, "drive", {k: v for k, v in asdict(self).items() if v is not None})
            try:
                result = self._drive(server, agent, road_map, (route, evaluators_route), planned, identity, run)
            except KeyboardInterrupt:
                print(f"stopped; what there is lies in {run.path}", file=sys.stderr)
                raise
        summary = summarise([result])
        run.write_summary(summary)
        write_result_file(run.path / RESULT_FILE, leaderboard_file([result]))
        write_atomically(run.path / EVENTS_FILE, events_text([result]))
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
        scoring_profile(self.profile)
        if self.seed < 0:
            raise InputError(f"--seed is 0 or more; found {self.seed}")
        check_writable(self.out)

    def _planned_route(self) -> RouteSpec | None:
        if self.routes is None:
            return None
        return load_route(self.routes, self.route) if self.route is not None else load_routes(self.routes)[0]

    def _trace(self, road_map: RoadMap, planned: RouteSpec | None) -> tuple[Route, Route | None]:
        """Return the route, and for one from a file the leaderboard's line of it."""
        if planned is not None:
            traced = trace_route(road_map.carla_map, planned)
            return traced.driven, traced.judged
        rng = np.random.default_rng(self.seed)
        return RoutePlanner(road_map.carla_map).random_route(rng, 0.9 * self.length_m, 1.1 * self.length_m), None

    def _drive(
        self,
        server: ConnectedServer,
        agent: Agent,
        road_map: RoadMap,
        routes: tuple[Route, Route | None],
        planned: RouteSpec | None,
        identity: EpisodeIdentity,
        run: RunFolder,
    ) -> EpisodeResult:
        spec = EpisodeSpec(
            route=routes[0],
            evaluators_route=routes[1],
            agent=self.agent,
            seed=self.seed,
            vehicles=self.vehicles,
            walkers=self.walkers,
            weather=preset(self.weather) if self.weather else planned,
            front_camera=self.camera if self.video and server.has_cameras() else None,
        )
        weather = self.weather or ("the route's" if planned else "the server's")
        with ExitStack() as stack:
            episode = stack.enter_context(
                RouteRun(
                    run,
                    identity,
                    spec,
                    road_map,
                    profile=self.profile,
                    criteria=tuple(CRITERIA) if self.min_speed else DEFAULT_CRITERIA,
                    video=self.video,
                    details={
                        "vehicles": self.vehicles,
                        "walkers": self.walkers,
                        "weather": weather,
                        **(self.vla.details() if self.agent == VlaAgent.name else {}),
                    },
                )
            )
            progress = stack.enter_context(DriveProgress(spec.judged_route.length_m, quiet=self.json))

            def give_up(reason: str) -> None:
                """Save what there is and end the process: nothing that waits for a dead server can be unwound."""
                lost = episode.lose("server_lost", reason)
                run.append_metrics(lost.flat())
                run.write_summary(summarise([lost]))
                log = server.embedded.log() if server.embedded is not None else ""
                (run.path / "server.log").write_text(log, encoding="utf-8")
                if server.embedded is not None:
                    server.embedded.kill()
                print(f"error: {reason}; the episode does not count. See {run.path}", file=sys.stderr, flush=True)
                os._exit(3)

            watchdog = stack.enter_context(server.watchdog(give_up))

            def observe(tick: TickRecord, infractions: list[Infraction]) -> None:
                watchdog.ticked()
                progress.update(episode.metrics.completion.percent, tick.time_s, tick.speed_mps, infractions)

            return episode.drive(server.client, agent, observe)

    def _say(self, result: EpisodeResult, run: RunFolder, report: Path, summary: dict[str, float | int | str]) -> None:
        if result.status != OK:
            report_file = run.episode_folder(_EPISODE_ID) / AGENT_ERROR_FILE
            print(f"{result.status}: the agent's own error is in {report_file}", file=sys.stderr)
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
