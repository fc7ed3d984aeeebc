"""Crossing a stop line while its traffic light is red."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import to_world
from alpamayo_sim.metrics.infraction import Infraction, InfractionKind, ego_location, location_text
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.roads.road_map import RoadMap

_RED = 0
_LOOK_M = 15.0
_TAIL_START = -0.8
_TAIL_BEYOND_M = 1.0
_LINE_BEYOND_M = 0.35


class RedLight:
    """Fails when the ego's tail crosses the stop line of a light that is red (`RunningRedLightTest`).

    The tail is the segment from 0.8 half-lengths behind the ego's origin to 1 m behind its rear end, so that a car
    which has passed the line before the light turned red is not blamed. Lights farther than 15 m or facing others are
    left out.
    """

    name: ClassVar[str] = "red_light"

    def __init__(self, road_map: RoadMap) -> None:
        lights = [light for light in road_map.signals.lights if light.lane_boxes]
        self._ids = [light.signal_id for light in lights]
        self._lines = np.array([_longer(light.stop_line[:, :2]) for light in lights]).reshape(-1, 2, 2)
        self._middles = self._lines.mean(axis=1)
        yaws = np.radians([light.lane_boxes[0].yaw_deg for light in lights])
        self._headings = np.stack([np.cos(yaws), np.sin(yaws)], axis=-1)
        self._blamed: frozenset[str] = frozenset()

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Return one infraction at the first tick at which the tail lies across the line of a red light."""
        pose = tick.ego.transform
        near = np.flatnonzero(np.hypot(self._middles[:, 0] - pose.x, self._middles[:, 1] - pose.y) < _LOOK_M)
        if len(near) == 0:
            return []
        half_length_m = tick.ego.extent_m[0]
        tail = to_world(
            pose, np.array([[_TAIL_START * half_length_m, 0.0, 0.0], [-half_length_m - _TAIL_BEYOND_M, 0.0, 0.0]])
        )[:, :2]
        heading = math.cos(math.radians(pose.yaw)), math.sin(math.radians(pose.yaw))
        crossed = frozenset(
            self._ids[i]
            for i in near
            if tick.light_states.get(self._ids[i]) == _RED
            and float(self._headings[i] @ heading) > 0.0
            and _segments_cross(tail, self._lines[i])
        )
        if not crossed or crossed & self._blamed:
            return []
        self._blamed = crossed
        here = ego_location(tick)
        message = f"Agent ran a red light {min(crossed)} at {location_text(here)}"
        return [Infraction(InfractionKind.RED_LIGHT, tick.frame, tick.time_s, here, message)]

    def finish(self) -> list[Infraction]:
        """Return nothing: a line is crossed when it is crossed."""
        return []

    def values(self) -> dict[str, float]:
        """Return no figure of its own: red lights are counted as infractions."""
        return {}


def _longer(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a stop line [2, 2] that reaches a little beyond the lanes on both sides."""
    along = (line[1] - line[0]) / max(float(np.linalg.norm(line[1] - line[0])), 1e-6)
    return line + np.array([-1.0, 1.0])[:, None] * _LINE_BEYOND_M * along


def _segments_cross(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    """Whether two segments [2, 2] in the plane have a point in common (touching counts, parallel ones never do)."""
    (ax, ay), (bx, by) = first.tolist()
    (cx, cy), (dx, dy) = second.tolist()
    denominator = (bx - ax) * (dy - cy) - (by - ay) * (dx - cx)
    if denominator == 0.0:
        return False
    along_first = ((cx - ax) * (dy - cy) - (cy - ay) * (dx - cx)) / denominator
    along_second = ((cx - ax) * (by - ay) - (cy - ay) * (bx - ax)) / denominator
    return 0.0 <= along_first <= 1.0 and 0.0 <= along_second <= 1.0
