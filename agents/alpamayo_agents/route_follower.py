"""Follows the route at the speed limit, blind to everybody else: a lower bound for every driver."""

from __future__ import annotations

from typing import ClassVar

import carla
import numpy as np

from alpamayo_agents.base import Agent, Decision, EpisodeContext
from alpamayo_agents.ego import EgoModel, read_state
from alpamayo_agents.plan_building import build_plan
from alpamayo_agents.reference_path import STEP_M, ReferencePath
from alpamayo_agents.speed_limits import braking_envelope, curve_speed
from alpamayo_agents.speed_profile import DriverStyle, simulate
from alpamayo_agents.tracking import PlanTracker

HORIZON_M = 150.0


class RouteFollowerAgent(Agent):
    """Keeps to the route, the speed limit and the speed of curves; sees no lights, signs, vehicles or walkers."""

    name: ClassVar[str] = "route_follower"

    def __init__(self) -> None:
        self._context: EpisodeContext | None = None

    def setup(self, context: EpisodeContext) -> None:
        """Prepare for one episode."""
        self._context = context
        self._model = EgoModel.read(context.ego)
        self._tracker = PlanTracker(self._model)
        self._path = ReferencePath(context.route)
        self._style = DriverStyle()
        self._station_m = 0.0

    def run_step(self, snapshot: carla.WorldSnapshot) -> Decision:
        """Return the control and the plan that drives on along the route."""
        assert self._context is not None, "setup comes before run_step"
        state = read_state(self._model, self._context.ego, snapshot)
        rear = np.array([state.rig_pose.x, state.rig_pose.y])
        self._station_m = self._path.project(rear, self._station_m)
        first = int(self._station_m / STEP_M)
        curvature = self._path.curvature_per_m[first : first + int(HORIZON_M / STEP_M)]
        limit = self._context.ego.get_speed_limit() / 3.6
        speeds = np.minimum(limit, curve_speed(curvature))
        if first + len(speeds) >= len(self._path.station_m):
            speeds[-max(1, int(self._model.rear_m / STEP_M)) :] = 0.0
        envelope = braking_envelope(speeds, STEP_M, self._style.comfortable_braking_mps2)
        profile = simulate(state.speed_mps, envelope, (), self._style)
        plan = build_plan(
            self._path,
            state,
            self._station_m,
            profile.travelled_m,
            decisions={"longitudinal": "keep_speed", "lateral": "keep_lane"},
        )
        return Decision(self._tracker.step(plan, state), plan)
