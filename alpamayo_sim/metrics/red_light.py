"""Crossing a stop line while its traffic light is red."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import carla
import numpy as np

from alpamayo_sim.metrics.infraction import Infraction, InfractionKind, ego_location, location_text
from alpamayo_sim.metrics.signal_areas import SignalArea
from alpamayo_sim.metrics.tick import TickRecord

_RED = 0
_LOOK_M = 15.0
_TAIL_START = -0.8
_TAIL_BEYOND_M = 1.0
_AREA_SHARE = 0.9
_AREA_STEP_M = 1.0
_LANE_STEP_M = 0.5
_LINE_SHARE = 0.6
"""Half the length of a stop line, in lane widths."""
_MAX_LANE_STEPS = 2000

Segment = tuple[float, float, float, float]


@dataclass(frozen=True)
class _StopLine:
    """The end of one lane before the junction that a light governs."""

    road_id: int
    lane_id: int
    direction: tuple[float, float, float]
    line: Segment


class RedLight:
    """Fails when the ego's tail crosses the stop line of a light that is red (`RunningRedLightTest`).

    A light governs the lanes under its trigger box, and each of them has a stop line where it meets the junction, 1.2
    lane widths long. The tail is the segment from 0.8 half-lengths behind the ego's origin to 1 m behind its rear end,
    so that a car which has passed the line before the light turned red is not blamed; its far end has to be in that
    lane still. Lights whose box is more than 15 m away or whose lane runs against the ego are left out, and so is the
    light that was run last, until another one is run.
    """

    name: ClassVar[str] = "red_light"

    def __init__(self, carla_map: carla.Map, lights: tuple[SignalArea, ...]) -> None:
        self._map = carla_map
        self._lights = lights
        self._lines: dict[str, tuple[_StopLine, ...]] = {}
        self._last: str | None = None

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Return one infraction for every red light whose line the tail crosses at this tick."""
        place = ego_location(tick)
        found: list[Infraction] = []
        for light in self._lights:
            if light.signal_id == self._last or tick.light_states.get(light.signal_id) != _RED:
                continue
            if math.dist(light.center, place) <= _LOOK_M and self._crosses(tick, light):
                # The leaderboard goes on from where this light stands when it looks at the lights after it.
                place, self._last = light.place, light.signal_id
                message = f"Agent ran a red light {light.name} at {location_text(light.place)}"
                kind = InfractionKind.RED_LIGHT
                found.append(Infraction(kind, tick.frame, tick.time_s, ego_location(tick), message))
        return found

    def _crosses(self, tick: TickRecord, light: SignalArea) -> bool:
        pose, half_length_m = tick.ego.transform, tick.ego.extent_m[0]
        near_x, near_y = _turned(_TAIL_START * half_length_m, pose.yaw)
        far_x, far_y = _turned(-half_length_m - _TAIL_BEYOND_M, pose.yaw)
        tail = (pose.x + near_x, pose.y + near_y, pose.x + far_x, pose.y + far_y)
        lane = self._map.get_waypoint(carla.Location(tail[2], tail[3], pose.z))
        ahead = carla.Rotation(pitch=pose.pitch, yaw=pose.yaw, roll=pose.roll).get_forward_vector()
        return any(
            (lane.road_id, lane.lane_id) == (stop.road_id, stop.lane_id)
            and ahead.x * stop.direction[0] + ahead.y * stop.direction[1] + ahead.z * stop.direction[2] > 0.0
            and segments_cross(tail, stop.line)
            for stop in self._stop_lines(light)
        )

    def _stop_lines(self, light: SignalArea) -> tuple[_StopLine, ...]:
        if light.signal_id not in self._lines:
            self._lines[light.signal_id] = tuple(_stop_line(end) for end in governed_ends(self._map, light))
        return self._lines[light.signal_id]

    def finish(self) -> list[Infraction]:
        """Return nothing: a line is crossed when it is crossed."""
        return []

    def values(self) -> dict[str, float]:
        """Return no figure of its own: red lights are counted as infractions."""
        return {}


def governed_ends(carla_map: carla.Map, light: SignalArea) -> list[carla.Waypoint]:
    """Return the last waypoint before the junction of every lane under a light's box, sampled every metre across it."""
    reach = _AREA_SHARE * light.extent[0]
    entered: list[carla.Waypoint] = []
    for across in np.arange(-reach, reach, _AREA_STEP_M).tolist():
        dx, dy = _turned(across, light.yaw_deg)
        place = carla.Location(light.center[0] + dx, light.center[1] + dy, light.center[2])
        waypoint = carla_map.get_waypoint(place)
        if not entered or _lane(entered[-1]) != _lane(waypoint):
            entered.append(waypoint)
    return [_before_junction(waypoint) for waypoint in entered]


def _before_junction(waypoint: carla.Waypoint) -> carla.Waypoint:
    for _ in range(_MAX_LANE_STEPS):
        following = [] if waypoint.is_junction else waypoint.next(_LANE_STEP_M)
        if not following or following[0].is_junction:
            break
        waypoint = following[0]
    return waypoint


def _stop_line(end: carla.Waypoint) -> _StopLine:
    pose, half_m = end.transform, _LINE_SHARE * end.lane_width
    left, right = _turned(half_m, pose.rotation.yaw + 90.0), _turned(half_m, pose.rotation.yaw - 90.0)
    x, y, ahead = pose.location.x, pose.location.y, pose.get_forward_vector()
    line = (x + left[0], y + left[1], x + right[0], y + right[1])
    return _StopLine(end.road_id, end.lane_id, (ahead.x, ahead.y, ahead.z), line)


def _lane(waypoint: carla.Waypoint) -> tuple[int, int]:
    return waypoint.road_id, waypoint.lane_id


def _turned(along_m: float, yaw_deg: float) -> tuple[float, float]:
    return math.cos(math.radians(yaw_deg)) * along_m, math.sin(math.radians(yaw_deg)) * along_m


def segments_cross(first: Segment, second: Segment) -> bool:
    """Whether two segments (x, y to x, y) have a point in common (touching counts, parallel ones never do)."""
    ax, ay, bx, by = first
    cx, cy, dx, dy = second
    denominator = (bx - ax) * (dy - cy) - (by - ay) * (dx - cx)
    if denominator == 0.0:
        return False
    along_first = ((cx - ax) * (dy - cy) - (cy - ay) * (dx - cx)) / denominator
    along_second = ((cx - ax) * (by - ay) - (cy - ay) * (bx - ax)) / denominator
    return 0.0 <= along_first <= 1.0 and 0.0 <= along_second <= 1.0
