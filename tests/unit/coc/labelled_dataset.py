"""A dataset folder of recorded drives, with a grey picture a frame: for what reads datasets and not what is in the pictures."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from recorded_drives import recorded

from alpamayo_sim.policy.camera_rig import CameraRig, RigCamera
from alpamayo_training.data.dataset_writer import DatasetWriter, EpisodeContent
from alpamayo_training.data.driving_dataset import DrivingDataset
from alpamayo_training.data.episode_info import DatasetAbout, EpisodeInfo

CAMERAS = (
    "camera_cross_left_120fov",
    "camera_front_wide_120fov",
    "camera_cross_right_120fov",
    "camera_front_tele_30fov",
)
SIZE = 32


def make_dataset(folder: Path, names: tuple[str, ...]) -> DrivingDataset:
    """Write the recorded drives of these names as a dataset."""
    rig = CameraRig("grey", tuple(RigCamera(name, (1.7, 0.0, 1.4), 0.0, 120.0) for name in CAMERAS), SIZE, SIZE)
    writer = DatasetWriter(folder, DatasetAbout(title="recorded", rig=rig))
    for name in names:
        drive = recorded(name)
        video = folder / f"{name}.mp4"
        _write_grey(video, drive.frames)
        cos, sin = np.cos(drive.heading_rad), np.sin(drive.heading_rad)
        zero, one = np.zeros(drive.frames), np.ones(drive.frames)
        rotation = np.stack([cos, -sin, zero, sin, cos, zero, zero, zero, one], axis=1).reshape(-1, 3, 3)
        scenes = drive.scenes
        info = EpisodeInfo(
            episode_index=0,
            episode_id=name,
            frame_count=drive.frames,
            split="train",
            town="Gridvale",
            route_id=name,
        )
        writer.add(
            info,
            EpisodeContent(
                position_m=drive.position_m,
                rotation=rotation,
                speed_mps=drive.speed_mps,
                state=np.array([(s.speed_mps, s.acceleration_mps2, s.yaw_rate_rps, s.speed_limit_mps) for s in scenes]),
                action=np.array([(scene.throttle, scene.brake, scene.steer) for scene in scenes]),
                plan=np.full((drive.frames, 64, 3), np.nan, dtype=np.float32),
                guidance=[""] * drive.frames,
                is_perturbed=~drive.is_clean,
                videos=dict.fromkeys(CAMERAS, video),
                scenes=scenes,
            ),
        )
    writer.close()
    for name in names:
        (folder / f"{name}.mp4").unlink()
    return DrivingDataset.open(folder)


def _write_grey(path: Path, frames: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = SIZE, SIZE, "yuv420p"
        for number in range(frames):
            picture = np.full((SIZE, SIZE, 3), number % 256, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
