"""Pictures of all cameras side by side, with the driver's plan and what was driven drawn on the road."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.policy.camera_rig import RigCamera
from alpamayo_sim.policy.plan import PLAN_POINTS
from alpamayo_sim.record.birds_eye import PLAN_END, PLAN_START
from alpamayo_training.data.driving_dataset import DrivingDataset

Picture = NDArray[np.uint8]
DRIVEN = (90, 220, 255)
"""The colour of what was driven, as labels have it."""
_STILL_M = 0.5


class GalleryPictures:
    """Draws the frames of one episode."""

    def __init__(self, dataset: DrivingDataset, episode_index: int) -> None:
        self._dataset, self._episode = dataset, episode_index
        self._plans = dataset.plans(episode_index)
        self._columns = 2 if len(dataset.cameras) > 1 else 1

    def draw(self, frames: NDArray[np.int64]) -> list[Picture]:
        """Return one picture for each of some frames."""
        seen = {camera: self._dataset.pictures(self._episode, camera, frames) for camera in self._dataset.cameras}
        return [self._draw(int(frame), [seen[name][row] for name in seen]) for row, frame in enumerate(frames)]

    def _draw(self, frame: int, pictures: list[Picture]) -> Picture:
        driven = self._dataset.future(self._episode, frame)
        tiles = [
            self._with_lines(picture.copy(), camera, self._plans[frame].astype(np.float64), driven)
            for picture, camera in zip(pictures, self._dataset.rig.cameras, strict=True)
        ]
        while len(tiles) % self._columns:
            tiles.append(np.zeros_like(tiles[0]))
        rows = [np.concatenate(tiles[k : k + self._columns], axis=1) for k in range(0, len(tiles), self._columns)]
        return np.concatenate(rows, axis=0)

    def _with_lines(self, picture: Picture, camera: RigCamera, plan: NDArray[np.float64], driven: NDArray[np.float64]):
        for line, is_plan in ((plan, True), (driven, False)):
            if np.isnan(line).any() or np.abs(line[-1, :2]).max() < _STILL_M:
                continue
            pixels, inside = self._dataset.rig.project(camera, line)
            for k in range(PLAN_POINTS - 1):
                if not (inside[k] and inside[k + 1]):
                    continue
                share = k / (PLAN_POINTS - 2)
                colour = PLAN_START + share * (PLAN_END - PLAN_START) if is_plan else np.array(DRIVEN, dtype=np.float64)
                ends = [(round(float(x) * 16), round(float(y) * 16)) for x, y in pixels[k : k + 2]]
                paint = tuple(float(value) for value in colour)
                cv2.line(picture, ends[0], ends[1], paint, 3 if is_plan else 1, cv2.LINE_AA, 4)
        return picture

    def save_still(self, path: Path, frame: int) -> None:
        """Write one picture as a JPEG file."""
        picture = self.draw(np.array([frame]))[0]
        cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
