"""Drives that are a video for every camera and a table of poses."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from alpamayo_agents.collecting.camera_video import CameraVideo
from alpamayo_agents.collecting.settings import CollectSettings
from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import CameraRig
from alpamayo_sim.record.scene_table import need_pyarrow
from alpamayo_training.data.importing.drives import STEP_S, ImportedDrive, forward_speed, rotations

POSE_FILES = ("poses.csv", "poses.parquet")
NEEDED = ("time_s", "x_m", "y_m", "yaw_rad")
LARGEST_GAP_S = 0.5
"""Between two poses; what is in between is interpolated."""
NEAREST_S = 0.06
"""A frame that is no nearer to its time than this is missing."""

Table = dict[str, NDArray[np.float64]]


def drives_of_folder(folder: Path, rig: CameraRig, work: Path, town: str) -> Iterator[ImportedDrive]:
    """Yield the drives of a folder, which is one, or has one in each of its folders.

    A drive is `<camera>.mp4` for every camera of the rig and `poses.csv` or `poses.parquet`: `time_s` on the videos' clock,
    `x_m`, `y_m`, `z_m`, `yaw_rad`, `pitch_rad`, `roll_rad` of the rear axle's middle on the ground, in any right-handed world
    frame with z up (z, pitch, roll may be missing). Pictures are brought to 10 Hz and to the rig's size below `work`. Raises
    InputError for what is missing or cannot be read.
    """
    single = any((folder / name).is_file() for name in POSE_FILES)
    found = (
        [folder]
        if single
        else sorted(path for path in folder.iterdir() if any((path / name).is_file() for name in POSE_FILES))
    )
    if not found:
        raise InputError(f"expected {' or '.join(POSE_FILES)} in {folder} or in its folders; found none")
    for path in found:
        yield _drive(path, rig, work / path.name, town)


def _drive(folder: Path, rig: CameraRig, work: Path, town: str) -> ImportedDrive:
    missing = [f"{camera}.mp4" for camera in rig.names if not (folder / f"{camera}.mp4").is_file()]
    if missing:
        raise InputError(f"{folder} has no {', '.join(missing)}: a drive has a video of every camera of its rig")
    poses = read_poses(folder)
    starts, ends = zip(*(video_span(folder / f"{camera}.mp4") for camera in rig.names), strict=True)
    begin = max(float(poses["time_s"][0]), *starts)
    end = min(float(poses["time_s"][-1]), *ends)
    times = begin + STEP_S * np.arange(max(0, int((end - begin) / STEP_S + 1e-6) + 1), dtype=np.float64)
    if len(times) < 2:
        raise InputError(f"{folder}: videos and poses have no time in common ({begin:.2f} s to {end:.2f} s)")
    work.mkdir(parents=True)
    videos = {camera: work / f"{camera}.mp4" for camera in rig.names}
    for camera, target in videos.items():
        copy_at(folder / f"{camera}.mp4", times, target, rig)
    position, rotation = poses_at(poses, times)
    return ImportedDrive(folder.name, "video", town, position, rotation, forward_speed(position, rotation), videos)


def read_poses(folder: Path) -> Table:
    """Return the columns of a drive's poses; InputError for missing columns, values that are no numbers, times out of order."""
    path = next(folder / name for name in POSE_FILES if (folder / name).is_file())
    try:
        if path.suffix == ".csv":
            with path.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            table = {name: np.array([float(row[name]) for row in rows]) for name in (rows[0] if rows else {})}
        else:
            read = need_pyarrow().parquet.read_table(path)
            table = {name: np.asarray(read.column(name).to_numpy(), dtype=np.float64) for name in read.column_names}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} cannot be read as poses: {error}") from error
    missing = [name for name in NEEDED if name not in table]
    if missing or len(table["time_s"]) < 2:
        raise InputError(
            f"{path}: poses have columns {', '.join(NEEDED)} (and z_m, pitch_rad, roll_rad if there are) and two rows or more; "
            f"found {', '.join(table) or 'nothing'}"
        )
    for name in ("z_m", "pitch_rad", "roll_rad"):
        table.setdefault(name, np.zeros(len(table["time_s"])))
    steps = np.diff(table["time_s"])
    if not all(np.isfinite(values).all() for values in table.values()) or (steps <= 0.0).any():
        raise InputError(f"{path}: poses are finite numbers in the order of their times")
    if steps.max() > LARGEST_GAP_S:
        raise InputError(f"{path}: poses are at most {LARGEST_GAP_S} s apart; found a gap of {steps.max():.2f} s")
    return table


def poses_at(poses: Table, times: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions [N, 3] and rotations [N, 3, 3] at times, interpolated."""

    def at(name: str, *, turns: bool = False) -> NDArray[np.float64]:
        values = np.unwrap(poses[name]) if turns else poses[name]
        return np.interp(times, poses["time_s"], values)

    position = np.stack([at("x_m"), at("y_m"), at("z_m")], axis=1)
    return position, rotations(*(at(name, turns=True) for name in ("yaw_rad", "pitch_rad", "roll_rad")))


def video_span(path: Path) -> tuple[float, float]:
    """Return the times of a video's first and last frame; InputError if it cannot be read."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            times = [float(p.pts * p.time_base) for p in container.demux(stream) if p.pts is not None and p.size]
    except (FFmpegError, IndexError) as error:
        raise InputError(f"{path} cannot be read as a video: {error}") from error
    if not times:
        raise InputError(f"{path} holds no frame")
    return min(times), max(times)


def copy_at(source: Path, times: NDArray[np.float64], target: Path, rig: CameraRig) -> None:
    """Write the frames nearest to some times, in the rig's size, as a dataset's video."""
    settings = CollectSettings()
    video = CameraVideo(target, width=rig.width_px, height=rig.height_px, crf=settings.crf, chroma=settings.chroma)
    next_row = 0
    before: tuple[float, NDArray[np.uint8]] | None = None
    try:
        with av.open(str(source)) as container:
            for frame in container.decode(container.streams.video[0]):
                now_s, picture = float(frame.time or 0.0), frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                while next_row < len(times) and times[next_row] <= now_s + 1e-6:
                    wanted = float(times[next_row])
                    is_before = before is not None and wanted - before[0] < now_s - wanted
                    chosen = before if is_before and before is not None else (now_s, picture)
                    if abs(chosen[0] - wanted) > NEAREST_S:
                        raise InputError(f"{source} has no frame within {NEAREST_S} s of {wanted:.2f} s")
                    video.write(_sized(chosen[1], rig))
                    next_row += 1
                before = (now_s, picture)
            if next_row == len(times) - 1 and before is not None and abs(before[0] - times[-1]) <= NEAREST_S:
                video.write(_sized(before[1], rig))
                next_row += 1
    except FFmpegError as error:
        raise InputError(f"{source} cannot be read as a video: {error}") from error
    finally:
        video.close()
    if next_row < len(times):
        raise InputError(f"{source} ends at frame {next_row} of {len(times)}")


def _sized(picture: NDArray[np.uint8], rig: CameraRig) -> NDArray[np.uint8]:
    size = (rig.width_px, rig.height_px)
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    shrinks = picture.shape[1] > size[0]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR).astype(np.uint8)
