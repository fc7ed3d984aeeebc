"""A driving model at the wheel: looks, is asked for plans at a set rate, and drives by the last plan that has arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, ClassVar

import carla
import numpy as np

from alpamayo_agents.base import Agent, Decision, EpisodeContext
from alpamayo_agents.ego import EgoModel, EgoState, read_state
from alpamayo_agents.longitudinal_model import pedals
from alpamayo_agents.tracking import PlanTracker
from alpamayo_agents.vla.latency import parse_latency
from alpamayo_agents.vla.observer import RigObserver
from alpamayo_agents.vla.plan_flow import PlanFlow
from alpamayo_agents.vla.settings import VlaSettings
from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, CameraRig
from alpamayo_sim.policy.observation import Observation
from alpamayo_sim.policy.plan import Plan
from alpamayo_sim.runtime.open_policy import OpenedPolicy, open_policy

BRAKING_MPS2 = 3.0
"""With what an outdated plan's line is braked along."""
MOST_FAILURES = 5
"""So many answers in a row that are no plans are a failure of the policy; fewer are plans that are missing."""
_LATENCY_STREAM = 0x1A7E


class VlaAgent(Agent):
    """Drives by the plans of a vision-language-action model."""

    name: ClassVar[str] = "vla"
    needs_cameras = True

    def __init__(self, settings: VlaSettings) -> None:
        """Take settings that are in range; the model itself is loaded by `setup`."""
        settings.check_numbers()
        self.settings = settings
        self._observer: RigObserver | None = None
        self._opened: OpenedPolicy | None = None
        self._flow: PlanFlow | None = None
        self._wall_s: list[float] = []

    def open_policy(self, context: EpisodeContext) -> OpenedPolicy:
        """Return the policy of an episode, which draws by the episode's seed. A class of one's own may drive by another."""
        assert self.settings.checkpoint is not None, "checked before"
        return open_policy(
            self.settings.checkpoint,
            seed=context.seed,
            sampling=self.settings.sampling,
            device=self.settings.device,
        )

    def rig(self, opened: OpenedPolicy) -> CameraRig:
        """Return the cameras to mount: Alpamayo's, with pictures of the size that the model sees."""
        return replace(ALPAMAYO_RIG, width_px=opened.images.width_px, height_px=opened.images.height_px)

    def setup(self, context: EpisodeContext) -> None:
        """Load the model and mount its cameras; InputError for a checkpoint that is none, and for a world that is not drawn."""
        world_settings = context.world.get_settings()
        if world_settings.no_rendering_mode:
            raise InputError(
                "the agent drives by cameras, and this world is in no-rendering mode; let its client turn that off"
            )
        opened = self._opened = self.open_policy(context)
        settings = self.settings
        model = EgoModel.read(context.ego)
        self._world, self._ego, self._model = context.world, context.ego, model
        self._tracker = PlanTracker(model)
        self._flow = PlanFlow(
            1.0 / settings.plan_rate,
            parse_latency(settings.latency),
            np.random.default_rng([context.seed, _LATENCY_STREAM]),
            late=settings.late,
            late_after_s=settings.late_after,
        )
        self._wall_s = []
        self._failures = 0
        self._seen_frame = context.world.get_snapshot().frame
        step_s = world_settings.fixed_delta_seconds or 0.05
        self._observer = RigObserver(
            context.world,
            context.ego,
            model,
            context.route,
            self.rig(opened),
            frames_per_camera=opened.images.frames_per_camera,
            step_s=step_s,
        )

    def run_step(self, snapshot: carla.WorldSnapshot) -> Decision:
        """Return the control by the plan in force; asks the model when it is its time."""
        assert self._observer is not None and self._flow is not None, "setup comes before run_step"
        state = read_state(self._model, self._ego, snapshot)
        if snapshot.frame > self._seen_frame:
            self._seen_frame = snapshot.frame
            self._observer.see(snapshot)
            self._flow.advance(state.time_s)
            if self._flow.is_due(state.time_s):
                observation = self._observer.observation(state.time_s, state.speed_mps)
                if observation is not None:
                    self._flow.submit(self._ask(observation), state.time_s)
        order, plan = self._flow.order(state.time_s)
        if plan is None:
            return Decision(carla.VehicleControl(brake=1.0))
        control = self._tracker.step(plan, state)
        return Decision(control if order == "follow" else _braking(control, state), plan)

    def _ask(self, observation: Observation) -> Plan | None:
        """The model's plan; None where what it answered is none. Raises RuntimeError when that happens again and again."""
        assert self._opened is not None
        try:
            plan = self._opened.policy.plan(observation)
        except InputError as error:
            self._failures += 1
            if self._failures >= MOST_FAILURES:
                raise RuntimeError(f"the policy had no plan {self._failures} times in a row: {error}") from error
            return None
        self._failures = 0
        self._wall_s.append(plan.latency_s)
        return plan

    def notes(self) -> Mapping[str, Any]:
        """Return the settings, how planning went, and the wall-clock latency of every plan, in the form that --latency reads."""
        if self._flow is None:
            return {}
        return {
            "agent": self.name,
            "settings": asdict(self.settings),
            "plans": asdict(self._flow.counts),
            "latency_s": [round(seconds, 4) for seconds in self._wall_s],
        }

    def destroy(self) -> None:
        """Take the cameras away and let go of the model."""
        observer, self._observer = self._observer, None
        self._opened = None
        if observer is not None:
            observer.destroy()


def _braking(control: carla.VehicleControl, state: EgoState) -> carla.VehicleControl:
    """The steering of a control, with the brake of a comfortable stop."""
    if state.speed_mps < 0.3:
        return carla.VehicleControl(steer=control.steer, brake=1.0)
    _, brake = pedals(state.speed_mps, -BRAKING_MPS2)
    return carla.VehicleControl(steer=control.steer, brake=max(brake, 0.2))
