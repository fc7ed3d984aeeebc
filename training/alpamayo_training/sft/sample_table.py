"""Samples ready to train on: arrays in one file, decoded pictures of the model's size in another that is mapped into memory."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.observation import HISTORY_POINTS
from alpamayo_sim.policy.plan import PLAN_POINTS

FRAMES_FILE, ARRAYS_FILE, ABOUT_FILE = "frames.npy", "samples.npz", "about.json"
FORMAT = "alpamayo-sim-samples-2"
SPLITS = ("train", "val", "test")

Float = NDArray[np.floating]


class FrameRows(Protocol):
    """Pictures by row: uint8 [rows, camera, height, width, 3], in memory, mapped, or made up when asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """[rows, camera, height, width, 3]."""
        ...

    def __getitem__(self, rows: Any, /) -> NDArray[np.uint8]:
        """Return the pictures of some rows."""
        ...


@dataclass(frozen=True)
class About:
    """What a table was made from and what it holds."""

    source: str
    """The dataset, by name and description."""
    labels: str
    """Version of the labels; "" for sentences by the rules alone."""
    cameras: tuple[str, ...]
    width_px: int
    height_px: int
    frames_per_camera: int
    stride: int
    """Every how many frames of a drive a sample begins."""
    samples: int
    format: str = FORMAT


@dataclass(frozen=True)
class SampleTable:
    """N samples of M moments; numbers in SI units, places in the rig frame at each sample's t0."""

    about: About
    frames: FrameRows
    """uint8 [M, camera, height, width, 3]."""
    frame_rows: NDArray[np.int64]
    """[N, frames of a camera], oldest first."""
    history_xyz: NDArray[np.float64]
    """[N, 16, 3]"""
    history_rotation: NDArray[np.float64]
    """[N, 16, 3, 3]"""
    future_xyz: NDArray[np.float64]
    """[N, 64, 3]: what is right to drive."""
    acceleration_mps2: NDArray[np.float32]
    """[N, 64] of that."""
    curvature_per_m: NDArray[np.float32]
    """[N, 64] of that."""
    episode: NDArray[np.int64]
    """[N]"""
    frame_index: NDArray[np.int64]
    """[N]"""
    split: NDArray[np.int64]
    """[N], counted in SPLITS."""
    is_key: NDArray[np.bool_]
    """[N]: a label lies within a second before."""
    navigation: tuple[str, ...]
    """[N]; "" for none."""
    reasoning: tuple[str, ...]
    """[N]; "" where nothing can be said."""
    decisions: tuple[tuple[str, str], ...]
    """[N] longitudinal and lateral decision."""

    def __len__(self) -> int:
        return len(self.frame_rows)

    def __post_init__(self) -> None:
        count = len(self.frame_rows)
        shapes = {
            "history_xyz": (self.history_xyz.shape, (count, HISTORY_POINTS, 3)),
            "history_rotation": (self.history_rotation.shape, (count, HISTORY_POINTS, 3, 3)),
            "future_xyz": (self.future_xyz.shape, (count, PLAN_POINTS, 3)),
            "acceleration_mps2": (self.acceleration_mps2.shape, (count, PLAN_POINTS)),
            "curvature_per_m": (self.curvature_per_m.shape, (count, PLAN_POINTS)),
            "texts": ((len(self.navigation), len(self.reasoning), len(self.decisions)), (count, count, count)),
        }
        wrong = {name: pair for name, pair in shapes.items() if pair[0] != pair[1]}
        if wrong:
            raise InputError(f"a table of {count} samples has other arrays than it should (found, expected): {wrong}")
        if count and not 0 <= int(self.frame_rows.min()) <= int(self.frame_rows.max()) < self.frames.shape[0]:
            raise InputError("a table's samples name pictures that it does not have")

    def rows_of(self, split: str) -> NDArray[np.int64]:
        """Return the samples of a split; InputError if there is none."""
        rows = np.flatnonzero(self.split == SPLITS.index(split))
        if not len(rows):
            counts = {name: int((self.split == index).sum()) for index, name in enumerate(SPLITS)}
            raise InputError(
                f"{self.about.source} has no samples of the split {split!r}; it has {counts}. It wants more drives, or in "
                "training --eval-samples 0"
            )
        return rows


_ARRAYS = (
    "frame_rows", "history_xyz", "history_rotation", "future_xyz", "acceleration_mps2", "curvature_per_m", "episode",
    "frame_index", "split", "is_key",
)  # fmt: skip
_TEXTS = ("navigation", "reasoning", "decisions")


def save_arrays(table: SampleTable, folder: Path) -> None:
    """Write all of a table but its pictures, the description last."""
    np.savez(folder / ARRAYS_FILE, **{name: getattr(table, name) for name in _ARRAYS})  # pyright: ignore[reportArgumentType]
    content = {**asdict(table.about), **{name: getattr(table, name) for name in _TEXTS}}
    (folder / ABOUT_FILE).write_text(json.dumps(content), encoding="utf-8")


def load_table(folder: Path) -> SampleTable:
    """Return the table in a folder, its pictures mapped; InputError for a folder that holds none or a damaged one."""
    try:
        content = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        if content.get("format") != FORMAT:
            raise InputError(f"{folder} holds samples of another version; delete it, and it is made again")
        texts = {name: content.pop(name) for name in _TEXTS}
        with np.load(folder / ARRAYS_FILE, allow_pickle=False) as stored:
            arrays: dict[str, Any] = {name: stored[name] for name in _ARRAYS}
        frames = np.load(folder / FRAMES_FILE, mmap_mode="r", allow_pickle=False)
        described: dict[str, Any] = {**content, "cameras": tuple(content["cameras"])}
        about = About(**described)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{folder} holds no samples, or damaged ones ({error}); delete it, and it is made again"
        ) from error
    decisions = tuple((str(first), str(second)) for first, second in texts["decisions"])
    return SampleTable(
        about=about,
        frames=cast("FrameRows", frames),
        navigation=tuple(texts["navigation"]),
        reasoning=tuple(texts["reasoning"]),
        decisions=decisions,
        **arrays,
    )


def chosen(table: SampleTable, rows: Sequence[int] | NDArray[np.int64]) -> SampleTable:
    """Return a table of some of the samples over the same pictures."""
    picked = np.asarray(rows, dtype=np.int64)
    arrays: dict[str, Any] = {name: getattr(table, name)[picked] for name in _ARRAYS}
    texts: dict[str, Any] = {name: tuple(getattr(table, name)[row] for row in picked) for name in _TEXTS}
    return SampleTable(about=table.about, frames=table.frames, **arrays, **texts)
