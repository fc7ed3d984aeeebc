"""A folder is opened on the runtime that it is for, and every runtime's plans name what they do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from miniature import miniature_model  # noqa: E402

from alpamayo_sim.errors import InputError  # noqa: E402
from alpamayo_sim.frames import Transform  # noqa: E402
from alpamayo_sim.model.checkpoint import save_pretrained  # noqa: E402
from alpamayo_sim.policy.observation import Observation  # noqa: E402
from alpamayo_sim.policy.plan_decisions import plan_decisions  # noqa: E402
from alpamayo_sim.policy.sampling import SamplingConfig  # noqa: E402
from alpamayo_sim.runtime.onnx_policy import OnnxPolicy  # noqa: E402
from alpamayo_sim.runtime.open_policy import checkpoint_kind, open_policy  # noqa: E402
from alpamayo_sim.runtime.torch_policy import TorchPolicy  # noqa: E402

SHORT = SamplingConfig(max_reasoning_tokens=4)


def observation() -> Observation:
    history = np.zeros((16, 3))
    history[:, 0] = np.linspace(-7.5, 0.0, 16)
    return Observation(
        camera_names=("camera_front_wide_120fov",),
        frames=np.full((1, 2, 32, 64, 3), 90, np.uint8),
        frame_times_s=np.array([[4.9, 5.0]]),
        history_xyz_rig=history,
        history_rotation_rig=np.broadcast_to(np.eye(3), (16, 3, 3)).copy(),
        t0_s=5.0,
        rig_pose_t0=Transform(1.0, 2.0, 0.0),
        navigation="Turn left in 30m",
    )


def test_checkpoints_and_exports_are_told_apart_and_plan(tmp_path: Path, miniature_export: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    save_pretrained(*miniature_model(), checkpoint)
    assert (checkpoint_kind(str(checkpoint)), checkpoint_kind(str(miniature_export))) == ("torch", "onnx")
    for folder, runtime in ((checkpoint, TorchPolicy), (miniature_export, OnnxPolicy)):
        opened = open_policy(str(folder), seed=3, sampling=SHORT, device="cpu")
        assert isinstance(opened.policy, runtime)
        assert (opened.images.width_px, opened.images.height_px, opened.images.frames_per_camera) == (64, 32, 2)
        plan = opened.policy.plan(observation())
        assert plan.decisions == plan_decisions(plan.waypoints_rig) and plan.decisions.keys() == {
            "longitudinal",
            "lateral",
        }
        again = open_policy(str(folder), seed=3, sampling=SHORT, device="cpu").policy.plan(observation())
        assert (plan.waypoints_rig == again.waypoints_rig).all() and plan.reasoning == again.reasoning


def test_what_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"format": "other"}')
    for name, says in ((str(tmp_path / "nowhere"), "there is no folder"), (str(tmp_path), "another kind of model")):
        with pytest.raises(InputError, match=says):
            open_policy(name, seed=0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match="no GPU"):
        open_policy("tiny", seed=0, device="cuda")
