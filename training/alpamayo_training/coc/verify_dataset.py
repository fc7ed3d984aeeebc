"""Verification of a dataset's labels: which episodes have to be driven again, where the drives and the report are kept."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path

from alpamayo_scenarios.counterfactual.branch import BranchStore, ReplaySpec
from alpamayo_sim.errors import InputError
from alpamayo_training.coc.label import CocLabel
from alpamayo_training.coc.verify import Verification, Verifier, write_report
from alpamayo_training.coc.verify_replays import DrivenEpisode, Told
from alpamayo_training.data.assembly import TOWNS_FOLDER
from alpamayo_training.data.driving_dataset import DrivingDataset
from alpamayo_training.data.episode_info import EpisodeInfo

REPLAYS, REPORT, MAPS_CACHE = "replays", "verification", "maps"
SCENES_AT_ONCE = 8
_TELL_EVERY_S = 10.0


def verify_dataset(
    dataset_folder: Path,
    labels: Sequence[CocLabel],
    *,
    jobs: int,
    controls: bool = True,
    second_sample: int = 200,
    seed: int = 0,
    told: Told | None = None,
) -> Verification:
    """Return the labels of a dataset with verdicts, and the figures, which are also written below labels/coc/verification.

    Every drive is kept below labels/coc/replays, so that a killed run goes on where it was. Labels of episodes that were not
    driven on a server with known scenes are left as they are. Raises InputError for a folder that is no dataset or whose episodes
    cannot be driven here, InfrastructureError when servers do not start.
    """
    dataset = DrivingDataset.open(dataset_folder)
    folder = dataset_folder / "labels" / "coc"
    wanted = sorted({label.episode_index for label in labels if not label.drop_reason})
    scenes_of = lru_cache(maxsize=SCENES_AT_ONCE)(dataset.scene)
    episodes = {
        index: DrivenEpisode(replay_of(dataset, dataset.episode(index), folder / REPLAYS), partial(scenes_of, index))
        for index in wanted
        if is_replayable(dataset.episode(index))
    }
    verifier = Verifier(
        episodes,
        BranchStore(folder / REPLAYS),
        jobs=jobs,
        controls=controls,
        second_sample=second_sample,
        seed=seed,
        told=told or Progress().told,
    )
    verification = verifier.verify(labels)
    write_report(folder / REPORT, verification)
    return verification


def verify_labels(dataset_folder: Path, labels: Sequence[CocLabel], *, jobs: int) -> tuple[CocLabel, ...]:
    """Return the labels with verdicts, as `verify_dataset` does."""
    return verify_dataset(dataset_folder, labels, jobs=jobs).labels


def is_replayable(info: EpisodeInfo) -> bool:
    """Whether an episode can be driven again: it was collected by an agent, on an embedded server."""
    return info.source == "collected" and info.has_scene and info.server.startswith("embedded")


def replay_of(dataset: DrivingDataset, info: EpisodeInfo, cache: Path) -> ReplaySpec:
    """Return all that it takes to drive an episode of a dataset again.

    Raises InputError where the dataset does not have the route's file any more.
    """
    route_file = dataset.folder / info.route_file
    if not info.route_file or not route_file.is_file():
        raise InputError(f"{route_file} is not there, by which episode {info.episode_id} would be driven again")
    towns = dataset.folder / TOWNS_FOLDER
    return ReplaySpec(
        town=info.town,
        route_file=str(route_file.absolute()),
        route_id=info.route_id,
        seed=info.seed,
        agent=info.agent,
        background=info.background,
        vehicles=info.vehicles,
        walkers=info.walkers,
        profile=info.profile,
        maps=(str(towns.absolute()),) if towns.is_dir() else (),
        cache=str((cache / MAPS_CACHE).absolute()),
        collect=dataset.about.collect,
    )


class Progress:
    """Tells on standard error how far the drives are."""

    def __init__(self) -> None:
        self._told_s = -_TELL_EVERY_S
        self._what = ""

    def told(self, what: str, done: int, total: int, left_s: float) -> None:
        """Take in how far it is."""
        now = time.monotonic()
        if total == 0 or (what == self._what and done < total and now - self._told_s < _TELL_EVERY_S):
            return
        self._told_s, self._what = now, what
        left = "" if done >= total or left_s == float("inf") else f", about {left_s / 60.0:.0f} min left"
        print(f"{what}: {done} of {total} drives{left}", file=sys.stderr, flush=True)
