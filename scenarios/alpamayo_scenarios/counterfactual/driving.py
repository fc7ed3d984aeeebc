"""Drives one branch in this process, on an embedded server of its own."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import carla
import numpy as np

from alpamayo_agents.base import Agent, Decision, EpisodeContext
from alpamayo_agents.collecting.agent import CollectingAgent
from alpamayo_agents.expert import ExpertAgent
from alpamayo_agents.registry import make_agent
from alpamayo_scenarios.counterfactual.applying import Effect, NotApplicable, effect_of
from alpamayo_scenarios.counterfactual.branch import Branch, BranchResult, ReplaySpec
from alpamayo_scenarios.counterfactual.interventions import ActorRef
from alpamayo_scenarios.counterfactual.other_ways import other_way
from alpamayo_scenarios.counterfactual.tape import TapeRecorder
from alpamayo_scenarios.episode import EpisodeSpec, run_episode
from alpamayo_scenarios.route_file import load_route
from alpamayo_scenarios.signals_of_world import areas_of_world
from alpamayo_scenarios.traced_route import trace_route
from alpamayo_sim.client.connection import connect, why_no_cameras
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.metrics.episode_metrics import CRITERIA, EpisodeMetrics
from alpamayo_sim.metrics.infraction import Infraction
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.route_planner import Route

_CLIENT_TIMEOUT_S = 120.0


class RenewableAgent(Agent):
    """A driver that can be set up afresh on the way: the new one knows nothing of what was before."""

    name = "renewable"

    def __init__(self, replay: ReplaySpec) -> None:
        self._replay = replay
        self._agent = make_agent(replay.agent)
        if replay.collect is not None:
            settings = replace(replay.collect, pictures=False)
            self._agent = CollectingAgent(self._agent, settings, seed=replay.seed, folder=None)
        self._context: EpisodeContext | None = None
        self.needs_cameras = self._agent.needs_cameras

    def setup(self, context: EpisodeContext) -> None:
        """Set the driver up."""
        self._context = context
        self._agent.setup(context)

    def run_step(self, snapshot: carla.WorldSnapshot) -> Decision:
        """Return the driver's decision."""
        return self._agent.run_step(snapshot)

    def renew(self, x_m: float, y_m: float, *, elsewhere: bool = False) -> None:
        """Let another driver take over from a place on, for the rest of the route or another way; NotApplicable without one."""
        context = self._context
        assert context is not None
        route = rest_of_route(context.route, x_m, y_m)
        if elsewhere:
            other = other_way(context.road_map, route, x_m, y_m)
            if other is None:
                raise NotApplicable("there is no other way to go")
            route = other
        driver = make_agent(self._replay.agent)
        if isinstance(self._agent, CollectingAgent):
            # The cameras stay, and what shakes the steering goes on.
            self._agent.driver.destroy()
            if isinstance(driver, ExpertAgent):
                driver.stops_at_route_end = False
            self._agent.driver = driver
        else:
            self._agent.destroy()
            self._agent = driver
        driver.setup(replace(context, route=route))

    def destroy(self) -> None:
        """Release the driver."""
        self._agent.destroy()


def rest_of_route(route: Route, x_m: float, y_m: float) -> Route:
    """Return a route from the point nearest to a place on; of a loop's two, the place's first passing."""
    off = np.hypot(route.points[:, 0] - x_m, route.points[:, 1] - y_m)
    near = np.flatnonzero(off < float(off.min()) + 0.5)
    first = min(int(near[0]), len(route.points) - 2)
    return Route(
        points=route.points[first:],
        yaw_deg=route.yaw_deg[first:],
        road_option=route.road_option[first:],
        arc_length_m=route.arc_length_m[first:] - route.arc_length_m[first],
        lane_width_m=route.lane_width_m[first:],
        lane=route.lane[first:],
        in_junction=route.in_junction[first:],
    )


class _Driven(Exception):
    """The last tick that was asked for has been driven."""


