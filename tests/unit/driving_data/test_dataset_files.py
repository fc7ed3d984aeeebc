"""Datasets on disk: what is written is read back, splits, futures, broken files."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_drives import RIG, scene, shade, shown, write_video

from alpamayo_agents.collecting.episode_files import right_handed
from alpamayo_agents.collecting.perturbation import draw_perturbation
from alpamayo_agents.collecting.settings import NOT_DISTURBED, CollectSettings, Disturbance
from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform, rig_to_world, world_to_rig
from alpamayo_sim.record.scene_table import scene_table, scenes_of
from alpamayo_training.data.checking import check_dataset
from alpamayo_training.data.dataset_writer import DatasetWriter, EpisodeContent
from alpamayo_training.data.driving_dataset import DrivingDataset
from alpamayo_training.data.episode_info import DatasetAbout, EpisodeInfo
from alpamayo_training.data.layout import video_path
from alpamayo_training.data.splits import SplitRule, split_routes

FRAMES = (95, 40, 61)
PERTURBED = (30, 38)


def poses(episode: int, count: int) -> list[Transform]:
    """A bend to the left on a slope."""
    return [Transform(0.8 * k, -0.01 * k * k, 0.02 * k, 1.0, -1.5 * k + 10 * episode, 0.5) for k in range(count)]


def content(folder: Path, episode: int, count: int) -> EpisodeContent:
    folder.mkdir()
    position, rotation = right_handed(poses(episode, count))
    perturbed = np.zeros(count, dtype=np.bool_)
    perturbed[PERTURBED[0] : PERTURBED[1]] = True
    scenes = tuple(scene(k, is_perturbed=bool(perturbed[k])) for k in range(count))
    plan = np.stack([np.stack([0.5 * np.arange(1, 65), np.full(64, k), np.zeros(64)], axis=1) for k in range(count)])
    return EpisodeContent(
        position_m=position,
        rotation=rotation,
        speed_mps=np.linspace(0.0, 9.0, count),
        state=np.zeros((count, 4)),
        action=np.zeros((count, 3)),
        plan=plan.astype(np.float32),
        guidance=["Turn left in 30m" if k % 2 else "" for k in range(count)],
        is_perturbed=perturbed,
        videos={
            name: write_video(folder / f"{name}.mp4", count, camera, 100 * episode)
            for camera, name in enumerate(RIG.names)
        },
        scenes=scenes,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DrivingDataset:
    """Three episodes, every one in files of its own for its tables, two in one video."""
    base = tmp_path_factory.mktemp("made")
    about = DatasetAbout("Made by a test", RIG, CollectSettings(rig=RIG))
    size = 0
    writer = DatasetWriter(base / "dataset", about, data_mib=1e-6, video_mib=0.0)
    for episode, count in enumerate(FRAMES):
        made_of = content(base / str(episode), episode, count)
        size += sum(path.stat().st_size for path in made_of.videos.values())
        writer._video_bytes = 1e9 if episode < 2 else 0.0
        info = EpisodeInfo(0, f"route{episode}", 0, ("train", "train", "test")[episode], "Gridvale", str(episode))
        writer.add(info, made_of)
    writer.close()
    return DrivingDataset.open(base / "dataset")


def test_every_frame_is_read_back_from_where_it_lies(made: DrivingDataset) -> None:
    assert [info.frame_count for info in made.episodes] == list(FRAMES)
    assert len({info.data_file for info in made.episodes}) > 1 and [i.video_file for i in made.episodes] == [0, 0, 1]
    for episode, count in enumerate(FRAMES):
        wanted = np.array([count - 1, 0, 17, 18, 5, 39, 17])
        for camera, name in enumerate(RIG.names):
            seen = shown(made.pictures(episode, name, wanted))
            assert seen == [shade(100 * episode + int(k), camera) for k in wanted], (episode, name)
        motion = made.motion(episode)
        position, rotation = right_handed(poses(episode, count))
        assert (motion.xyz == position).all() and (motion.rotation == rotation).all()
        assert made.plans(episode).shape == (count, 64, 3) and (made.plans(episode)[7, :, 1] == 7).all()
        assert made.guidance(episode)[:2] == (None, "Turn left in 30m")
        assert made.scene(episode)[3] == scene(3)


def test_a_future_is_what_was_driven_until_the_driver_was_disturbed(made: DrivingDataset) -> None:
    driven = poses(0, FRAMES[0])

    def in_rig(frame: int, other: int) -> np.ndarray:
        return world_to_rig(driven[frame], np.array(driven[other][:3]))

    clean = made.future(0, PERTURBED[1])[: 95 - PERTURBED[1] - 1]
    assert np.allclose(clean, [in_rig(38, k) for k in range(39, 95)], atol=1e-9)
    spliced = made.future(0, 20)
    assert np.allclose(spliced[:10], [in_rig(20, k) for k in range(21, 31)], atol=1e-9)
    plan = made.plans(0)[30].astype(np.float64)
    assert np.allclose(spliced[10:], world_to_rig(driven[20], rig_to_world(driven[30], plan[:54])), atol=1e-6)
    assert np.allclose(made.future(0, 33), made.plans(0)[33], atol=1e-6), (
        "while it is disturbed the plan is the example"
    )
    assert made.learnable_frames(0).tolist() == list(range(15, 31)) and not len(made.learnable_frames(1))


def test_an_observation_is_that_of_a_model_at_the_wheel(made: DrivingDataset) -> None:
    seen = made.observation(0, 50)
    assert seen.frames.shape == (2, 4, 48, 64, 3) and shown(seen.frames[0]) == [shade(k, 0) for k in range(47, 51)]
    driven = poses(0, FRAMES[0])
    assert np.allclose(seen.history_xyz_rig[0], world_to_rig(driven[50], np.array(driven[35][:3])), atol=1e-9)
    assert np.allclose(seen.rig_pose_t0[:3], driven[50][:3])
    turned = math.remainder(seen.rig_pose_t0.yaw - driven[50].yaw, 360.0)
    assert abs(turned) < 1e-9 and abs(seen.rig_pose_t0.pitch - 1.0) < 1e-9
    with pytest.raises(InputError, match="frames 15 to 94"):
        made.observation(0, 14)


def test_scenes_are_read_back_as_they_were() -> None:
    scenes = tuple(scene(k) for k in range(9))
    assert scenes_of(scene_table(scenes, RIG.names, 4)) == scenes


def test_disturbances_are_drawn_from_the_seed_alone() -> None:
    drawn = [draw_perturbation(seed, Disturbance()) for seed in range(400)]
    assert drawn == [draw_perturbation(seed, Disturbance()) for seed in range(400)]
    moved, shaken = sum(p.moves_start for p in drawn), sum(bool(p.bursts) for p in drawn)
    assert 150 < moved < 250 and 150 < shaken < 250
    assert all(abs(p.start_lateral_m) <= 0.8 and abs(p.start_heading_rad) <= math.radians(8.0) for p in drawn)
    assert not any(p.moves_start or p.bursts for p in (draw_perturbation(seed, NOT_DISTURBED) for seed in range(50)))


def test_no_place_is_in_two_splits_and_a_named_town_is_held_out() -> None:
    routes = [(town, str(number)) for town in ("Gridvale", "Oldwick", "Rampfield") for number in range(200)]
    splits = split_routes(routes, SplitRule())
    assert {splits[route] for route in routes if route[0] == "Rampfield"} == {"test"}
    others = [splits[route] for route in routes if route[0] != "Rampfield"]
    assert 8 <= others.count("val") <= 40 and 8 <= others.count("test") <= 40
    fewer = split_routes(routes[::2], SplitRule())
    assert all(splits[route] == split for route, split in fewer.items()), "other routes do not matter"
    assert sorted(split_routes(routes[:3], SplitRule(val_share=0.0)).values()) == ["train", "train", "val"]


def breakages() -> dict[str, tuple[Callable[[Path], None], str]]:
    def cut(path: Path) -> None:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    def shorter(folder: Path) -> None:
        write_video(folder / video_path(RIG.names[0], 1), 60)

    def other_format(folder: Path) -> None:
        path = folder / "meta/alpamayo.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 99}))

    def two_splits(folder: Path) -> None:
        path = folder / "meta/alpamayo_episodes.jsonl"
        path.write_text(path.read_text().replace('"route_id":"1"', '"route_id":"2"'))

    return {
        "video": (lambda folder: cut(folder / video_path(RIG.names[1], 0)), "file-000.mp4"),
        "shorter video": (shorter, "has 60 frames; its episodes have 61"),
        "data": (lambda folder: cut(folder / "data/chunk-000/file-000.parquet"), "cannot be read"),
        "scene": (lambda folder: (folder / "scene/chunk-000/file-000.parquet").unlink(), "cannot be read"),
        "format": (other_format, "expected format 1; found 99"),
        "episodes": (lambda folder: cut(folder / "meta/alpamayo_episodes.jsonl"), "cannot be read as a dataset"),
        "splits": (two_splits, "splits go by route"),
        "nothing": (lambda folder: (folder / "meta/alpamayo.json").unlink(), "found none"),
    }


@pytest.mark.parametrize("what", list(breakages()))
def test_what_is_broken_is_named(made: DrivingDataset, tmp_path: Path, what: str) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(made.folder, folder)
    assert check_dataset(folder).frames == sum(FRAMES)
    breaking, words = breakages()[what]
    breaking(folder)
    with pytest.raises(InputError, match=words):
        check_dataset(folder)


def test_an_episode_of_another_length_than_its_videos_is_refused(tmp_path: Path) -> None:
    made_of = content(tmp_path / "episode", 0, 40)
    write_video(made_of.videos[RIG.names[0]], 39)
    writer = DatasetWriter(tmp_path / "dataset", DatasetAbout("t", RIG))
    writer.add(EpisodeInfo(0, "a", 0, "train", "Gridvale", "0"), replace(made_of))
    with pytest.raises(InputError, match="39 frames together; expected 40"):
        writer.close()
