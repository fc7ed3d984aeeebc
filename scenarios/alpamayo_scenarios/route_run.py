"""One route driven, judged and recorded: what `alpamayo drive` and `alpamayo bench` have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

import carla

from alpamayo_agents.base import Agent
from alpamayo_scenarios.episode import EpisodeSpec, run_episode
from alpamayo_scenarios.guarded_agent import AgentFailure, GuardedAgent, infra_failure, policy_failure
from alpamayo_sim.errors import InfrastructureError
from alpamayo_sim.metrics.episode_metrics import DEFAULT_CRITERIA, EpisodeMetrics
from alpamayo_sim.metrics.episode_result import OK, EpisodeIdentity, EpisodeResult
from alpamayo_sim.metrics.infraction import Infraction
from alpamayo_sim.metrics.signal_areas import SignalAreas
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.record.episode_recorder import EpisodeRecorder
from alpamayo_sim.record.metric_info import MetricInfo
from alpamayo_sim.record.run_folder import RunFolder, write_json, write_text
from alpamayo_sim.roads.road_map import RoadMap

AGENT_ERROR_FILE = "agent_error.txt"
"""In the episode's folder: the traceback of an agent that failed."""
AGENT_NOTES_FILE = "agent.json"
"""In the episode's folder: what the agent wants kept of it, such as the latency of its plans."""


class RouteRun:
    """One episode with its criteria and its recorder; a context manager that drops the files of what was not finished."""

    def __init__(
        self,
        run: RunFolder,
        identity: EpisodeIdentity,
        spec: EpisodeSpec,
        road_map: RoadMap,
        *,
        profile: str,
        criteria: Sequence[str] = DEFAULT_CRITERIA,
        areas: SignalAreas | None = None,
        video: bool = False,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Open the episode's folder in `run`; InputError for an unknown profile or an episode that is complete already.

        `areas` are the boxes of the server's own lights and stop signs, by default those of the map.
        """
        self.identity = identity
        self.spec = spec
        self.road_map = road_map
        self.metrics = EpisodeMetrics(road_map, spec.judged_route, profile=profile, criteria=criteria, areas=areas)
        self.agent: GuardedAgent | None = None
        self._run = run
        self._metric_info = MetricInfo() if profile == "bench2drive" else None
        self._recorder = EpisodeRecorder(run, identity, road_map, spec.judged_route, video=video, details=details)
        self._started_s = time.perf_counter()

    def drive(
        self, client: carla.Client, agent: Agent, observe: Callable[[TickRecord, list[Infraction]], None]
    ) -> EpisodeResult:
        """Return the verdict on the route, driven to its end and recorded; `observe` is called after every tick.

        An agent that raises ends its episode, which is scored as far as it came. Raises InfrastructureError when the
        server fails, InputError when the agent cannot be set up for want of something that the user can give it.
        """
        self._started_s = time.perf_counter()
        self.agent = GuardedAgent(agent)

        def record(tick: TickRecord, infractions: list[Infraction]) -> None:
            self._recorder.write(tick, infractions)
            if self._metric_info is not None:
                self._metric_info.add(tick)
            observe(tick, infractions)

        try:
            run_episode(client, self.spec, self.agent, self.road_map, self.metrics, record)
        except AgentFailure as failure:
            if not _answers(client):
                raise InfrastructureError("the server was lost while the agent was asked for a decision") from failure
            return self.fail(failure.kind, failure.report)
        return self._close(OK)

    def fail(self, kind: str, report: str) -> EpisodeResult:
        """Return the verdict on an agent that failed, and close the record; `report` is kept beside it."""
        write_text(self._recorder.folder / AGENT_ERROR_FILE, report)
        return self._close(policy_failure(kind))

    def lose(self, kind: str, reason: str) -> EpisodeResult:
        """Return the verdict on an episode that infrastructure ended, and drop its files: it does not count."""
        self._recorder.abandon(reason)
        return self.metrics.result(self.identity, status=infra_failure(kind))

    def _close(self, status: str) -> EpisodeResult:
        wall_time_s = time.perf_counter() - self._started_s
        result = self.metrics.result(self.identity, status=status, wall_time_s=wall_time_s)
        if self._metric_info is not None:
            self._metric_info.write(self._recorder.folder)
        notes = self.agent.notes() if self.agent is not None else {}
        if notes:
            write_json(self._recorder.folder / AGENT_NOTES_FILE, dict(notes))
        self._recorder.close(result)
        return result

    def __enter__(self) -> RouteRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recorder.__exit__(kind, error, trace)


def _answers(client: carla.Client) -> bool:
    try:
        client.get_server_version()
    except RuntimeError:
        return False
    return True
