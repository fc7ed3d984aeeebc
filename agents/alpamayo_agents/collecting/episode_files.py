"""What is collected of one episode, on disk: videos, scenes, frames; and reading it back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from alpamayo_agents.collecting.camera_video import CameraVideo
from alpamayo_agents.collecting.perturbation import Burst, Perturbation
from alpamayo_agents.collecting.settings import CollectSettings
from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform, rig_to_world, world_to_rig
from alpamayo_sim.policy.ego_history import poses_in_rig
from alpamayo_sim.policy.plan import PLAN_POINTS, Plan
from alpamayo_sim.record.run_folder import write_json
from alpamayo_sim.record.scene_state import SceneState
from alpamayo_sim.record.scene_table import need_pyarrow, scene_table
from alpamayo_sim.roads.route_planner import Route

FOLDER = "collected"
SCENE_FILE, MOTION_FILE, ROUTE_FILE, ABOUT_FILE = "scene.parquet", "motion.npz", "route.npz", "collected.json"
_WORLD = Transform(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Collected:
    """What an episode's folder says of itself."""

    frame_count: int
    perturbation: Perturbation
    """As it was drawn."""
    bursts_done: tuple[Burst, ...]
    """Those that were carried out: one is left out where it would be dangerous."""
    start_moved: bool
    """Whether the start was moved: it is not where somebody stands too near."""
    cameras: tuple[str, ...]


_COLLECTED = TypeAdapter(Collected)


def right_handed(rig_poses: list[Transform]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions [N, 3] and rotations [N, 3, 3] of rigs in the right-handed world frame: CARLA's with y negated."""
    return poses_in_rig(_WORLD, rig_poses)


class EpisodeFiles:
    """Writes one episode below a folder; pictures go to disk as they come."""

    def __init__(self, folder: Path, settings: CollectSettings) -> None:
        """Make the folder and start the videos. Raises InputError if pyarrow is not installed."""
        need_pyarrow()
        self.folder = folder
        self._settings = settings
        folder.mkdir(parents=True)
        rig = settings.rig
        self._videos = {
            name: CameraVideo(
                folder / f"{name}.mp4",
                width=rig.width_px,
                height=rig.height_px,
                crf=settings.crf,
                chroma=settings.chroma,
            )
            for name in (rig.names if settings.pictures else ())
        }
        self.scenes: list[SceneState] = []
        self._plans: list[NDArray[np.float32]] = []
        self._guidance: list[str] = []

    def write(
        self, scene: SceneState, pictures: dict[str, NDArray[np.uint8]], plan: Plan | None, guidance: str | None
    ) -> None:
        """Append one frame."""
        for name, video in self._videos.items():
            video.write(pictures[name])
        self.scenes.append(scene)
        shape = (PLAN_POINTS, 3)
        self._plans.append(np.full(shape, np.nan, np.float32) if plan is None else _plan_here(plan, scene.rig_pose))
        self._guidance.append(guidance or "")

    def finish(
        self, route: Route, perturbation: Perturbation, bursts_done: tuple[Burst, ...], *, start_moved: bool
    ) -> None:
        """Finish the videos and write the rest; what says of itself what it is comes last."""
        self.close()
        arrow = need_pyarrow()
        names = self._settings.rig.names
        arrow.parquet.write_table(scene_table(self.scenes, names), self.folder / SCENE_FILE, compression="zstd")
        position, rotation = right_handed([scene.rig_pose for scene in self.scenes])
        np.savez(
            self.folder / MOTION_FILE,
            position=position,
            rotation=rotation,
            plan=np.array(self._plans, dtype=np.float32).reshape(-1, PLAN_POINTS, 3),
            guidance=np.array(self._guidance, dtype=np.str_),
        )
        np.savez(
            self.folder / ROUTE_FILE,
            points=route.points,
            yaw_deg=route.yaw_deg,
            road_option=route.road_option,
            lane=route.lane,
            in_junction=route.in_junction,
        )
        about = Collected(len(self.scenes), perturbation, bursts_done, start_moved, names if self._videos else ())
        write_json(self.folder / ABOUT_FILE, asdict(about))

    def close(self) -> None:
        """Finish the videos; safe to call twice."""
        for video in self._videos.values():
            video.close()


def read_collected(folder: Path) -> Collected:
    """Return what an episode's `collected` folder says of itself; InputError if it is not there or not whole."""
    path = folder / ABOUT_FILE
    try:
        return _COLLECTED.validate_python(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise InputError(f"nothing was collected in {folder}: it has no {ABOUT_FILE}") from error
    except (OSError, ValueError, ValidationError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def read_arrays(path: Path) -> dict[str, Any]:
    """Return the arrays of one of an episode's files by name; InputError if it cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _plan_here(plan: Plan, here: Transform) -> NDArray[np.float32]:
    """A plan's waypoints in the rig frame of its own time; plans are made at every tick, so that is here."""
    if plan.rig_pose_t0 == here:
        return plan.waypoints_rig.astype(np.float32)
    return world_to_rig(here, rig_to_world(plan.rig_pose_t0, plan.waypoints_rig)).astype(np.float32)
