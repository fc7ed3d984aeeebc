"""Driving a collected episode again, without pictures: the same ticks, frames and actor ids."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import carla

from alpamayo_agents.collecting.agent import CollectingAgent
from alpamayo_agents.registry import make_agent
from alpamayo_sim.client.connection import why_no_cameras
from alpamayo_sim.errors import InputError
from alpamayo_training.data.assembly import TOWNS_FOLDER
from alpamayo_training.data.driving_dataset import DrivingDataset
from alpamayo_training.data.episode_info import EpisodeInfo


def replay_agent(dataset: DrivingDataset, info: EpisodeInfo) -> CollectingAgent:
    """Return the driver of an episode as it was, disturbed as it was, with cameras that nobody listens to.

    To be driven by `run_episode` on a fresh embedded server that was started with the episode's town and seed and
    `--synchronous`, with the route of `route_file`, as the benchmark does. Raises InputError for an episode that was not
    collected by us.
    """
    if dataset.about.collect is None or info.source != "collected":
        raise InputError(f"episode {info.episode_index} was imported ({info.source}): it cannot be driven again")
    settings = replace(dataset.about.collect, pictures=False)
    return CollectingAgent(make_agent(info.agent), settings, seed=info.seed, folder=None)


def take_camera_id(client: carla.Client) -> None:
    """Spend the actor id that a drive with cameras spends on asking whether the server can draw; call it before `run_episode`."""
    why_no_cameras(client)


def replay_files(dataset: DrivingDataset, info: EpisodeInfo) -> tuple[Path, tuple[Path, ...]]:
    """Return the route file of an episode and the folders with maps that are not ours."""
    towns = dataset.folder / TOWNS_FOLDER
    return dataset.folder / info.route_file, (towns,) if towns.is_dir() else ()
