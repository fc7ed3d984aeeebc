"""Drives out of a LeRobot dataset, version 3: videos, and poses in one of its features."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import CameraRig
from alpamayo_sim.record.scene_table import need_pyarrow
from alpamayo_training.data import layout
from alpamayo_training.data.importing.drives import STEP_S, ImportedDrive, forward_speed, rotations
from alpamayo_training.data.importing.video_poses import copy_at

Array = NDArray[np.float64]


def drives_of_lerobot(
    folder: Path, rig: CameraRig, work: Path, town: str, *, cameras: tuple[str, ...], pose: str
) -> Iterator[ImportedDrive]:
    """Yield the episodes of a LeRobot dataset.

    `cameras` are its video features in the rig's order, by default `observation.images.<camera>` or else all of them in theirs.
    `pose` is the feature whose first values are x, y, z (metres) and yaw (radians, counter-clockwise) of the rear axle on the
    ground, right-handed; by default that of our own datasets. Raises InputError for features that are not there.
    """
    info, episodes = _read_meta(folder)
    features: dict[str, Any] = info["features"]
    keys = _camera_keys(features, rig, cameras)
    poses = _poses(folder, features, pose)
    step_s = 1.0 / float(info["fps"])
    for row in episodes:
        number, name = int(row["episode_index"]), f"{folder.name}-{int(row['episode_index']):05d}"
        position, rotation = poses[number]
        times = step_s * np.arange(len(position), dtype=np.float64)
        wanted = STEP_S * np.arange(int(times[-1] / STEP_S + 1e-6) + 1, dtype=np.float64)
        at = np.clip(np.round(wanted / step_s).astype(np.int64), 0, len(times) - 1)
        (work / name).mkdir(parents=True)
        videos: dict[str, Path] = {}
        for camera, key in zip(rig.names, keys, strict=True):
            chunk, file = int(row[f"videos/{key}/chunk_index"]), int(row[f"videos/{key}/file_index"])
            source = folder / info["video_path"].format(video_key=key, chunk_index=chunk, file_index=file)
            videos[camera] = work / name / f"{camera}.mp4"
            copy_at(source, float(row[f"videos/{key}/from_timestamp"]) + wanted, videos[camera], rig)
        position, rotation = position[at], rotation[at]
        yield ImportedDrive(name, "lerobot", town, position, rotation, forward_speed(position, rotation), videos)


def _read_meta(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    arrow = need_pyarrow()
    try:
        info = json.loads((folder / layout.INFO_FILE).read_text(encoding="utf-8"))
        files = sorted((folder / "meta" / "episodes").glob("*/*.parquet"))
        rows = [row for file in files for row in arrow.parquet.read_table(file).to_pylist()]
    except (OSError, ValueError, arrow.ArrowException) as error:
        raise InputError(f"{folder} cannot be read as a LeRobot dataset: {error}") from error
    if info.get("codebase_version") != layout.CODEBASE_VERSION or not rows:
        raise InputError(
            f"{folder}: expected a LeRobot dataset of version {layout.CODEBASE_VERSION} with episodes; found version "
            f"{info.get('codebase_version')} with {len(rows)}; LeRobot itself brings older ones to this version"
        )
    return info, rows


def _camera_keys(features: dict[str, Any], rig: CameraRig, cameras: tuple[str, ...]) -> tuple[str, ...]:
    there = [name for name, feature in features.items() if feature.get("dtype") == "video"]
    own = tuple(layout.IMAGES + name for name in rig.names)
    keys = cameras or (own if set(own) <= set(there) else tuple(there))
    if len(keys) != len(rig.names) or not set(keys) <= set(there):
        raise InputError(
            f"the rig {rig.name} has {len(rig.names)} cameras; found the videos {', '.join(there)}. Name one for each with "
            "--cameras, in the rig's order, or give a rig that fits with --rig"
        )
    return tuple(keys)


def _poses(folder: Path, features: dict[str, Any], pose: str) -> dict[int, tuple[Array, Array]]:
    """Positions and rotations by episode."""
    arrow = need_pyarrow()
    needed = [pose] if pose else [layout.POSITION, layout.ROTATION]
    missing = [name for name in needed if name not in features]
    if missing:
        raise InputError(
            f"{folder} has no feature {', '.join(missing)}; name the one with x, y, z and yaw with --pose: there are "
            f"{', '.join(name for name, feature in features.items() if feature.get('dtype') != 'video')}"
        )
    found: dict[int, tuple[Array, Array]] = {}
    parts: dict[int, list[Array]] = {}
    for file in sorted((folder / "data").glob("*/*.parquet")):
        table = arrow.parquet.read_table(file, columns=["episode_index", *needed])
        episode = np.asarray(table.column("episode_index").to_numpy())
        values = np.concatenate([np.array(table.column(name).to_pylist(), dtype=np.float64) for name in needed], axis=1)
        for number in np.unique(episode):
            parts.setdefault(int(number), []).append(values[episode == number])
    for number, rows in parts.items():
        values = np.concatenate(rows)
        if pose:
            if values.shape[1] < 4:
                raise InputError(f"{pose} has {values.shape[1]} values; expected x, y, z and yaw or more")
            level = np.zeros(len(values))
            found[number] = (values[:, :3], rotations(values[:, 3], level, level))
        else:
            found[number] = (values[:, :3], values[:, 3:12].reshape(-1, 3, 3))
    return found
