"""A dataset's drives and labels as samples ready to train on; made once, kept beside the dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.config import ImageConfig
from alpamayo_training.sft.sample_table import SampleTable
from alpamayo_training.sft.synthetic import NAME as SYNTHETIC
from alpamayo_training.sft.synthetic import synthetic_table

if TYPE_CHECKING:
    from alpamayo_training.openloop.grading import RulesGrader


@dataclass(frozen=True)
class DataChoice:
    """Which samples."""

    data: str
    """A dataset's folder, or "synthetic:N" for N made-up samples: for tests and benchmarks of training only."""
    labels: str = ""
    """Version of the labels; "" for sentences by the rules at every sample."""
    stride: int = 2
    """Every how many frames of a drive a sample begins."""
    cache: Path | None = None
    """Where decoded samples are kept; by default in the dataset's folder."""
    jobs: int = 1
    """Processes that decode."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> DataChoice:
        """Return the choice that `asdict` wrote."""
        cache = stored.get("cache")
        content: dict[str, Any] = {**stored, "cache": None if cache is None else Path(cache)}
        return cls(**content)

    def check(self) -> None:
        """Raise InputError if there is nothing of that name, before a run folder is made for it."""
        if not self.data.startswith(f"{SYNTHETIC}:") and not Path(self.data).is_dir():
            raise InputError(
                f"--data takes a dataset's folder, or {SYNTHETIC}:N for made-up samples; found {self.data!r}"
            )


def grader_for(choice: DataChoice) -> RulesGrader | None:
    """Return what grades words about a dataset's drives; None for made-up samples."""
    if choice.data.startswith(f"{SYNTHETIC}:"):
        return None
    from alpamayo_training.openloop.grading import RulesGrader

    return RulesGrader(Path(choice.data))


def prepared_table(choice: DataChoice, images: ImageConfig) -> SampleTable:
    """Return the samples for models with such pictures; they are decoded the first time."""
    if choice.data.startswith(f"{SYNTHETIC}:"):
        count = choice.data.partition(":")[2]
        if not count.isdigit() or int(count) < 1:
            raise InputError(f"made-up samples are written {SYNTHETIC}:N; found {choice.data!r}")
        return synthetic_table(
            int(count),
            width_px=images.width_px,
            height_px=images.height_px,
            frames_per_camera=images.frames_per_camera,
        )
    from alpamayo_training.sft.drives import table_of_dataset

    return table_of_dataset(choice, images)
