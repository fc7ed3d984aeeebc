"""Drives that the expert really drove on the embedded server, as recorded scenes: `recorded/README.md` says which."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pyarrow.parquet as parquet

from alpamayo_sim.record.scene_table import scenes_of
from alpamayo_training.coc.drives import drive_from_scenes
from alpamayo_training.coc.keyframes import keyframes_of
from alpamayo_training.coc.label import CocLabel
from alpamayo_training.coc.teacher_rules import RulesTeacher
from alpamayo_training.coc.teaching import Drive

FOLDER = Path(__file__).parent / "recorded"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.parquet")))


@cache
def recorded(name: str) -> Drive:
    """Return a drive by its file's name."""
    scenes = scenes_of(parquet.read_table(FOLDER / f"{name}.parquet"))
    return drive_from_scenes(scenes, episode_index=NAMES.index(name), route_id=name)


@cache
def recorded_labels() -> tuple[CocLabel, ...]:
    """Return the rules teacher's labels of all drives, dropped ones included."""
    teacher = RulesTeacher()
    drives = [recorded(name) for name in NAMES]
    return tuple(teacher.label(drive, keyframe) for drive in drives for keyframe in keyframes_of(drive))


def drive_of_label(label: CocLabel) -> Drive:
    """Return the drive that a label belongs to."""
    return recorded(NAMES[label.episode_index])