@dataclass
class _Watcher:
    """Takes the tape of an episode and makes the interventions in it."""

    client: carla.Client
    branch: Branch
    agent: RenewableAgent
    effects: list[Effect]
    recorder: TapeRecorder = field(default_factory=TapeRecorder)
    done: list[str] = field(default_factory=list[str])
    not_applicable: str = ""
    collisions: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    decisions: list[tuple[int, str, str]] = field(default_factory=list[tuple[int, str, str]])
    present: tuple[ActorRef, ...] = ()
    begun_s: float = 0.0
    reached: bool = False

    def observe(self, tick: TickRecord, infractions: list[Infraction]) -> None:
        """Take a tick; raises _Driven after the last."""
        self.begun_s = self.begun_s or time.perf_counter()
        self.recorder.add(tick)
        self._note(tick)
        if tick.frame == self.branch.at_frame:
            self._intervene(tick)
        elif tick.frame > self.branch.at_frame >= 0:
            for effect in self.effects:
                effect.hold()
            # The client library tells of actors that are gone with the tick after.
            if tick.frame == self.branch.at_frame + 1 and any(effect.renews_driver for effect in self.effects):
                self._renew(tick)
        if self.not_applicable or tick.frame == self.branch.until_frame:
            self.reached = True
            raise _Driven

    def _note(self, tick: TickRecord) -> None:
        if tick.plan is not None:
            told = (tick.plan.decisions.get("longitudinal", ""), tick.plan.decisions.get("lateral", ""))
            if not self.decisions or self.decisions[-1][1:] != told:
                self.decisions.append((tick.frame, *told))
        if tick.frame > self.branch.at_frame:
            self.collisions += [(tick.frame, event.other_type_id) for event in tick.collisions]

    def _intervene(self, tick: TickRecord) -> None:
        self.present = tuple(
            ActorRef(actor.actor_id, actor.type_id, actor.transform.x, actor.transform.y) for actor in tick.actors
        )
        try:
            for effect in self.effects:
                self.done.append(effect.begin(self.client, tick))
        except NotApplicable as error:
            self.not_applicable = str(error)

    def _renew(self, tick: TickRecord) -> None:
        elsewhere = any(effect.changes_route for effect in self.effects)
        try:
            self.agent.renew(tick.ego.transform.x, tick.ego.transform.y, elsewhere=elsewhere)
        except NotApplicable as error:
            self.not_applicable = str(error)


def drive_branch(branch: Branch, road_map: RoadMap | None = None) -> BranchResult:
    """Return what became of a branch, driven on a fresh server that ends with it; `road_map` is its town, if it was read before.

    Raises InputError for an episode that cannot be driven, InfrastructureError when the server or TrafficManager fails.
    """
    began_s = time.perf_counter()
    replay = branch.replay
    random.seed(replay.seed)
    np.random.seed(replay.seed)  # noqa: NPY002 - as the benchmark's episodes have it
    cache = Path(replay.cache) if replay.cache else None
    maps = [Path(folder) for folder in replay.maps]
    with ExitStack() as stack:
        server = EmbeddedServer(
            replay.town,
            seed=replay.seed,
            maps_dirs=maps,
            cache_dir=cache,
            extra_args=["--synchronous"],
            wait=False,
        )
        stack.callback(server.close)
        stack.callback(server.kill)
        road_map = road_map or load_road_map(replay.town, maps_dirs=maps, cache_dir=cache)
        client = connect(server.address)
        client.set_timeout(_CLIENT_TIMEOUT_S)
        return _drive(branch, client, road_map, began_s)


def _drive(branch: Branch, client: carla.Client, road_map: RoadMap, began_s: float) -> BranchResult:
    replay = branch.replay
    planned = load_route(Path(replay.route_file), replay.route_id)
    route = trace_route(road_map.carla_map, planned)
    spec = EpisodeSpec(
        route=route.driven,
        evaluators_route=route.judged,
        agent=replay.agent,
        seed=replay.seed,
        vehicles=replay.vehicles,
        walkers=replay.walkers,
        weather=planned,
        scenarios=planned.scenarios,
        background=replay.background,
    )
    metrics = EpisodeMetrics(
        road_map,
        route.judged,
        profile=replay.profile,
        criteria=tuple(CRITERIA),
        areas=areas_of_world(client.get_world()),
    )
    if replay.collect is not None and replay.collect.pictures:
        # Who collects pictures asks whether the server can draw, which takes an actor's id.
        why_no_cameras(client)
    agent = RenewableAgent(replay)
    watcher = _Watcher(client, branch, agent, [effect_of(one) for one in branch.interventions])
    with suppress(_Driven):
        run_episode(client, spec, agent, road_map, metrics, watcher.observe)
    tape = watcher.recorder.tape()
    now_s = time.perf_counter()
    return BranchResult(
        tape=tape,
        done=tuple(watcher.done),
        not_applicable=watcher.not_applicable,
        ended="" if watcher.reached else str(metrics.end_reason),
        collisions=tuple(watcher.collisions),
        decisions=tuple(watcher.decisions),
        present=watcher.present,
        wall_time_s=now_s - began_s,
        ticks_per_s=len(tape) / max(1e-6, now_s - watcher.begun_s),
    )
