"""Supervised training of a miniature on one batch."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from miniature import miniature_model, prompts  # noqa: E402

from alpamayo_sim.model.losses import Lesson, before_trajectory, flow_loss, sft_losses, token_losses  # noqa: E402
from alpamayo_sim.model.sampling import TokenIds  # noqa: E402
from alpamayo_sim.policy.tokenizer import DrivingTokenizer  # noqa: E402

WORDS = ("keep the lane", "turn left at the junction in 30m")


def _lesson(tokenizer: DrivingTokenizer) -> Lesson:
    texts = ("Stop because the light is red.", "Turn left.")
    bins = "".join(f"<i{1500 + index}>" for index in range(6))
    rows = [tokenizer.encode(f"{text}<|cot_end|><|traj_future_start|>{bins}<|traj_future_end|>") for text in texts]
    length = max(len(row) for row in rows)
    pad = tokenizer.backbone_ids["pad"]
    ids = torch.tensor([row + [pad] * (length - len(row)) for row in rows])
    counted = torch.tensor([[index < len(row) for index in range(length)] for row in rows])
    actions = torch.randn(2, 64, 2, generator=torch.Generator().manual_seed(5))
    return Lesson(ids, counted, actions)


def _means(history: list[Any]) -> tuple[torch.Tensor, torch.Tensor]:
    numbers = torch.tensor(history)
    return numbers[:10].mean(0), numbers[-10:].mean(0)


def test_token_losses_fall_on_one_batch() -> None:
    model, tokenizer = miniature_model()
    tokens, lesson, inputs = TokenIds.of(tokenizer), _lesson(tokenizer), prompts(tokenizer, WORDS)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    history: list[tuple[float, float]] = []
    for _ in range(50):
        reasoning, trajectory = token_losses(model, model.read_prompts(inputs), lesson, tokens)
        optimizer.zero_grad()
        (reasoning + trajectory).backward()
        optimizer.step()
        history.append((reasoning.item(), trajectory.item()))
    first, last = _means(history)
    assert (last < 0.5 * first).all(), (first, last)


def test_the_flow_loss_falls_on_one_batch() -> None:
    model, tokenizer = miniature_model()
    with torch.no_grad():
        context = model.read_prompts(prompts(tokenizer))
    actions = torch.randn(1, 64, 2, generator=torch.Generator().manual_seed(5))
    own = torch.Generator().manual_seed(0)
    parts = (model.expert, model.action_in_proj, model.action_out_proj)
    optimizer = torch.optim.AdamW([value for part in parts for value in part.parameters()], lr=2e-2, betas=(0.9, 0.95))
    history: list[float] = []
    for _ in range(220):
        loss = flow_loss(model, context, context.visible, context.position, actions, own, draws=8)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    first, last = _means(history)
    assert last < 0.85 * first, (first, last)


def test_the_experts_gradient_ends_at_the_cache_unless_asked_otherwise() -> None:
    model, tokenizer = miniature_model()
    tokens, lesson, inputs = TokenIds.of(tokenizer), _lesson(tokenizer), prompts(tokenizer, WORDS)

    def reached(stop_gradient: bool) -> bool:
        model.zero_grad()
        losses = sft_losses(
            model, inputs, lesson, tokens, torch.Generator().manual_seed(0), stop_gradient=stop_gradient
        )
        losses.flow.backward()
        assert model.expert.layers[0].mlp.up_proj.weight.grad is not None
        return model.vlm.model.language_model.layers[0].mlp.up_proj.weight.grad is not None

    assert not reached(stop_gradient=True)
    assert reached(stop_gradient=False)


def test_the_expert_sees_up_to_the_start_and_none_of_the_answer() -> None:
    model, tokenizer = miniature_model()
    tokens, lesson, inputs = TokenIds.of(tokenizer), _lesson(tokenizer), prompts(tokenizer, WORDS)
    with torch.no_grad():
        context = model.read_prompts(inputs)
        prompt, begin = context.visible.clone(), context.position.clone()
        token_losses(model, context, lesson, tokens)
        visible, start = before_trajectory(context, lesson, tokens)
    behind = (lesson.token_ids == tokens.future_start).long().argmax(1) + 1
    assert torch.equal(visible.sum(1), prompt.sum(1) + behind)
    assert torch.equal(start, begin + behind)
    for row, count in enumerate(behind.tolist()):
        own = visible[row, prompt.shape[1] :]
        assert own[:count].all()
        assert not own[count:].any()
