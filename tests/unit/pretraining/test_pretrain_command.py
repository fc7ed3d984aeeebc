"""`alpamayo pretrain` on views that are there: a run folder, going on, a model that loads, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from pretraining_miniature import write_pairs  # noqa: E402

from alpamayo_sim.model.checkpoint import from_pretrained  # noqa: E402
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG  # noqa: E402
from alpamayo_sim.record.run_folder import read_json_lines  # noqa: E402
from alpamayo_training.cli import main  # noqa: E402
from alpamayo_training.pretraining import checkpoints, session  # noqa: E402


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("views")
    write_pairs(folder, "train", "Gridvale", 3, rig=ALPAMAYO_RIG)
    write_pairs(folder, "test", "Rampfield", 2, seed=1, rig=ALPAMAYO_RIG)
    return folder


def pretrain(*arguments: str) -> int:
    return main(["pretrain", *arguments])


def test_a_run_stops_goes_on_and_ends(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = [
        "--data",
        str(data),
        "--steps",
        "3",
        "--batch",
        "1",
        "--log-every",
        "1",
        "--seed",
        "4",
        "--out",
        str(tmp_path),
    ]
    assert pretrain("tiny", *plan, "--save-every", "2", "--stop-s", "0") == 0
    assert "stopped at step 2 of 3" in capsys.readouterr().out
    (run,) = tmp_path.glob("*-pretrain")
    assert not (run / "evaluation.md").exists()
    assert pretrain("--resume", "--data", str(data), "--out", str(tmp_path), "--log-every", "1", "--json") == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["steps"] == 3 and summary["plan_batch"] == 1
    lines = read_json_lines(run / "metrics.jsonl")
    assert [line["step"] for line in lines if line["kind"] == "train"] == [1, 2, 3]
    assert "| Rampfield |" in (run / "evaluation.md").read_text()
    assert sorted(path.name for path in run.iterdir()) == sorted(
        ["checkpoints", "config.yaml", "env.json", "episodes", "evaluation.md", "events.jsonl", "metrics.jsonl", "model",
         "summary.json", "videos", *(["tensorboard"] if (run / "tensorboard").is_dir() else [])]
    )  # fmt: skip

    trained, _ = from_pretrained(run / session.MODEL)
    fresh, _ = session.build("tiny", 4)
    state = fresh.state_dict()
    changed = {
        name for name, value in trained.state_dict().items() if not torch.equal(value, state[name].half().float())
    }
    assert changed and all(name.startswith("vlm.model.visual.") for name in changed)
    stored = checkpoints.read_state(run / session.CHECKPOINT)["network.tower.visual.merger.norm.weight"]
    assert torch.equal(trained.vlm.model.visual.merger.norm.weight, stored.half().float())

    assert pretrain("--evaluate", str(run), "--data", str(data)) == 0
    assert "| Rampfield |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "name a preset"),
        (("tiny", "--resume"), "one of the three"),
        (("8b",), "begins from pretrained weights"),
        (("tiny", "--batch", "0"), "--batch is at least 1"),
        (("--resume",), "no earlier run"),
        (("--resume", "a", "b"), "one run folder at most"),
        (("--evaluate", "nowhere"), "expected a run folder"),
        (("tiny", "--practice-maps", "empty"), "no .xodr file"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: tuple[str, ...], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pretrain(*arguments, "--out", str(tmp_path)) == 2
    assert says in capsys.readouterr().err
