"""A driver that another one drives for: disturbs it, watches the scene with cameras, writes everything down."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import carla
import numpy as np

from alpamayo_agents.base import Agent, Decision, EpisodeContext
from alpamayo_agents.collecting.cameras import CollectingCameras, SilentCameras
from alpamayo_agents.collecting.disturbing import Disturber
from alpamayo_agents.collecting.episode_files import EpisodeFiles
from alpamayo_agents.collecting.perturbation import draw_perturbation
from alpamayo_agents.collecting.scene_observer import SceneObserver
from alpamayo_agents.collecting.settings import FRAME_S, CollectSettings
from alpamayo_agents.ego import EgoModel, EgoState, read_state
from alpamayo_agents.expert import ExpertAgent
from alpamayo_sim.errors import InfrastructureError
from alpamayo_sim.policy.navigation import navigation_ahead
from alpamayo_sim.record.scene_state import ExpertReason


class CollectingAgent(Agent):
    """Drives as another agent does, disturbed as the seed has it, and records every second tick.

    With `folder` None nothing is recorded: the drive is the same, tick by tick, with the same ids.
    """

    name: ClassVar[str] = "collecting"

    def __init__(self, driver: Agent, settings: CollectSettings, *, seed: int, folder: Path | None) -> None:
        """Take a driver that is not set up; `folder`, which must not exist, is where the episode goes."""
        self.driver = driver
        self.settings = settings
        self.needs_cameras = settings.pictures or driver.needs_cameras
        self.perturbation = draw_perturbation(seed, settings.disturbance)
        self._folder = folder
        self._files: EpisodeFiles | None = None
        self._cameras: CollectingCameras | SilentCameras | None = None
        self._broken: Exception | None = None
        self._seconds = {"driver": 0.0, "cameras": 0.0, "writing": 0.0}
        if isinstance(driver, ExpertAgent):
            driver.stops_at_route_end = False

    @property
    def reason(self) -> ExpertReason | None:
        """What the driver went by."""
        return self.driver.reason

    def setup(self, context: EpisodeContext) -> None:
        """Set the driver up, move the start, mount the cameras."""
        self._context = context
        self._model = EgoModel.read(context.ego)
        self._disturber = Disturber(context, self._model, self.perturbation)
        self._disturber.move_start()
        self.driver.setup(context)
        step_s = context.world.get_settings().fixed_delta_seconds or 0.05
        self._ticks_a_frame = max(1, round(FRAME_S / step_s))
        kind = CollectingCameras if self.settings.pictures else SilentCameras
        self._cameras = kind(context.world, context.ego, self.settings, self._model, step_s)
        if self._folder is not None:
            self._observer = SceneObserver(context, self._model)
            self._files = EpisodeFiles(self._folder, self.settings)
        self._ticks = 0
        self._along = 0

    def run_step(self, snapshot: carla.WorldSnapshot) -> Decision:
        """Return the driver's decision, with noise on its steering while there is a burst."""
        assert self._cameras is not None, "setup comes before run_step"
        begun_s = time.perf_counter()
        decision = self.driver.run_step(snapshot)
        self._seconds["driver"] += time.perf_counter() - begun_s
        state = read_state(self._model, self._context.ego, snapshot)
        reason = self.driver.reason
        control = self._disturber.disturbed(snapshot, state, decision.control, reason)
        try:
            self._watch(snapshot, state, decision, control)
        except (InfrastructureError, OSError, RuntimeError) as error:
            # Not the driver's failure, though it happens while the driver is asked; `finish` tells it.
            self._broken = error
            raise
        self._ticks += 1
        return Decision(control, decision.plan)

    def _watch(
        self, snapshot: carla.WorldSnapshot, state: EgoState, decision: Decision, control: carla.VehicleControl
    ) -> None:
        assert self._cameras is not None
        begun_s = time.perf_counter()
        pictures = self._cameras.see(snapshot)
        seen_s = time.perf_counter()
        if self._ticks % self._ticks_a_frame == 0 and self._files is not None:
            self._record(snapshot, state, decision, control, pictures)
        self._seconds["cameras"] += seen_s - begun_s
        self._seconds["writing"] += time.perf_counter() - seen_s

    def _record(
        self,
        snapshot: carla.WorldSnapshot,
        state: EgoState,
        decision: Decision,
        control: carla.VehicleControl,
        pictures: dict[str, np.ndarray],
    ) -> None:
        assert self._files is not None and self._cameras is not None
        index = self._ticks // self._ticks_a_frame
        if self.settings.pictures and len(pictures) != len(self.settings.rig.names):
            missing = sorted(set(self.settings.rig.names) - set(pictures))
            raise InfrastructureError(f"frame {index}: no picture of {', '.join(missing)} at the time it was due")
        scene = self._observer.scene(
            snapshot,
            state,
            control,
            frame_index=index,
            time_s=index * FRAME_S,
            pixels=self._cameras.pixels,
            reason=self.driver.reason,
            is_perturbed=self._disturber.is_disturbing,
        )
        self._files.write(scene, pictures, decision.plan, self._guidance(state))

    def _guidance(self, state: EgoState) -> str | None:
        """The words for what the route asks next; the place on the route only moves on."""
        route = self._context.route
        ahead = route.points[self._along : self._along + 60, :2]
        away = np.hypot(ahead[:, 0] - state.rig_pose.x, ahead[:, 1] - state.rig_pose.y)
        self._along += int(np.argmin(away))
        return navigation_ahead(route.arc_length_m, route.road_option, float(route.arc_length_m[self._along]))

    def finish(self) -> None:
        """Write what is collected to its end, when the episode has its verdict.

        Raises InfrastructureError when cameras or disk failed on the way, so that the episode does not count.
        """
        if self._broken is not None:
            raise InfrastructureError(f"the episode could not be recorded: {self._broken}") from self._broken
        if self._files is not None:
            self._files.finish(
                self._context.route,
                self.perturbation,
                tuple(self._disturber.done),
                start_moved=self._disturber.start_moved,
            )

    def notes(self) -> Mapping[str, Any]:
        """Return the driver's notes, and how long it and the recording took of the wall-clock time."""
        return {**self.driver.notes(), "wall_s": {name: round(value, 3) for name, value in self._seconds.items()}}

    def destroy(self) -> None:
        """Take the cameras away and release the driver."""
        self.driver.destroy()
        cameras, self._cameras = self._cameras, None
        if cameras is not None:
            cameras.destroy()
