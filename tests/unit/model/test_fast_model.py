"""The fast runtime gives what the untouched model gives, for one row and for many, whatever the padding."""

from __future__ import annotations

import copy

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import numpy as np
import torch
from miniature import miniature_config, miniature_model, prompts

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.driving_model import new_model
from alpamayo_sim.model.generation import PADDING, Generation, generate
from alpamayo_sim.model.sampling import TokenIds
from alpamayo_sim.policy.sampling import SamplingConfig
from alpamayo_sim.runtime.fast.model import FastModel

ONE, TWO = ("keep the lane",), ("keep the lane", "turn left at the junction in 30m")
TOLERANCE = 2e-5


def drawn(model: object, words: tuple[str, ...], samples: int, seed: int = 0, **settings: object) -> Generation:
    _, tokenizer = miniature_model()
    own = [torch.Generator().manual_seed(seed + index) for index in range(len(words) * samples)]
    config = SamplingConfig(**{"max_reasoning_tokens": 6, "temperature": 1.0, "top_p": 1.0, **settings})  # type: ignore[arg-type]
    return generate(model, prompts(tokenizer, words), TokenIds.of(tokenizer), config, own)  # type: ignore[arg-type]


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("words", [ONE, TWO], ids=["one", "two"])
@pytest.mark.parametrize("use_tokens", [False, True], ids=["flow", "tokens"])
def test_samples_equal_those_of_the_plain_model(words: tuple[str, ...], samples: int, use_tokens: bool) -> None:
    plain, _ = miniature_model()
    expected = drawn(plain, words, samples, use_tokens=use_tokens)
    found = drawn(FastModel(copy.deepcopy(plain)), words, samples, use_tokens=use_tokens)
    assert torch.equal(found.token_ids, expected.token_ids)
    assert torch.equal(found.token_kinds, expected.token_kinds)
    assert torch.allclose(found.log_probs, expected.log_probs, atol=TOLERANCE)
    assert found.flow is not None and expected.flow is not None
    assert torch.allclose(found.flow.actions, expected.flow.actions, atol=TOLERANCE)
    assert found.latency.vision_s > 0.0 and found.latency.prefill_s > 0.0


def test_a_stochastic_flow_equals_the_plain_one() -> None:
    plain, _ = miniature_model()
    expected = drawn(plain, TWO, 2, flow_noise_level=0.2)
    found = drawn(FastModel(copy.deepcopy(plain)), TWO, 2, flow_noise_level=0.2)
    assert found.flow is not None and expected.flow is not None
    assert torch.equal(found.flow_step, expected.flow_step)  # type: ignore[arg-type]
    assert torch.allclose(found.flow.log_probs, expected.flow.log_probs, atol=1e-2)
    assert torch.allclose(found.flow.states, expected.flow.states, atol=TOLERANCE)


def test_the_model_keeps_its_values_and_training_it_in_place_is_seen() -> None:
    plain, _ = miniature_model()
    before = {name: value.clone() for name, value in plain.state_dict().items()}
    fast = FastModel(plain)
    assert all(torch.equal(value, before[name]) for name, value in plain.state_dict().items())
    first = drawn(fast, ONE, 1)
    # A shift that is the same for a whole row would be lost in the norms.
    random = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in plain.named_parameters():
            step = 1.0 if "pos_embed" in name else 0.01
            parameter.add_(step * torch.randn(parameter.shape, generator=random))
    again = drawn(fast, ONE, 1)
    expected = drawn(plain, ONE, 1)
    assert first.flow is not None and again.flow is not None and expected.flow is not None
    assert not torch.allclose(again.flow.actions, first.flow.actions, atol=1e-3)
    assert torch.allclose(again.flow.actions, expected.flow.actions, atol=TOLERANCE)


@pytest.mark.parametrize("padding", [1, 7, 100])
def test_padding_of_any_length_changes_nothing(padding: int) -> None:
    model, tokenizer = miniature_model()
    fast = FastModel(model)
    noise = torch.randn(2, model.config.waypoints, 2, generator=torch.Generator().manual_seed(1))
    found: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
    for extra in (0, padding):
        context = fast.read_prompts(prompts(tokenizer, TWO, extra_padding=extra))
        velocity = fast.velocity_after(context)(noise, torch.tensor([0.1, 0.7]))
        found.append((context.logits.clone(), context.slot.position.clone(), velocity))
    (logits, position, speed), (logits_padded, position_padded, speed_padded) = found
    assert torch.allclose(logits, logits_padded, atol=1e-5)
    assert torch.equal(position, position_padded)
    assert torch.allclose(speed, speed_padded, atol=1e-6)
    assert float(speed.abs().max()) > 1e-3


