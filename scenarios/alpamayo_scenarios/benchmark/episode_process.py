"""One episode in a process of its own, forked from a worker that has loaded everything and done nothing.

So every episode begins from the same state of the client library, whatever ran before, and whatever kills it (the library
aborts its process when a server goes away) kills nothing else.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import carla
import numpy as np

from alpamayo_agents.collecting.agent import CollectingAgent
from alpamayo_agents.collecting.episode_files import FOLDER as COLLECTED_FOLDER
from alpamayo_agents.registry import make_agent
from alpamayo_agents.vla.agent import VlaAgent
from alpamayo_scenarios.background.traffic_manager import TrafficStalledError
from alpamayo_scenarios.benchmark.messages import (
    TRAFFIC_STALLED,
    Failed,
    Finished,
    Order,
    Progress,
    Refused,
    Report,
    WorkerSetup,
    encode,
    write_all,
)
from alpamayo_scenarios.benchmark.plan import task_route
from alpamayo_scenarios.episode import EpisodeSpec
from alpamayo_scenarios.route_run import RouteRun
from alpamayo_scenarios.shown_town import show_town
from alpamayo_scenarios.signals_of_world import areas_of_world
from alpamayo_scenarios.traced_route import trace_route
from alpamayo_sim.client.connection import ServerAddress, connect, server_name, why_no_cameras
from alpamayo_sim.client.parent import end_with_parent
from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.metrics.episode_metrics import CRITERIA
from alpamayo_sim.metrics.episode_result import EpisodeIdentity
from alpamayo_sim.metrics.infraction import Infraction
from alpamayo_sim.metrics.results.bench2drive import junction_passed_percent
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.record.run_folder import RunFolder
from alpamayo_sim.roads.road_map import RoadMap, load_road_map, road_map_from_text

CLIENT_LOG = "client.log"
_CLIENT_TIMEOUT_S = 120.0
_REPORT_EVERY_S = 0.5
_LOOK_EVERY_S = 0.25

Tell = Callable[[Report], None]


def start_episode(setup: WorkerSetup, order: Order, *, fresh: bool, worker_pipe: int) -> tuple[int, int, int]:
    """Fork the episode; return its process id, the pipe that it reports on, and the one that takes the server's address.

    `worker_pipe` is the worker's own to its coordinator: held open here, it would hide the worker's end.
    """
    reports_out, reports_in = os.pipe()
    address_out, address_in = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(reports_out)
        os.close(address_in)
        os.close(worker_pipe)
        _run(setup, order, parent, reports_in, address_out, fresh)
    os.close(reports_in)
    os.close(address_out)
    return pid, reports_out, address_in


def _run(setup: WorkerSetup, order: Order, parent: int, reports: int, address: int, fresh: bool) -> None:
    """Drive the episode and end the process: nothing of the client library is worth unwinding."""
    end_with_parent(parent, signal.SIGKILL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _write_to(Path(order.staging) / CLIENT_LOG)

    def tell(report: Report) -> None:
        write_all(reports, encode(report))

    code = 1
    try:
        tell(_drive(setup, order, address, fresh, tell))
        code = 0
    except InputError as error:
        tell(Refused(str(error)))
    except TrafficStalledError as error:
        tell(Failed(TRAFFIC_STALLED, str(error)))
    except InfrastructureError as error:
        tell(Failed("server_failed", str(error)))
    except KeyboardInterrupt:
        tell(Failed("interrupted", "the run was interrupted"))
    except BaseException:  # noqa: BLE001 - the end of the process: whatever it was is told
        tell(Failed("error", traceback.format_exc()))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _write_to(log: Path) -> None:
    """Send standard output and error, which the client library writes to, into a file; there is no standard input."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _drive(setup: WorkerSetup, order: Order, address_pipe: int, fresh: bool, tell: Tell) -> Report:
    task, settings = order.task, setup.settings
    random.seed(task.seed)
    np.random.seed(task.seed)  # noqa: NPY002 - agents are foreign code, and theirs may ask the global generator
    maps = tuple(Path(folder) for folder in setup.maps)
    planned = task_route(Path(setup.run_folder), task)
    agent = make_agent(settings.agent, settings.vla)
    collector: CollectingAgent | None = None
    if settings.collect is not None:
        folder = RunFolder(Path(order.staging)).episode_folder(task.task_id) / COLLECTED_FOLDER
        agent = collector = CollectingAgent(agent, settings.collect, seed=task.seed, folder=folder)
    # While the server starts.
    road_map = load_road_map(task.town, maps_dirs=maps, cache_dir=Path(setup.cache)) if fresh else None
    client = connect(_read_address(address_pipe))
    client.set_timeout(_CLIENT_TIMEOUT_S)
    if road_map is None:
        show_town(client, task.town, maps=maps, afresh=True)
        road_map = _shown_map(client, task.town, Path(setup.cache))
    route = trace_route(road_map.carla_map, planned)
    camera = settings.camera if settings.video and why_no_cameras(client) is None else None
    spec = EpisodeSpec(
        route=route.driven,
        evaluators_route=route.judged,
        agent=settings.agent,
        seed=task.seed,
        vehicles=settings.vehicles,
        walkers=settings.walkers,
        weather=planned,
        front_camera=camera,
        scenarios=planned.scenarios,
        background=settings.background,
    )
    identity = EpisodeIdentity(
        task.task_id, road_map.name, task.route_id, settings.agent, task.seed, server_name(client)
    )
    passed_percent = junction_passed_percent(route.judged.in_junction.tolist())
    details = {
        "suite": settings.suite,
        "repetition": task.repetition,
        "scenarios": ", ".join(task.scenario_types),
        "first_junction_passed_percent": passed_percent,
        **(settings.vla.details() if isinstance(agent, VlaAgent) else {}),
    }
    with RouteRun(
        RunFolder(Path(order.staging)),
        identity,
        spec,
        road_map,
        profile=settings.profile,
        criteria=tuple(CRITERIA),
        areas=areas_of_world(client.get_world()),
        video=settings.video,
        details=details,
    ) as episode:
        watch = _Watch(setup, episode, tell)
        watch.start()

        def observe(tick: TickRecord, infractions: list[Infraction]) -> None:
            watch.ticked(episode.metrics.completion.percent, tick.time_s)

        result = episode.drive(client, agent, observe)
        watch.end()
        if collector is not None:
            collector.finish()
    return Finished(result.status)


