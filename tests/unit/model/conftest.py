"""One export of the miniature model, shared by the tests that need it."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def miniature_export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export folder of the miniature in float32."""
    pytest.importorskip("torch")
    from miniature import miniature_model

    from alpamayo_sim.runtime.export import export_onnx

    folder = tmp_path_factory.mktemp("export") / "miniature"
    export_onnx(*miniature_model(), folder)
    return folder
