"""Gates of half-precision exports: the files themselves are run, a wrong weight is caught graph by graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from miniature import miniature_model, prompts  # noqa: E402

from alpamayo_sim.errors import InfrastructureError, InputError  # noqa: E402
from alpamayo_sim.model.sampling import TokenIds  # noqa: E402
from alpamayo_sim.runtime.bfloat16_files import rounding_engine  # noqa: E402
from alpamayo_sim.runtime.export import export_onnx  # noqa: E402
from alpamayo_sim.runtime.onnx_engine import OnnxEngine  # noqa: E402
from alpamayo_sim.runtime.parity import check_parity  # noqa: E402


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The miniature in both half-precision types."""
    folder = tmp_path_factory.mktemp("half")
    for dtype in ("fp16", "bf16"):
        export_onnx(*miniature_model(), folder / dtype, dtype=dtype)
    return {dtype: folder / dtype for dtype in ("fp16", "bf16")}


@pytest.fixture(scope="module")
def engines(exports: dict[str, Path]) -> Iterator[dict[str, OnnxEngine]]:
    with ExitStack() as stack:
        rounding = stack.enter_context(rounding_engine(exports["bf16"]))
        yield {"fp16": OnnxEngine.load(exports["fp16"], threads=1), "bf16": rounding}


@pytest.mark.parametrize("dtype", ["fp16", "bf16"])
def test_every_gate_holds_for_a_faithful_export(engines: dict[str, OnnxEngine], dtype: str) -> None:
    model, tokenizer = miniature_model()
    parity = check_parity(model, TokenIds.of(tokenizer), engines[dtype], [prompts(tokenizer)], reasoning_tokens=6)
    assert parity.passed, parity.describe()
    found = {gate.name: gate.found for gate in parity.gates}
    # What is computed in half precision differs, or the comparison is one of float32 with itself.
    assert found["cache_relative"] > (2.0**-12 if dtype == "fp16" else 2.0**-9)


@pytest.mark.parametrize("dtype", ["fp16", "bf16"])
@pytest.mark.parametrize(
    ("part", "gate"),
    [
        ("vlm.model.visual.blocks.1.mlp.linear_fc1.weight", "vision_features_relative"),
        ("vlm.model.language_model.layers.1.self_attn.k_proj.weight", "cache_relative"),
        ("vlm.lm_head.weight", "decode_logits_relative"),
        ("action_out_proj.weight", "velocity_relative"),
    ],
)
def test_an_export_of_other_weights_is_caught(engines: dict[str, OnnxEngine], dtype: str, part: str, gate: str) -> None:
    model, tokenizer = miniature_model()
    with torch.no_grad():
        weight = dict(model.named_parameters(remove_duplicate=False))[part]
        weight += 3.0 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    parity = check_parity(model, TokenIds.of(tokenizer), engines[dtype], [prompts(tokenizer)], reasoning_tokens=3)
    assert gate in {own.name for own in parity.gates if not own.passed}, parity.describe()


@pytest.mark.parametrize("dtype", ["fp16", "bf16"])
def test_a_clear_choice_that_is_turned_over_is_caught(
    engines: dict[str, OnnxEngine], dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, tokenizer = miniature_model()
    engine = engines[dtype]
    faithful = check_parity(model, TokenIds.of(tokenizer), engine, [prompts(tokenizer)], reasoning_tokens=6)
    assert faithful.choices == 6
    read = engine.read_token

    def one_word_wrong(*arguments: Any) -> np.ndarray:
        # One logit of thousands is off: no bound on the logits as a whole need see that.
        logits = read(*arguments).copy()
        logits[:, 40] = logits.max() + 0.02 * np.abs(logits).max()
        return logits

    monkeypatch.setattr(engine, "read_token", one_word_wrong)
    spoilt = check_parity(model, TokenIds.of(tokenizer), engine, [prompts(tokenizer)], reasoning_tokens=6)
    found = {gate.name: gate.found for gate in spoilt.gates}
    assert spoilt.clear_choices > 0
    assert found["confident_tokens_differing"] > 0, spoilt.describe()
    monkeypatch.setattr(engine, "read_token", lambda *arguments: np.full_like(read(*arguments), np.nan))
    broken = check_parity(model, TokenIds.of(tokenizer), engine, [prompts(tokenizer)], reasoning_tokens=2)
    assert not broken.passed


def test_what_comes_out_is_rounded_to_bfloat16(engines: dict[str, OnnxEngine]) -> None:
    _, tokenizer = miniature_model()
    pixels = prompts(tokenizer).pixel_values.numpy()
    features, deepstack = engines["bf16"].see(pixels)
    for values in (features, deepstack):
        assert values.dtype == np.float32
        assert not (values.view(np.uint32) & 0xFFFF).any(), "bfloat16 is the upper half of a float32"


def test_the_files_compute_what_torch_computes_in_bfloat16(engines: dict[str, OnnxEngine]) -> None:
    model, tokenizer = miniature_model()
    inputs = prompts(tokenizer)
    short = model.to(torch.bfloat16)
    short.restore_buffers()
    with torch.no_grad():
        grid = torch.tensor([[1, *inputs.image_grid]] * len(inputs.pixel_values))
        theirs = short.vlm.model.visual(
            inputs.pixel_values.flatten(0, 1).bfloat16(), grid_thw=grid
        ).pooler_output.float()
    ours, _ = engines["bf16"].see(inputs.pixel_values.numpy())
    assert np.abs(ours - theirs.numpy()).max() < 16 * 2.0**-8 * float(theirs.abs().max())


def test_onnx_runtime_drives_no_bfloat16(exports: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="fp32 or fp16"):
        OnnxEngine.load(exports["bf16"])


def test_a_file_that_is_not_well_formed_is_told(exports: dict[str, Path], tmp_path: Path) -> None:
    for path in exports["bf16"].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    model = onnx.load(str(tmp_path / "action.onnx"))
    model.graph.node[0].input[0] = "nothing gives this"
    onnx.save(model, str(tmp_path / "action.onnx"))
    with pytest.raises(InfrastructureError, match=r"action\.onnx is not well formed"), rounding_engine(tmp_path):
        pass
