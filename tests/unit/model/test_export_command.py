"""`alpamayo export`: what it refuses, and that a gate that does not hold ends with exit code 1 and deletes nothing."""

from __future__ import annotations

import json
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
