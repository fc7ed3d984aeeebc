"""The video of one episode: ten frames per second of simulation time, with the camera if there is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.metrics.episode_result import EpisodeIdentity
from alpamayo_sim.metrics.infraction import Infraction
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.record.frame_layout import FrameLayout, with_camera
from alpamayo_sim.record.front_view import front_view
from alpamayo_sim.record.route_view import RouteView
from alpamayo_sim.record.video import VIDEO_FPS, VideoWriter
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

_FRAME_S = 1.0 / VIDEO_FPS
_FRAMES_TO_WAIT = 5


class EpisodeVideo:
    """Draws and encodes frames as ticks come, so that second t of the video shows second t of the episode.

    It is written beside its place and moved there by `close`. The first few frames wait for a camera picture; if none
    comes by then, the video has none.
    """

    def __init__(self, path: Path, road_map: RoadMap, route: Route, identity: EpisodeIdentity) -> None:
        self._path = path
        self._draft = draft_of(path)
        self._layout = FrameLayout(road_map, route, identity)
        self._camera: NDArray[np.uint8] | None = None
        self._has_camera = False
        self._waiting: list[NDArray[np.uint8]] = []
        self._writer: VideoWriter | None = None
        self._next_frame_s = 0.0

    def add_event(self, infraction: Infraction) -> None:
        """Show an infraction from now on."""
        self._layout.add_event(infraction)

    def write(self, tick: TickRecord, view: RouteView) -> None:
        """Draw the tick if a frame is due; a tick that is longer than a frame is shown as often as needed."""
        if tick.front_image is not None:
            self._camera = front_view(tick)
        if tick.time_s + 1e-6 < self._next_frame_s:
            return
        frame = self._layout.draw(tick, view)
        while tick.time_s + 1e-6 >= self._next_frame_s:
            self._next_frame_s += _FRAME_S
            self._append(frame)

    def _append(self, frame: NDArray[np.uint8]) -> None:
        if self._writer is None:
            self._waiting.append(frame)
            if self._camera is not None or len(self._waiting) >= _FRAMES_TO_WAIT:
                self._start()
        else:
            self._writer.write(with_camera(frame, self._camera) if self._has_camera else frame)

    def _start(self) -> None:
        self._has_camera = self._camera is not None
        frames = [with_camera(f, self._camera) if self._has_camera else f for f in self._waiting]
        self._waiting.clear()
        self._draft.parent.mkdir(exist_ok=True)
        self._writer = VideoWriter(self._draft, width=frames[0].shape[1], height=frames[0].shape[0])
        for frame in frames:
            self._writer.write(frame)

    def close(self) -> None:
        """Finish the video and put it in its place; an episode without a frame leaves no video."""
        if self._waiting:
            self._start()
        if self._writer is not None:
            self._writer.close()
            self._draft.replace(self._path)

    def abandon(self) -> None:
        """Drop the unfinished video."""
        if self._writer is not None:
            self._writer.close()
        self._draft.unlink(missing_ok=True)


def draft_of(video: Path) -> Path:
    """Return where a video lies while it is being written."""
    return video.with_name(f".{video.name}.partial")
