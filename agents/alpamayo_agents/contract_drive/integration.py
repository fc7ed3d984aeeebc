"""What an integration is on a live drive, and our own: the VLA agent with its model taken out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Protocol

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.base import EpisodeContext
from alpamayo_agents.vla.agent import VlaAgent
from alpamayo_agents.vla.settings import VlaSettings
from alpamayo_sim.frames import rig_to_world
from alpamayo_sim.model.config import ImageConfig
from alpamayo_sim.policy.action_statistics import PUBLISHED_STATISTICS
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG
from alpamayo_sim.policy.contract.drive_course import FRAMES
from alpamayo_sim.policy.contract.log import SeenObservation
from alpamayo_sim.policy.observation import Observation
from alpamayo_sim.policy.plan import PLAN_POINTS, PLAN_STEP_S, Plan
from alpamayo_sim.policy.prompt import chat_prompt
from alpamayo_sim.policy.trajectory_tokens import FUTURE_BINS, history_bins
from alpamayo_sim.runtime.open_policy import OpenedPolicy

Array = NDArray[np.float64]


class LiveIntegration(Protocol):
    """What stands between CARLA and the model in somebody's agent, with the sensors that it mounts itself."""

    @property
    def style(self) -> str:
        """The prompt's: alpamayo-1 or alpamayo-1.5."""
        ...

    @property
    def statistics(self) -> Mapping[str, float]:
        """accel_mean, accel_std (m/s^2), curvature_mean, curvature_std (1/m) that actions are turned back with."""
        ...

    def setup(self, context: EpisodeContext) -> None:
        """Mount cameras on the ego; called once, before the first tick."""
        ...

    def see(self, snapshot: carla.WorldSnapshot) -> None:
        """Take in one tick, with the pictures of it."""
        ...

    def observe(self) -> SeenObservation | None:
        """Return what the model would be given now; None at a tick at which its cameras took no pictures.

        `plan_target_world` may be anything, `target` fills it in.
        """
        ...

    def target(self, plan: Plan, snapshot: carla.WorldSnapshot) -> Array:
        """Return the point [3] of the CARLA world at which the plan wants the rear axle at this tick."""
        ...

    def destroy(self) -> None:
        """Take the cameras away."""
        ...


class _Listener:
    """A policy that keeps what it is shown, and plans to stay."""

    def __init__(self) -> None:
        self.seen: Observation | None = None

    def plan(self, observation: Observation) -> Plan:
        """Keep the observation."""
        self.seen = observation
        return Plan(np.zeros((PLAN_POINTS, 3)), observation.t0_s, observation.rig_pose_t0)

    def plan_many(self, observations: Sequence[Observation]) -> list[Plan]:
        """Keep the last one."""
        return [self.plan(own) for own in observations]


class _ListeningAgent(VlaAgent):
    """The agent as it drives, with a listener in the model's place."""

    def __init__(self) -> None:
        super().__init__(VlaSettings(checkpoint="tiny", plan_rate=10.0))
        self.listener = _Listener()

    def open_policy(self, context: EpisodeContext) -> OpenedPolicy:
        """Return the listener, which wants the default model's pictures."""
        return OpenedPolicy(self.listener, ImageConfig(ALPAMAYO_RIG.width_px, ALPAMAYO_RIG.height_px, FRAMES))


class VlaIntegration:
    """The VLA agent on a live drive; others can start from it."""

    style = "alpamayo-1.5"

    def __init__(self) -> None:
        self._agent = _ListeningAgent()
        self._now_s = 0.0

    @property
    def statistics(self) -> Mapping[str, float]:
        """The published ones."""
        return asdict(PUBLISHED_STATISTICS)

    def setup(self, context: EpisodeContext) -> None:
        """Let the agent mount its cameras."""
        self._agent.setup(context)

    def see(self, snapshot: carla.WorldSnapshot) -> None:
        """Let the agent drive; nobody heeds its control."""
        self._now_s = snapshot.timestamp.elapsed_seconds
        self._agent.run_step(snapshot)

    def observe(self) -> SeenObservation | None:
        """Return what the policy was shown at this tick, if it was shown something."""
        seen = self._agent.listener.seen
        if seen is None or seen.t0_s != self._now_s:
            return None
        return SeenObservation(
            t0_s=seen.t0_s,
            camera_names=seen.camera_names,
            navigation=seen.navigation,
            prompt=chat_prompt(seen.camera_names, FRAMES, navigation=seen.navigation, style=self.style),
            frames=seen.frames,
            frame_times_s=seen.frame_times_s,
            history_xyz_rig=seen.history_xyz_rig,
            history_rotation_rig=seen.history_rotation_rig,
            history_tokens=FUTURE_BINS + history_bins(seen.history_xyz_rig),
            plan_target_world=np.zeros(3),
        )

    def target(self, plan: Plan, snapshot: carla.WorldSnapshot) -> Array:
        """The plan's point at the time since its t0, from where the rig was at t0."""
        index = round((snapshot.timestamp.elapsed_seconds - plan.t0_s) / PLAN_STEP_S) - 1
        return rig_to_world(plan.rig_pose_t0, plan.waypoints_rig[index])

    def destroy(self) -> None:
        """Take the cameras away."""
        self._agent.destroy()
