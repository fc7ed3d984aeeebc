"""The grade of what a model says, by the critic that goes by rules on the simulator's state."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from alpamayo_training.coc.critic_rules import grades_of
from alpamayo_training.coc.drives import drive_of_dataset
from alpamayo_training.coc.label import CriticGrades
from alpamayo_training.coc.teacher_rules import compose
from alpamayo_training.coc.teaching import Drive
from alpamayo_training.data.driving_dataset import DrivingDataset


class RulesGrader:
    """Grades words about moments of a dataset's drives, 0 to 5: do they fit what the ego does, do they name what counts."""

    def __init__(self, dataset: Path) -> None:
        self._dataset = DrivingDataset.open(dataset)
        self._drive = lru_cache(maxsize=4)(self._read)

    def _read(self, episode_index: int) -> Drive | None:
        if not self._dataset.episode(episode_index).has_scene:
            return None
        return drive_of_dataset(self._dataset, episode_index)

    def grade(self, episode_index: int, frame_index: int, words: str) -> CriticGrades | None:
        """Return the grades of words said at a frame; None where the drive's state is not known."""
        drive = self._drive(episode_index)
        if drive is None:
            return None
        label = compose(drive, frame_index, np.random.default_rng(0))
        return grades_of(drive, replace(label, trace=words, components=()))
