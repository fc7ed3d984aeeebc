"""What the logs of a run folder's episodes show beyond infractions: smoothness, NAVSIM's and AlpaSim's scores, minADE."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import to_local, to_world
from alpamayo_sim.metrics.alpasim import scene_score
from alpamayo_sim.metrics.drive_terms import terms_of_drive
from alpamayo_sim.metrics.navsim import pdm_score
from alpamayo_sim.metrics.plan_error import DrivenPath, mean_min_ade, plan_comfort
from alpamayo_sim.metrics.smoothness import motion_of_ticks, smoothness
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.record.episode_recorder import result_from_json
from alpamayo_sim.record.run_folder import RunFolder
from alpamayo_sim.record.tick_log import read_plans, read_ticks
from alpamayo_sim.roads.road_map import load_road_map


def drive_figures(run: RunFolder, maps: tuple[Path, ...] = ()) -> dict[str, float]:
    """Return the means over a run's complete episodes, by names with units.

    Smoothness is in both forms. minADE compares plans with what was driven afterwards (not with a human's log), and is
    there for policies that plan. Raises InputError for a run without a complete episode, and for a town whose map is
    neither ours nor in `maps`.
    """
    rows: dict[str, list[float]] = {}
    for episode_id in run.complete_episodes():
        for name, value in _episode(run.episode_folder(episode_id), maps).items():
            rows.setdefault(name, []).append(value)
    if not rows:
        raise InputError(f"expected complete episodes in {run.path}; found none")
    return {name: sum(values) / len(values) for name, values in rows.items()}


def _episode(folder: Path, maps: tuple[Path, ...]) -> dict[str, float]:
    result = result_from_json(json.loads((folder / "result.json").read_text(encoding="utf-8")))
    ticks = list(read_ticks(folder))
    motion = motion_of_ticks(ticks)
    length_m = result.values.get("route_length_m", 0.0)
    terms = terms_of_drive(
        ticks,
        load_road_map(result.identity.town, maps_dirs=maps),
        progress_m=result.values.get("route_completed_m", 0.0),
        reference_m=length_m,
    )
    figures = {
        "smoothness_bench2drive_percent": 100.0 * smoothness(motion, as_tool=True),
        "smoothness_corrected_percent": 100.0 * smoothness(motion, as_tool=False),
        "alpasim_scene_score": scene_score(terms.outcome),
        "pdms": pdm_score(terms.pdm),
        "pdms_no_collision": terms.pdm.no_collision,
        "pdms_drivable_area": terms.pdm.drivable_area,
        "pdms_time_to_collision": terms.pdm.time_to_collision,
        "pdms_ego_progress": terms.pdm.ego_progress,
        "pdms_comfort": terms.pdm.comfort,
    }
    return {**figures, **_plan_figures(folder, ticks)}


def _plan_figures(folder: Path, ticks: list[TickRecord]) -> dict[str, float]:
    plans = list(read_plans(folder))
    if not plans:
        return {}
    driven = _driven_by_rig(ticks)
    errors = mean_min_ade(plans, driven)
    comfortable = sum(all(plan_comfort(plan).values()) for plan in plans)
    return {
        **{f"min_ade_{horizon_s:g}s_m": error for horizon_s, error in errors.items()},
        "comfortable_plans_percent": 100.0 * comfortable / len(plans),
    }


def _driven_by_rig(ticks: list[TickRecord]) -> DrivenPath:
    """The path of the rig on the clock of the plans.

    Plans carry the simulation's clock and begin at the rig (the rear axle); ticks carry the episode's clock and the
    vehicle's origin. Both differences are those at the first tick with a plan, which is the one that it was made at.
    """
    first = next(tick for tick in ticks if tick.plan is not None)
    assert first.plan is not None
    rig = np.array([first.plan.rig_pose_t0[:3]])
    in_vehicle = to_local(first.ego.transform, rig)
    xy = np.array([to_world(tick.ego.transform, in_vehicle)[0, :2] for tick in ticks])
    return DrivenPath(np.array([tick.time_s for tick in ticks]) + first.plan.t0_s - first.time_s, xy)
