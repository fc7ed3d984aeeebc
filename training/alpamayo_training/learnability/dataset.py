"""A set of samples on disk: pictures in one array, labels in another, a description of both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_training.learnability.labels import LABEL_DTYPE

PICTURES, LABELS, ABOUT = "pictures.npy", "labels.npy", "about.json"


@dataclass(frozen=True)
class About:
    """What a set holds."""

    split: str
    samples: int
    rig: str
    cameras: tuple[str, ...]
    width_px: int
    height_px: int
    towns: tuple[str, ...]
    """Names that the labels' `town` counts in."""
    weathers: tuple[str, ...]
    """Names that the labels' `weather` counts in."""
    seed: int


@dataclass(frozen=True)
class SampleSet:
    """`pictures` [N, camera, height, width, 3] uint8 (memory-mapped) and `labels` [N] of LABEL_DTYPE."""

    about: About
    pictures: NDArray[np.uint8]
    labels: NDArray[np.void]


def create(folder: Path, about: About) -> tuple[NDArray[np.uint8], NDArray[np.void]]:
    """Make a set's files and return the arrays to fill: pictures (memory-mapped) and labels (to be given to `finish`)."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = (about.samples, len(about.cameras), about.height_px, about.width_px, 3)
    pictures = np.lib.format.open_memmap(folder / PICTURES, mode="w+", dtype=np.uint8, shape=shape)
    return pictures, np.zeros(about.samples, dtype=LABEL_DTYPE)


def finish(folder: Path, about: About, labels: NDArray[np.void]) -> None:
    """Write the labels [n], then the description, which says that the set is complete; fewer labels make a shorter set."""
    np.save(folder / LABELS, labels)
    (folder / ABOUT).write_text(json.dumps(asdict(replace(about, samples=len(labels))), indent=1))


def read(folder: Path) -> SampleSet:
    """Return a complete set; InputError for a folder that holds none, or one with other labels."""
    try:
        text = json.loads((folder / ABOUT).read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(
            f"{folder} holds no complete set of samples ({error}); make one with the `data` command"
        ) from error
    about = _about(text)
    labels = np.load(folder / LABELS, allow_pickle=False)
    if labels.dtype != LABEL_DTYPE or len(labels) != about.samples:
        raise InputError(f"{folder} holds labels of another version; make the set again with the `data` command")
    pictures = np.load(folder / PICTURES, mmap_mode="r", allow_pickle=False)
    return SampleSet(about, pictures[: about.samples], labels)


def _about(text: dict[str, Any]) -> About:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in text.items()}
    return About(**values)


def read_split(folder: Path, split: str) -> list[SampleSet]:
    """Return the sets of one split ("train" or "test") below a folder, by name; InputError if there is none."""
    found = [read(path.parent) for path in sorted(folder.glob(f"*/{ABOUT}"))]
    wanted = [one for one in found if one.about.split == split]
    if not wanted:
        raise InputError(f"{folder} holds no {split} samples; make some with the `data` command")
    check_alike([one.about for one in wanted])
    return wanted


def check_alike(abouts: Sequence[About]) -> None:
    """Raise InputError unless all sets have the same cameras and picture size."""
    kinds = {(about.cameras, about.width_px, about.height_px) for about in abouts}
    if len(kinds) > 1:
        raise InputError(f"sets of different cameras or picture sizes cannot be mixed; found {sorted(kinds)}")
