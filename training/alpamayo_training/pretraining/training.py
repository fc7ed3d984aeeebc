"""The training itself: steps on one device, checkpoints, figures, and going on where a run ended."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from alpamayo_training.pretraining.feed import Feed
from alpamayo_training.pretraining.network import Network, losses_of, pictures_of

_VECTORS = ("pos_embed", "moment.place")
"""Tables that weight decay leaves alone, as it does all vectors."""


@dataclass(frozen=True)
class Plan:
    """How the tower is trained. Rates follow the steps, or the time where `deadline_s` ends the training earlier."""

    steps: int = 6000
    batch: int = 96
    """Moments; each has one image a camera."""
    rate: float = 1.5e-3
    least_rate_share: float = 0.01
    warm_up_steps: int = 200
    weight_decay: float = 0.05
    clip: float = 1.0
    seed: int = 0
    deadline_s: float | None = None
    """The learning rate has come down when so many seconds of training are over, whatever the steps."""


@dataclass
class Course:
    """Where a training is."""

    step: int = 0
    """Steps done."""
    share: float = 0.0
    """How much of it is over, 0 to 1."""


class Trainer:
    """A network, its optimiser and how far they are."""

    def __init__(self, network: Network, plan: Plan, device: torch.device) -> None:
        self.network = network.to(device)
        self.plan = plan
        self.course = Course()
        self._device = device
        self._began = time.monotonic()
        self.optimizer = _optimizer(self.network, plan, device)
        if device.type == "cuda":
            torch.set_float32_matmul_precision("high")
        self._run: Callable[[Tensor], object] = self.network

    def compile(self) -> None:
        """Let torch compile the network: a minute before the first step, faster ones after it."""
        self._run = torch.compile(self.network)

    def begin(self) -> None:
        """Let the time that `deadline_s` counts begin now."""
        self._began = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether the training is at its end."""
        return self.course.step >= self.plan.steps or self.course.share >= 1.0

    def step(self, feed: Feed) -> dict[str, Tensor]:
        """Take one step on a batch drawn from a feed; return the losses by name, `total` among them, still on the device.

        Draws follow from the seed and the number of the step alone, so that a resumed training goes on exactly.
        """
        plan, course = self.plan, self.course
        course.share = max(course.share, course.step / plan.steps)
        if plan.deadline_s is not None:
            course.share = max(course.share, min(1.0, (time.monotonic() - self._began) / plan.deadline_s))
        rate = rate_at(plan, course)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        number = plan.seed * 1_000_003 + course.step
        draw = torch.Generator().manual_seed(number)
        disturbing = torch.Generator(device=self._device).manual_seed(number)
        torch.manual_seed(number)
        on_gpu = self._device.type == "cuda"
        batch = feed.draw(plan.batch, draw)
        pictures = pictures_of(batch.frames, disturbing, torch.bfloat16 if on_gpu else torch.float32)
        self.network.train()
        with torch.autocast(self._device.type, dtype=torch.bfloat16):
            said = self._run(pictures)
        losses = losses_of(said, batch)  # pyright: ignore[reportArgumentType]
        total = torch.stack(list(losses.values())).sum()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), plan.clip)
        self.optimizer.step()
        course.step += 1
        return {
            **{name: loss.detach() for name, loss in losses.items()},
            "total": total.detach(),
            "norm": norm.detach(),
        }


def rate_at(plan: Plan, course: Course) -> float:
    """Return the learning rate: up in a line, then down in half a cosine."""
    warm = min(1.0, (course.step + 1) / max(1, plan.warm_up_steps))
    falling = 0.5 * (1.0 + math.cos(math.pi * min(1.0, course.share)))
    return plan.rate * warm * (plan.least_rate_share + (1.0 - plan.least_rate_share) * falling)


def _optimizer(network: Network, plan: Plan, device: torch.device) -> torch.optim.AdamW:
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        is_table = any(vector in name for vector in _VECTORS)
        (kept if parameter.ndim < 2 or is_table else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": plan.weight_decay}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=plan.rate, betas=(0.9, 0.98), fused=device.type == "cuda")
