"""One call of `alpamayo pretrain`: pairs are taken, the tower trains on them, and what it is worth is measured."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from alpamayo_sim.client.render_service import RenderService
from alpamayo_sim.errors import InputError
from alpamayo_sim.model.checkpoint import save_pretrained
from alpamayo_sim.model.driving_model import DrivingModel, new_model
from alpamayo_sim.model.presets import preset
from alpamayo_sim.model.tiny_tokenizer import tiny_tokenizer
from alpamayo_sim.policy.tokenizer import DrivingTokenizer
from alpamayo_sim.record.run_folder import RunFolder
from alpamayo_training.learnability.evaluation import table
from alpamayo_training.pretraining import checkpoints
from alpamayo_training.pretraining.evaluating import Evaluation, dense_table, evaluate, missed_aims
from alpamayo_training.pretraining.feed import Feed, Stream, load
from alpamayo_training.pretraining.generation import Taking, plan_sets
from alpamayo_training.pretraining.network import Network
from alpamayo_training.pretraining.shards import read_shard, shard_paths
from alpamayo_training.pretraining.training import Plan, Trainer
from alpamayo_training.sft.writing import Figures

VIEWS_A_PAIR = 8
TEST_DATA, CHECKPOINT, MODEL, EVALUATION = "test", "checkpoints/latest", "model", "evaluation.md"
STREAM_SEED = 31
"""Other views come in every call that streams, since those before are gone."""
PRESETS = ("tiny",)
"""Those without pretrained weights."""


@dataclass(frozen=True)
class DataPlan:
    """What pairs are taken, how and where."""

    folder: Path
    is_own: bool
    """Whether the folder is the run's."""
    views: int
    test_views: int
    jobs: int
    services: int
    maps: tuple[Path, ...]
    take_s: float | None
    stream: bool
    first_pairs: int
    capacity: int
    """Pairs kept to draw from while streaming."""
    pairs_a_shard: int

    @property
    def is_given(self) -> bool:
        """Whether the folder holds views that were taken for another run."""
        return not self.is_own and bool(shard_paths(self.folder, "train"))


@dataclass(frozen=True)
class Pace:
    """When a call looks up from training."""

    log_every: int = 50
    save_every: int = 500
    """Steps between checkpoints."""
    stop_s: float | None = None
    """Seconds of training after which a call ends at its next checkpoint; going on is another call's."""
    compile: bool = False


def build(name: str, seed: int) -> tuple[DrivingModel, DrivingTokenizer]:
    """Return a new model of a preset and its tokenizer; InputError for a preset that has pretrained weights."""
    if name not in PRESETS:
        raise InputError(f"{name!r} begins from pretrained weights; pretraining is for {', '.join(PRESETS)}")
    tokenizer = tiny_tokenizer()
    return new_model(preset(name, len(tokenizer), tokenizer.backbone_ids), seed), tokenizer


def network_of(model: DrivingModel, cameras: int) -> Network:
    """Return the model's tower with heads that begin anew, the same for the same model."""
    images = model.config.images
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Network(model, cameras, images.height_px, images.width_px)


