"""An export whose weights do not fit into one protocol buffer: they lie beside the graph, and ONNX Runtime reads them there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from miniature import miniature_config  # noqa: E402

from alpamayo_sim.model.checkpoint import save_pretrained  # noqa: E402
from alpamayo_sim.model.driving_model import new_model  # noqa: E402
from alpamayo_sim.model.tiny_tokenizer import tiny_tokenizer  # noqa: E402
from alpamayo_sim.runtime.export import EXTERNAL_DATA_BYTES  # noqa: E402
from alpamayo_sim.runtime.onnx_engine import OnnxEngine  # noqa: E402
from alpamayo_training.cli import main  # noqa: E402


@pytest.mark.full
def test_weights_above_two_gigabytes_lie_beside_the_graph(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    # Four layers of 126 million numbers each: as float32 2.1 GB in the language graph alone.
    config = miniature_config(tokenizer, hidden_size=2048, intermediate_size=20_480, num_hidden_layers=4)
    save_pretrained(new_model(config, 0), tokenizer, tmp_path / "checkpoint", dtype=torch.float16)
    out = tmp_path / "export"
    assert main(["export", str(tmp_path / "checkpoint"), "--out", str(out), "--prompts", "1", "--tokens", "2"]) == 0
    beside = [path for path in out.iterdir() if path.name.startswith("language.onnx") and path.name != "language.onnx"]
    assert sum(path.stat().st_size for path in beside) > EXTERNAL_DATA_BYTES
    assert (out / "language.onnx").stat().st_size < 10_000_000
    # Its files hold together wherever the folder goes.
    moved = out.rename(tmp_path / "moved")
    engine = OnnxEngine.load(moved, threads=1)
    assert np.isfinite(engine.see(np.zeros((1, 8, 1536), np.float32))[0]).all()
