"""A folder in the layout of the published Alpamayo 1.5, from end to end: exported with its gates, and driven by both runtimes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from foreign_folders import qwen_folder, release_folder  # noqa: E402

from alpamayo_sim.frames import Transform  # noqa: E402
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG  # noqa: E402
from alpamayo_sim.policy.observation import Observation  # noqa: E402
from alpamayo_sim.policy.sampling import SamplingConfig  # noqa: E402
from alpamayo_sim.runtime.open_policy import checkpoint_kind, open_policy  # noqa: E402
from alpamayo_training.cli import main  # noqa: E402


def test_a_release_is_exported_and_plans_alike_on_both_runtimes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release_folder(tmp_path / "release", qwen_folder(tmp_path / "qwen", tied=False), with_derived=False)
    release, out = str(tmp_path / "release"), str(tmp_path / "export")
    assert checkpoint_kind(release) == "torch"
    assert main(["export", release, "--out", out, "--prompts", "1", "--tokens", "3"]) == 0, capsys.readouterr().out
    assert "every gate holds" in capsys.readouterr().out
    assert checkpoint_kind(out) == "onnx"
    sampling = SamplingConfig(temperature=0.0, max_reasoning_tokens=3, noise_scale=0.0)
    plans = []
    for checkpoint in (release, out):
        opened = open_policy(checkpoint, seed=0, sampling=sampling, device="cpu")
        assert (opened.images.width_px, opened.images.height_px) == (576, 320)
        plans.append(opened.policy.plan(_observation()))
    assert plans[0].reasoning == plans[1].reasoning
    assert np.abs(plans[0].waypoints_rig - plans[1].waypoints_rig).max() < 1e-3


def _observation() -> Observation:
    """A moment through the published four cameras, as a simulator gives it: 1920 x 1080 halved."""
    random = np.random.default_rng(3)
    history = np.zeros((16, 3))
    history[:, 0] = np.linspace(-9.0, 0.0, 16)
    times = 5.0 + np.array([-0.3, -0.2, -0.1, 0.0])
    return Observation(
        camera_names=ALPAMAYO_RIG.names,
        frames=random.integers(0, 256, (4, 4, 270, 480, 3), dtype=np.uint8),
        frame_times_s=np.broadcast_to(times, (4, 4)).copy(),
        history_xyz_rig=history,
        history_rotation_rig=np.broadcast_to(np.eye(3), (16, 3, 3)).copy(),
        t0_s=5.0,
        rig_pose_t0=Transform(0.0, 0.0, 0.0),
        navigation="Turn right in 30m",
    )
