"""From the folders of single episodes to a dataset."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.collecting import episode_files
from alpamayo_agents.collecting.episode_files import Collected, read_arrays, read_collected
from alpamayo_scenarios.benchmark.plan import PLAN_FILE, ROUTES_FOLDER, Plan, Task
from alpamayo_scenarios.benchmark.store import ResultStore
from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.episode_result import EpisodeResult
from alpamayo_sim.record.scene_state import SceneState
from alpamayo_sim.record.scene_table import need_pyarrow, scenes_of
from alpamayo_training.data.dataset_writer import DatasetWriter, EpisodeContent
from alpamayo_training.data.driving_dataset import DrivingDataset
from alpamayo_training.data.episode_info import SPLITS, DatasetAbout, EpisodeInfo
from alpamayo_training.data.splits import SplitRule, split_routes

SUITE_FOLDER, TOWNS_FOLDER = "suite", "towns"
FEWEST_FRAMES = 30


def assemble(
    store: ResultStore, target: Path, rule: SplitRule, *, maps: tuple[Path, ...] = (), keep: bool = True
) -> DrivingDataset:
    """Return the dataset of a collection's complete episodes, put together anew in `target`.

    It comes there whole or not at all. Episodes that are too short to learn from are left out and named. With `keep` false the
    episodes' own pictures are removed once every episode is in it; the dataset stays as it is from then on. Raises InputError
    if nothing was recorded.
    """
    plan = store.plan
    assert plan.settings.collect is not None
    splits = split_routes(((task.town, task.route_id) for task in plan.tasks), rule)
    found: list[tuple[Task, EpisodeResult, Collected]] = []
    dropped: list[str] = []
    for task in plan.tasks:
        if not store.is_complete(task):
            continue
        result = store.result(task)
        try:
            collected = read_collected(store.run.episode_folder(task.task_id) / episode_files.FOLDER)
        except InputError:
            dropped.append(f"{task.task_id}: nothing was recorded ({result.status})")
            continue
        if collected.frame_count < FEWEST_FRAMES:
            dropped.append(f"{task.task_id}: {collected.frame_count} frames, fewer than {FEWEST_FRAMES}")
            continue
        found.append((task, result, collected))
    if target.is_dir() and any(not _pictures(store, task, collected) for task, _, collected in found):
        return DrivingDataset.open(target)
    found.sort(key=lambda entry: SPLITS.index(splits[entry[0].town, entry[0].route_id]))
    about = DatasetAbout(
        title=f"{plan.settings.suite} driven by {plan.settings.agent}",
        rig=plan.settings.collect.rig,
        collect=plan.settings.collect,
        held_out_towns=rule.held_out_towns,
        split_seed=rule.seed,
        code=str(store.run.environment.get("git_commit") or store.run.environment["packages"].get("alpamayo-sim", "")),
        dropped=tuple(dropped),
    )
    draft = target.with_name(f".{target.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    writer = DatasetWriter(draft, about)
    for task, result, collected in found:
        folder = store.run.episode_folder(task.task_id) / episode_files.FOLDER
        writer.add(_info(plan, task, result, collected, splits[task.town, task.route_id]), _content(folder, collected))
    writer.close()
    _copy_suite(store, draft, maps)
    shutil.rmtree(target, ignore_errors=True)
    draft.replace(target)
    if not keep and len(found) + len(dropped) == len(plan.tasks):
        for task, _, _ in found:
            folder = store.run.episode_folder(task.task_id) / episode_files.FOLDER
            for video in folder.glob("*.mp4"):
                video.unlink()
    return DrivingDataset.open(target)


def _pictures(store: ResultStore, task: Task, collected: Collected) -> bool:
    """Whether an episode's own videos are there."""
    folder = store.run.episode_folder(task.task_id) / episode_files.FOLDER
    return all((folder / f"{camera}.mp4").is_file() for camera in collected.cameras)


def _info(plan: Plan, task: Task, result: EpisodeResult, collected: Collected, split: str) -> EpisodeInfo:
    settings, duration_s = plan.settings, collected.frame_count * 0.1
    drawn = collected.perturbation
    return EpisodeInfo(
        episode_index=0,
        episode_id=task.task_id,
        frame_count=collected.frame_count,
        split=split,
        town=task.town,
        route_id=task.route_id,
        suite=settings.suite,
        route_file=f"{SUITE_FOLDER}/{task.route_file}",
        scenario_types=task.scenario_types,
        repetition=task.repetition,
        seed=task.seed,
        agent=settings.agent,
        profile=settings.profile,
        background=settings.background,
        vehicles=settings.vehicles,
        walkers=settings.walkers,
        server=result.identity.server,
        perturbation=type(drawn)(
            drawn.start_lateral_m if collected.start_moved else 0.0,
            drawn.start_heading_rad if collected.start_moved else 0.0,
            drawn.start_speed_mps if collected.start_moved else 0.0,
            tuple(burst for burst in collected.bursts_done if burst.begin_s < duration_s),
        ),
        status=result.status,
        outcome=result.outcome,
        driving_score=result.driving_score,
        infractions=tuple(infraction.kind.value for infraction in result.infractions),
    )


def _content(folder: Path, collected: Collected) -> EpisodeContent:
    scenes = read_scenes(folder / episode_files.SCENE_FILE)
    motion = read_arrays(folder / episode_files.MOTION_FILE)
    if not len(scenes) == len(motion["position"]) == collected.frame_count:
        raise InputError(f"{folder}: expected {collected.frame_count} frames; found {len(scenes)} scenes")
    return EpisodeContent(
        position_m=motion["position"],
        rotation=motion["rotation"],
        speed_mps=np.array([scene.speed_mps for scene in scenes]),
        state=_state(scenes),
        action=np.array([(scene.throttle, scene.brake, scene.steer) for scene in scenes]),
        plan=motion["plan"],
        guidance=[str(text) for text in motion["guidance"]],
        is_perturbed=np.array([scene.is_perturbed for scene in scenes]),
        videos={camera: folder / f"{camera}.mp4" for camera in collected.cameras},
        scenes=scenes,
        route=read_arrays(folder / episode_files.ROUTE_FILE),
    )


def _state(scenes: tuple[SceneState, ...]) -> NDArray[np.float64]:
    return np.array([(s.speed_mps, s.acceleration_mps2, s.yaw_rate_rps, s.speed_limit_mps) for s in scenes])


def read_scenes(path: Path) -> tuple[SceneState, ...]:
    """Return the scenes of an episode's file; InputError if it cannot be read."""
    arrow = need_pyarrow()
    try:
        return scenes_of(arrow.parquet.read_table(path))
    except (OSError, arrow.ArrowException) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _copy_suite(store: ResultStore, dataset: Path, maps: tuple[Path, ...]) -> None:
    """Put what it takes to drive the episodes again beside them: the plan, its routes, towns that do not come with us."""
    shutil.copytree(store.run.path / ROUTES_FOLDER, dataset / SUITE_FOLDER)
    shutil.copyfile(store.run.path / PLAN_FILE, dataset / SUITE_FOLDER / PLAN_FILE)
    for town in sorted({task.town for task in store.plan.tasks}):
        for folder in maps:
            if (folder / f"{town}.xodr").is_file():
                (dataset / TOWNS_FOLDER).mkdir(exist_ok=True)
                shutil.copyfile(folder / f"{town}.xodr", dataset / TOWNS_FOLDER / f"{town}.xodr")
                break
