"""One video frame: front camera | bird's-eye view | text, or without a camera bird's-eye view | text."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.metrics.episode_result import EpisodeIdentity
from alpamayo_sim.metrics.infraction import Infraction
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.record.birds_eye import BirdsEye
from alpamayo_sim.record.route_view import RouteView
from alpamayo_sim.record.text_panel import TextPanel
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

HEIGHT_PX = 540
_CAMERA_WIDTH_PX = 960
_PANEL_WIDTH_PX = 420


class FrameLayout:
    """Composes the pictures of an episode into frames of one size."""

    def __init__(self, road_map: RoadMap, route: Route, identity: EpisodeIdentity) -> None:
        self._birds_eye = BirdsEye(road_map, route, size_px=HEIGHT_PX)
        self._panel = TextPanel(identity, route.length_m, width=_PANEL_WIDTH_PX, height=HEIGHT_PX)

    def add_event(self, infraction: Infraction) -> None:
        """Show an infraction in the text panel from now on."""
        self._panel.add_event(infraction)

    def draw(self, tick: TickRecord, view: RouteView) -> NDArray[np.uint8]:
        """Return bird's-eye view and text at one tick, RGB [540, 960, 3]."""
        panel = self._panel.draw(tick, view.progress_m, view.next_light(tick))
        return np.concatenate([self._birds_eye.draw(tick), panel], axis=1)


def with_camera(frame: NDArray[np.uint8], image: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Return a frame with the camera picture to its left, RGB [540, 1920, 3]; a dark field where there is no picture
    yet.
    """
    return np.concatenate([_fitted(image), frame], axis=1)


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
