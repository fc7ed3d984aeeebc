"""The same answers as transformers' own `generate` and as the published way of running the expert over its cache."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from miniature import generators, miniature_model, prompts  # noqa: E402
from transformers import DynamicCache  # noqa: E402
from transformers.generation.logits_process import LogitsProcessor, LogitsProcessorList  # noqa: E402

from alpamayo_sim.model.generation import FREE, generate  # noqa: E402
from alpamayo_sim.model.sampling import TokenIds  # noqa: E402
from alpamayo_sim.policy.sampling import SamplingConfig  # noqa: E402

MODEL, TOKENIZER = miniature_model()
TOKENS = TokenIds.of(TOKENIZER)
WORDS = ("keep the lane", "turn left at the junction in 30m")


class _NoTrajectory(LogitsProcessor):
    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        scores[:, TOKENS.trajectory_start : TOKENS.trajectory_start + 4000] = float("-inf")
        return scores


def _theirs(steps: int) -> tuple[torch.Tensor, DynamicCache]:
    """Greedy tokens [2, steps] of transformers' loop and the cache it leaves."""
    inputs = prompts(TOKENIZER, WORDS)
    result = MODEL.vlm.generate(
        input_ids=inputs.input_ids,
        attention_mask=inputs.attention_mask.long(),
        pixel_values=inputs.pixel_values.flatten(0, 1),
        image_grid_thw=torch.tensor([[1, *inputs.image_grid]] * len(inputs.pixel_values)),
        mm_token_type_ids=(inputs.input_ids == TOKENIZER.id("<|image_pad|>")).int(),
        max_new_tokens=steps,
        min_new_tokens=steps,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=TOKENS.pad,
        logits_processor=LogitsProcessorList([_NoTrajectory()]),
        return_dict_in_generate=True,
    )
    return result.sequences[:, inputs.input_ids.shape[1] :], result.past_key_values


def test_greedy_reasoning_is_that_of_transformers() -> None:
    config = SamplingConfig(temperature=0.0, max_reasoning_tokens=10, flow_steps=1)
    ours = generate(MODEL, prompts(TOKENIZER, WORDS), TOKENS, config, generators(2))
    theirs, _ = _theirs(10)
    assert (ours.token_kinds[:, :10] == FREE).all()
    assert torch.equal(ours.token_ids[:, :10], theirs)


def test_the_flow_is_that_of_the_published_loop() -> None:
    # As published: waypoints stand behind the cache that generation left, which is cropped after each step; positions are
    # counted in the padded sequence plus the rope's delta; a float mask hides the padding.
    steps, flow_steps = 6, 4
    inputs = prompts(TOKENIZER, WORDS)
    with torch.no_grad():
        _, cache = _theirs(steps + 1)  # the last token is not in the cache yet
        length = cache.get_seq_length()
        assert length == inputs.input_ids.shape[1] + steps
        delta = MODEL.vlm.model.rope_deltas
        padded = (~inputs.attention_mask).long().sum(1, keepdim=True)
        positions = (torch.arange(64)[None] + length - padded + delta)[None].expand(3, -1, -1)
        mask = torch.zeros(2, 1, 64, length + 64)
        hidden = torch.finfo(torch.float32).min
        mask[:, :, :, : inputs.input_ids.shape[1]].masked_fill_(~inputs.attention_mask[:, None, None], hidden)
        actions = noise = torch.stack([torch.randn(64, 2, generator=own) for own in generators(2)])
        for index in range(flow_steps):
            embedded = MODEL.action_in_proj(actions, torch.full((2,), index / flow_steps))
            result = MODEL.expert(
                inputs_embeds=embedded,
                position_ids=positions,
                past_key_values=cache,
                attention_mask=mask,
                use_cache=True,
                is_causal=False,
            )
            cache.crop(length)
            actions = actions + MODEL.action_out_proj(result.last_hidden_state) / flow_steps

        from alpamayo_sim.model.expert import PrefixCache
        from alpamayo_sim.model.flow import integrate
        from alpamayo_sim.model.sampling import forbid_trajectory

        context = MODEL.read_prompts(inputs)
        for _ in range(steps):
            chosen = forbid_trajectory(context.logits, TOKENS).argmax(-1, keepdim=True)
            MODEL.read_tokens(context, chosen, torch.ones_like(chosen, dtype=torch.bool))
        prefix = PrefixCache(context.cache)
        ours = integrate(
            lambda now, time: MODEL.velocity(prefix, context.visible, context.position, now, time), noise, flow_steps
        )
    assert torch.allclose(ours.actions, actions, atol=1e-6)
    assert (ours.actions - noise).abs().max() > 1e-3
