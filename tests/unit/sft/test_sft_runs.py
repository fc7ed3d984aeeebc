"""Whole trainings of the miniature: killed and taken up again, divided among processes, with adapters."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402

from alpamayo_sim.model.checkpoint import from_pretrained  # noqa: E402
from alpamayo_sim.record.run_folder import RunFolder, read_json_lines  # noqa: E402

WORKER = Path(__file__).with_name("sft_worker.py")
LOSSES = ("reasoning_nats", "trajectory_nats", "flow_mse")


def new_run(folder: Path, name: str) -> Path:
    return RunFolder.create(folder / name, "sft-tiny", {}).path


def train(run: Path, processes: int = 1, *, dies: bool = False, **options: Any) -> None:
    command = [sys.executable]
    if processes > 1:
        command += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(WORKER.parent)}
    done = subprocess.run(
        [*command, str(WORKER), str(run), json.dumps(options)],
        capture_output=True, text=True, check=False, timeout=600, env=environment,
    )  # fmt: skip
    killed = done.returncode == (-signal.SIGKILL if processes == 1 else 1)
    assert killed if dies else done.returncode == 0, done.stderr[-4000:]


def losses(run: Path) -> list[dict[str, float]]:
    lines = read_json_lines(run / "metrics.jsonl")
    assert [line["step"] for line in lines] == list(range(1, len(lines) + 1))
    return [{name: line[name] for name in LOSSES if name in line} for line in lines]


def state(run: Path, step: int) -> dict[str, Any]:
    return load_file(run / "checkpoints" / f"{step:07d}" / "training_state" / "rank-00000.safetensors")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of four updates in one process, without interruption."""
    run = new_run(tmp_path_factory.mktemp("sft"), "whole")
    train(run, save=2)
    return run


def test_a_killed_training_goes_on_to_the_same_bits(whole: Path, tmp_path: Path) -> None:
    run = new_run(tmp_path, "killed")
    train(run, save=2, kill_after=3, dies=True, workers=1)
    assert [line["step"] for line in read_json_lines(run / "metrics.jsonl")] == [1, 2, 3]
    (run / "checkpoints" / ".0000003.writing" / "training_state").mkdir(parents=True)
    train(run, save=2)
    assert losses(run) == losses(whole)
    ours, theirs = state(run, 4), state(whole, 4)
    assert ours.keys() == theirs.keys()
    assert any(name.startswith("exp_avg_sq/") for name in ours)
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name
    model, other = (from_pretrained(one / "checkpoints/last/model")[0] for one in (run, whole))
    for (name, value), (_, same) in zip(model.named_parameters(), other.named_parameters(), strict=True):
        assert torch.equal(value, same), name
    assert "updates: 4" in (run / "checkpoints/last/model/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_processes_train_as_one_does(whole: Path, tmp_path: Path, parallel: str) -> None:
    run = new_run(tmp_path, parallel)
    train(run, 2, parallel=parallel, settings={"batch": 1})
    for ours, theirs in zip(losses(run), losses(whole), strict=True):
        assert ours == pytest.approx(theirs, rel=2e-4)
    model, other = (from_pretrained(one / "checkpoints/last/model")[0] for one in (run, whole))
    for (name, value), (_, same) in zip(model.named_parameters(), other.named_parameters(), strict=True):
        assert torch.allclose(value, same, rtol=1e-2, atol=2e-3), name


@pytest.mark.full
def test_a_killed_divided_training_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    whole, run = new_run(tmp_path, "whole"), new_run(tmp_path, "killed")
    train(whole, 2, parallel="fsdp", save=2, settings={"batch": 1})
    train(run, 2, parallel="fsdp", save=2, settings={"batch": 1}, kill_after=3, dies=True)
    train(run, 2, parallel="fsdp", save=2, settings={"batch": 1})
    assert losses(run) == losses(whole)
    for rank in range(2):
        name = f"checkpoints/0000004/training_state/rank-{rank:05d}.safetensors"
        ours, theirs = load_file(run / name), load_file(whole / name)
        assert ours.keys() == theirs.keys()
        for key, value in ours.items():
            assert torch.equal(value, theirs[key]), key


@pytest.mark.full
def test_parts_of_an_update_train_as_the_whole(whole: Path, tmp_path: Path) -> None:
    run = new_run(tmp_path, "parts")
    train(run, settings={"batch": 1, "accumulate": 2})
    for ours, theirs in zip(losses(run), losses(whole), strict=True):
        assert ours == pytest.approx(theirs, rel=2e-4)
