"""The loop of supervised training: parts, updates, figures, checkpoints, evaluations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from alpamayo_sim.errors import InfrastructureError
from alpamayo_sim.model.driving_model import DrivingModel
from alpamayo_training.sft.batches import BatchMaker
from alpamayo_training.sft.calm import calm_step
from alpamayo_training.sft.checkpoints import Progress, save
from alpamayo_training.sft.distribution import Processes, Wrapped
from alpamayo_training.sft.frame_store import FrameStore
from alpamayo_training.sft.loader import Part
from alpamayo_training.sft.objective import Totals
from alpamayo_training.sft.stages import Rates, set_rate


class AuxiliaryTask(Protocol):
    """A loss of its own beside those of driving, such as a dense one over labelled pictures; its head trains along."""

    def loss(self, model: DrivingModel, step: int, rank: int) -> Tensor:
        """Return the mean loss of this process's share of an update."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yield what of it trains along with the model."""
        ...


class Watcher(Protocol):
    """Who is told of a training."""

    def train(self, figures: dict[str, float]) -> None:
        """Take the figures of the updates since the last call."""
        ...

    def evaluate(self, step: int) -> None:
        """Look at the model as it is now; called by every process."""
        ...

    def saved(self, folder: Path, step: int) -> None:
        """Take note of a checkpoint."""
        ...


@dataclass(frozen=True)
class Intervals:
    """How often what is done, in updates; 0 at the end only."""

    log: int = 10
    save: int = 0
    evaluate: int = 0
    keep: int = 2
    """Checkpoints that stay."""
    no_save: bool = False
    """Write no checkpoint at all, not even at the end: for measuring speed."""
    deadline_s: float | None = None
    """Seconds of training after which it ends early, the learning rate brought down in time."""


@dataclass
class _Window:
    """Sums since the last line of figures."""

    sums: Tensor
    totals: Totals = field(default_factory=lambda: Totals(0.0, 0.0, 0.0))
    auxiliary: float = 0.0
    updates: int = 0
    samples: int = 0
    tokens: int = 0
    waited_s: float = 0.0
    began_s: float = field(default_factory=time.perf_counter)

    def add(self, totals: Totals, samples: int, tokens: int, waited_s: float) -> None:
        """Count an update."""
        self.totals = Totals(*(one + other for one, other in zip(self.totals, totals, strict=True)))
        self.updates += 1
        self.samples += samples
        self.tokens += tokens
        self.waited_s += waited_s


