"""Padding changes nothing, and samples do not depend on what is sampled beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from miniature import generators, miniature_model, prompts  # noqa: E402

from alpamayo_sim.errors import InputError  # noqa: E402
from alpamayo_sim.model.driving_model import ModelInputs  # noqa: E402
from alpamayo_sim.model.expert import PrefixCache  # noqa: E402
from alpamayo_sim.model.generation import FREE, PADDING, TRAJECTORY, generate, score  # noqa: E402
from alpamayo_sim.model.sampling import TokenIds  # noqa: E402
from alpamayo_sim.policy.sampling import SamplingConfig  # noqa: E402

MODEL, TOKENIZER = miniature_model()
TOKENS = TokenIds.of(TOKENIZER)
WORDS = ("keep the lane", "turn left at the junction in 30m")
FREELY = SamplingConfig(
    temperature=1.0, top_p=1.0, max_reasoning_tokens=5, flow_steps=4, flow_noise_level=0.2, use_tokens=True
)


def _only(inputs: ModelInputs, row: int) -> ModelInputs:
    """One prompt of two, without its padding."""
    kept = inputs.attention_mask[row]
    images = len(inputs.pixel_values) // len(inputs.input_ids)
    return ModelInputs(
        inputs.input_ids[row, kept][None],
        inputs.attention_mask[row, kept][None],
        inputs.pixel_values[row * images : (row + 1) * images],
        inputs.image_grid,
    )


@pytest.mark.parametrize("padding", [1, 7, 100])
def test_padding_of_any_length_changes_nothing(padding: int) -> None:
    with torch.no_grad():
        plain = MODEL.read_prompts(prompts(TOKENIZER, WORDS))
        padded = MODEL.read_prompts(prompts(TOKENIZER, WORDS, extra_padding=padding))
        actions = torch.randn(2, 64, 2, generator=torch.Generator().manual_seed(1))
        time = torch.tensor([0.1, 0.7])
        of_plain, of_padded = (
            MODEL.velocity(PrefixCache(own.cache), own.visible, own.position, actions, time) for own in (plain, padded)
        )
    assert torch.allclose(plain.logits, padded.logits, atol=1e-5)
    assert torch.equal(plain.position, padded.position)
    assert torch.allclose(of_plain, of_padded, atol=1e-6)
    assert of_plain.abs().max() > 1e-3


def test_a_prompt_in_a_batch_of_longer_ones_is_read_as_if_alone() -> None:
    inputs = prompts(TOKENIZER, WORDS)
    assert not inputs.attention_mask.all()
    with torch.no_grad():
        both = MODEL.read_prompts(inputs)
        for row in range(2):
            alone = MODEL.read_prompts(_only(inputs, row))
            assert torch.allclose(both.logits[row], alone.logits[0], atol=1e-5)


def test_samples_equal_single_runs_under_the_same_generators() -> None:
    inputs = prompts(TOKENIZER, WORDS)
    together = generate(MODEL, inputs, TOKENS, FREELY, generators(4))
    assert together.flow is not None
    assert len({tuple(row) for row in together.token_ids.tolist()}) == 4
    for index in range(4):
        alone = generate(MODEL, _only(inputs, index // 2), TOKENS, FREELY, generators(1, seed=index))
        kept = together.token_kinds[index] != PADDING
        assert torch.equal(together.token_ids[index, kept], alone.token_ids[0, alone.token_kinds[0] != PADDING])
        assert alone.flow is not None
        assert torch.allclose(together.flow.actions[index], alone.flow.actions[0], atol=1e-5)
        assert torch.allclose(
            together.log_probs[index, kept], alone.log_probs[0, alone.token_kinds[0] != PADDING], atol=1e-5
        )


def test_rows_that_end_early_are_not_touched_by_the_rows_that_go_on() -> None:
    # Rows end at different tokens; the flow of each must not see the padding behind its own end.
    model, _ = miniature_model()
    likely_end = torch.zeros(len(TOKENIZER))
    likely_end[TOKENS.future_start] = 5.5
    model.vlm.lm_head.register_forward_hook(lambda _module, _inputs, logits: logits + likely_end)
    config = replace(FREELY, max_reasoning_tokens=12, use_tokens=False)
    inputs = prompts(TOKENIZER)
    together = generate(model, inputs, TOKENS, config, generators(8, seed=20))
    lengths = (together.token_kinds != PADDING).sum(1)
    assert len(set(lengths.tolist())) > 1, "the rows were to end at different tokens"
    assert together.flow is not None
    for index in range(8):
        alone = generate(model, inputs, TOKENS, config, generators(1, seed=20 + index))
        assert alone.flow is not None
        assert torch.equal(together.token_ids[index, : lengths[index]], alone.token_ids[0])
        assert torch.allclose(together.flow.actions[index], alone.flow.actions[0], atol=1e-5)


def test_reasoning_holds_no_trajectory_token_and_ends_as_trained() -> None:
    result = generate(MODEL, prompts(TOKENIZER, WORDS), TOKENS, FREELY, generators(4))
    free = result.token_ids[result.token_kinds == FREE]
    in_vocabulary = (free >= TOKENS.trajectory_start) & (free < TOKENS.trajectory_start + 4000)
    assert not in_vocabulary.any()
    starts = (result.token_ids == TOKENS.future_start).long()
    assert (starts.sum(1) == 1).all()
    ends = (result.token_ids == TOKENS.reasoning_end).long().argmax(1)
    assert (ends < starts.argmax(1)).all()
    bins = result.token_ids[result.token_kinds == TRAJECTORY]
    assert ((bins >= TOKENS.trajectory_start) & (bins < TOKENS.trajectory_start + 3000)).all()
    assert result.trajectory_bins is not None
    assert torch.equal(bins.view(4, 128) - TOKENS.trajectory_start, result.trajectory_bins)
    assert (result.token_ids[:, -1] == TOKENS.future_end).all()


def test_log_probabilities_are_those_of_a_second_reading() -> None:
    inputs = prompts(TOKENIZER, WORDS)
    result = generate(MODEL, inputs, TOKENS, FREELY, generators(4))
    again = score(MODEL, inputs, TOKENS, result.token_ids, result.token_kinds)
    assert torch.allclose(again, result.log_probs, atol=1e-4)
    assert (result.log_probs[result.token_kinds == TRAJECTORY] < -1.0).all()
    assert again.requires_grad


def test_greedy_sampling_is_the_likeliest_token_whatever_the_generator() -> None:
    config = replace(FREELY, temperature=0.0, flow_noise_level=0.0)
    one = generate(MODEL, prompts(TOKENIZER), TOKENS, config, generators(1, seed=1))
    other = generate(MODEL, prompts(TOKENIZER), TOKENS, config, generators(1, seed=2))
    assert torch.equal(one.token_ids, other.token_ids)
    assert one.flow is not None
    assert other.flow is not None
    assert not torch.equal(one.flow.actions, other.flow.actions)


def test_generators_are_shared_out_evenly() -> None:
    with pytest.raises(InputError, match="3 for 2 prompts"):
        generate(MODEL, prompts(TOKENIZER, WORDS), TOKENS, FREELY, generators(3))
