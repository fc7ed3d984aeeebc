"""A model against what was driven: both heads, with and without pictures and reasoning, beside a blind baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.bootstrap import bootstrap_mean
from alpamayo_sim.model.driving_model import DrivingModel
from alpamayo_sim.policy.plan_decisions import plan_decisions
from alpamayo_sim.policy.sampling import SamplingConfig
from alpamayo_sim.policy.tokenizer import DrivingTokenizer
from alpamayo_sim.policy.unicycle import speed_now
from alpamayo_training.coc.label import CriticGrades
from alpamayo_training.openloop.agreement import agrees
from alpamayo_training.openloop.displacement import Displacement, constant_velocity, displacement
from alpamayo_training.openloop.sampling import CONDITIONS, FULL, Answers, Condition, Prompts, answers
from alpamayo_training.sft.batches import BatchMaker
from alpamayo_training.sft.frame_store import gather
from alpamayo_training.sft.sample_table import SampleTable
from alpamayo_training.sft.settings import Settings

_SHOWN = 12


@dataclass(frozen=True)
class EvaluationPlan:
    """What is looked at."""

    samples: int = 48
    """Moments, spread evenly over the split; 0 for no evaluation."""
    draws: int = 6
    """Samples of the model at each."""
    conditions: tuple[str, ...] = ("full", "blank_pictures")
    tokens: bool = True
    """Look at the token head too."""
    max_words: int = 80
    """Reasoning tokens after which the model is cut short."""
    temperature: float = 0.6
    top_p: float = 0.98
    batch: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        known = [one.name for one in CONDITIONS]
        unknown = [name for name in self.conditions if name not in known]
        if unknown or FULL.name not in self.conditions:
            raise InputError(
                f"an evaluation has conditions of {', '.join(known)}, {FULL.name} among them; found "
                f"{', '.join(self.conditions)}"
            )
        if self.samples < 0 or self.draws < 1 or self.batch < 1:
            raise InputError("an evaluation has 0 moments or more, and one draw and a batch of one at least")

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> EvaluationPlan:
        """Return the plan that `asdict` wrote."""
        content: dict[str, Any] = {**stored, "conditions": tuple(stored["conditions"])}
        return cls(**content)


class Grader(Protocol):
    """Grades words about moments of drives."""

    def grade(self, episode_index: int, frame_index: int, words: str) -> CriticGrades | None:
        """Return the grades of words said at a frame; None where nothing is known of it."""
        ...


@dataclass(frozen=True)
class Evaluated:
    """One moment under the condition `full`."""

    row: int
    """Of the table."""
    flow: NDArray[np.float64]
    """[K, 64, 3] x, y, heading."""
    tokens: NDArray[np.float64] | None
    nearest: int
    said: str
    """By the first sample, which is the one that would drive."""
    true_words: str
    decisions: Mapping[str, str]
    """Of the first sample's plan."""


@dataclass(frozen=True)
class Evaluation:
    """Figures, and the moments that they are made of."""

    figures: dict[str, float]
    samples: tuple[Evaluated, ...]
    draws: int
    """Samples of the model at each moment: the 6 of minADE_6."""
    per_moment: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def describe(self) -> str:
        """Return the figures as lines of a table."""
        best = f"min_ade_{self.draws}"
        rows = [name.removesuffix(f"/{best}_m") for name in self.figures if name.endswith(f"/{best}_m")]
        title = f"minADE_{self.draws} @6.4 s"
        lines = [f"  {'':<26}{title:>20}{'@3 s':>8}{'ADE':>8}{'corners':>9}{'final':>8}"]
        for name in rows:
            own = {
                key.removeprefix(f"{name}/"): value for key, value in self.figures.items() if key.startswith(f"{name}/")
            }
            first = f"{own[f'{best}_m']:.2f} ({own[f'{best}_low_m']:.2f}-{own[f'{best}_high_m']:.2f})"
            lines.append(
                f"  {name:<26}{first:>20}{own[f'{best}_at_3_s_m']:>8.2f}{own['ade_m']:>8.2f}{own['corner_m']:>9.2f}"
                f"{own['final_m']:>8.2f}"
            )
        others = {name: value for name, value in self.figures.items() if "/" not in name}
        lines.append("  " + ", ".join(f"{name} {value:.3g}" for name, value in others.items()))
        return "\n".join(lines)


