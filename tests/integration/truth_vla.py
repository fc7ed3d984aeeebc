"""The agent of a driving model with the truth in the model's place, for `--agent truth_vla:Class`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import carla

from alpamayo_agents.base import Agent, Decision, EpisodeContext
from alpamayo_agents.expert import ExpertAgent
from alpamayo_agents.route_follower import RouteFollowerAgent
from alpamayo_agents.vla.agent import VlaAgent
from alpamayo_sim.model.config import ImageConfig
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, CameraRig
from alpamayo_sim.policy.observation import Observation
from alpamayo_sim.policy.plan import Plan
from alpamayo_sim.runtime.open_policy import OpenedPolicy


class TruthPolicy:
    """Plans as a privileged driver does, from where the observation says that the car is."""

    def __init__(self, driver: Agent) -> None:
        self.driver = driver
        self.latest: Plan | None = None

    def plan(self, observation: Observation) -> Plan:
        plan = self.latest
        assert plan is not None and abs(plan.t0_s - observation.t0_s) < 1e-6
        # The model's side of the contract: what the observation says must agree with the truth.
        assert max(abs(a - b) for a, b in zip(plan.rig_pose_t0, observation.rig_pose_t0, strict=True)) < 1e-3
        return replace(plan, reasoning=f"{plan.reasoning} {observation.navigation or ''}".strip(), latency_s=0.05)

    def plan_many(self, observations: Sequence[Observation]) -> list[Plan]:
        return [self.plan(observation) for observation in observations]


class TruthVla(VlaAgent):
    """The expert's plans through the whole of the agent: cameras, buffers, rate, latency, tracking."""

    driver: type[Agent] = ExpertAgent

    def open_policy(self, context: EpisodeContext) -> OpenedPolicy:
        driver = self.driver()
        driver.setup(context)
        self.truth = TruthPolicy(driver)
        return OpenedPolicy(self.truth, ImageConfig(32, 16, frames_per_camera=2))

    def rig(self, opened: OpenedPolicy) -> CameraRig:
        """One small camera: the pictures are not looked at, and only have to come in time."""
        return replace(ALPAMAYO_RIG, cameras=ALPAMAYO_RIG.cameras[1:2], width_px=32, height_px=16)

    def run_step(self, snapshot: carla.WorldSnapshot) -> Decision:
        self.truth.latest = self.truth.driver.run_step(snapshot).plan
        return super().run_step(snapshot)

    def destroy(self) -> None:
        super().destroy()
        if hasattr(self, "truth"):
            self.truth.driver.destroy()


class RouteVla(TruthVla):
    """The same with the plans of who follows the route and sees nobody."""

    driver = RouteFollowerAgent