def best_device() -> torch.device:
    """Return the GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Session:
    """A run folder, a trainer, and the data they work on."""

    def __init__(self, run: RunFolder, preset_name: str, plan: Plan, data: DataPlan, pace: Pace, seed: int) -> None:
        self.run, self.data, self.pace, self.seed = run, data, pace, seed
        self.device = best_device()
        self.model, self.tokenizer = build(preset_name, seed)
        self.preset = preset_name
        self.trainer = Trainer(network_of(self.model, 4), plan, self.device)
        if (run.path / CHECKPOINT).is_dir():
            checkpoints.restore(self.trainer, run.path / CHECKPOINT)
        self.figures = Figures(run.path, self.trainer.course.step)
        self._began = time.monotonic()

    def tell(self, text: str) -> None:
        """Say something on standard error, with the seconds since the beginning."""
        print(f"{time.monotonic() - self._began:6.0f} s  {text}", file=sys.stderr, flush=True)

    def go(self, practice: list[Path]) -> Evaluation | None:
        """Take what is to be taken, train, and return the evaluation; None where the training is to go on in another call."""
        if self.data.is_given:
            self._train(load(self.data.folder, "train", self.device))
        else:
            with ExitStack() as stack:
                self._take_and_train(stack, practice)
        self.save()
        self.write_model()
        return self.evaluate() if self.trainer.is_over else None

    def _take_and_train(self, stack: ExitStack, practice: list[Path]) -> None:
        data = self.data
        services = [stack.enter_context(RenderService()).address for _ in range(data.services)]
        until = None if data.take_s is None else time.time() + data.take_s
        towns = 2 + len(practice)
        salt = STREAM_SEED * (1 + self.trainer.course.step) % 1_000_003 if data.stream else 0
        specs = plan_sets(
            data.folder, train_pairs=data.views // VIEWS_A_PAIR, test_pairs=data.test_views // VIEWS_A_PAIR,
            practice_maps=practice, maps=data.maps, seed=self.seed + salt, until=until,
            sets_a_town=-(-data.jobs // towns), services=services, pairs_a_shard=data.pairs_a_shard,
        )  # fmt: skip
        self.tell(f"taking {data.views} views in {len(specs)} sets with {data.jobs} servers at a time")
        taking = stack.enter_context(Taking(specs, data.jobs))
        if not data.stream:
            taking.wait(self._tell_taken, every_s=2.0)
            return self._train(load(data.folder, "train", self.device))
        while not shard_paths(data.folder, "train"):
            if not taking.poll():
                raise InputError("no views were taken in time: more than --take-s, or fewer --shard-pairs, are needed")
            time.sleep(0.2)
        first = read_shard(shard_paths(data.folder, "train")[0])
        feed = Feed(min(data.capacity, data.views // VIEWS_A_PAIR), first, self.device)
        stream = stack.enter_context(Stream(feed, data.folder, remove=True))
        while feed.taken < data.first_pairs and taking.poll():
            time.sleep(0.2)
        self.tell(f"training begins on {feed.taken} pairs")

        def look() -> None:
            taking.poll()
            if stream.error is not None:
                raise stream.error

        self._train(feed, look)
        taking.wait(lambda: self.tell("waiting for the test views"), split="test", every_s=2.0)

    def _tell_taken(self) -> None:
        taken = sum(1 for _ in shard_paths(self.data.folder, "train"))
        self.tell(f"{taken} of about {self.data.views // VIEWS_A_PAIR // self.data.pairs_a_shard} files of views taken")

    def _train(self, feed: Feed, look: Callable[[], None] = lambda: None) -> None:
        trainer, pace = self.trainer, self.pace
        if pace.compile:
            trainer.compile()
        trainer.begin()
        began = logged = time.monotonic()
        first, shown = trainer.course.step, trainer.course.step
        while not trainer.is_over:
            losses = trainer.step(feed)
            step = trainer.course.step
            if step % pace.log_every == 0 or trainer.is_over:
                look()
                numbers = {name: float(value) for name, value in losses.items()}
                now = time.monotonic()
                rate = (step - shown) / max(now - logged, 1e-6)
                logged, shown = now, step
                self._log(feed, numbers, rate, now - began, first)
            if step % pace.save_every == 0:
                self.save()
                if pace.stop_s is not None and time.monotonic() - began > pace.stop_s:
                    break
        self.run.append_event(
            "trained", step=trainer.course.step, pairs=feed.taken, seconds=round(time.monotonic() - began, 1)
        )

    def _log(self, feed: Feed, numbers: dict[str, float], rate: float, passed_s: float, first: int) -> None:
        course, steps = self.trainer.course, self.trainer.plan.steps
        share = max(course.share, course.step / steps)
        left_s = passed_s * (1.0 - share) / max(share - first / steps, 1e-6)
        self.figures.add("train", {"step": course.step, "pairs": feed.taken, "steps_per_s": rate, **numbers})
        self.tell(
            f"step {course.step}: loss {numbers['total']:.3f} (lamps {numbers['dense/light']:.3f}, moment "
            f"{numbers['moment']:.3f}), {feed.taken} pairs, {rate:.1f} steps/s, about {left_s:.0f} s left"
        )

    def save(self) -> None:
        """Write the checkpoint that another call goes on from."""
        checkpoints.save(self.trainer, self.run.path / CHECKPOINT, {"preset": self.preset, "seed": self.seed})

    def write_model(self) -> None:
        """Write the model's folder: the preset's random weights with the tower as it is now."""
        device = self.device
        save_pretrained(self.model.to("cpu").eval(), self.tokenizer, self.run.path / MODEL, dtype=torch.float16)
        self.model.to(device)

    def evaluate(self) -> Evaluation:
        """Measure the tower on the test towns, write the tables and return them."""
        shards = [read_shard(path) for path in shard_paths(self.data.folder, TEST_DATA)]
        if not shards:
            raise InputError(f"{self.data.folder} holds no test pairs to evaluate on; take some with --test-views")
        began = time.monotonic()
        found = evaluate(self.trainer.network, shards, self.device)
        text = f"{table(found.rows)}\n\n{dense_table(found)}\n"
        (self.run.path / EVALUATION).write_text(text, encoding="utf-8")
        self.run.write_summary(self._summary(found))
        self.figures.add("evaluation", {"step": self.trainer.course.step, **found.flat()})
        self.tell(f"{sum(map(len, shards))} test pairs evaluated in {time.monotonic() - began:.0f} s")
        print(text)
        missed = missed_aims(found)
        print("\n".join(f"missed: {line}" for line in missed) or "no figure of enough samples misses its aim")
        return found

    def _summary(self, found: Evaluation) -> dict[str, Any]:
        plan = {f"plan_{key}": value for key, value in asdict(self.trainer.plan).items() if value is not None}
        return {"steps": self.trainer.course.step, **plan, "aims_missed": len(missed_aims(found)), **found.flat()}


def cores() -> int:
    """Return how many servers run side by side: one a core."""
    return max(1, len(os.sched_getaffinity(0)))