class Evaluator:
    """Evaluates a model on a table."""

    def __init__(
        self,
        model: DrivingModel,
        tokenizer: DrivingTokenizer,
        table: SampleTable,
        plan: EvaluationPlan,
        grader: Grader | None = None,
    ) -> None:
        self._grader = grader
        self.model, self.tokenizer, self.table, self.plan = model, tokenizer, table, plan
        self._maker = BatchMaker(table, model.config, tokenizer, Settings(disturb_pictures=0.0))

    def evaluate(self, rows: NDArray[np.int64]) -> Evaluation:
        """Return the figures over some of the rows; the model is left in the mode it was in."""
        was_training = self.model.training
        self.model.eval()
        chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(self.plan.samples, len(rows))).round().astype(int))]
        lists: dict[str, list[float]] = {}
        shown: list[Evaluated] = []
        for condition in CONDITIONS:
            if condition.name in self.plan.conditions:
                self._condition(condition, chosen, lists, shown)
        for row in chosen.tolist():
            history, turned = self.table.history_xyz[row], self.table.history_rotation[row]
            path = constant_velocity(speed_now(history, turned), self.table.future_xyz.shape[1])[None]
            self._add(lists, "constant_velocity", displacement(path, np.zeros(path.shape[:2]), self._truth(row)))
        self.model.train(was_training)
        return Evaluation(
            _figures(lists, self.table.episode[chosen].tolist(), self.plan.draws, self.plan.seed),
            tuple(shown),
            self.plan.draws,
            lists,
        )

    def _condition(
        self, condition: Condition, chosen: NDArray[np.int64], lists: dict[str, list[float]], shown: list[Evaluated]
    ) -> None:
        for first in range(0, len(chosen), self.plan.batch):
            rows = chosen[first : first + self.plan.batch]
            found = self._answers(condition, rows, chosen)
            for index, row in enumerate(rows.tolist()):
                flow = found.flow[index]
                errors = displacement(flow[..., :2], flow[..., 2], self._truth(row))
                self._add(lists, f"{condition.name}/flow", errors)
                if found.tokens is not None:
                    discrete = found.tokens[index]
                    self._add(
                        lists,
                        f"{condition.name}/tokens",
                        displacement(discrete[..., :2], discrete[..., 2], self._truth(row)),
                    )
                if condition is FULL:
                    shown.append(self._look(found, index, row, errors, lists))

    def _look(
        self, found: Answers, index: int, row: int, errors: Displacement, lists: dict[str, list[float]]
    ) -> Evaluated:
        """Return what is to be shown of a moment, and count its words."""
        plan = np.concatenate([found.flow[index][0][:, :2], np.zeros((found.flow.shape[2], 1))], axis=1)
        decisions = plan_decisions(plan)
        said, true = found.said[index][0], self.table.reasoning[row]
        lists.setdefault("reasoning_ended_share", []).append(float(found.ended[index].mean()))
        lists.setdefault("reasoning_exact_share", []).append(float(said == true))
        if (both := agrees(said, plan)) is not None:
            lists.setdefault("consistency_share", []).append(float(both.both))
            lists.setdefault("consistency_longitudinal_share", []).append(float(both.longitudinal))
            lists.setdefault("consistency_lateral_share", []).append(float(both.lateral))
        if (same := agrees(true, plan)) is not None:
            lists.setdefault("label_consistency_share", []).append(float(same.both))
        if self._grader is not None:
            self._grade(row, said, lists)
        tokens = None if found.tokens is None else found.tokens[index]
        return Evaluated(row, found.flow[index], tokens, errors.nearest, said, true, decisions)

    def _grade(self, row: int, said: str, lists: dict[str, list[float]]) -> None:
        assert self._grader is not None
        grades = self._grader.grade(int(self.table.episode[row]), int(self.table.frame_index[row]), said)
        if grades is not None:
            lists.setdefault("reasoning_grade_behaviour", []).append(grades.behaviour_consistency)
            lists.setdefault("reasoning_grade_causal", []).append(grades.causal_quality)

    def _answers(self, condition: Condition, rows: NDArray[np.int64], chosen: NDArray[np.int64]) -> Answers:
        others = _others(rows, chosen)
        pictures = others if condition.pictures == "others" else rows
        speakers = others if condition.words == "others" else rows
        prompts = Prompts(
            [self._maker.prompt(int(row)) for row in rows],
            gather(self.table, pictures),
            self.table.history_xyz[rows],
            self.table.history_rotation[rows],
            [self.table.reasoning[row] for row in speakers.tolist()],
        )
        plan = self.plan
        config = SamplingConfig(
            temperature=plan.temperature, top_p=plan.top_p, max_reasoning_tokens=plan.max_words, use_tokens=plan.tokens
        )
        seeds = [
            [int(np.random.SeedSequence([plan.seed, row, draw]).generate_state(1)[0]) for draw in range(plan.draws)]
            for row in rows.tolist()
        ]
        return answers(self.model, self.tokenizer, prompts, condition, config, seeds)

    def _truth(self, row: int) -> NDArray[np.float64]:
        return self.table.future_xyz[row][:, :2]

    def _add(self, lists: dict[str, list[float]], name: str, errors: Displacement) -> None:
        best = f"min_ade_{self.plan.draws}"
        for key, value in (
            (f"{best}_m", errors.min_ade_m[6.4]),
            (f"{best}_at_1_s_m", errors.min_ade_m[1.0]),
            (f"{best}_at_3_s_m", errors.min_ade_m[3.0]),
            (f"{best}_repicked_at_3_s_m", errors.repicked_m[3.0]),
            ("ade_m", errors.ade_m),
            ("corner_m", errors.corner_m),
            ("final_m", errors.final_m),
        ):
            lists.setdefault(f"{name}/{key}", []).append(value)


def _others(rows: NDArray[np.int64], chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each row another one, half of the list away, so that neighbours in time are not taken for others."""
    places = np.searchsorted(chosen, rows)
    return chosen[(places + len(chosen) // 2) % len(chosen)]


def _figures(lists: Mapping[str, Sequence[float]], episodes: Sequence[int], draws: int, seed: int) -> dict[str, float]:
    """Return the means; of minADE_6 with the 95 % interval over drives and, within them, moments."""
    figures: dict[str, float] = {}
    for name, values in lists.items():
        figures[name] = float(np.mean(values))
        if name.endswith(f"/min_ade_{draws}_m"):
            by_drive: dict[int, list[float]] = {}
            for episode, value in zip(episodes, values, strict=True):
                by_drive.setdefault(episode, []).append(value)
            own = np.random.default_rng(seed)
            interval = bootstrap_mean(list(by_drive.values()), rng=own, resamples=2000)
            base = name.removesuffix("_m")
            figures |= {f"{base}_low_m": interval.low, f"{base}_high_m": interval.high}
    figures["moments"] = float(len(episodes))
    return figures


def autocast_of(model: DrivingModel) -> torch.autocast:
    """Return bfloat16 products on a GPU, nothing on a CPU."""
    return torch.autocast(model.device.type, torch.bfloat16, enabled=model.device.type == "cuda")
