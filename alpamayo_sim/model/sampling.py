"""One token of every row: masks, temperature, nucleus, and what the choice was worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from alpamayo_sim.policy.tokenizer import FUTURE_TOKENS, TRAJECTORY_TOKENS, DrivingTokenizer


@dataclass(frozen=True)
class TokenIds:
    """The ids that steer generation."""

    trajectory_start: int
    """`<i0>`; reasoning holds no token of the trajectory vocabulary."""
    trajectory_tokens: int
    future_tokens: int
    """The first of them are bins of future actions: all that a discrete trajectory may hold."""
    reasoning_end: int
    """`<|cot_end|>`."""
    future_start: int
    """`<|traj_future_start|>`: ends the reasoning, whether decisions stand before it or not."""
    future_end: int
    pad: int

    @classmethod
    def of(cls, tokenizer: DrivingTokenizer) -> TokenIds:
        """Return the ids of a tokenizer."""
        return cls(
            trajectory_start=tokenizer.trajectory_start,
            trajectory_tokens=TRAJECTORY_TOKENS,
            future_tokens=FUTURE_TOKENS,
            reasoning_end=tokenizer.id("<|cot_end|>"),
            future_start=tokenizer.id("<|traj_future_start|>"),
            future_end=tokenizer.id("<|traj_future_end|>"),
            pad=tokenizer.backbone_ids["pad"],
        )


def forbid_trajectory(logits: Tensor, ids: TokenIds) -> Tensor:
    """Return logits [..., vocabulary] under which reasoning cannot hold a trajectory token."""
    allowed = logits.clone()
    allowed[..., ids.trajectory_start : ids.trajectory_start + ids.trajectory_tokens] = -torch.inf
    return allowed


def only_future(logits: Tensor, ids: TokenIds) -> Tensor:
    """Return logits [..., vocabulary] under which nothing but bins of future actions can follow."""
    allowed = torch.full_like(logits, -torch.inf)
    span = slice(ids.trajectory_start, ids.trajectory_start + ids.future_tokens)
    allowed[..., span] = logits[..., span]
    return allowed


def distribution(logits: Tensor, temperature: float, top_p: float) -> Tensor:
    """Return the log-probabilities [..., vocabulary] that tokens are drawn with; -inf for what cannot be drawn.

    The nucleus is the smallest set of the likeliest tokens whose probabilities reach `top_p`; it has one token at least.
    Temperature 0 stands for the likeliest token, and its log-probabilities are those of temperature 1.
    """
    log_probs = torch.log_softmax(logits.float() / (temperature or 1.0), dim=-1)
    if temperature == 0.0 or top_p >= 1.0:
        return log_probs
    ordered, order = log_probs.sort(dim=-1, descending=True)
    before = ordered.exp().cumsum(-1) - ordered.exp()
    kept = torch.zeros_like(log_probs, dtype=torch.bool).scatter(-1, order, before < top_p)
    return torch.log_softmax(log_probs.masked_fill(~kept, -torch.inf), dim=-1)


def draw(log_probs: Tensor, temperature: float, generators: Sequence[torch.Generator]) -> Tensor:
    """Return one token [R] of each row's distribution [R, vocabulary]; every row draws from its own generator.

    The largest of log p - log(e) for exponential e is a draw from p (Gumbel's way): unlike a walk along the cumulative sum it
    hardly ever turns on a rounding error, so that a row alone and the same row in a batch give the same token.
    """
    if temperature == 0.0:
        return log_probs.argmax(-1)
    waits = [torch.empty(log_probs.shape[1], device=own.device).exponential_(generator=own) for own in generators]
    return (log_probs - torch.stack(waits).to(log_probs.device).log()).argmax(-1)
