"""Replays that are known to be what was recorded, and branches that are known to come out of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alpamayo_scenarios.counterfactual.branch import Branch, BranchResult, BranchStore, ReplaySpec
from alpamayo_scenarios.counterfactual.pool import BranchPool
from alpamayo_scenarios.counterfactual.tape import EgoTape
from alpamayo_sim.record.scene_state import SceneState
from alpamayo_training.coc.verify_report import Reproduction

REPEATS = 3
REPRODUCED_M = 1e-3
"""A replay that comes no farther from the recorded places than this is the recorded drive; most are equal to the last bit."""

Told = Callable[[str, int, int, float], None]
"""(what is driven, how many are done, how many there are, seconds left)."""


@dataclass(frozen=True)
class DrivenEpisode:
    """An episode of a dataset as verification needs it."""

    replay: ReplaySpec
    read: Callable[[], tuple[SceneState, ...]]
    """Returns the privileged state of every frame; asked for again and again, episode after episode."""

    @property
    def scenes(self) -> tuple[SceneState, ...]:
        """The privileged state of every frame."""
        return self.read()


class Replays:
    """Drives branches and keeps those that reproduce their episode up to the keyframe."""

    def __init__(
        self, store: BranchStore, episodes: Mapping[int, DrivenEpisode], *, jobs: int, told: Told | None = None
    ) -> None:
        self._store = store
        self._pool = BranchPool(store, jobs=jobs)
        self._episodes = episodes
        self._told = told
        self._factual: dict[int, BranchResult] = {}
        self._reproduced_until: dict[int, int] = {}
        self._largest_m: dict[int, float] = {}
        self._bit_equal = 0
        self._branches = self._repeated = self._never = 0
        self.cpu_s = self.wall_time_s = 0.0
        self.driven = self.retries = 0
        self.given_up: dict[str, str] = {}
        """Keys of the branches that infrastructure kept from being driven, and why."""

    def drive_factual(self) -> None:
        """Drive every episode as it was; one that differs from its record is driven again, since the machine may be at fault."""
        for attempt in range(REPEATS):
            branches = {index: Branch(episode.replay) for index, episode in self._episodes.items()}
            open_now = {index: one for index, one in branches.items() if index not in self._factual}
            self._drive("episodes as they were", open_now.values())
            for index, branch in open_now.items():
                if not self._store.has(branch):
                    continue
                result = self._store.read(branch)
                scenes = self._episodes[index].scenes
                until, largest_m, is_equal = reproduction(result.tape, scenes)
                if until < scenes[-1].world_frame and attempt + 1 < REPEATS:
                    self._store.remove(branch)
                    continue
                self._factual[index] = result
                self._reproduced_until[index] = until
                self._bit_equal += is_equal
                if not is_equal:
                    self._largest_m[index] = largest_m

    def factual(self, episode_index: int, until_frame: int) -> EgoTape | None:
        """Return an episode's own tape if it is the recorded drive up to a frame."""
        result = self._factual.get(episode_index)
        if result is None or self._reproduced_until[episode_index] < until_frame:
            return None
        return result.tape

    def drive(self, what: str, branches: Sequence[tuple[int, Branch]]) -> None:
        """Drive branches of episodes; those that do not come to their keyframe as the episode did are driven again."""
        self._branches += len(branches)
        open_now = list(branches)
        for attempt in range(REPEATS):
            self._drive(what, [branch for _, branch in open_now])
            odd = [(index, one) for index, one in open_now if not self._is_of(index, one)]
            if attempt == 0:
                self._repeated += len(odd)
            if not odd:
                return
            for _, branch in odd:
                if attempt + 1 < REPEATS:
                    self._store.remove(branch)
            open_now = odd
        self._never += len(open_now)

    def result(self, episode_index: int, branch: Branch) -> BranchResult | None:
        """Return what became of a branch, None if it was not driven or is not of its episode."""
        if not self._store.has(branch) or not self._is_of(episode_index, branch):
            return None
        return self._store.read(branch)

    def reproduction(self) -> Reproduction:
        """Return how far replays were what they should be."""
        return Reproduction(
            episodes=len(self._episodes),
            bit_equal=self._bit_equal,
            largest_m=dict(self._largest_m),
            branches=self._branches,
            branches_repeated=self._repeated,
            branches_never=self._never,
        )

    def _is_of(self, episode_index: int, branch: Branch) -> bool:
        """Whether a branch's drive up to its keyframe is its episode's, to the last bit."""
        factual = self._factual.get(episode_index)
        if factual is None or not self._store.has(branch):
            return False
        tape = self._store.read(branch).tape
        first = int(factual.tape.frame[0])
        return tape.cut(first, branch.at_frame).equals(factual.tape.cut(first, branch.at_frame))

    def _drive(self, what: str, branches: Iterable[Branch]) -> None:
        told = self._told
        report = self._pool.drive(
            list(branches), None if told is None else lambda done, total, left_s: told(what, done, total, left_s)
        )
        self.cpu_s += report.cpu_s
        self.wall_time_s += report.wall_time_s
        self.driven += report.driven
        self.retries += report.retries
        self.given_up.update(report.given_up)


def reproduction(tape: EgoTape, scenes: Sequence[SceneState]) -> tuple[int, float, bool]:
    """Return the last world frame up to which a tape is the record, the largest distance, and whether all frames are equal.

    Equal means to the last bit of single precision, in which CARLA tells its states.
    """
    until, largest_m, is_equal, follows = -1, 0.0, True, True
    for scene in scenes:
        row = tape.row_of(scene.world_frame)
        if row < 0:
            return until, math.inf, False
        here = np.array([scene.ego.x, scene.ego.y, scene.ego.z])
        off_m = float(np.linalg.norm(tape.pose[row, :3] - here))
        largest_m = max(largest_m, off_m)
        is_equal &= bool((tape.pose[row].astype(np.float32) == np.array(scene.ego, dtype=np.float32)).all())
        follows &= off_m <= REPRODUCED_M
        if follows:
            until = scene.world_frame
    return until, largest_m, is_equal
