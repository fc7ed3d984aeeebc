"""Carries out the perturbation of an episode, where that endangers nobody."""

from __future__ import annotations

import math

import carla

from alpamayo_agents.base import EpisodeContext
from alpamayo_agents.collecting.perturbation import Burst, Perturbation
from alpamayo_agents.ego import EgoModel, EgoState
from alpamayo_sim.record.scene_state import ExpertReason

SLOWEST_MPS = 3.0
"""A slower car is not shaken: it would only turn on the spot."""
SHARPEST_PER_M = 0.06
"""Curvature that is added at most."""
ROOM_M = 12.0
"""A start is not moved, and a burst not begun, with anybody so near."""
CLEAR_LANE_SHARE = 0.35
"""A start is moved by no more than this share of what its lane is wider than the car."""


class Disturber:
    """Moves the start and shakes the steering of one ego."""

    def __init__(self, context: EpisodeContext, model: EgoModel, perturbation: Perturbation) -> None:
        self._world, self._ego, self._route = context.world, context.ego, context.route
        self._model = model
        self._perturbation = perturbation
        self._next = 0
        self._burst: Burst | None = None
        self._begin_s: float | None = None
        self.start_moved = False
        self.is_disturbing = False
        """Whether noise is on the control of the last tick that was asked for."""
        self.done: list[Burst] = []

    def move_start(self) -> None:
        """Put the ego where the perturbation has it to start, at a speed, unless somebody is near."""
        wanted = self._perturbation
        pose = self._ego.get_transform()
        if not wanted.moves_start or self._anybody_near(self._world.get_snapshot(), pose.location):
            return
        room_m = max(0.0, float(self._route.lane_width_m[0]) - 2.0 * self._model.half_width_m)
        left_m = max(-CLEAR_LANE_SHARE * room_m, min(CLEAR_LANE_SHARE * room_m, wanted.start_lateral_m))
        yaw = math.radians(pose.rotation.yaw)
        location = carla.Location(
            pose.location.x + left_m * math.sin(yaw), pose.location.y - left_m * math.cos(yaw), pose.location.z
        )
        turned = pose.rotation.yaw - math.degrees(wanted.start_heading_rad)
        rotation = carla.Rotation(pose.rotation.pitch, turned, pose.rotation.roll)
        self._ego.set_transform(carla.Transform(location, rotation))
        speed = min(wanted.start_speed_mps, self._ego.get_speed_limit() / 3.6)
        heading = math.radians(turned)
        self._ego.set_target_velocity(carla.Vector3D(speed * math.cos(heading), speed * math.sin(heading), 0.0))
        self.start_moved = True

    def disturbed(
        self,
        snapshot: carla.WorldSnapshot,
        state: EgoState,
        control: carla.VehicleControl,
        reason: ExpertReason | None,
    ) -> carla.VehicleControl:
        """Return the control with noise on the steering, or as it is."""
        if self._begin_s is None:
            self._begin_s = state.time_s
        now_s = state.time_s - self._begin_s
        self._choose(snapshot, state, now_s, reason)
        added = self._burst.acceleration(now_s) if self._burst is not None else 0.0
        self.is_disturbing = self._burst is not None
        if self._burst is None:
            return control
        curvature = max(-SHARPEST_PER_M, min(SHARPEST_PER_M, added / max(1.0, state.speed_mps**2)))
        steer = control.steer - self._model.steer(curvature, state.speed_mps)
        return carla.VehicleControl(
            throttle=control.throttle,
            steer=max(-1.0, min(1.0, steer)),
            brake=control.brake,
            hand_brake=control.hand_brake,
            reverse=control.reverse,
        )

    def _choose(
        self, snapshot: carla.WorldSnapshot, state: EgoState, now_s: float, reason: ExpertReason | None
    ) -> None:
        """End a burst that is over, and begin the next when it is its time."""
        if self._burst is not None and now_s >= self._burst.begin_s + self._burst.duration_s:
            self._burst = None
        bursts = self._perturbation.bursts
        while self._burst is None and self._next < len(bursts) and now_s >= bursts[self._next].begin_s:
            burst = bursts[self._next]
            self._next += 1
            keeps_lane = reason is None or reason.lateral == "keep_lane"
            pose = state.rig_pose
            here = carla.Location(pose.x, pose.y, pose.z)
            if state.speed_mps > SLOWEST_MPS and keeps_lane and not self._anybody_near(snapshot, here):
                self._burst = burst
                self.done.append(burst)

    def _anybody_near(self, snapshot: carla.WorldSnapshot, here: carla.Location) -> bool:
        for other in snapshot:
            where = other.get_transform().location
            if other.id != self._ego.id and math.hypot(where.x - here.x, where.y - here.y) < ROOM_M:
                actor = self._world.get_actor(other.id)
                if actor is not None and actor.type_id.startswith(("vehicle.", "walker.", "static.prop")):
                    return True
        return False
