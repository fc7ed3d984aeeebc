"""Passing a stop sign without stopping."""

from __future__ import annotations

import math
from typing import ClassVar

import carla

from alpamayo_sim.metrics.infraction import Infraction, InfractionKind, ego_location, location_text
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.signals import Box

_PROXIMITY_M = 4.0
_STOPPED_MPS = 0.1
_STEP_M = 0.5
_BOX_SCALE = 1.2
_OPPOSITE = -0.17
"""Cosine of 100 degrees."""
_LOOK_M = 12.0


class StopSign:
    """Fails when the ego leaves the box of a stop sign without having been below 0.1 m/s in it (`RunningStopTest`).

    A box affects the ego while the lane point under the ego is within 4 m of its centre and that point, or one of those
    up to 4 m ahead in the lane, lies inside the box enlarged by 1.2. Boxes are turned with their lane here, where
    ScenarioRunner takes them as parallel to the world's axes.
    """

    name: ClassVar[str] = "stop_sign"

    def __init__(self, road_map: RoadMap) -> None:
        self._map = road_map.carla_map
        self._boxes = [
            (sign.signal_id, box)
            for sign in road_map.signals.signs
            if sign.type_id == "traffic.stop"
            for box in sign.boxes
        ]
        self._target: tuple[str, Box] | None = None
        self._has_stopped = False
        self._last_failed: str | None = None

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Return one infraction when a stop sign's box is left behind without a stop."""
        here = ego_location(tick)
        if self._target is None and not any(math.dist(here, box.center) < _LOOK_M for _, box in self._boxes):
            return []
        ahead = self._lane_points(here)
        if not ahead:
            return []
        if self._target is None:
            self._target = self._entered(tick, ahead)
            self._has_stopped = False
            return []
        self._has_stopped = self._has_stopped or tick.speed_mps < _STOPPED_MPS
        signal_id, box = self._target
        if _is_affected(ahead, box):
            return []
        self._target = None
        if self._has_stopped or signal_id == self._last_failed:
            return []
        self._last_failed = signal_id
        message = f"Agent ran a stop with id={signal_id} at {location_text(box.center)}"
        return [Infraction(InfractionKind.STOP_SIGN, tick.frame, tick.time_s, here, message)]

    def _lane_points(self, here: tuple[float, float, float]) -> list[carla.Transform]:
        """The lane pose under the ego and every 0.5 m ahead, up to 4 m."""
        waypoint = self._map.get_waypoint(carla.Location(*here))
        poses: list[carla.Transform] = []
        while waypoint is not None and len(poses) <= int(_PROXIMITY_M / _STEP_M):
            poses.append(waypoint.transform)
            following = waypoint.next(_STEP_M)
            waypoint = following[0] if following else None
        return poses

    def _entered(self, tick: TickRecord, ahead: list[carla.Transform]) -> tuple[str, Box] | None:
        """The box that affects the ego; none while it drives backwards or against the lane."""
        yaw = math.radians(tick.ego.transform.yaw)
        direction = math.cos(yaw), math.sin(yaw)
        vx, vy, _ = tick.ego.velocity_mps
        lane = ahead[0].get_forward_vector()
        if min(vx * direction[0] + vy * direction[1], lane.x * direction[0] + lane.y * direction[1]) < _OPPOSITE:
            return None
        return next((target for target in self._boxes if _is_affected(ahead, target[1])), None)

    def finish(self) -> list[Infraction]:
        """Return nothing: a sign that was not left behind was not run."""
        return []

    def values(self) -> dict[str, float]:
        """Return no figure of its own: stop signs are counted as infractions."""
        return {}


def _is_affected(ahead: list[carla.Transform], box: Box) -> bool:
    first = ahead[0].location
    if math.dist((first.x, first.y, first.z), box.center) > _PROXIMITY_M:
        return False
    cos, sin = math.cos(math.radians(box.yaw_deg)), math.sin(math.radians(box.yaw_deg))
    for pose in ahead:
        dx, dy = pose.location.x - box.center[0], pose.location.y - box.center[1]
        along, across = dx * cos + dy * sin, dy * cos - dx * sin
        if abs(along) < _BOX_SCALE * box.extent[0] and abs(across) < _BOX_SCALE * box.extent[1]:
            return True
    return False
