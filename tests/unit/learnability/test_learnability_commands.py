"""What the commands refuse, and where the training looks for things."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG
from alpamayo_training.learnability.__main__ import main
from alpamayo_training.learnability.labels import LABEL_DTYPE, THINGS, UNCLEAR, Condition, Labels

NAN = math.nan


def test_no_torch_is_said_with_the_extra_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else found(name))
    assert main(["train", "--folder", str(tmp_path)]) == 2
    assert "alpamayo-sim[train]" in capsys.readouterr().err


def test_a_folder_without_samples_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    assert main(["test", "--folder", str(tmp_path)]) == 2
    assert "no test samples" in capsys.readouterr().err


def test_cells_are_where_the_cameras_show_the_things() -> None:
    pytest.importorskip("torch")
    from alpamayo_training.learnability.training import cells_of

    ahead, unclear = (21.667, 0.024, 1.394), (10.0, 0.0, 1.0)
    row = Labels(
        1, 20.0, 5.0, UNCLEAR, 10.0, 1, 0.0, 0.0, 0, NAN, NAN, 0, NAN, light_at_rig=ahead, lead_at_rig=unclear
    ).row(0, 0, Condition.DAY)  # fmt: skip
    cells = cells_of(np.array([row], dtype=LABEL_DTYPE), ALPAMAYO_RIG)
    assert cells.shape == (1, len(THINGS), 4)
    light = cells[0, THINGS.index("light")]
    assert light[3] == (3 * 24 + 12) * 40 + 20, "20 m before the tele camera, a little right of and below its axis"
    wide = light[1] - 24 * 40
    assert (wide // 40, wide % 40) in ((11, 19), (12, 19), (12, 20), (11, 20))
    assert (cells[0, [THINGS.index(name) for name in ("lead", "pedestrian", "stop_sign")]] == -1).all()
