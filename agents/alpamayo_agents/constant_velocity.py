"""The simplest driver: one speed, straight ahead along its first heading."""

from __future__ import annotations

from typing import ClassVar

import carla
import numpy as np

from alpamayo_agents.base import Agent, Decision, EpisodeContext
from alpamayo_agents.ego import EgoModel, EgoState, read_state
from alpamayo_agents.tracking import PlanTracker
from alpamayo_sim.policy.plan import PLAN_POINTS, PLAN_STEP_S, Plan

STANDING_MPS = 1.0


class ConstantVelocityAgent(Agent):
    """Drives on at the speed and heading that it had at the first tick, whatever lies ahead; from rest at the speed limit."""

    name: ClassVar[str] = "constant_velocity"

    def __init__(self) -> None:
        self._context: EpisodeContext | None = None

    def setup(self, context: EpisodeContext) -> None:
        """Prepare for one episode."""
        self._context = context
        self._model = EgoModel.read(context.ego)
        self._tracker = PlanTracker(self._model)
        self._start: EgoState | None = None
        self._speed_mps = 0.0

    def run_step(self, snapshot: carla.WorldSnapshot) -> Decision:
        """Return the control that keeps the first tick's velocity."""
        assert self._context is not None, "setup comes before run_step"
        state = read_state(self._model, self._context.ego, snapshot)
        if self._start is None:
            self._start = state
            standing = abs(state.speed_mps) < STANDING_MPS
            self._speed_mps = self._context.ego.get_speed_limit() / 3.6 if standing else state.speed_mps
        times = np.arange(1, PLAN_POINTS + 1) * PLAN_STEP_S
        waypoints = np.zeros((PLAN_POINTS, 3))
        waypoints[:, 0] = times * self._speed_mps
        plan = Plan(
            waypoints_rig=waypoints,
            t0_s=state.time_s,
            rig_pose_t0=state.rig_pose._replace(yaw=self._start.rig_pose.yaw),
            decisions={"longitudinal": "keep_speed", "lateral": "keep_heading"},
        )
        return Decision(self._tracker.step(plan, state), plan)
