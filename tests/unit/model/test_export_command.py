"""`alpamayo export`: what it refuses, that a gate that does not hold ends with exit code 1 and deletes nothing, that a kill
leaves no half folder."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from miniature import miniature_model  # noqa: E402

from alpamayo_sim.model.checkpoint import save_pretrained  # noqa: E402
from alpamayo_training.cli import main  # noqa: E402


def test_other_folders_and_empty_gates_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path), "--out", str(tmp_path / "e")]) == 2
    assert "config.json cannot be read" in capsys.readouterr().err
    assert main(["export", "tiny", "--out", str(tmp_path / "e"), "--prompts", "0"]) == 2
    assert not (tmp_path / "e").exists()


KILLED = """
import os, signal, sys
from alpamayo_sim.runtime import export, exporting
from alpamayo_training.cli import main

def end(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

checkpoint, out, when = sys.argv[1:]
if when == "second graph":
    export._language = end
else:
    exporting.check_parity = end
main(["export", checkpoint, "--out", out, "--prompts", "1", "--tokens", "2"])
"""
"""An export whose process is killed from within, so that it ends at the same place whatever the machine's load."""


@pytest.mark.full
@pytest.mark.parametrize("when", ["second graph", "gates"])
def test_a_kill_leaves_what_was_there_and_the_next_run_replaces_it(tmp_path: Path, when: str) -> None:
    model, tokenizer = miniature_model()
    save_pretrained(model, tokenizer, tmp_path / "checkpoint", dtype=torch.float32)
    out = tmp_path / "export"
    if when == "second graph":
        out.mkdir()
        (out / "export.json").write_text("of before")
    command = [sys.executable, "-c", KILLED, str(tmp_path / "checkpoint"), str(out), when]
    assert subprocess.run(command, check=False, capture_output=True).returncode == -signal.SIGKILL
    assert list(tmp_path.glob(".export-*/vision.onnx")), "killed after the first graph was written"
    if when == "second graph":
        assert [path.name for path in out.iterdir()] == ["export.json"]
        assert (out / "export.json").read_text() == "of before"
    else:
        assert not out.exists()
    arguments = ["export", str(tmp_path / "checkpoint"), "--prompts", "1", "--tokens", "2"]
    assert main([*arguments, "--out", str(out)]) == 0
    assert json.loads((out / "parity.json").read_text())["passed"]
    assert all((out / f"{graph}.onnx").is_file() for graph in ("vision", "language", "action"))


@pytest.mark.full
def test_a_flow_that_rounding_moves_does_not_pass(tmp_path: Path) -> None:
    model, tokenizer = miniature_model()
    with torch.no_grad():
        model.action_out_proj.weight *= 300.0
        model.action_in_proj.encoder.first.weight *= 10.0
    save_pretrained(model, tokenizer, tmp_path / "checkpoint", dtype=torch.float32)
    out = tmp_path / "export"
    assert main(["export", str(tmp_path / "checkpoint"), "--out", str(out), "--dtype", "fp16", "--prompts", "1"]) == 1
    parity = json.loads((out / "parity.json").read_text())
    assert not parity["passed"]
    assert not next(gate for gate in parity["gates"] if gate["name"] == "waypoint_m")["passed"]
    assert (out / "action.onnx").is_file()


@pytest.mark.full
@pytest.mark.parametrize("dtype", ["fp32", "fp16"])
def test_tiny_passes_its_gates(tmp_path: Path, dtype: str) -> None:
    assert main(["export", "tiny", "--out", str(tmp_path / "export"), "--dtype", dtype, "--prompts", "2"]) == 0
