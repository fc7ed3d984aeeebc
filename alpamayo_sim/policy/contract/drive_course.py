"""An integration on the course: the interface it implements, our own correct one, and the log of what reached the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, rig_to_world
from alpamayo_sim.policy.action_statistics import PUBLISHED_STATISTICS
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, CameraRig, RigCamera
from alpamayo_sim.policy.contract.course import OBSERVED_TICKS, Course, CourseTick
from alpamayo_sim.policy.contract.log import ContractLog, SeenObservation
from alpamayo_sim.policy.contract.truth import CourseTruth
from alpamayo_sim.policy.ego_history import ego_history, rig_pose
from alpamayo_sim.policy.navigation import navigation_ahead
from alpamayo_sim.policy.observation import HISTORY_POINTS, STEP_S
from alpamayo_sim.policy.plan import PLAN_POINTS, PLAN_STEP_S, Plan
from alpamayo_sim.policy.prompt import chat_prompt
from alpamayo_sim.policy.sample_buffer import SampleBuffer
from alpamayo_sim.policy.trajectory_tokens import FUTURE_BINS, history_bins

Array = NDArray[np.float64]
FRAMES = 4
TARGET_AFTER_S = 0.5


class Integration(Protocol):
    """What stands between CARLA and the model in somebody's agent, cut where the check can look.

    The course calls `see` at every tick, `observe` at some, and `target` half a second after each of these.
    """

    @property
    def style(self) -> str:
        """The prompt's: alpamayo-1 or alpamayo-1.5."""
        ...

    @property
    def statistics(self) -> Mapping[str, float]:
        """accel_mean, accel_std (m/s^2), curvature_mean, curvature_std (1/m) that actions are turned back with."""
        ...

    def cameras(self) -> Sequence[RigCamera]:
        """Return the cameras that it mounts."""
        ...

    def see(self, tick: CourseTick) -> None:
        """Take in what CARLA gives at one tick."""
        ...

    def observe(self) -> SeenObservation:
        """Return what the model would be given now; `plan_target_world` may be anything, `target` fills it in."""
        ...

    def target(self, plan: Plan, tick: CourseTick) -> Array:
        """Return the point [3] of the CARLA world at which the plan wants the rear axle at this tick."""
        ...


class CorrectIntegration:
    """The contract kept with the parts of `alpamayo_sim.policy`; others can start from it."""

    style = "alpamayo-1.5"
    rig: CameraRig = ALPAMAYO_RIG

    def __init__(self) -> None:
        self._frames = {name: SampleBuffer[NDArray[np.uint8]](name, 1.0) for name in self.rig.names}
        self._poses = SampleBuffer[Transform]("ego poses", 2.0)
        self._last: CourseTick | None = None

    @property
    def statistics(self) -> Mapping[str, float]:
        """The published ones."""
        return asdict(PUBLISHED_STATISTICS)

    def cameras(self) -> Sequence[RigCamera]:
        """Alpamayo's four."""
        return self.rig.cameras

    def see(self, tick: CourseTick) -> None:
        """Keep pictures, as RGB, and the pose."""
        self._last = tick
        self._poses.add(tick.time_s, tick.vehicle_pose)
        for name, buffer in self._frames.items():
            buffer.add(tick.time_s, tick.images_bgra[name][..., 2::-1])

    def observe(self) -> SeenObservation:
        """Return the observation at the last tick."""
        tick = self._last
        assert tick is not None, "the course shows a tick before it asks"
        poses = self._poses.latest(HISTORY_POINTS, tick.time_s)[1]
        positions, rotations = ego_history(poses, tick.rear_axle_x_m)
        taken = [buffer.latest(FRAMES, tick.time_s) for buffer in self._frames.values()]
        navigation = navigation_ahead(tick.route_arc_length_m, tick.route_road_option, tick.along_m)
        return SeenObservation(
            t0_s=tick.time_s,
            camera_names=self.rig.names,
            navigation=navigation,
            prompt=chat_prompt(self.rig.names, FRAMES, navigation=navigation, style=self.style),
            frames=np.array([frames for _, frames in taken]),
            frame_times_s=np.array([times for times, _ in taken]),
            history_xyz_rig=positions,
            history_rotation_rig=rotations,
            history_tokens=FUTURE_BINS + history_bins(positions),
            plan_target_world=np.zeros(3),
        )

    def target(self, plan: Plan, tick: CourseTick) -> Array:
        """The plan's point at the time since its t0, from where the rig was at t0."""
        index = round((tick.time_s - plan.t0_s) / PLAN_STEP_S) - 1
        return rig_to_world(plan.rig_pose_t0, plan.waypoints_rig[index])


def probe_plan(course: CourseTruth, tick: int) -> Plan:
    """Return the plan that integrations are to track: 6 m/s on a curve to the left, from the rig at a tick."""
    time = PLAN_STEP_S * np.arange(1, PLAN_POINTS + 1, dtype=np.float64)
    points: Array = np.stack([6.0 * time, 1.2 * time**2, np.zeros(PLAN_POINTS)], axis=-1).astype(np.float64)
    return Plan(points, course.time_s(tick), rig_pose(course.vehicle_poses[tick], course.rear_axle_x_m))


def drive_course(integration: Integration, course: Course) -> ContractLog:
    """Drive the course with an integration and return the log; what the integration raises passes through."""
    observations: list[SeenObservation] = []
    waiting = round(TARGET_AFTER_S / (STEP_S / 2.0))
    for number in range(OBSERVED_TICKS[-1] + waiting + 1):
        tick = course.tick(number)
        integration.see(tick)
        if number in OBSERVED_TICKS:
            observations.append(integration.observe())
        elif number - waiting in OBSERVED_TICKS:
            target = integration.target(probe_plan(course, number - waiting), tick)
            observations[-1] = replace(observations[-1], plan_target_world=np.asarray(target, dtype=np.float64))
    statistics = {name: float(value) for name, value in integration.statistics.items()}
    return ContractLog(integration.style, tuple(integration.cameras()), statistics, tuple(observations))
