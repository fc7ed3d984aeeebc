"""One run of `alpamayo sft` in one process: everything put together from settings, and taken up again where a run stopped."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.config import ImageConfig
from alpamayo_sim.model.sampling import TokenIds
from alpamayo_sim.record.environment import describe_environment
from alpamayo_sim.record.run_folder import RunFolder, write_text
from alpamayo_training.openloop.evaluation import Evaluation, EvaluationPlan, Evaluator
from alpamayo_training.openloop.pictures import plan_sheet
from alpamayo_training.sft.batches import BatchMaker
from alpamayo_training.sft.card import Origin, model_card
from alpamayo_training.sft.checkpoints import MODEL, Progress, latest, restore
from alpamayo_training.sft.dense_task import DenseChoice, DenseTask
from alpamayo_training.sft.distribution import Processes, Wrapped
from alpamayo_training.sft.forward import compute_layers_anew
from alpamayo_training.sft.frame_store import FrameStore, Place
from alpamayo_training.sft.loader import Share, updates
from alpamayo_training.sft.models import begin, with_statistics
from alpamayo_training.sft.objective import Objective, Trained
from alpamayo_training.sft.preparation import DataChoice, grader_for, prepared_table
from alpamayo_training.sft.sample_table import SPLITS, SampleTable
from alpamayo_training.sft.sampling_order import SamplingOrder, sample_weights
from alpamayo_training.sft.settings import Settings, as_plain, settings_from
from alpamayo_training.sft.stages import optimizer_for, prepare
from alpamayo_training.sft.throughput import describe_throughput
from alpamayo_training.sft.trainer import Intervals, Trainer
from alpamayo_training.sft.writing import CARD, Figures, write_model

TRAIN, VALIDATION = "train", "val"


@dataclass(frozen=True)
class Task:
    """What a run was asked to do; stored in its config.yaml, from which it is taken up again."""

    preset: str
    start: str
    """What the model began from."""
    data: DataChoice
    settings: Settings
    intervals: Intervals
    evaluation: EvaluationPlan
    keep_statistics: bool = False
    """Normalise actions as the model did so far, not by these data."""
    dense: DenseChoice | None = None
    """Labelled views whose dense loss is kept up."""
    overfit: int = 0
    """Train on that many samples only, and evaluate on them; 0 for all."""
    command: str = ""

    def plain(self) -> dict[str, Any]:
        """Return plain values."""
        content = asdict(self)
        content["settings"] = as_plain(self.settings)
        return json.loads(json.dumps(content, default=str))

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Task:
        """Return the task of a run's configuration; InputError for another command's."""
        try:
            content: dict[str, Any] = dict(stored)
            content |= {
                "data": DataChoice.of(content["data"]),
                "settings": settings_from(content["settings"]),
                "intervals": Intervals(**content["intervals"]),
                "evaluation": EvaluationPlan.of(content["evaluation"]),
                "dense": DenseChoice.of(content["dense"]) if content.get("dense") else None,
            }
            return cls(**content)
        except (KeyError, TypeError) as error:
            raise InputError(
                f"this run was not made by `alpamayo sft`, or by another version of it: {error}"
            ) from error


@dataclass(frozen=True)
class Machine:
    """How a run uses the machine; another way gives the same model but for rounding."""

    workers: int = 0
    place: Place = "auto"


@dataclass
class Session:
    """A run in one process."""

    task: Task
    run: RunFolder
    processes: Processes
    machine: Machine
    last_evaluation: Evaluation | None = field(default=None, init=False)
    last_folder: Path | None = field(default=None, init=False)
    figures: dict[str, float] = field(default_factory=dict[str, float], init=False)

    def go(self) -> dict[str, Any]:
        """Train to the end and return the summary; a run that has a checkpoint goes on from its newest."""
        task, processes = self.task, self.processes
        torch.use_deterministic_algorithms(task.settings.deterministic, warn_only=True)
        if processes.device.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = task.settings.precision == "bf16"
        self.beginning = begin(task.preset, task.start, task.settings.seed, processes.device)
        model = self.beginning.model
        self.table = self._table(model.config.images)
        if task.evaluation.samples:
            self._evaluated()
        if not task.keep_statistics:
            with_statistics(model, self.table)
        prepare(model, task.settings)
        model.to(processes.device).train()
        model.restore_buffers()
        if task.settings.recompute:
            compute_layers_anew(model)
        tokens = TokenIds.of(self.beginning.tokenizer)
        objective = Objective(model, tokens, task.settings.stage, task.settings.loss)
        wrapped = Wrapped(objective, processes, task.settings.precision)
        auxiliary = self._auxiliary()
        trained = Trained(objective, auxiliary)
        optimizer = optimizer_for(trained, task.settings)
        place = latest(self.run.path)
        done = Progress(0, 0, 0.0, 1) if place is None else restore(place, trained, optimizer, processes)
        self.maker = BatchMaker(self.table, model.config, self.beginning.tokenizer, task.settings)
        self.writer = Figures(self.run.path, done.step) if processes.leads else None
        store = FrameStore.open(self.table.frames, self.machine.place, processes.device)
        self._say(f"{model.parameter_count():,} parameters; {self._counts()} samples; pictures: {store.place}")
        parts = updates(
            self.maker,
            self._order(),
            store,
            Share(processes.rank, processes.count),
            first=done.step,
            workers=self.machine.workers,
            pinned=processes.device.type == "cuda",
        )
        trainer = Trainer(
            wrapped, trained, optimizer, self.maker, store, processes, task.intervals, self.run.path, self._write, self,
            auxiliary,
        )  # fmt: skip
        final = trainer.train(parts, done)
        if processes.leads and self.last_evaluation is not None and self.last_folder is not None:
            write_text(self.last_folder / MODEL / CARD, self._card(final))
        return self._summary(final, model.parameter_count())

    def train(self, figures: dict[str, float]) -> None:
        """Write down the figures of some updates."""
        self.figures = figures
        if self.writer is None:
            return
        self.writer.add("train", figures)
        names = [
            name for name in ("reasoning_nats", "trajectory_nats", "flow_mse", "auxiliary_loss") if name in figures
        ]
        losses = ", ".join(f"{name} {figures[name]:.4f}" for name in names)
        left = (self.task.settings.steps - figures["step"]) * figures["update_s"]
        self._say(
            f"update {figures['step']:.0f} of {self.task.settings.steps}: {losses}; {figures['samples_per_s']:.1f} samples/s, "
            f"waited {100.0 * figures['data_wait_share']:.0f} % for data, about {left:.0f} s left"
        )

    def evaluate(self, step: int) -> None:
        """Evaluate on samples that are not trained on; in the leading process, where it has the whole model."""
        if self.task.evaluation.samples and self.processes.leads and self.processes.kind != "fsdp":
            model = self.beginning.model
            rows = self._evaluated()
            evaluator = Evaluator(
                model, self.beginning.tokenizer, self.table, self.task.evaluation, grader_for(self.task.data)
            )
            autocast = torch.autocast(
                self.processes.device.type, torch.bfloat16, enabled=self.task.settings.precision == "bf16"
            )
            with autocast:
                self.last_evaluation = evaluator.evaluate(rows)
            assert self.writer is not None
            self.writer.add("eval", {"step": step, **self.last_evaluation.figures})
            sheet = plan_sheet(self.table, self.last_evaluation.samples)
            folder = self.run.path / "plans"
            folder.mkdir(exist_ok=True)
            sheet.save(folder / f"{step:07d}.jpg", quality=88)
            self.writer.text("reasoning", "\n\n".join(one.said for one in self.last_evaluation.samples), step)
            self._say(f"evaluated after update {step}:\n{self.last_evaluation.describe()}")
        self.processes.wait()

    def saved(self, folder: Path, step: int) -> None:
        """Note a checkpoint."""
        self.last_folder = folder
        if self.processes.leads:
            self.run.append_event("checkpoint", step=step, folder=str(folder.relative_to(self.run.path)))

    def _table(self, images: ImageConfig) -> SampleTable:
        if self.processes.leads:
            table = prepared_table(self.task.data, images)
            self.processes.wait()
            return table
        self.processes.wait()
        return prepared_table(self.task.data, images)

    def _auxiliary(self) -> DenseTask | None:
        dense = self.task.dense
        if dense is None:
            return None
        if self.processes.kind == "fsdp":
            raise InputError("the dense loss wants the whole vision tower in every process: take --parallel ddp")
        return DenseTask(self.beginning.model, dense, self.processes.device, self.task.settings.seed)

    def _rows(self) -> Any:
        rows = self.table.rows_of(TRAIN)
        return rows[:: max(1, len(rows) // self.task.overfit)][: self.task.overfit] if self.task.overfit else rows

    def _evaluated(self) -> Any:
        return self._rows() if self.task.overfit else self.table.rows_of(VALIDATION)

    def _order(self) -> SamplingOrder:
        rows = self._rows()
        return SamplingOrder(rows, sample_weights(self.table, rows, self.task.settings), self.task.settings.seed)

    def _counts(self) -> str:
        return ", ".join(f"{name} {count:,}" for name, count in self._split_counts().items())

    def _split_counts(self) -> dict[str, int]:
        return {name: int((self.table.split == index).sum()) for index, name in enumerate(SPLITS)}

    def _write(self, folder: Path, progress: Progress) -> None:
        model = self.beginning.model
        large = model.parameter_count() > 1_000_000_000
        dtype = torch.bfloat16 if large else torch.float16
        write_model(model, self.beginning.tokenizer, folder, self.processes, dtype, self._card(progress))

    def _card(self, progress: Progress) -> str:
        model, about = self.beginning.model, self.table.about
        origin = Origin(
            self.task.preset,
            self.beginning.origin,
            about.source,
            about.labels,
            self._split_counts(),
            self.task.command,
            describe_environment()["packages"],
        )
        figures = {} if self.last_evaluation is None else self.last_evaluation.figures
        return model_card(
            model.config, model.parameter_count(), origin, as_plain(self.task.settings), asdict(progress), figures
        )

    def _summary(self, final: Progress, parameters: int) -> dict[str, Any]:
        summary: dict[str, Any] = {
            "preset": self.task.preset,
            "stage": self.task.settings.stage,
            "parameters": parameters,
            "updates": final.step,
            "samples": final.samples,
            "seconds": round(final.seconds, 1),
            "checkpoint": str(self.last_folder) if self.last_folder else "",
        }
        summary |= {f"train_{name}": value for name, value in self.figures.items() if name not in ("step", "seconds")}
        if self.last_evaluation is not None:
            summary |= self.last_evaluation.figures
        summary |= describe_throughput(self.maker, self.figures, self.processes, self.beginning.model)
        if self.processes.leads:
            self.run.write_summary(summary)
        if self.writer is not None:
            self.writer.close()
        return summary

    def _say(self, text: str) -> None:
        if self.processes.leads:
            print(text, file=sys.stderr, flush=True)
