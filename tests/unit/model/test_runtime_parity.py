"""An export answers as the model does; a wrong one is caught; nothing of it needs torch."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from miniature import generators, miniature_model, prompts  # noqa: E402

from alpamayo_sim.errors import InputError  # noqa: E402
from alpamayo_sim.frames import Transform  # noqa: E402
from alpamayo_sim.model.checkpoint import save_pretrained  # noqa: E402
from alpamayo_sim.model.generation import generate as generate_torch  # noqa: E402
from alpamayo_sim.model.sampling import TokenIds  # noqa: E402
from alpamayo_sim.policy.observation import Observation  # noqa: E402
from alpamayo_sim.policy.sampling import SamplingConfig  # noqa: E402
from alpamayo_sim.runtime.numpy_generation import generate  # noqa: E402
from alpamayo_sim.runtime.onnx_engine import OnnxEngine  # noqa: E402
from alpamayo_sim.runtime.onnx_policy import OnnxPolicy  # noqa: E402
from alpamayo_sim.runtime.parity import check_parity  # noqa: E402
from alpamayo_sim.runtime.rope import next_position, prompt_positions  # noqa: E402
from alpamayo_sim.runtime.torch_policy import TorchPolicy  # noqa: E402

WORDS = ("keep the lane", "turn left at the junction in 30m")
STILL = {"temperature": 0.0, "max_reasoning_tokens": 6, "noise_scale": 0.0}
"""Greedy, and a flow from no noise: the same on every backend."""


def observation(seed: int = 0, navigation: str | None = "Turn left in 30m", t0_s: float = 5.0) -> Observation:
    random = np.random.default_rng(seed)
    history = np.zeros((16, 3))
    history[:, 0] = np.linspace(-12.0, 0.0, 16)
    return Observation(
        camera_names=("camera_front_wide_120fov", "camera_front_tele_30fov"),
        frames=random.integers(0, 256, (2, 2, 32, 64, 3), dtype=np.uint8),
        frame_times_s=np.broadcast_to(t0_s + np.array([-0.1, 0.0]), (2, 2)).copy(),
        history_xyz_rig=history,
        history_rotation_rig=np.broadcast_to(np.eye(3), (16, 3, 3)).copy(),
        t0_s=t0_s,
        rig_pose_t0=Transform(1.0, 2.0, 0.0),
        navigation=navigation,
    )


def test_positions_are_those_of_transformers() -> None:
    model, tokenizer = miniature_model()
    inputs = prompts(tokenizer, WORDS)
    image = tokenizer.id("<|image_pad|>")
    expected, delta = model.vlm.model.get_rope_index(
        inputs.input_ids,
        (inputs.input_ids == image).int(),
        image_grid_thw=torch.tensor([[1, 2, 4]] * 4),
        attention_mask=inputs.attention_mask.long(),
    )
    for row in range(2):
        kept = inputs.attention_mask[row]
        ids = inputs.input_ids[row, kept].numpy()
        found = prompt_positions(ids, image, 1, 2)
        assert np.array_equal(found, expected[:, row, kept].numpy())
        assert next_position(found) == len(ids) + int(delta[row])


def test_half_an_image_is_refused() -> None:
    with pytest.raises(InputError, match="an image takes 4 places"):
        prompt_positions(np.array([1, 9, 9, 9, 1]), 9, 2, 2)


def test_every_gate_holds_for_a_faithful_export(miniature_export: Path, tmp_path: Path) -> None:
    model, tokenizer = miniature_model()
    engine = OnnxEngine.load(miniature_export, threads=1)
    parity = check_parity(model, TokenIds.of(tokenizer), engine, [prompts(tokenizer, WORDS)], reasoning_tokens=8)
    assert parity.passed, parity.describe()
    assert {gate.name for gate in parity.gates} >= {"tokens_differing", "normalised_action", "waypoint_m", "cache"}
    parity.save(tmp_path)
    stored = json.loads((tmp_path / "parity.json").read_text())
    assert stored["passed"]
    assert all(np.isfinite(gate["found"]) for gate in stored["gates"])


@pytest.mark.parametrize(
    ("part", "gates"),
    [
        ("vlm.model.visual.blocks.1.mlp.linear_fc1.weight", {"vision_features"}),
        ("vlm.model.language_model.layers.1.self_attn.k_proj.weight", {"cache"}),
        ("vlm.lm_head.weight", {"decode_logits"}),
        ("expert.layers.1.self_attn.q_norm.weight", {"velocity"}),
    ],
)
def test_an_export_of_other_weights_is_caught(miniature_export: Path, part: str, gates: set[str]) -> None:
    model, tokenizer = miniature_model()
    with torch.no_grad():
        weight = dict(model.named_parameters(remove_duplicate=False))[part]
        weight += 0.3 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    engine = OnnxEngine.load(miniature_export, threads=1)
    parity = check_parity(model, TokenIds.of(tokenizer), engine, [prompts(tokenizer)], reasoning_tokens=3)
    assert gates <= {gate.name for gate in parity.gates if not gate.passed}, parity.describe()


def test_discrete_trajectories_are_the_models_too(miniature_export: Path) -> None:
    model, tokenizer = miniature_model()
    inputs = prompts(tokenizer, WORDS)
    reference = generate_torch(
        model,
        inputs,
        TokenIds.of(tokenizer),
        SamplingConfig(temperature=0.0, max_reasoning_tokens=4, use_flow=False, use_tokens=True),
        generators(2),
    )
    found = generate(
        OnnxEngine.load(miniature_export, threads=1),
        inputs.pixel_values.numpy(),
        inputs.input_ids.numpy(),
        inputs.attention_mask.numpy(),
        SamplingConfig(temperature=0.0, max_reasoning_tokens=4, use_flow=False, use_tokens=True),
        [np.random.default_rng(0)] * 2,
    )
    assert reference.trajectory_bins is not None
    assert found.trajectory_bins is not None
    assert np.array_equal(found.trajectory_bins, reference.trajectory_bins.numpy())
    assert np.array_equal(found.text.token_ids, reference.token_ids[:, : found.text.token_ids.shape[1]].numpy())


def test_samples_equal_single_runs(miniature_export: Path) -> None:
    _, tokenizer = miniature_model()
    inputs = prompts(tokenizer)
    engine = OnnxEngine.load(miniature_export, threads=1)
    arrays = (inputs.pixel_values.numpy(), inputs.input_ids.numpy(), inputs.attention_mask.numpy())
    sampling = SamplingConfig(temperature=1.0, top_p=0.9, max_reasoning_tokens=5, flow_steps=3)
    together = generate(engine, *arrays, sampling, [np.random.default_rng(seed) for seed in range(3)])
    assert together.actions is not None
    assert len({tuple(row) for row in together.text.token_ids.tolist()}) == 3
    for seed in range(3):
        alone = generate(engine, *arrays, sampling, [np.random.default_rng(seed)])
        assert alone.actions is not None
        length = alone.text.token_ids.shape[1]
        assert np.array_equal(alone.text.token_ids[0], together.text.token_ids[seed, :length])
        assert np.allclose(alone.actions[0], together.actions[seed], atol=1e-5)


def test_both_backends_make_the_same_plan(miniature_export: Path, tmp_path: Path) -> None:
    model, tokenizer = miniature_model()
    save_pretrained(model, tokenizer, tmp_path / "checkpoint", dtype=torch.float32)
    reference = TorchPolicy.load(tmp_path / "checkpoint", sampling=SamplingConfig(**STILL))
    policy = OnnxPolicy.load(miniature_export, sampling=SamplingConfig(**STILL), threads=1)
    seen = observation()
    ours, theirs = policy.plan(seen), reference.plan(seen)
    assert ours.reasoning == theirs.reasoning
    assert np.abs(ours.waypoints_rig - theirs.waypoints_rig).max() < 1e-3
    assert ours.waypoints_rig[-1, 0] > 20.0
    assert ours.t0_s == seen.t0_s
    assert ours.scores.shape == (1,)
    assert set(ours.latency_parts_s) == set(theirs.latency_parts_s)
    assert ours.latency_s == pytest.approx(sum(ours.latency_parts_s.values()))


def test_plans_made_together_are_those_made_alone(miniature_export: Path) -> None:
    policy = OnnxPolicy.load(miniature_export, sampling=SamplingConfig(**STILL), threads=1)
    seen = [observation(1, navigation=None), observation(2, navigation="Turn right onto the wide road in 120m")]
    together = policy.plan_many(seen)
    for plan, own in zip(together, seen, strict=True):
        alone = policy.plan(own)
        assert plan.reasoning == alone.reasoning
        assert np.allclose(plan.waypoints_rig, alone.waypoints_rig, atol=1e-4)


def test_planning_on_onnx_runtime_imports_no_torch(miniature_export: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from alpamayo_sim.runtime.onnx_policy import OnnxPolicy\n"
        "OnnxPolicy.load(Path(sys.argv[1]), threads=1)\n"
        "print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(miniature_export)], capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == "[]", result.stderr


def test_other_frames_than_the_models_are_refused(miniature_export: Path) -> None:
    policy = OnnxPolicy.load(miniature_export, threads=1)
    seen = observation()
    with pytest.raises(InputError, match="2 frames of every camera; found 1"):
        policy.plan(replace(seen, frames=seen.frames[:, 1:], frame_times_s=seen.frame_times_s[:, 1:]))
    with pytest.raises(InputError, match=r"0.1 s apart"):
        replace(seen, frame_times_s=seen.frame_times_s - 0.05)


def test_a_folder_that_holds_no_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no export"):
        OnnxEngine.load(tmp_path)
