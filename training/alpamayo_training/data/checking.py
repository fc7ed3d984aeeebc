"""Reading a whole dataset once, to find what is broken before a training does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from alpamayo_sim.errors import InputError
from alpamayo_training.data.driving_dataset import DrivingDataset
from alpamayo_training.data.episode_info import SPLITS
from alpamayo_training.data.layout import video_path

ROTATION_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Checked:
    """What was read."""

    episodes: int
    frames: int
    pictures: int


def check_dataset(folder: Path, *, tell: Callable[[str], None] = lambda text: None) -> Checked:
    """Return what was read of a dataset, everything; InputError that names the first thing that is wrong."""
    dataset = DrivingDataset.open(folder)
    routes: dict[tuple[str, str], str] = {}
    row = 0
    for info in dataset.episodes:
        if info.split not in SPLITS:
            raise InputError(
                f"episode {info.episode_index}: a split is one of {', '.join(SPLITS)}; found {info.split!r}"
            )
        known = routes.setdefault((info.town, info.route_id), info.split)
        if known != info.split:
            raise InputError(
                f"route {info.route_id} of {info.town} is in {known} and in {info.split}; splits go by route"
            )
        if info.first_row != row:
            raise InputError(f"episode {info.episode_index} begins at row {info.first_row}; expected {row}")
        row += info.frame_count
        _check_episode(dataset, info.episode_index)
        tell(f"[{info.episode_index + 1}/{len(dataset.episodes)}] {info.episode_id}")
    return Checked(len(dataset.episodes), row, _check_videos(dataset))


def _check_episode(dataset: DrivingDataset, number: int) -> None:
    info = dataset.episode(number)
    motion, plans = dataset.motion(number), dataset.plans(number)
    if not (len(motion.speed_mps) == len(motion.xyz) == len(plans) == info.frame_count):
        raise InputError(
            f"{info.data_file}: episode {number} has {len(motion.xyz)} frames; expected {info.frame_count}"
        )
    if not np.isfinite(motion.xyz).all() or not np.isfinite(motion.speed_mps).all():
        raise InputError(f"{info.data_file}: episode {number} has positions or speeds that are no numbers")
    turned = motion.rotation @ motion.rotation.transpose(0, 2, 1) - np.eye(3)
    if np.abs(turned).max() > ROTATION_TOLERANCE:
        raise InputError(
            f"{info.data_file}: episode {number} has rotations that are none ({np.abs(turned).max():.2g} off)"
        )
    scenes = dataset.scene(number)
    if info.has_scene and [scene.frame_index for scene in scenes] != list(range(info.frame_count)):
        raise InputError(
            f"{info.scene_file}: episode {number} has scenes of other frames than 0 to {info.frame_count - 1}"
        )


def _check_videos(dataset: DrivingDataset) -> int:
    """Decode every video to its end; return how many pictures there were."""
    pictures = 0
    expected: dict[int, int] = {}
    for info in dataset.episodes:
        expected[info.video_file] = expected.get(info.video_file, 0) + info.frame_count
    size = (dataset.rig.width_px, dataset.rig.height_px)
    for camera in dataset.cameras:
        for number, wanted in expected.items():
            path = dataset.folder / video_path(camera, number)
            try:
                with av.open(str(path)) as container:
                    found = [(frame.width, frame.height) for frame in container.decode(container.streams.video[0])]
            except (FFmpegError, IndexError, OSError) as error:
                raise InputError(f"{path} cannot be read as a video: {error}") from error
            if len(found) != wanted:
                raise InputError(f"{path} has {len(found)} frames; its episodes have {wanted}")
            if set(found) != {size}:
                raise InputError(f"{path} has pictures of {sorted(set(found))}; the rig has {size}")
            pictures += len(found)
    return pictures
