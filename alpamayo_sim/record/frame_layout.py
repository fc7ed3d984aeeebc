"""One video frame: front camera | bird's-eye view | text, or without a camera bird's-eye view | text."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import wrap_degrees
from alpamayo_sim.metrics.episode_result import EpisodeIdentity
from alpamayo_sim.metrics.infraction import Infraction
from alpamayo_sim.metrics.route_progress import RouteProgress
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.record.birds_eye import BirdsEye
from alpamayo_sim.record.text_panel import TextPanel
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

HEIGHT_PX = 540
_CAMERA_WIDTH_PX = 960
_PANEL_WIDTH_PX = 420
_LIGHT_WITHIN_M = 60.0
_ON_ROUTE_M = 4.0


class FrameLayout:
    """Composes frames of one size: the first tick decides whether there is a camera picture."""

    def __init__(self, road_map: RoadMap, route: Route, identity: EpisodeIdentity) -> None:
        self._birds_eye = BirdsEye(road_map, route, size_px=HEIGHT_PX)
        self._panel = TextPanel(identity, route.length_m, width=_PANEL_WIDTH_PX, height=HEIGHT_PX)
        self._progress = RouteProgress(route, window=5)
        self._lights = _lights_along(road_map, route)
        self._camera: NDArray[np.uint8] | None = None
        self._has_camera: bool | None = None

    def add_event(self, infraction: Infraction) -> None:
        """Show an infraction in the text panel from now on."""
        self._panel.add_event(infraction)

    def set_front_image(self, image: NDArray[np.uint8]) -> None:
        """Take the newest camera picture [height, width, 3] RGB; it stays until the next one comes."""
        self._camera = image

    def follow(self, tick: TickRecord) -> None:
        """Keep up with the ego's progress; called at every tick, drawn or not."""
        self._progress.advance(tick.ego.transform)

    def draw(self, tick: TickRecord) -> NDArray[np.uint8]:
        """Return one RGB frame [540, 1920, 3] with a camera, [540, 960, 3] without."""
        if self._has_camera is None:
            self._has_camera = self._camera is not None
        parts = [self._birds_eye.draw(tick), self._panel.draw(tick, self._progress.distance_m, self._next_light(tick))]
        if self._has_camera:
            parts.insert(0, _fitted(self._camera))
        return np.concatenate(parts, axis=1)

    def _next_light(self, tick: TickRecord) -> tuple[float, int | None] | None:
        here_m = self._progress.distance_m
        for at_m, signal_id in self._lights:
            if here_m < at_m <= here_m + _LIGHT_WITHIN_M:
                return at_m - here_m, tick.light_states.get(signal_id)
        return None


def _fitted(image: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Return the picture scaled into [540, 960, 3], with dark bars where its shape differs."""
    canvas = np.full((HEIGHT_PX, _CAMERA_WIDTH_PX, 3), 12, np.uint8)
    if image is None:
        return canvas
    height, width = image.shape[:2]
    scale = min(HEIGHT_PX / height, _CAMERA_WIDTH_PX / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR)
    top, left = (HEIGHT_PX - size[1]) // 2, (_CAMERA_WIDTH_PX - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = resized
    return canvas


def _lights_along(road_map: RoadMap, route: Route) -> list[tuple[float, str]]:
    """Return (arc length of the stop line, signal id) of the lights that the route passes, in order."""
    found: list[tuple[float, str]] = []
    for light in road_map.signals.lights:
        if not light.lane_boxes:
            continue
        start, end = light.stop_line[0, :2], light.stop_line[1, :2]
        along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-6)
        offset = route.points[:, :2] - start
        share = np.clip(offset @ along, 0.0, float(np.linalg.norm(end - start)))
        distance = np.hypot(*(offset - share[:, None] * along).T)
        for k in np.flatnonzero(distance < _ON_ROUTE_M):
            is_nearest = distance[k] <= distance[max(0, k - 4) : k + 5].min()
            turned = abs(wrap_degrees(float(route.yaw_deg[k]) - light.lane_boxes[0].yaw_deg))
            if is_nearest and turned < 60.0 and math.isfinite(distance[k]):
                found.append((float(route.arc_length_m[k]), light.signal_id))
    return sorted(found)
