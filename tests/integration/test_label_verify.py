"""`alpamayo label --verify` on a dataset that was just collected, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import alpamayo

from alpamayo_training.coc.label import VERDICTS, labels_path, read_labels

pytestmark = [pytest.mark.full, pytest.mark.timeout(5400)]
AN_HOUR_S = 3600.0


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """People who cross, and a red light, each with traffic; tiny pictures."""
    out = tmp_path_factory.mktemp("verify")
    routes = ("1099", "1129")
    done = alpamayo(
        "collect",
        "abilities",
        "--only",
        *routes,
        "--size",
        "96",
        "64",
        "--jobs",
        "2",
        "--out",
        out,
        "--json",
        timeout_s=AN_HOUR_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(json.loads(done.stdout.splitlines()[-1])["dataset"])


def test_labels_carry_what_replay_said_of_them(dataset: Path) -> None:
    command = ("label", dataset, "--version", "checked", "--verify", "--jobs", "2", "--per-episode", "3", "--json")
    done = alpamayo(*command, timeout_s=AN_HOUR_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "causes and controls" in done.stderr
    labels = read_labels(labels_path(dataset, "checked"))
    asked = [label for label in labels if not label.drop_reason or label.drop_reason == "refuted"]
    assert asked and all(label.verdict in VERDICTS[1:] and label.verdict_detail for label in asked)
    assert all((label.verdict == "refuted") == (label.drop_reason == "refuted") for label in asked)
    report = dataset / "labels" / "coc" / "verification"
    figures = json.loads((report / "figures.json").read_text())
    assert figures["labels"] == len(asked) == len((report / "verdicts.jsonl").read_text().splitlines())
    assert figures["episodes_bit_equal"] == 2
    assert figures["verified"] >= 2 and figures["verified_share_of_testable"] >= 0.6
    assert figures["controls"] >= 2 and figures["controls_unchanged_share"] >= 0.6
    assert figures["branches_driven"] > 0
    again = alpamayo(*command, timeout_s=AN_HOUR_S)
    assert again.returncode == 0, again.stdout + again.stderr
    repeated = json.loads((report / "figures.json").read_text())
    assert repeated["branches_driven"] <= 3 * figures["branches_never_reproduced"], "all the others are found"
    assert read_labels(labels_path(dataset, "checked")) == labels
