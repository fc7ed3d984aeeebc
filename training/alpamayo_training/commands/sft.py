"""`alpamayo sft`: supervised training of a driving model on a dataset of drives."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from alpamayo_sim.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from alpamayo_training.sft.session import Task
    from alpamayo_training.sft.settings import Settings

WORKERS = 6


@dataclass(frozen=True)
class Arguments:
    """Train a model to say why and to plan as a dataset's drivers did.

    Where an option is left away the preset's own value counts. Under torchrun several processes train together.
    """

    preset: Annotated[str | None, tyro.conf.Positional] = None
    """tiny, 2b, 8b or alpamayo-1.5."""
    data: str | None = None
    """The dataset's folder; synthetic:N makes N samples up, to try things out."""
    labels: str = ""
    """Version of its labels (labels/coc/VERSION.parquet); without, the rules name a reason at every sample."""
    start: Annotated[str, tyro.conf.arg(name="from")] = "random"
    """What to begin from: a checkpoint or run folder, a Qwen3-VL's folder or hub id (2b, 8b), or random weights."""
    stage: Literal["vlm", "expert", "joint"] = "joint"
    """vlm (words and trajectory tokens), expert (the flow, backbone frozen), or both at once."""
    steps: int | None = None
    """Updates of the weights."""
    batch: int | None = None
    """Samples a process takes at once."""
    accumulate: int | None = None
    """Such parts that make up one update."""
    rate: float | None = None
    """Highest learning rate; cosine down to a tenth of it."""
    vision_rate: float | None = None
    """Factor on the vision tower's rate; 0 leaves it as it is."""
    expert_rate: float | None = None
    """Factor on the expert's rate."""
    warm_up: int | None = None
    """Updates until the highest rate."""
    reasoning_weight: float = 1.0
    """Weight of the words' cross-entropy."""
    trajectory_weight: float = 1.0
    """Weight of the trajectory tokens' cross-entropy."""
    flow_weight: float = 1.0
    """Weight of the flow's squared error."""
    dense_data: Path | None = None
    """Views that `alpamayo pretrain` took (--data there): their dense loss on the vision tower is kept up."""
    dense_weight: float = 0.1
    """Its weight."""
    dense_batch: int = 16
    """Moments of it an update."""
    no_stop_gradient: bool = False
    """Let the flow's gradient reach the backbone."""
    lora_rank: int = 0
    """Train adapters of this rank in the language model instead of its weights; 0 trains the weights."""
    lora_vision: bool = False
    """Put adapters into the vision tower too."""
    flow_draws: int | None = None
    """Noises and times a sample."""
    drop_reasoning: float | None = None
    """Share of samples that are trained without words."""
    disturb_bins: float | None = None
    """Share of samples whose trajectory tokens are read with errors, against mere continuation."""
    disturb_pictures: float | None = None
    """Factor on changes of light and place; 0 for none."""
    keyframe_weight: float | None = None
    """How much oftener samples with a label of their own are drawn."""
    rarity: float | None = None
    """0 draws decisions as they come, 1 all alike."""
    precision: Literal["bf16", "fp32"] | None = None
    """Of matrix products; by default bf16 on a GPU and fp32 on a CPU."""
    recompute: bool | None = None
    """Compute layers anew in the backward pass, to save memory."""
    deterministic: bool = False
    """The same bits every time, where a GPU can."""
    seed: int = 0
    stride: int = 2
    """Every how many frames of a drive a sample begins."""
    keep_statistics: bool = False
    """Normalise actions as the model did before, not by these data."""
    overfit: int = 0
    """Train on that many samples only and evaluate on them, to see that a model can learn at all."""
    log_every: int = 10
    save_every: int = 0
    """Updates between checkpoints; 0 for one at the end."""
    eval_every: int = 0
    """Updates between evaluations; 0 for one at the end."""
    eval_samples: int = 48
    """Moments of the validation split that are evaluated; 0 for none."""
    eval_conditions: tuple[str, ...] = ("full", "blank_pictures")
    """Of full, blank_pictures, other_pictures, no_reasoning, true_reasoning, other_reasoning."""
    no_save: bool = False
    """Write no checkpoint, for measuring speed."""
    keep: int = 2
    """Checkpoints that stay; 0 for all."""
    deadline_s: float | None = None
    """Seconds of training after which it ends, the rate brought down in time."""
    parallel: Literal["auto", "single", "ddp", "fsdp"] = "auto"
    """Under torchrun: ddp (each process has the whole model; auto), or fsdp (each has a part)."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    workers: int | None = None
    """Processes that make batches; by default 6 on a GPU, none on a CPU."""
    pictures: Literal["auto", "disk", "memory", "device"] = "auto"
    """Where decoded pictures lie; auto: on the GPU where they fit."""
    cache: Path | None = None
    """Where decoded samples are kept; by default in the dataset's folder."""
    jobs: int = 2
    """Processes that decode a dataset the first time."""
    resume: tuple[str, ...] | None = None
    """Go on with a run from its newest checkpoint: its folder, or the latest run when no folder is named."""
    out: Path = Path("runs")
    """Folder in which the run folder is made."""
    json: bool = False
    """Print the summary as one JSON line at the end, and nothing else on standard output."""

    def run(self) -> int:
        """Train; return 0, or 3 where the loss was no number any more."""
        try:
            from alpamayo_training.sft.distribution import joined
            from alpamayo_training.sft.session import Machine, Session, Task
        except ImportError as error:
            raise MissingExtraError("train", str(error.name)) from error
        from alpamayo_sim.record.run_folder import RunFolder

        with joined(self.parallel, self.device) as processes:
            resumed = self._resumed() if self.resume is not None else None
            task = Task.of(resumed.config) if resumed else self._task(processes.device.type)
            path = None
            if processes.leads:
                path = resumed.path if resumed else RunFolder.create(self.out, f"sft-{task.preset}", task.plain()).path
            run = RunFolder(processes.shared(path))
            workers = self.workers if self.workers is not None else (WORKERS if processes.device.type == "cuda" else 0)
            try:
                summary = Session(task, run, processes, Machine(workers, self.pictures)).go()
            except KeyboardInterrupt:
                if processes.leads:
                    print(f"stopped; go on with: alpamayo sft --resume {run.path}", file=sys.stderr)
                raise
            if processes.leads:
                print(json.dumps(summary) if self.json else _last_line(run.path, no_save=task.intervals.no_save))
        return 0

    def _resumed(self):
        from alpamayo_sim.record.run_folder import RunFolder

        assert self.resume is not None
        if self.preset or self.data:
            raise InputError("--resume goes on with what a run was asked for; leave the preset and --data away")
        return RunFolder.open(Path(self.resume[0])) if self.resume else RunFolder.latest(self.out)

    def _task(self, device: str) -> Task:
        from alpamayo_training.openloop.evaluation import EvaluationPlan
        from alpamayo_training.sft.dense_task import DenseChoice
        from alpamayo_training.sft.preparation import DataChoice
        from alpamayo_training.sft.session import Task
        from alpamayo_training.sft.trainer import Intervals

        if self.preset is None or self.data is None:
            raise InputError("name a preset and --data DATASET, or go on with a run by --resume")
        choice = DataChoice(self.data, self.labels, self.stride, self.cache, self.jobs)
        choice.check()
        return Task(
            preset=self.preset,
            start=self.start,
            data=choice,
            settings=self._settings(device),
            intervals=Intervals(
                self.log_every, self.save_every, self.eval_every, self.keep, self.no_save, self.deadline_s
            ),
            evaluation=EvaluationPlan(samples=self.eval_samples, conditions=self.eval_conditions),
            keep_statistics=self.keep_statistics,
            dense=DenseChoice(self.dense_data, self.dense_batch) if self.dense_data else None,
            overfit=self.overfit,
            command=shlex.join(["alpamayo", *sys.argv[1:]]),
        )

    def _settings(self, device: str) -> Settings:
        from alpamayo_training.sft.settings import LORA_RATE, PRESET_SETTINGS, LoraSettings, LossWeights

        own = PRESET_SETTINGS["8b" if self.preset == "alpamayo-1.5" else self.preset or ""] if self.preset in (
            *PRESET_SETTINGS, "alpamayo-1.5",
        ) else None  # fmt: skip
        if own is None:
            raise InputError(f"there is no model preset {self.preset!r}; expected tiny, 2b, 8b or alpamayo-1.5")
        given = {
            name: value
            for name in (
                "steps", "batch", "accumulate", "rate", "vision_rate", "expert_rate", "warm_up", "flow_draws",
                "drop_reasoning", "disturb_bins", "disturb_pictures", "keyframe_weight", "rarity", "recompute",
            )
            if (value := getattr(self, name)) is not None
        }  # fmt: skip
        if self.lora_rank and self.rate is None:
            given |= {"rate": LORA_RATE, "expert_rate": given.get("expert_rate", 1.0)}
        loss = LossWeights(
            self.reasoning_weight,
            self.trajectory_weight,
            self.flow_weight,
            self.dense_weight if self.dense_data else 0.0,
            not self.no_stop_gradient,
        )
        return replace(
            own,
            **given,
            stage=self.stage,
            loss=loss,
            lora=LoraSettings(self.lora_rank, vision=self.lora_vision),
            precision=self.precision or ("bf16" if device == "cuda" else "fp32"),
            seed=self.seed,
            deterministic=self.deterministic,
        )


def _last_line(run: Path, *, no_save: bool) -> str:
    return f"figures: {run / 'summary.json'}" if no_save else f"trained: {run / 'checkpoints' / 'last' / 'model'}"
