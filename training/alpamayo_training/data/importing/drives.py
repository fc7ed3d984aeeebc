"""From drives of any source to a dataset without privileged state."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import CameraRig
from alpamayo_sim.policy.plan import PLAN_POINTS
from alpamayo_training.data.dataset_writer import DatasetWriter, EpisodeContent
from alpamayo_training.data.driving_dataset import DrivingDataset
from alpamayo_training.data.episode_info import SPLITS, DatasetAbout, EpisodeInfo
from alpamayo_training.data.splits import SplitRule, split_routes

Array = NDArray[np.float64]
STEP_S = 0.1
FEWEST_FRAMES = 30


@dataclass(frozen=True, eq=False)
class ImportedDrive:
    """One drive of N frames, 0.1 s apart, with its videos as `CameraVideo` writes them."""

    name: str
    """Unique among the drives; splits go by it."""
    source: str
    town: str
    position_m: Array
    """[N, 3] of the rig in a right-handed world frame."""
    rotation: Array
    """[N, 3, 3]"""
    speed_mps: Array
    videos: dict[str, Path]


def write_imported(
    folder: Path, rig: CameraRig, drives: Iterable[ImportedDrive], *, title: str, rule: SplitRule
) -> DrivingDataset:
    """Return the dataset of drives, written to a folder that must not exist; it comes there whole or not at all.

    Raises InputError for a folder that exists, for two drives of one name, and where no drive has 3 s.
    """
    if folder.exists():
        raise InputError(f"{folder} exists already; name a new folder with --out")
    kept = [drive for drive in drives if len(drive.position_m) >= FEWEST_FRAMES]
    names = [drive.name for drive in kept]
    if len(set(names)) != len(names):
        raise InputError(f"drives have names of their own; found {', '.join(sorted(names))}")
    splits = split_routes(((drive.town, drive.name) for drive in kept), rule)
    kept.sort(key=lambda drive: (SPLITS.index(splits[drive.town, drive.name]), drive.name))
    draft = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        writer = DatasetWriter(draft, DatasetAbout(title, rig, None, rule.held_out_towns, rule.seed))
        for drive in kept:
            info = EpisodeInfo(
                episode_index=0,
                episode_id=drive.name,
                frame_count=len(drive.position_m),
                split=splits[drive.town, drive.name],
                town=drive.town,
                route_id=drive.name,
                source=drive.source,
                has_scene=False,
            )
            writer.add(info, _content(drive))
        writer.close()
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return DrivingDataset.open(folder)


def _content(drive: ImportedDrive) -> EpisodeContent:
    count = len(drive.position_m)
    heading = np.unwrap(np.arctan2(drive.rotation[:, 1, 0], drive.rotation[:, 0, 0]))
    unknown = np.full(count, np.nan)
    state = np.stack(
        [drive.speed_mps, np.gradient(drive.speed_mps, STEP_S), np.gradient(heading, STEP_S), unknown], axis=1
    )
    return EpisodeContent(
        position_m=drive.position_m,
        rotation=drive.rotation,
        speed_mps=drive.speed_mps,
        state=state,
        action=np.full((count, 3), np.nan),
        plan=np.full((count, PLAN_POINTS, 3), np.nan, np.float32),
        guidance=[""] * count,
        is_perturbed=np.zeros(count, dtype=np.bool_),
        videos=drive.videos,
    )


def forward_speed(position_m: Array, rotation: Array) -> Array:
    """Return the signed speeds [N] of poses 0.1 s apart, along the rig's own axis."""
    return np.einsum("ij,ij->i", np.gradient(position_m, STEP_S, axis=0), rotation[:, :, 0])


def rotations(yaw_rad: Array, pitch_rad: Array, roll_rad: Array) -> Array:
    """Return matrices [N, 3, 3] of right-handed angles: yaw about z, pitch about y (nose down positive), roll about x."""
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw_rad, pitch_rad, roll_rad) for f in (np.cos, np.sin))
    rows = [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr]
    rows += [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr, -sp, cp * sr, cp * cr]
    return np.stack(rows, axis=1).reshape(-1, 3, 3)
