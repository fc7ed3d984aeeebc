"""Drives of others: videos with poses at their own rates, LeRobot datasets, what is wrong with them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from synthetic_drives import RIG, shade, shown

from alpamayo_sim.errors import InputError
from alpamayo_training.data.checking import check_dataset
from alpamayo_training.data.driving_dataset import DrivingDataset
from alpamayo_training.data.importing.drives import write_imported
from alpamayo_training.data.importing.lerobot import drives_of_lerobot
from alpamayo_training.data.importing.video_poses import drives_of_folder
from alpamayo_training.data.splits import SplitRule

FPS, SECONDS = 30, 8
RADIUS_M, SPEED_MPS = 40.0, 10.0


def write_video(path: Path, camera: int) -> None:
    """A video of another rate and size than ours; its shade is that of the tenth of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for k in range(FPS * SECONDS):
            grey = np.full((96, 128, 3), shade((k + 1) // 3, camera), np.uint8)
            frame = VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_drive(folder: Path, *, header: str = "time_s,x_m,y_m,z_m,yaw_rad", every_s: float = 0.02) -> Path:
    """A circle to the left at 10 m/s, posed 50 times a second."""
    folder.mkdir(parents=True)
    for camera, name in enumerate(RIG.names):
        write_video(folder / f"{name}.mp4", camera)
    times = np.arange(0.0, SECONDS, every_s)
    angle = times * SPEED_MPS / RADIUS_M
    rows = np.stack([times, RADIUS_M * np.sin(angle), RADIUS_M * (1 - np.cos(angle)), 0 * times + 2.0, angle], axis=1)
    lines = [",".join(f"{value:.6f}" for value in row) for row in rows]
    (folder / "poses.csv").write_text("\n".join([header, *lines]))
    return folder


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> DrivingDataset:
    base = tmp_path_factory.mktemp("imported")
    for name in ("first", "second"):
        write_drive(base / "drives" / name)
    drives = drives_of_folder(base / "drives", RIG, base / "work", "Berlin")
    return write_imported(base / "dataset", RIG, drives, title="Drives", rule=SplitRule(held_out_towns=()))


def test_videos_with_poses_become_frames_at_ten_hertz(imported: DrivingDataset) -> None:
    info = imported.episode(0)
    assert [i.episode_id for i in imported.episodes] == ["first", "second"] and info.town == "Berlin"
    assert info.frame_count == 80 and not info.has_scene and info.source == "video"
    assert imported.scene(0) == () and np.isnan(imported.plans(0)).all()
    wanted = np.arange(0, 80, 9)
    assert shown(imported.pictures(0, RIG.names[1], wanted)) == [shade(int(k), 1) for k in wanted]
    motion = imported.motion(0)
    assert np.allclose(motion.speed_mps[1:-1], SPEED_MPS, atol=0.02)
    future = imported.future(0, 10)
    angle = np.arange(1, 65) * 0.1 * SPEED_MPS / RADIUS_M
    assert np.allclose(future[:, 0], RADIUS_M * np.sin(angle), atol=0.01), "ahead"
    assert np.allclose(future[:, 1], RADIUS_M * (1 - np.cos(angle)), atol=0.01), "to the left"
    seen = imported.observation(0, 20)
    assert seen.frames.shape[1:4] == (4, 48, 64) and seen.history_xyz_rig[0, 0] < -14.0
    assert check_dataset(imported.folder).pictures == 2 * 2 * 80


def test_a_lerobot_dataset_is_imported_as_it_was(imported: DrivingDataset, tmp_path: Path) -> None:
    drives = drives_of_lerobot(imported.folder, RIG, tmp_path / "work", "Berlin", cameras=(), pose="")
    again = write_imported(tmp_path / "again", RIG, drives, title="Again", rule=SplitRule())
    for episode in range(2):
        assert (again.motion(episode).xyz == imported.motion(episode).xyz).all()
        wanted = np.arange(0, 80, 11)
        for name in RIG.names:
            assert shown(again.pictures(episode, name, wanted)) == shown(imported.pictures(episode, name, wanted))


def broken(folder: Path, what: str) -> str:
    """Break a drive; return the words that say so."""
    poses = folder / "poses.csv"
    if what == "no yaw":
        poses.write_text(poses.read_text().replace("yaw_rad", "heading"))
        return "columns time_s, x_m, y_m, yaw_rad"
    if what == "gap":
        lines = poses.read_text().splitlines()
        poses.write_text("\n".join(lines[:50] + lines[90:]))
        return "0.5 s apart; found a gap of 0.8"
    if what == "order":
        lines = poses.read_text().splitlines()
        poses.write_text("\n".join([lines[0], *reversed(lines[1:])]))
        return "order of their times"
    if what == "words":
        poses.write_text(poses.read_text().replace("2.000000", "low", 1))
        return "cannot be read as poses"
    video = folder / f"{RIG.names[0]}.mp4"
    if what == "no video":
        video.unlink()
        return f"has no {RIG.names[0]}.mp4"
    video.write_bytes(video.read_bytes()[:900])
    return "cannot be read as a video"


@pytest.mark.parametrize("what", ["no yaw", "gap", "order", "words", "no video", "cut video"])
def test_what_is_wrong_with_a_drive_is_said(tmp_path: Path, what: str) -> None:
    folder = write_drive(tmp_path / "drive")
    words = broken(folder, what)
    with pytest.raises(InputError, match=words):
        list(drives_of_folder(folder, RIG, tmp_path / "work", "t"))


def test_lerobot_features_that_are_missing_are_named(imported: DrivingDataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no feature nowhere; name the one with x, y, z and yaw with --pose"):
        list(drives_of_lerobot(imported.folder, RIG, tmp_path, "t", cameras=(), pose="nowhere"))
    with pytest.raises(InputError, match="2 cameras; found the videos"):
        list(drives_of_lerobot(imported.folder, RIG, tmp_path, "t", cameras=("a",), pose=""))
