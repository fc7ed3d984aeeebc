"""`alpamayo evaluate`: a model in open loop on recorded drives, with and without pictures and reasoning."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from alpamayo_sim.errors import MissingExtraError

if TYPE_CHECKING:
    from alpamayo_training.openloop.evaluation import Evaluation
    from alpamayo_training.sft.sample_table import SampleTable


@dataclass(frozen=True)
class Arguments:
    """Compare a model's plans and words with what was driven and labelled.

    minADE_6: of six samples at a moment the one that is nearest over all 6.4 s; mean distance in the plane over its 64 points.
    """

    checkpoint: Annotated[str, tyro.conf.Positional]
    """A run of `alpamayo sft`, a checkpoint of one, or a model's folder."""
    data: str
    """The dataset's folder; synthetic:N makes N samples up."""
    labels: str = ""
    """Version of its labels; without, the rules name a reason at every sample."""
    split: Literal["train", "val", "test"] = "val"
    """Which drives."""
    samples: int = 128
    """Moments, spread evenly over the split."""
    draws: int = 6
    """Samples of the model at each moment."""
    conditions: tuple[str, ...] = (
        "full", "blank_pictures", "other_pictures", "no_reasoning", "true_reasoning", "other_reasoning",
    )  # fmt: skip
    """What the model is given: its own senses and words (full), grey or another moment's pictures, no words, the label's, or
    another moment's."""
    no_tokens: bool = False
    """Leave the token head out."""
    max_words: int = 80
    """Reasoning tokens after which the model is cut short."""
    temperature: float = 0.6
    batch: int = 16
    """Moments at once."""
    stride: int = 2
    """Every how many frames of a drive a sample begins."""
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    cache: Path | None = None
    """Where decoded samples are kept; by default in the dataset's folder."""
    jobs: int = 2
    """Processes that decode a dataset the first time."""
    out: Path = Path("runs")
    """Folder in which the run folder is made."""
    json: bool = False
    """Print the figures as one JSON line, and nothing else on standard output."""

    def run(self) -> int:
        """Evaluate and write figures, moments and pictures of plans; return 0."""
        try:
            import torch

            from alpamayo_sim.model.checkpoint import from_pretrained
            from alpamayo_training.openloop.evaluation import EvaluationPlan, Evaluator, autocast_of
            from alpamayo_training.sft.checkpoints import model_folder
            from alpamayo_training.sft.preparation import DataChoice, grader_for, prepared_table
        except ImportError as error:
            raise MissingExtraError("train", str(error.name)) from error
        from alpamayo_sim.record.run_folder import RunFolder

        plan = EvaluationPlan(
            self.samples, self.draws, self.conditions, not self.no_tokens, self.max_words, self.temperature,
            batch=self.batch, seed=self.seed,
        )  # fmt: skip
        folder = model_folder(Path(self.checkpoint))
        model, tokenizer = from_pretrained(folder)
        on_gpu = self.device != "cpu" and torch.cuda.is_available()
        model.to("cuda" if on_gpu else "cpu")
        model.restore_buffers()
        choice = DataChoice(self.data, self.labels, self.stride, self.cache, self.jobs)
        table = prepared_table(choice, model.config.images)
        with autocast_of(model):
            found = Evaluator(model, tokenizer, table, plan, grader_for(choice)).evaluate(table.rows_of(self.split))
        asked = {**asdict(plan), "checkpoint": str(folder), "split": self.split, **asdict(choice)}
        run = RunFolder.create(self.out, "evaluate", json.loads(json.dumps(asked, default=str)))
        _write(run.path, table, found)
        run.write_summary(found.figures)
        print(json.dumps(found.figures) if self.json else f"{found.describe()}\nplans and figures: {run.path}")
        return 0


def _write(run: Path, table: SampleTable, found: Evaluation) -> None:
    from alpamayo_training.openloop.pictures import plan_sheet

    (run / "plans").mkdir()
    plan_sheet(table, found.samples).save(run / "plans" / "sheet.jpg", quality=90)
    with (run / "moments.jsonl").open("w", encoding="utf-8") as file:
        for index, one in enumerate(found.samples):
            line = {
                "episode_index": int(table.episode[one.row]),
                "frame_index": int(table.frame_index[one.row]),
                "said": one.said,
                "label": one.true_words,
                **one.decisions,
                **{name: values[index] for name, values in found.per_moment.items() if "/" in name},
            }
            file.write(json.dumps(line) + "\n")
