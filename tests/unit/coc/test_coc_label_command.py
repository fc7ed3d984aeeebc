"""`alpamayo label` on a dataset of recorded drives: labels, yield, taking up a killed run, what it refuses."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from labelled_dataset import make_dataset
from recorded_drives import NAMES, recorded_labels

from alpamayo_sim.errors import InputError
from alpamayo_training.cli import main
from alpamayo_training.coc.critic_rules import RulesCritic
from alpamayo_training.coc.drives import drive_of_dataset
from alpamayo_training.coc.label import CocLabel, labels_path, read_labels
from alpamayo_training.coc.labelling import LabellingPlan, label_dataset, label_drives
from alpamayo_training.coc.seeded_errors import measure
from alpamayo_training.coc.teacher_rules import RulesTeacher
from alpamayo_training.coc.teaching import Case
from alpamayo_training.data.driving_dataset import DrivingDataset

FEW = NAMES[:3]


class KilledTeacher(RulesTeacher):
    """Dies at the second episode."""

    def teach(self, cases: Iterable[Case]) -> Iterator[CocLabel]:
        for case in cases:
            if case.drive.episode_index == 1:
                raise KeyboardInterrupt
            yield self.label(case.drive, case.keyframe)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("datasets") / "recorded"
    make_dataset(place, FEW)
    return place


def test_a_dataset_is_labelled_filtered_and_graded(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["label", str(folder), "--version", "first", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    labels = read_labels(labels_path(folder, "first"))
    assert figures["labels"] == len(labels) > 5
    assert figures["kept"] == sum(not label.drop_reason for label in labels)
    assert figures["by_reason"]["kept"] == figures["kept"]
    taught = {(label.episode_index, label.frame_index): label.trace for label in recorded_labels()}
    assert all(taught[label.episode_index, label.frame_index] == label.trace for label in labels)
    assert all(label.filters for label in labels)
    assert all(label.critic is not None for label in labels if not label.drop_reason)
    assert (folder / "labels" / "coc" / "first.yield.md").read_text(encoding="utf-8").startswith("# Yield")
    assert not (folder / "labels" / "coc" / "first.parts").exists()


def test_a_killed_run_is_taken_up_where_it_was(folder: Path) -> None:
    plan = LabellingPlan(folder, "killed", KilledTeacher(), RulesCritic())
    with pytest.raises(KeyboardInterrupt):
        label_dataset(plan)
    assert not plan.path.exists()
    parts = sorted(path.name for path in plan.parts.iterdir())
    assert parts == ["episode-000000.parquet"]
    written = (plan.parts / parts[0]).stat().st_mtime_ns
    again = replace(plan, teacher=RulesTeacher())
    seen: list[tuple[int, int, int]] = []
    whole = label_dataset(again, lambda done, episodes, labels: seen.append((done, episodes, labels)))
    assert [row[:2] for row in seen] == [(2, 3), (3, 3)]
    assert written
    fresh = label_dataset(LabellingPlan(folder, "fresh", RulesTeacher(), RulesCritic()))
    assert whole == fresh == read_labels(plan.path)
    assert label_dataset(again) == whole


def test_a_version_belongs_to_one_teacher(folder: Path) -> None:
    label_dataset(LabellingPlan(folder, "mine", RulesTeacher(), None))
    with pytest.raises(InputError, match="another --version"):
        label_dataset(LabellingPlan(folder, "mine", RulesTeacher(), RulesCritic()))


def test_few_keyframes_an_episode_can_be_asked_for(folder: Path) -> None:
    labels = label_dataset(LabellingPlan(folder, "few", RulesTeacher(), None, most_per_episode=2))
    assert all(sum(label.episode_index == index for label in labels) <= 2 for index in range(3))


def test_the_drive_of_a_dataset_is_the_one_that_was_recorded(folder: Path) -> None:
    drive = drive_of_dataset(DrivingDataset.open(folder), 1)
    assert drive.route_id == NAMES[1]
    assert drive.cameras[0] == "camera_front_wide_120fov"
    assert drive.pictures(drive.cameras[0], [3, 9]).shape == (2, 32, 32, 3)  # pyright: ignore[reportArgumentType]


def test_what_cannot_be_is_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["label", str(folder), "--teacher", "nobody"]) == 2
    assert "--teacher is one of rules, openai" in capsys.readouterr().err
    assert main(["label", str(folder), "--teacher", "openai"]) == 2
    assert "--base-url" in capsys.readouterr().err
    assert main(["label", str(tmp_path)]) == 2
    assert "alpamayo collect" in capsys.readouterr().err


@pytest.mark.full
def test_filters_on_a_whole_dataset(tmp_path: Path) -> None:
    """Ten kinds of errors in the labels of the dataset that ALPAMAYO_DATASET names, as `alpamayo collect` left it."""
    place = os.environ.get("ALPAMAYO_DATASET")
    if not place:
        pytest.skip("ALPAMAYO_DATASET names no dataset")
    dataset = DrivingDataset.open(place)
    drives = {info.episode_index: drive_of_dataset(dataset, info.episode_index) for info in dataset.episodes}
    plan = LabellingPlan(tmp_path, "none", RulesTeacher(), None)
    labels = [
        label for label in label_drives(plan, list(drives.values())) if not label.drop_reason.startswith("teacher_")
    ]
    figures = measure(drives, labels)
    assert figures["false_drops"] <= 0.02, figures["dropped"]
    for name, made in figures["made"].items():
        assert made < 20 or figures["recall"][name] >= 0.95, figures["missed"][name]
    assert figures["recall"]["all"] >= 0.95