@dataclass
class Trainer:
    """Trains an objective that is wrapped and an optimiser over it."""

    wrapped: Wrapped
    trained: nn.Module
    """All that trains, the auxiliary task's own weights included."""
    optimizer: torch.optim.Optimizer
    maker: BatchMaker
    store: FrameStore
    processes: Processes
    intervals: Intervals
    run: Path
    write_model: Callable[[Path, Progress], None]
    watcher: Watcher
    auxiliary: AuxiliaryTask | None = None

    def train(self, parts: Iterator[list[Part]], done: Progress) -> Progress:
        """Take updates to the settings' last one, or to the deadline, and return where the run stands then.

        InfrastructureError if the loss is no number any more: what was saved before stays.
        """
        settings, intervals = self.maker.settings, self.intervals
        rates = Rates(settings.rate, settings.least_rate, settings.warm_up, settings.steps)
        step, samples, before_s = done.step, done.samples, done.seconds
        began = time.perf_counter()
        window = self._window()
        parts = iter(parts)
        while step < settings.steps:
            elapsed = before_s + time.perf_counter() - began
            share = self._share(elapsed)
            asked = time.perf_counter()
            own = next(parts)
            waited = time.perf_counter() - asked
            rate = rates.at(step, share)
            set_rate(self.optimizer, rate)
            norm, totals, sums, extra = self._update(own, step)
            step += 1
            count = settings.batch * settings.accumulate * self.processes.count
            samples += count
            window.sums += sums
            window.auxiliary += extra
            tokens = sum(int(part.host.tensors["counted"].sum()) for part in own)
            window.add(totals, count, tokens * self.processes.count, waited)
            ends = step == settings.steps or (share is not None and self._share(elapsed) == 1.0)
            if ends or step % max(intervals.log, 1) == 0:
                self._tell(window, step, rate, norm, before_s + time.perf_counter() - began)
                window = self._window()
            now = Progress(step, samples, before_s + time.perf_counter() - began, self._divided())
            if intervals.save and not intervals.no_save and step % intervals.save == 0 and not ends:
                self._save(now)
            if intervals.evaluate and step % intervals.evaluate == 0 and not ends:
                paused = time.perf_counter()
                self.watcher.evaluate(step)
                began += time.perf_counter() - paused
            if ends:
                break
        final = Progress(step, samples, before_s + time.perf_counter() - began, self._divided())
        if not intervals.no_save:
            self._save(final)
        self.watcher.evaluate(step)
        return final

    def _update(self, own: list[Part], step: int) -> tuple[Tensor, Totals, Tensor, float]:
        """Take one update; return the gradient's norm, the totals and sums of the losses, and the auxiliary loss."""
        totals = Totals(*(sum(values) for values in zip(*(part.host.totals for part in own), strict=True)))
        totals = self.processes.totals(totals)
        sums = torch.zeros(3, device=self.processes.device)
        extra = self._auxiliary(step)
        for index, part in enumerate(own):
            with self.wrapped.part(last=index == len(own) - 1):
                with self._autocast():
                    batch = self.maker.device(part.host, self._pictures(part))
                    # The exchange of gradients takes their mean over the processes; losses are shares of a sum.
                    found = self.wrapped.module(batch, totals, float(self.processes.count))
                found.total.backward()
            sums += torch.stack([found.reasoning, found.trajectory, found.flow])
        trained = [value for group in self.optimizer.param_groups for value in group["params"]]
        norm = torch.nn.utils.clip_grad_norm_(trained, self.maker.settings.clip)
        with calm_step(self.wrapped.objective.model):
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return norm, totals, sums, extra

    def _auxiliary(self, step: int) -> float:
        """Add the auxiliary loss's gradient to this process's own; the driving losses' exchange takes it along."""
        if self.auxiliary is None:
            return 0.0
        with self.wrapped.part(last=False):
            with self._autocast():
                loss = self.auxiliary.loss(self.wrapped.objective.model, step, self.processes.rank)
            (loss * self.maker.settings.loss.auxiliary).backward()
        for value in self.auxiliary.parameters():
            if value.grad is not None:
                self.processes.average(value.grad)
        return float(loss.detach())

    def _pictures(self, part: Part) -> Tensor:
        if part.frames is None:
            return self.store.gather(self.maker.table.frame_rows[part.host.drawn.rows])
        return part.frames.to(self.processes.device, non_blocking=True)

    def _autocast(self) -> AbstractContextManager[object]:
        if self.maker.settings.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.processes.device.type, dtype=torch.bfloat16)

    def _window(self) -> _Window:
        return _Window(torch.zeros(3, device=self.processes.device))

    def _tell(self, window: _Window, step: int, rate: float, norm: Tensor, seconds: float) -> None:
        sums = self.processes.sums(window.sums)
        gradient = float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)  # pyright: ignore[reportCallIssue, reportAttributeAccessIssue]
        took = max(time.perf_counter() - window.began_s, 1e-9)
        names = ("reasoning_nats", "trajectory_nats", "flow_mse")
        figures = {name: value / total for name, value, total in zip(names, sums, window.totals, strict=True) if total}
        if self.maker.settings.stage == "vlm":
            figures.pop("flow_mse", None)
        if self.auxiliary is not None:
            figures["auxiliary_loss"] = window.auxiliary / window.updates
        figures |= {"rate": rate, "gradient_norm": gradient, "seconds": seconds}
        figures |= {"samples_per_s": window.samples / took, "tokens_per_s": window.tokens / took}
        figures["data_wait_share"] = window.waited_s / took
        figures["update_s"] = took / max(window.updates, 1)
        if self.processes.device.type == "cuda":
            figures["memory_gib"] = torch.cuda.max_memory_allocated(self.processes.device) / 2**30
        if not all(value == value and abs(value) != float("inf") for value in figures.values()):
            raise InfrastructureError(
                f"after update {step} a figure is no number: {figures}; lower --rate, or raise --warm-up"
            )
        self.watcher.train({"step": step, **figures})

    def _save(self, progress: Progress) -> None:
        folder = save(
            self.run,
            progress,
            self.trained,
            self.optimizer,
            self.processes,
            lambda place: self.write_model(place, progress),
            self.intervals.keep,
        )
        self.watcher.saved(folder, progress.step)

    def _divided(self) -> int:
        return self.processes.count if self.processes.kind == "fsdp" else 1

    def _share(self, elapsed_s: float) -> float | None:
        """Return how much of the time is over, the same in all processes; None without a deadline."""
        if self.intervals.deadline_s is None:
            return None
        return min(1.0, float(self.processes.shared(elapsed_s)) / self.intervals.deadline_s)
