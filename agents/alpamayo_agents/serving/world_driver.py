"""An agent of ours in somebody else's episode: a second client that looks on, finds the ego and never ticks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import carla

from alpamayo_agents.base import Agent, EpisodeContext
from alpamayo_agents.serving.driver import Driver
from alpamayo_agents.serving.evaluator_plan import route_of_plan
from alpamayo_agents.serving.messages import Command, Observation, SessionStart
from alpamayo_sim.client.connection import ServerAddress, connect
from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.roads.road_map import RoadMap, road_map_from_text

HERO_ROLE = "hero"
FRAME_TIMEOUT_S = 20.0
_POLL_S = 0.0002
_WORKER_THREADS = 2


class WorldDriver(Driver):
    """Runs one agent beside the evaluator that ticks the world."""

    def __init__(self, make: Callable[[], Agent], cache: Path | None) -> None:
        self._make, self._cache = make, cache
        self._agent: Agent | None = None
        self._started: SessionStart | None = None

    def start(self, start: SessionStart) -> None:
        """Connect to the evaluator's CARLA and learn its map."""
        if start.carla_address is None or start.dense_plan is None:
            raise InputError("this agent sees the world through CARLA: it needs its address and the dense route")
        host, port = start.carla_address
        self._client = connect(
            ServerAddress(host, port), timeout_s=FRAME_TIMEOUT_S, otherwise="", worker_threads=_WORKER_THREADS
        )
        self._client.set_timeout(FRAME_TIMEOUT_S)
        self._world = self._client.get_world()
        carla_map = self._world.get_map()
        town = carla_map.name.rsplit("/", 1)[-1]
        self._road_map: RoadMap = road_map_from_text(town, carla_map.to_opendrive(), cache_dir=self._cache)
        self._route = route_of_plan(self._road_map.carla_map, start.dense_plan)
        self._started = start

    def step(self, observation: Observation) -> Command:
        """Wait until the evaluator's frame has arrived here too, and return the agent's answer to it."""
        assert self._started is not None, "start comes before step"
        snapshot = self._snapshot(observation.frame)
        if self._agent is None:
            # Only now: the evaluator lets the world settle between its set-up and the first tick.
            ego = self._hero(snapshot)
            self._agent = self._make()
            self._agent.setup(EpisodeContext(self._world, ego, self._road_map, self._route, self._started.seed))
        decision = self._agent.run_step(snapshot)
        control, plan = decision.control, decision.plan
        return Command(
            throttle=control.throttle,
            steer=control.steer,
            brake=control.brake,
            hand_brake=control.hand_brake,
            reverse=control.reverse,
            reasoning=plan.reasoning if plan is not None else "",
        )

    def close(self) -> None:
        """Let go of the agent and of the client."""
        agent, self._agent = self._agent, None
        if agent is not None:
            agent.destroy()
        if self._started is not None:
            self._started = None
            del self._world, self._client, self._road_map

    def _snapshot(self, frame: int | None) -> carla.WorldSnapshot:
        deadline = time.monotonic() + FRAME_TIMEOUT_S
        while True:
            snapshot = self._world.get_snapshot()
            if frame is None or snapshot.frame >= frame:
                return snapshot
            if time.monotonic() > deadline:
                raise InfrastructureError(
                    f"frame {frame} of the evaluator's world has not arrived after {FRAME_TIMEOUT_S:.0f} s; the last one was "
                    f"{snapshot.frame}. Is the world that the evaluator ticks the one at this address?"
                )
            time.sleep(_POLL_S)

    def _hero(self, snapshot: carla.WorldSnapshot) -> carla.Vehicle:
        heroes = [
            actor
            for actor in self._world.get_actors().filter("vehicle.*")
            if actor.attributes.get("role_name") == HERO_ROLE and snapshot.has_actor(actor.id)
        ]
        if len(heroes) != 1:
            raise InputError(f"expected one vehicle with the role {HERO_ROLE!r} in the world; found {len(heroes)}")
        return heroes[0]
