"""Reading a dataset of recorded driving: scenes, motion, plans, pictures, observations, by episode and frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform, rotation_angles
from alpamayo_sim.policy.camera_rig import CameraRig
from alpamayo_sim.policy.observation import HISTORY_POINTS, STEP_S, Observation
from alpamayo_sim.policy.plan import PLAN_POINTS
from alpamayo_sim.record.scene_state import SceneState
from alpamayo_sim.record.scene_table import need_pyarrow, scenes_of
from alpamayo_training.data.episode_info import DatasetAbout, EpisodeInfo, read_about
from alpamayo_training.data.layout import (
    GUIDANCE,
    PERTURBED,
    PLAN,
    POSITION,
    ROTATION,
    SPEED,
    video_path,
)
from alpamayo_training.data.video_frames import read_frames

Array = NDArray[np.float64]
_FLIP = np.diag([1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class EgoMotion:
    """How the ego moved in one episode of N frames, 0.1 s apart; right-handed world frame (CARLA's with y negated)."""

    time_s: Array
    """[N] since the first frame."""
    xyz: Array
    """[N, 3] of the rig: the rear axle's middle on the ground, metres."""
    rotation: Array
    """[N, 3, 3] of the rig: columns are its axes (forward, left, up) in the world."""
    speed_mps: Array
    """[N] forward, negative in reverse."""

    def rig_pose(self, frame: int) -> Transform:
        """Return the rig's pose at a frame in the CARLA world frame."""
        x, y, z = (float(value) for value in self.xyz[frame])
        return Transform(x, -y, z, *rotation_angles(_FLIP @ self.rotation[frame] @ _FLIP))

    def in_rig(self, frame: int, rows: NDArray[np.int64]) -> tuple[Array, Array]:
        """Return positions [n, 3] and rotations [n, 3, 3] of the rig at frames, in the rig frame at one frame."""
        here = self.rotation[frame]
        return (self.xyz[rows] - self.xyz[frame]) @ here, here.T @ self.rotation[rows]


class DrivingDataset:
    """A dataset's folder, opened for reading; holds the tables of the last few episodes."""

    def __init__(self, folder: Path, about: DatasetAbout, episodes: tuple[EpisodeInfo, ...]) -> None:
        self.folder = folder
        self.about = about
        self.episodes = episodes
        self._table = lru_cache(maxsize=16)(self._read_table)

    @staticmethod
    def open(folder: Path | str) -> DrivingDataset:
        """Return the dataset in a folder; InputError if there is none, or one of another format."""
        return DrivingDataset(Path(folder), *read_about(Path(folder)))

    def __getstate__(self) -> dict[str, Any]:
        """Worker processes open their own files."""
        return {"folder": self.folder, "about": self.about, "episodes": self.episodes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)

    @property
    def rig(self) -> CameraRig:
        """The cameras of all episodes."""
        return self.about.rig

    @property
    def cameras(self) -> tuple[str, ...]:
        """Their names, in order."""
        return self.about.rig.names

    def episode(self, episode_index: int) -> EpisodeInfo:
        """Return what is known of an episode; InputError for one that is not there."""
        if not 0 <= episode_index < len(self.episodes):
            raise InputError(f"episodes of {self.folder} are 0 to {len(self.episodes) - 1}; found {episode_index}")
        return self.episodes[episode_index]

    def of_split(self, split: str) -> tuple[EpisodeInfo, ...]:
        """Return the episodes of a split, in order."""
        return tuple(info for info in self.episodes if info.split == split)

    def _read_table(self, file: str, row_group: int) -> Any:
        path = self.folder / file
        arrow = need_pyarrow()
        try:
            with arrow.parquet.ParquetFile(path) as parquet:
                return parquet.read_row_group(row_group)
        except (OSError, arrow.ArrowException) as error:
            raise InputError(f"{path} cannot be read: {error}") from error

    def _column(self, info: EpisodeInfo, name: str, width: int) -> Array:
        column = self._table(info.data_file, info.row_group).column(name).combine_chunks()
        values = column.flatten() if width > 1 else column
        found = np.asarray(values.to_numpy(zero_copy_only=False))
        return found.reshape(info.frame_count, width) if width > 1 else found

    def scene(self, episode_index: int) -> tuple[SceneState, ...]:
        """Return the privileged state of every frame; empty for a drive of which it is not known."""
        info = self.episode(episode_index)
        return scenes_of(self._table(info.scene_file, info.row_group)) if info.has_scene else ()

    def motion(self, episode_index: int) -> EgoMotion:
        """Return how the ego moved, as it was recorded: nothing is rounded."""
        info = self.episode(episode_index)
        return EgoMotion(
            time_s=np.arange(info.frame_count, dtype=np.float64) * STEP_S,
            xyz=self._column(info, POSITION, 3),
            rotation=self._column(info, ROTATION, 9).reshape(-1, 3, 3),
            speed_mps=self._column(info, SPEED, 1).astype(np.float64),
        )

    def plans(self, episode_index: int) -> NDArray[np.float32]:
        """Return the driver's plan at every frame [N, 64, 3], rig frame at the frame; NaN where there was none."""
        info = self.episode(episode_index)
        return self._column(info, PLAN, 3 * PLAN_POINTS).astype(np.float32).reshape(-1, PLAN_POINTS, 3)

    def is_perturbed(self, episode_index: int) -> NDArray[np.bool_]:
        """Return at which frames [N] noise was on the control."""
        return self._column(self.episode(episode_index), PERTURBED, 1).astype(np.bool_)

    def guidance(self, episode_index: int) -> tuple[str | None, ...]:
        """Return the words of the route at every frame, such as "Turn right in 30m"; None where it asks for nothing."""
        info = self.episode(episode_index)
        texts = self._table(info.data_file, info.row_group).column(GUIDANCE).to_pylist()
        return tuple(text or None for text in texts)

    def pictures(self, episode_index: int, camera: str, frame_indices: Any) -> NDArray[np.uint8]:
        """Return a camera's pictures at frames, uint8 [n, height, width, 3] RGB, in the order asked for.

        Raises InputError for a camera or a frame that is not there, and for a video that cannot be read.
        """
        info = self.episode(episode_index)
        self.rig.camera(camera)
        wanted = np.asarray(frame_indices, dtype=np.int64).reshape(-1)
        if len(wanted) and not (wanted.min() >= 0 and wanted.max() < info.frame_count):
            raise InputError(
                f"episode {episode_index} has frames 0 to {info.frame_count - 1}; found {wanted.min()} to {wanted.max()}"
            )
        begin = round(info.video_begin_s / STEP_S)
        return read_frames(self.folder / video_path(camera, info.video_file), begin + wanted)

    def future(self, episode_index: int, frame: int) -> Array:
        """Return where the rig went [64, 3] in the 6.4 s after a frame, in the rig frame at the frame, metres.

        From the first frame on at which the control was perturbed, or from the last frame of the episode, it is the plan that
        the driver had then: what was driven by mistake is nobody's example. NaN where there is no such plan.
        """
        motion, perturbed = self.motion(episode_index), self.is_perturbed(episode_index)
        count = len(motion.time_s)
        ahead = np.flatnonzero(perturbed[frame : frame + PLAN_POINTS])
        joint = min(frame + int(ahead[0]) if len(ahead) else count - 1, count - 1)
        driven = min(joint - frame, PLAN_POINTS)
        rows = np.arange(frame + 1, frame + driven + 1)
        line = np.full((PLAN_POINTS, 3), np.nan)
        line[:driven] = motion.in_rig(frame, rows)[0]
        if driven < PLAN_POINTS:
            plan = self.plans(episode_index)[joint].astype(np.float64)
            there = plan @ motion.rotation[joint].T + motion.xyz[joint]
            line[driven:] = ((there - motion.xyz[frame]) @ motion.rotation[frame])[: PLAN_POINTS - driven]
        return line

    def learnable_frames(self, episode_index: int, frames_per_camera: int = 4) -> NDArray[np.int64]:
        """Return the frames with a whole history and, before the episode's end, a whole future, driven or planned."""
        info = self.episode(episode_index)
        first = max(HISTORY_POINTS, frames_per_camera) - 1
        return np.arange(first, max(first, info.frame_count - PLAN_POINTS), dtype=np.int64)

    def observation(self, episode_index: int, frame: int, frames_per_camera: int = 4) -> Observation:
        """Return what a model saw at a frame; InputError where the history before it is not whole."""
        info = self.episode(episode_index)
        first = max(HISTORY_POINTS, frames_per_camera) - 1
        if not first <= frame < info.frame_count:
            raise InputError(
                f"observations of episode {episode_index} are those of frames {first} to {info.frame_count - 1}; "
                f"found {frame}"
            )
        motion = self.motion(episode_index)
        shown = np.arange(frame - frames_per_camera + 1, frame + 1)
        pictures = np.stack([self.pictures(episode_index, camera, shown) for camera in self.cameras])
        positions, rotations = motion.in_rig(frame, np.arange(frame - HISTORY_POINTS + 1, frame + 1))
        return Observation(
            camera_names=self.cameras,
            frames=pictures,
            frame_times_s=np.tile(shown.astype(np.float64) * STEP_S, (len(self.cameras), 1)),
            history_xyz_rig=positions,
            history_rotation_rig=rotations,
            t0_s=frame * STEP_S,
            rig_pose_t0=motion.rig_pose(frame),
            navigation=self.guidance(episode_index)[frame],
            speed_mps=float(motion.speed_mps[frame]),
        )
