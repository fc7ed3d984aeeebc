"""Folders of weights: ours, Qwen3-VL's and the release's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from foreign_folders import qwen_folder, release_folder  # noqa: E402
from miniature import generators, miniature_model, prompts  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

from alpamayo_sim.errors import InputError  # noqa: E402
from alpamayo_sim.model.checkpoint import from_pretrained, save_pretrained  # noqa: E402
from alpamayo_sim.model.config import ImageConfig  # noqa: E402
from alpamayo_sim.model.generation import generate  # noqa: E402
from alpamayo_sim.model.graft import from_qwen  # noqa: E402
from alpamayo_sim.model.presets import preset  # noqa: E402
from alpamayo_sim.model.published import DERIVED, from_release, save_release  # noqa: E402
from alpamayo_sim.model.sampling import TokenIds  # noqa: E402
from alpamayo_sim.model.tiny_tokenizer import STORED, tiny_tokenizer  # noqa: E402
from alpamayo_sim.policy.sampling import SamplingConfig  # noqa: E402

SAMPLING = SamplingConfig(temperature=0.0, max_reasoning_tokens=4, flow_steps=3)
IMAGES = ImageConfig(64, 32, frames_per_camera=2, frames_per_image=2)


def _same_answers(one: Any, other: Any, tokenizer: Any) -> None:
    inputs, tokens = prompts(tokenizer), TokenIds.of(tokenizer)
    first = generate(one, inputs, tokens, SAMPLING, generators(1))
    second = generate(other, inputs, tokens, SAMPLING, generators(1))
    assert torch.equal(first.token_ids, second.token_ids)
    assert first.flow is not None
    assert second.flow is not None
    assert torch.allclose(first.flow.actions, second.flow.actions, atol=1e-6)


def test_a_checkpoint_comes_back_and_replaces_the_one_before(tmp_path: Path) -> None:
    model, tokenizer = miniature_model()
    other, _ = miniature_model(seed=1)
    folder = tmp_path / "checkpoint"
    save_pretrained(other, tokenizer, folder, dtype=torch.float32)
    save_pretrained(model, tokenizer, folder, dtype=torch.float32)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint"]
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors", "tokenizer.json"]
    found, words = from_pretrained(folder)
    assert found.config == model.config
    assert words.encode("Turn left") == tokenizer.encode("Turn left")
    for name, value in model.state_dict().items():
        assert torch.equal(value, found.state_dict()[name]), name
    _same_answers(model, found, tokenizer)


def test_weights_are_stored_by_halves_and_in_numbered_files(tmp_path: Path) -> None:
    model, tokenizer = miniature_model()
    save_pretrained(model, tokenizer, tmp_path / "sharded", shard_bytes=150_000)
    files = sorted(path.name for path in (tmp_path / "sharded").glob("*.safetensors"))
    assert len(files) > 2
    found, _ = from_pretrained(tmp_path / "sharded")
    for name, value in model.state_dict().items():
        assert torch.equal(value.half().float(), found.state_dict()[name]), name


def test_the_tiny_checkpoint_is_small(tmp_path: Path) -> None:
    from alpamayo_sim.model.driving_model import new_model

    tokenizer = tiny_tokenizer()
    model = new_model(preset("tiny", len(tokenizer), tokenizer.backbone_ids), seed=0)
    save_pretrained(model, tokenizer, tmp_path / "tiny")
    assert max(path.stat().st_size for path in (tmp_path / "tiny").iterdir()) < 16_000_000


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    model, tokenizer = miniature_model()
    save_pretrained(model, tokenizer, tmp_path / "c")
    path = tmp_path / "c" / "model.safetensors"
    state = load_file(path)
    state["expert.extra"] = state.pop("expert.norm.weight")
    save_file(state, path)
    with pytest.raises(InputError, match=r"1 missing \(expert.norm.weight\); 1 unknown \(expert.extra\)"):
        from_pretrained(tmp_path / "c")
    path.write_bytes(b"no safetensors")
    with pytest.raises(InputError, match="cannot be read as safetensors"):
        from_pretrained(tmp_path / "c")


def test_weights_beyond_half_precision_are_refused_and_leave_no_folder(tmp_path: Path) -> None:
    model, tokenizer = miniature_model()
    with torch.no_grad():
        model.expert.norm.weight[0] = 1e6
    with pytest.raises(InputError, match=r"expert.norm.weight"):
        save_pretrained(model, tokenizer, tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tied", [True, False])
def test_a_model_grown_on_qwen_keeps_qwens_weights_and_answers(tmp_path: Path, tied: bool) -> None:
    qwen = qwen_folder(tmp_path / "qwen", tied)
    model, tokenizer = from_qwen(tmp_path / "qwen", seed=0, dtype=torch.float32, images=IMAGES)
    assert len(tokenizer) == 1024 + 4000 + 28
    assert tokenizer.trajectory_start == 1024
    for name, value in qwen.state_dict().items():
        found = model.vlm.state_dict()[name]
        known = 1024 if "embed_tokens" in name or "lm_head" in name else None
        assert torch.equal(found[:known], value[:known]), name
    assert (model.vlm.lm_head.weight is model.vlm.model.language_model.embed_tokens.weight) is tied
    new = model.vlm.model.language_model.embed_tokens.weight[1024:]
    assert new.std() > 0
    assert torch.equal(
        model.vlm.model.language_model.rotary_emb.inv_freq, qwen.model.language_model.rotary_emb.inv_freq
    )
    ids = torch.tensor([tokenizer.encode("Turn left in 30m because the light is green.")])
    with torch.no_grad():
        ours, theirs = model.vlm(input_ids=ids).logits[..., :1024], qwen(input_ids=ids).logits[..., :1024]
    assert torch.allclose(ours, theirs, atol=1e-6)
    again, _ = from_qwen(tmp_path / "qwen", seed=0, dtype=torch.float32, images=IMAGES)
    _same_answers(model, again, tokenizer)
    save_pretrained(model, tokenizer, tmp_path / "ours", dtype=torch.float32)
    _same_answers(model, from_pretrained(tmp_path / "ours")[0], tokenizer)


def test_other_folders_than_qwens_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(InputError, match=r"expected model_type qwen3_vl, found 'llama'"):
        from_qwen(tmp_path, seed=0)
    with pytest.raises(InputError, match="neither a folder nor a hub id"):
        from_qwen("no-such-folder", seed=0)


@pytest.mark.parametrize("with_derived", [False, True])
def test_a_release_is_read_by_its_published_names_and_written_back(tmp_path: Path, with_derived: bool) -> None:
    state = release_folder(tmp_path / "release", qwen_folder(tmp_path / "qwen", tied=False), with_derived)
    model, tokenizer = from_release(tmp_path / "release", dtype=torch.float32)
    kept = {name: value for name, value in state.items() if name not in DERIVED}
    found = model.state_dict()
    assert set(found) == set(kept)
    for name, value in kept.items():
        assert torch.equal(found[name], value), name
    assert model.config.flow_steps == 3
    assert model.config.action_statistics["accel_std"] == 0.68
    assert torch.equal(
        model.action_in_proj.timestep_fourier_encoder.freqs, torch.logspace(0, 2, 10)[None].bfloat16().float()
    )

    save_release(
        model, tokenizer, tmp_path / "written", backbone=str(tmp_path / "qwen"), dtype=torch.float32,
        with_derived=with_derived, shard_bytes=100_000,
    )  # fmt: skip
    again, _ = from_release(tmp_path / "written", dtype=torch.float32)
    assert again.config == model.config
    for name, value in kept.items():
        assert torch.equal(again.state_dict()[name], value), name
    written = json.loads((tmp_path / "written" / "model.safetensors.index.json").read_text())["weight_map"]
    assert set(written) == set(state)


def test_a_release_over_another_tokenizer_is_refused(tmp_path: Path) -> None:
    release_folder(tmp_path / "release", qwen_folder(tmp_path / "qwen", tied=False), with_derived=False)
    engine = Tokenizer.from_str(STORED.read_text())
    engine.add_tokens(["one more"])
    engine.save(str(tmp_path / "qwen" / "tokenizer.json"))
    with pytest.raises(InputError, match=r"traj_token_start_idx is 1024, and this backbone's tokenizer makes it 1025"):
        from_release(tmp_path / "release")
