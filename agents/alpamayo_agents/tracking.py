"""Tracking: from a plan to the controls of the vehicle. The same tracker serves experts and learned models."""

from __future__ import annotations

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.ego import EgoModel, EgoState
from alpamayo_agents.longitudinal_model import pedals
from alpamayo_sim.frames import world_to_rig
from alpamayo_sim.policy.plan import PLAN_POINTS, PLAN_STEP_S, Plan

Array = NDArray[np.float64]

PREVIEW_S = 0.4
"""The speed that the plan wants this much later sets the acceleration."""
STANDSTILL_MPS = 0.3
HOLD_DISTANCE_M = 0.15
"""A plan that moves less in the next two seconds asks to stand."""
STOPPING_DISTANCE_M = 0.6
STOPPING_MPS = 1.2
STOPPING_BRAKE = 0.4
"""The last stretch of a stop is braked at least so much, whatever the engine would do."""
HARDEST_ACCELERATION_MPS2 = 6.0
TRIM_RATE_PER_S = 0.8
MAX_TRIM_MPS2 = 3.0
"""The integral makes up for so much difference between this vehicle and the model."""
MAX_STEER_RATE = 0.15
"""Largest change of the steer command in one step."""


class PlanTracker:
    """Follows plans by time since t0: longitudinally an inverse model with an integral on the acceleration, laterally pure
    pursuit of the plan's line with the vehicle's own steering model. Keeps state between steps; one per episode.
    """

    def __init__(self, model: EgoModel) -> None:
        self.model = model
        self._trim = 0.0
        self._acceleration = 0.0
        self._last_speed: float | None = None
        self._last_time_s = 0.0
        self._steer = 0.0

    def step(self, plan: Plan, state: EgoState) -> carla.VehicleControl:
        """Return the control for the next tick, given the plan in force and the ego's state now."""
        dt = state.time_s - self._last_time_s if self._last_speed is not None else 0.05
        dt = min(0.5, max(1e-3, dt))
        if self._last_speed is not None:
            measured = (state.speed_mps - self._last_speed) / dt
            self._acceleration += min(1.0, dt / 0.15) * (measured - self._acceleration)
        self._last_speed, self._last_time_s = state.speed_mps, state.time_s

        pose = state.rig_pose
        here = world_to_rig(plan.rig_pose_t0, np.array([pose.x, pose.y, pose.z]))
        line = np.concatenate([np.zeros((1, 2)), plan.waypoints_rig[:, :2]])
        arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        progress = _progress(line, arc, here[:2])
        throttle, brake = self._longitudinal(arc, progress, state, state.time_s - plan.t0_s, dt)
        self._steer = self._lateral(plan, line, arc, progress, state)
        return carla.VehicleControl(throttle=throttle, steer=self._steer, brake=brake)

    def _longitudinal(
        self, arc: Array, progress: float, state: EgoState, since_t0_s: float, dt: float
    ) -> tuple[float, float]:
        times = np.arange(PLAN_POINTS + 1) * PLAN_STEP_S

        def planned(offset_s: float) -> float:
            return float(np.interp(since_t0_s + offset_s, times, arc))

        ahead = planned(2.0) - max(planned(0.0), progress)
        if ahead < HOLD_DISTANCE_M and state.speed_mps < STANDSTILL_MPS:
            self._trim = 0.0
            return 0.0, 1.0
        wanted_speed = (planned(PREVIEW_S + 0.1) - planned(PREVIEW_S - 0.1)) / 0.2
        behind = float(np.clip(planned(0.0) - progress, -1.0, 1.0))
        wanted = (wanted_speed - state.speed_mps) / PREVIEW_S + 0.5 * behind
        wanted = float(np.clip(wanted, -9.0, HARDEST_ACCELERATION_MPS2))
        if wanted < -6.0:
            self._trim = 0.0
            return 0.0, 1.0
        error = float(np.clip(wanted - self._acceleration, -2.0, 2.0))
        self._trim = float(np.clip(self._trim + TRIM_RATE_PER_S * error * dt, -MAX_TRIM_MPS2, MAX_TRIM_MPS2))
        throttle, brake = pedals(max(0.0, state.speed_mps), wanted + self._trim)
        if ahead < STOPPING_DISTANCE_M and wanted < 0.0 and state.speed_mps < STOPPING_MPS:
            self._trim = 0.0
            throttle, brake = 0.0, max(brake, STOPPING_BRAKE)
        return throttle, brake

    def _lateral(self, plan: Plan, line: Array, arc: Array, progress: float, state: EgoState) -> float:
        if arc[-1] < 0.5:
            return self._steer
        speed = max(0.0, state.speed_mps)
        target_arc = progress + float(np.clip(1.5 + 0.45 * speed, 2.5, 15.0))
        if target_arc <= arc[-1]:
            index = int(np.searchsorted(arc, target_arc))
            share = (target_arc - arc[index - 1]) / max(1e-6, arc[index] - arc[index - 1])
            target = line[index - 1] + share * (line[index] - line[index - 1])
        else:
            tail = int(np.searchsorted(arc, arc[-1] - min(1.0, 0.5 * arc[-1])))
            direction = line[-1] - line[max(0, tail - 1)]
            direction = direction / max(1e-6, float(np.linalg.norm(direction)))
            target = line[-1] + direction * (target_arc - arc[-1])
        target_world = _rig_point_to_world(plan, target)
        there = world_to_rig(state.rig_pose._replace(pitch=0.0, roll=0.0), target_world)
        square = max(1.0, float(there[0] ** 2 + there[1] ** 2))
        steer = self.model.steer(-2.0 * float(there[1]) / square, speed)
        return float(np.clip(steer, self._steer - MAX_STEER_RATE, self._steer + MAX_STEER_RATE))


def _rig_point_to_world(plan: Plan, point: Array) -> Array:
    pose = plan.rig_pose_t0
    yaw = np.radians(pose.yaw)
    x, y = point[0], -point[1]
    return np.array([pose.x + x * np.cos(yaw) - y * np.sin(yaw), pose.y + x * np.sin(yaw) + y * np.cos(yaw), pose.z])


def _progress(line: Array, arc: Array, point: Array) -> float:
    """Return the arc length at which a polyline [N, 2] comes nearest to a point, 0 before its start."""
    along = np.diff(line, axis=0)
    square = np.maximum(1e-9, np.einsum("ij,ij->i", along, along))
    share = np.clip(np.einsum("ij,ij->i", point - line[:-1], along) / square, 0.0, 1.0)
    off = line[:-1] + share[:, None] * along - point
    index = int(np.argmin(np.einsum("ij,ij->i", off, off)))
    return float(arc[index] + share[index] * (arc[index + 1] - arc[index]))
