"""`alpamayo collect` and `alpamayo dataset` as a user runs them, on real servers."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import av
import carla
import numpy as np
import pytest
from bench_runs import write_suite
from command_line import PROGRAM, alpamayo

from alpamayo_scenarios.episode import EpisodeSpec, run_episode
from alpamayo_scenarios.route_file import load_route
from alpamayo_scenarios.traced_route import trace_route
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.metrics.episode_metrics import EpisodeMetrics
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_training.data.driving_dataset import DrivingDataset
from alpamayo_training.data.replay import replay_agent, replay_files, take_camera_id

SMALL = ("--size", "96", "64")
SHAKEN = ("--disturbance.start-share", "1", "--disturbance.noise-share", "1", "--disturbance.noise-every-s", "1")


def collect(suite: Path, out: Path, *arguments: str) -> DrivingDataset:
    done = alpamayo("collect", suite, "--out", out, "--json", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return DrivingDataset.open(json.loads(done.stdout.splitlines()[-1])["dataset"])


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> DrivingDataset:
    base = tmp_path_factory.mktemp("collect")
    suite = write_suite(base, "short", {"Gridvale": 1, "Rampfield": 1}, shortest_m=70.0, longest_m=90.0)
    return collect(suite, base / "runs", "--jobs", "2", *SMALL, *SHAKEN)


def replayed(dataset: DrivingDataset, number: int) -> dict[int, TickRecord]:
    """Drive an episode again without pictures; return its ticks by frame."""
    info = dataset.episode(number)
    random.seed(info.seed)
    np.random.seed(info.seed)  # noqa: NPY002 - as the benchmark's episodes have it
    route_file, maps = replay_files(dataset, info)
    ticks: dict[int, TickRecord] = {}
    with EmbeddedServer(info.town, seed=info.seed, maps_dirs=maps, extra_args=("--synchronous",)) as server:
        road_map = load_road_map(info.town, maps_dirs=maps)
        planned = load_route(route_file, info.route_id)
        route = trace_route(road_map.carla_map, planned)
        client = connect(server.address)
        client.set_timeout(120.0)
        spec = EpisodeSpec(
            route=route.driven,
            evaluators_route=route.judged,
            agent=info.agent,
            seed=info.seed,
            vehicles=info.vehicles,
            walkers=info.walkers,
            weather=planned,
            scenarios=planned.scenarios,
            background=info.background,
        )
        take_camera_id(client)
        metrics = EpisodeMetrics(road_map, route.judged, profile=info.profile)
        agent = replay_agent(dataset, info)
        run_episode(client, spec, agent, road_map, metrics, lambda tick, _: ticks.__setitem__(tick.frame, tick))
    return ticks


def test_an_episode_is_recorded_with_all_that_labels_are_made_of(collected: DrivingDataset) -> None:
    assert [info.split for info in collected.episodes] == ["train", "test"], "Rampfield is held out"
    info = collected.episode(0)
    scenes, motion, plans = collected.scene(0), collected.motion(0), collected.plans(0)
    assert len(scenes) == info.frame_count == len(plans) > 60 and info.outcome == "completed"
    assert [scene.world_frame - scenes[0].world_frame for scene in scenes] == list(range(0, 2 * len(scenes), 2))
    assert np.isfinite(plans).all() and all(scene.expert is not None for scene in scenes)
    away = np.linalg.norm(np.diff(motion.xyz, axis=0), axis=1)
    assert np.allclose(away, 0.1 * (motion.speed_mps[1:] + motion.speed_mps[:-1]) / 2, atol=0.06)
    assert info.perturbation.bursts and any(one.perturbation.moves_start for one in collected.episodes), (
        collected.episodes
    )
    assert sum(scene.is_perturbed for scene in scenes) == collected.is_perturbed(0).sum() > 3
    assert any(actor.kind == "pedestrian" for scene in scenes for actor in scene.actors)
    seen = collected.observation(0, 40)
    assert seen.frames.shape == (4, 4, 64, 96, 3) and seen.frames.std() > 10.0
    assert (collected.pictures(0, "camera_front_wide_120fov", [40])[0] == seen.frames[1, -1]).all()


def test_what_masks_show_lies_where_the_cameras_look(collected: DrivingDataset) -> None:
    """Who has pixels in a camera lies, by geometry alone, in its picture."""
    seen = 0
    for episode in range(2):
        for scene in collected.scene(episode)[::5]:
            for actor in scene.actors:
                pose = actor.transform
                away = np.array([[pose.x, pose.y, pose.z]]) - np.array(scene.rig_pose[:3])
                yaw = np.radians(scene.rig_pose.yaw)
                ahead = away[0, 0] * np.cos(yaw) + away[0, 1] * np.sin(yaw)
                left = away[0, 0] * np.sin(yaw) - away[0, 1] * np.cos(yaw)
                for name, pixels in actor.visible_px.items():
                    camera = collected.rig.camera(name)
                    bearing = np.arctan2(left - camera.position_rig_m[1], ahead - camera.position_rig_m[0])
                    off = abs(np.degrees(np.angle(np.exp(1j * (bearing - camera.yaw_rad)))))
                    if pixels > 2 and np.hypot(ahead, left) > 6.0:
                        seen += 1
                        assert off < camera.fov_deg / 2 + 25.0, (scene.frame_index, actor.type_id, name, off)
    assert seen > 0


def test_a_collected_episode_is_driven_again_tick_by_tick(collected: DrivingDataset) -> None:
    ticks = replayed(collected, 0)
    for scene in collected.scene(0):
        tick = ticks[scene.world_frame]
        assert tick.ego.transform == scene.ego and tick.control.steer == scene.steer, scene.frame_index
        others = {actor.actor_id: actor.transform for actor in tick.actors}
        assert all(others[actor.actor_id] == actor.transform for actor in scene.actors)


def test_a_dataset_is_described_checked_and_shown(collected: DrivingDataset, tmp_path: Path) -> None:
    told = alpamayo("dataset", "info", collected.folder, "--json")
    assert told.returncode == 0, told.stderr
    figures = json.loads(told.stdout)
    assert figures["episodes"] == 2 and figures["splits"]["test"]["episodes"] == 1
    frames = sum(info.frame_count for info in collected.episodes)
    checked = alpamayo("dataset", "check", collected.folder)
    assert checked.returncode == 0 and f"{4 * frames} pictures decoded: whole" in checked.stdout, checked.stderr
    shown = alpamayo("dataset", "show", collected.folder, "--out", tmp_path / "gallery", "--episodes", "0")
    assert shown.returncode == 0, shown.stderr
    with av.open(str(tmp_path / "gallery" / "episode-00000.mp4")) as video:
        assert video.streams.video[0].frames == collected.episode(0).frame_count
    assert "episode-00000.html" in (tmp_path / "gallery" / "index.html").read_text()
    card = (collected.folder / "README.md").read_text()
    assert card.startswith("---\n") and "- LeRobot" in card and "Held out, all in `test`: Rampfield" in card
    broken = tmp_path / "broken"
    shutil.copytree(collected.folder, broken)
    (broken / "scene/chunk-000/file-000.parquet").write_bytes(b"PAR1")
    refused = alpamayo("dataset", "check", broken)
    assert refused.returncode == 2 and "file-000.parquet cannot be read" in refused.stderr


def test_a_carla_recording_and_a_watched_drive_are_imported(tmp_path: Path) -> None:
    """The same drive, recorded by the server and seen by a second client while it happens."""
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    extra = ("--synchronous", "--recordings", str(recordings))
    with EmbeddedServer("Gridvale", seed=3, extra_args=extra) as server:
        client = connect(server.address)
        with SynchronousWorld(client, step_s=0.05, rendering=True) as world:
            blueprint = world.world.get_blueprint_library().find("vehicle.lincoln.mkz_2020")
            blueprint.set_attribute("role_name", "hero")
            hero = world.world.spawn_actor(blueprint, world.world.get_map().get_spawn_points()[0])
            assert isinstance(hero, carla.Vehicle)
            world.tick()
            out = tmp_path / "watched"
            command = ["dataset", "import", "watch", f"{server.address}", "--out", str(out), "--size", "96", "64"]
            watcher = subprocess.Popen([*PROGRAM, *command, "--seconds", "5"], stderr=subprocess.PIPE, text=True)
            client.start_recorder("drive.log", True)
            hero.apply_control(carla.VehicleControl(throttle=0.6))
            track: list[float] = []
            deadline = time.monotonic() + 400.0
            while watcher.poll() is None and time.monotonic() < deadline:
                world.tick()
                track.append(hero.get_location().x)
                if len(track) == 120:
                    client.stop_recorder()
                # The watcher is to keep up: it is on the same machine, as busy as that may be.
                time.sleep(0.05)
            assert watcher.poll() == 0, watcher.stderr.read() if watcher.stderr else ""
    watched = DrivingDataset.open(out)
    assert watched.episode(0).source == "watched" and watched.episode(0).frame_count >= 30
    assert not watched.episode(0).has_scene and watched.episode(0).town == "Gridvale"
    log, out = recordings / "drive.log", tmp_path / "replayed"
    done = alpamayo("dataset", "import", "carla-log", log, "--out", out, "--size", "96", "64")
    assert done.returncode == 0, done.stderr
    replay = DrivingDataset.open(out)
    motion = replay.motion(0)
    assert replay.episode(0).source == "carla_log" and 50 <= replay.episode(0).frame_count <= 62
    assert motion.speed_mps[40] > 3.0 and replay.observation(0, 30).frames.std() > 10.0
    refused = alpamayo("dataset", "import", "carla-log", tmp_path / "none.log", "--out", tmp_path / "x")
    assert refused.returncode == 2 and "there is no recording" in refused.stderr


def tables(dataset: DrivingDataset) -> dict[str, bytes]:
    """The bytes of every file by its path, without the commit of the code, which may change while a long test runs."""
    commit = dataset.about.code.encode()
    return {
        str(path.relative_to(dataset.folder)): path.read_bytes().replace(commit, b"commit")
        for path in sorted(dataset.folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.full
def test_a_killed_collection_resumes_to_the_same_dataset(tmp_path: Path) -> None:
    """Every file is the same, byte for byte, as without a kill and with another number of jobs."""
    suite = write_suite(tmp_path, "killed", {"Gridvale": 4, "Oldwick": 2}, shortest_m=60.0, longest_m=90.0)
    undisturbed = collect(suite, tmp_path / "calm", "--jobs", "1", *SMALL, *SHAKEN)
    out = tmp_path / "killed"
    command = [*PROGRAM, "collect", str(suite), "--out", str(out), "--jobs", "2", *SMALL, *SHAKEN]
    random_s = np.random.default_rng(5)
    kills = 0
    while True:
        runner = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 600.0
        patience = time.monotonic() + float(random_s.uniform(8.0, 20.0))
        while runner.poll() is None and time.monotonic() < min(deadline, patience):
            time.sleep(0.1)
        if runner.poll() is not None or kills >= 4:
            assert runner.wait(timeout=600.0) == 0
            break
        os.kill(runner.pid, signal.SIGKILL)
        runner.wait()
        kills += 1
        if list(out.glob("*-collect")):
            command = [*PROGRAM, "collect", "--resume", "--out", str(out), "--jobs", "2"]
    assert kills >= 1
    (run,) = out.glob("*-collect")
    assert tables(DrivingDataset.open(run / "dataset")) == tables(undisturbed)


_READER = """
import json, sys
import numpy as np
import torch
try:
    import torchvision  # noqa: F401
