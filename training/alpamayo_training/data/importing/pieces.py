"""Pictures and poses as they come, cut into drives at exactly 10 Hz."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.collecting.camera_video import CameraVideo
from alpamayo_agents.collecting.episode_files import right_handed
from alpamayo_agents.collecting.settings import CollectSettings
from alpamayo_sim.frames import Transform
from alpamayo_sim.policy.camera_rig import CameraRig
from alpamayo_training.data.importing.drives import FEWEST_FRAMES, STEP_S, ImportedDrive, forward_speed

TOLERANCE_S = 0.03


class PieceWriter:
    """Takes what was seen at moments in order; where a moment is missing, one drive ends and another begins."""

    def __init__(self, work: Path, rig: CameraRig, *, name: str, source: str, town: str) -> None:
        self._work, self._rig = work, rig
        self._name, self._source, self._town = name, source, town
        self._videos: dict[str, CameraVideo] = {}
        self._poses: list[Transform] = []
        self._begin_s = 0.0
        self._count = 0
        self.drives: list[ImportedDrive] = []
        """Those that are finished."""

    @property
    def frames(self) -> int:
        """Frames of the drive that is being written."""
        return len(self._poses)

    def take(self, time_s: float, rig_pose: Transform, pictures: dict[str, NDArray[np.uint8]]) -> None:
        """Take a moment; one that is too early for the next frame is left out."""
        if self._poses:
            off_s = time_s - (self._begin_s + STEP_S * len(self._poses))
            if off_s < -TOLERANCE_S:
                return
            if off_s > TOLERANCE_S:
                self.finish()
        if not self._poses:
            self._begin_s = time_s
            self._start()
        for camera, video in self._videos.items():
            video.write(pictures[camera])
        self._poses.append(rig_pose)

    def _start(self) -> None:
        folder = self._work / f"{self._name}-{self._count:02d}"
        folder.mkdir(parents=True)
        settings, rig = CollectSettings(), self._rig
        self._videos = {
            camera: CameraVideo(
                folder / f"{camera}.mp4",
                width=rig.width_px,
                height=rig.height_px,
                crf=settings.crf,
                chroma=settings.chroma,
            )
            for camera in rig.names
        }

    def finish(self) -> None:
        """End the drive that is being written; it counts if it has 3 s. Safe to call twice."""
        for video in self._videos.values():
            video.close()
        poses, self._poses = self._poses, []
        folder = self._work / f"{self._name}-{self._count:02d}"
        self._videos = {}
        self._count += bool(poses)
        if len(poses) >= FEWEST_FRAMES:
            position, rotation = right_handed(poses)
            videos = {camera: folder / f"{camera}.mp4" for camera in self._rig.names}
            speed = forward_speed(position, rotation)
            drive = ImportedDrive(folder.name, self._source, self._town, position, rotation, speed, videos)
            self.drives.append(drive)
