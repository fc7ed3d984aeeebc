"""Passing a stop sign without stopping."""

from __future__ import annotations

import math
from typing import ClassVar

import carla

from alpamayo_sim.metrics.infraction import Infraction, InfractionKind, ego_location, location_text
from alpamayo_sim.metrics.signal_areas import SignalArea
from alpamayo_sim.metrics.tick import TickRecord

_PROXIMITY_M = 4.0
_STOPPED_MPS = 0.1
_STEP_M = 0.5
_BOX_SCALE = 1.2
_OPPOSITE = -0.17
"""Cosine of 100 degrees."""
_LOOK_M = 20.0


class StopSign:
    """Fails when the ego leaves the box of a stop sign without having been below 0.1 m/s in it (`RunningStopTest`).

    A box affects the ego while the lane point under the ego is within 4 m of its centre and that point, or one of those
    up to 4 m ahead in the lane, lies inside the box enlarged by 1.2. The rule takes the box's half sizes, which are those
    of the turned sign, along the world's axes, whichever way the sign stands; so it is here.
    """

    name: ClassVar[str] = "stop_sign"

    def __init__(self, carla_map: carla.Map, stops: tuple[SignalArea, ...]) -> None:
        self._map = carla_map
        self._stops = stops
        self._target: SignalArea | None = None
        self._has_stopped = False
        self._last_failed: str | None = None

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Return one infraction when a stop sign's box is left behind without a stop."""
        here = ego_location(tick)
        if self._target is None and not any(math.dist(here, stop.center) < _LOOK_M for stop in self._stops):
            return []
        ahead = self._lane_points(here)
        if not ahead:
            return []
        if self._target is None:
            self._target = self._entered(tick, ahead)
            self._has_stopped = False
            return []
        self._has_stopped = self._has_stopped or tick.planar_speed_mps < _STOPPED_MPS
        stop = self._target
        if _is_affected(ahead, stop):
            return []
        self._target = None
        if self._has_stopped or stop.signal_id == self._last_failed:
            return []
        self._last_failed = stop.signal_id
        message = f"Agent ran a stop with id={stop.name} at {location_text(stop.place)}"
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

    def _entered(self, tick: TickRecord, ahead: list[carla.Transform]) -> SignalArea | None:
        """The stop sign that affects the ego; none while it drives backwards or against the lane."""
        yaw = math.radians(tick.ego.transform.yaw)
        direction = math.cos(yaw), math.sin(yaw)
        vx, vy, _ = tick.ego.velocity_mps
        lane = ahead[0].get_forward_vector()
        if min(vx * direction[0] + vy * direction[1], lane.x * direction[0] + lane.y * direction[1]) < _OPPOSITE:
            return None
        return next((stop for stop in self._stops if _is_affected(ahead, stop)), None)

    def finish(self) -> list[Infraction]:
        """Return nothing: a sign that was not left behind was not run."""
        return []

    def values(self) -> dict[str, float]:
        """Return no figure of its own: stop signs are counted as infractions."""
        return {}


def _is_affected(ahead: list[carla.Transform], stop: SignalArea) -> bool:
    first = ahead[0].location
    if math.dist((first.x, first.y, first.z), stop.center) > _PROXIMITY_M:
        return False
    half_x, half_y = _BOX_SCALE * stop.extent[0], _BOX_SCALE * stop.extent[1]
    return any(
        abs(pose.location.x - stop.center[0]) < half_x and abs(pose.location.y - stop.center[1]) < half_y
        for pose in ahead
    )