def test_rows_that_end_early_equal_those_of_the_plain_model_and_single_runs() -> None:
    plain, tokenizer = miniature_model()
    likely_end = torch.zeros(len(tokenizer))
    likely_end[TokenIds.of(tokenizer).future_start] = 5.5

    def hook(_module: torch.nn.Module, _inputs: object, logits: torch.Tensor) -> torch.Tensor:
        return logits + likely_end

    plain.vlm.lm_head.register_forward_hook(hook)
    expected = drawn(plain, ONE, 8, max_reasoning_tokens=12)
    fast = FastModel(plain)
    found = drawn(fast, ONE, 8, max_reasoning_tokens=12)
    lengths = (found.token_kinds != PADDING).sum(1)
    assert len(set(lengths.tolist())) > 1, "the rows were to end at different tokens"
    assert torch.equal(found.token_ids, expected.token_ids)
    assert torch.equal(found.token_kinds, expected.token_kinds)
    assert found.flow is not None and expected.flow is not None
    assert torch.allclose(found.flow.actions, expected.flow.actions, atol=TOLERANCE)
    for row in range(8):
        alone = drawn(fast, ONE, 1, max_reasoning_tokens=12, seed=row)
        assert torch.equal(alone.token_ids[0], found.token_ids[row, : lengths[row]])
        assert alone.flow is not None
        assert torch.allclose(alone.flow.actions[0], found.flow.actions[row], atol=TOLERANCE)


def test_a_context_is_gone_when_other_prompts_have_been_read() -> None:
    model, tokenizer = miniature_model()
    fast = FastModel(model)
    old = fast.read_prompts(prompts(tokenizer, ONE))
    fast.read_prompts(prompts(tokenizer, ONE))
    with pytest.raises(InputError, match="other prompts"):
        fast.read_tokens(old, torch.zeros(1, 1, dtype=torch.int64), torch.ones(1, 1, dtype=torch.bool))


def test_a_full_slot_is_refused() -> None:
    model, tokenizer = miniature_model()
    fast = FastModel(model, room=1)
    context = fast.read_prompts(prompts(tokenizer, ONE))
    free = context.slot.columns - context.columns - model.config.waypoints
    ids, counted = torch.zeros(1, free, dtype=torch.int64), torch.ones(1, free, dtype=torch.bool)
    fast.read_tokens(context, ids, counted)
    with pytest.raises(InputError, match="more room"):
        fast.read_tokens(context, ids[:, :1], counted[:, :1])
    assert np.isfinite(context.logits.numpy()).all()


def test_a_flow_without_room_is_refused() -> None:
    model, tokenizer = miniature_model()
    fast = FastModel(model, room=1)
    context = fast.read_prompts(prompts(tokenizer, ONE, extra_padding=400))
    assert context.columns + model.config.waypoints > context.slot.columns, "the prompt was to leave too little room"
    with pytest.raises(InputError, match="more room"):
        fast.velocity_after(context)


def preset_rope() -> dict[str, object]:
    _, tokenizer = miniature_model()
    return dict(miniature_config(tokenizer).text["rope_parameters"])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_graphs_on_a_gpu_give_what_the_plain_model_gives(dtype: torch.dtype, samples: int) -> None:
    _, tokenizer = miniature_model()
    wide = miniature_config(
        tokenizer, hidden_size=512, intermediate_size=1024, num_attention_heads=16, head_dim=32,
        rope_parameters={**preset_rope(), "mrope_section": [8, 4, 4]},
    )  # fmt: skip
    plain = new_model(wide, 0).to("cuda", dtype)
    plain.restore_buffers()
    batch = prompts(tokenizer, TWO if samples > 1 else ONE).to(torch.device("cuda"))
    rows = samples * batch.input_ids.shape[0]
    counted = torch.ones(rows, 1, dtype=torch.bool, device="cuda")
    noise = torch.randn(rows, plain.config.waypoints, 2, device="cuda")
    time = torch.full((rows,), 0.3, device="cuda")
    found: list[list[torch.Tensor]] = []
    for model in (plain, FastModel(plain)):
        with torch.no_grad():
            context = model.repeated(model.read_prompts(batch), samples)  # type: ignore[arg-type]
            seen = [context.logits.clone()]
            for token in (300, 400, 500):
                model.read_tokens(context, torch.full_like(counted, token, dtype=torch.int64), counted)  # type: ignore[arg-type]
                seen.append(context.logits.clone())
            velocity = model.velocity_after(context)  # type: ignore[arg-type]
            seen += [velocity(noise, time), velocity(noise * 0.5, time * 2.0)]
        found.append(seen)
    tolerance = 1e-3 if dtype == torch.float32 else 6e-2
    for expected, got in zip(*found, strict=True):
        assert float((expected.float() - got.float()).abs().max()) < tolerance