except RuntimeError:
    for name in [name for name in sys.modules if name.startswith("torchvision")]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from lerobot.datasets.lerobot_dataset import LeRobotDataset
folder, rows, out = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
data = LeRobotDataset("any/name", root=folder, video_backend="pyav")
found = {"frames": data.num_frames, "episodes": data.num_episodes}
for row in rows:
    for key, value in data[row].items():
        found[f"{row}/{key}"] = np.asarray(value) if not isinstance(value, str) else np.array(value)
np.savez(out, **found)
"""


@pytest.mark.full
@pytest.mark.skipif("ALPAMAYO_LEROBOT_PYTHON" not in os.environ, reason="needs an interpreter that has lerobot")
def test_lerobot_reads_what_we_read(collected: DrivingDataset, tmp_path: Path) -> None:
    frames = [info.frame_count for info in collected.episodes]
    rows = [0, 7, frames[0] - 1, frames[0], frames[0] + 33, sum(frames) - 1]
    (tmp_path / "reader.py").write_text(_READER)
    command = [os.environ["ALPAMAYO_LEROBOT_PYTHON"], str(tmp_path / "reader.py"), str(collected.folder)]
    command += [json.dumps(rows), str(tmp_path / "found.npz")]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(tmp_path / "found.npz") as found:
        assert found["frames"] == sum(frames) and found["episodes"] == 2
        for row in rows:
            episode, frame = (0, row) if row < frames[0] else (1, row - frames[0])
            motion, scene = collected.motion(episode), collected.scene(episode)[frame]
            assert found[f"{row}/episode_index"] == episode and found[f"{row}/frame_index"] == frame
            assert np.allclose(found[f"{row}/observation.rig_position_m"], motion.xyz[frame], rtol=1e-6)
            assert np.allclose(found[f"{row}/driver.plan"].reshape(64, 3), collected.plans(episode)[frame])
            assert np.allclose(found[f"{row}/action"], [scene.throttle, scene.brake, scene.steer], atol=1e-6)
            assert str(found[f"{row}/observation.guidance"]) == (collected.guidance(episode)[frame] or "")
            for camera in collected.cameras:
                theirs = found[f"{row}/observation.images.{camera}"].transpose(1, 2, 0) * 255.0
                ours = collected.pictures(episode, camera, [frame])[0].astype(np.float64)
                assert np.abs(theirs - ours).mean() < 0.6 and np.abs(theirs - ours).max() <= 6.0, (row, camera)
