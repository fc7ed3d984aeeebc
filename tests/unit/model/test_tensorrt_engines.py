"""TensorRT-RTX takes all three graphs and builds engines of them without a GPU."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from miniature import miniature_config  # noqa: E402

from alpamayo_sim.errors import InputError  # noqa: E402
from alpamayo_sim.model.tiny_tokenizer import tiny_tokenizer  # noqa: E402
from alpamayo_sim.runtime.manifest import Manifest  # noqa: E402
from alpamayo_sim.runtime.tensorrt_engines import build_engines  # noqa: E402

needs_tensorrt = pytest.mark.skipif(find_spec("tensorrt_rtx") is None, reason="TensorRT-RTX is not installed")


@needs_tensorrt
def test_engines_of_all_graphs_are_built(miniature_export: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(miniature_export, tmp_path / "export")
    engines = build_engines(folder, ("rtx40",))
    assert [engine.graph for engine in engines] == ["vision", "language", "action"]
    for engine in engines:
        assert (folder / engine.file).stat().st_size == engine.size_bytes > 10_000
        assert engine.status.startswith("built, not executed")
    assert len(json.loads((folder / "engines.json").read_text())["engines"]) == 3


@needs_tensorrt
def test_a_graph_that_is_none_is_refused(miniature_export: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(miniature_export, tmp_path / "export")
    (folder / "vision.onnx").write_bytes(b"no graph")
    with pytest.raises(InputError, match=r"does not take .*vision\.onnx"):
        build_engines(folder, ("rtx50",))


def test_unknown_targets_are_refused(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    Manifest.of(miniature_config(tokenizer), tokenizer, "fp32").save(tmp_path)
    with pytest.raises(InputError, match="rtx30, rtx40, rtx50, here; found gtx970"):
        build_engines(tmp_path, ("gtx970",))