def _read_address(pipe: int) -> ServerAddress:
    text = os.read(pipe, 1024).decode("ascii")
    if not text:
        raise InfrastructureError("the worker has ended before its server was there")
    return ServerAddress.parse(text)


def _shown_map(client: carla.Client, town: str, cache: Path) -> RoadMap:
    return road_map_from_text(town, client.get_world().get_map().to_opendrive(), cache_dir=cache)


class _Watch(threading.Thread):
    """Reports how far the episode is, and ends the process when agent or server do not answer any more."""

    def __init__(self, setup: WorkerSetup, episode: RouteRun, tell: Tell) -> None:
        super().__init__(name="episode-watch", daemon=True)
        self._setup = setup
        self._episode = episode
        self._tell = tell
        self._alive_s = self._reported_s = time.monotonic()
        self._ended = threading.Event()

    def ticked(self, percent: float, time_s: float) -> None:
        """Note that a tick was answered, and report it now and then."""
        self._alive_s = time.monotonic()
        if self._alive_s - self._reported_s > _REPORT_EVERY_S:
            self._reported_s = self._alive_s
            self._tell(Progress(round(percent, 2), round(time_s, 2)))

    def end(self) -> None:
        """The episode has its verdict."""
        self._ended.set()
        self.join()

    def run(self) -> None:
        """Look now and then until the end."""
        while not self._ended.wait(_LOOK_EVERY_S):
            agent = self._episode.agent
            thinking = agent.thinking if agent is not None else None
            if thinking is not None:
                self._alive_s = time.monotonic()
                if thinking[1] > self._setup.agent_timeout_s:
                    result = self._episode.fail(thinking[0], f"the agent has not answered for {thinking[1]:.1f} s")
                    self._tell(Finished(result.status))
                    os._exit(0)
            silent_s = time.monotonic() - self._alive_s
            if silent_s > self._setup.silent_after_s:
                self._tell(Failed("server_silent", f"the server has answered no tick for {silent_s:.0f} s"))
                os._exit(1)
